"""Writes oslo.json: what the real oslo.config makes of small files.

Run with Debian 12's python3-oslo.config (1:9.0.0-3): /usr/bin/python3 generate.py > oslo.json
The options are declared once more in test/config/load.test.ts. A case without "values" is refused by oslo.config;
options that it refuses when they are read count too, because df-local-controller reads all of them at its start.
"""

import json
import os
import tempfile

from oslo_config import cfg

CASES = {
    'nothing': [''],
    'equals sign': ['[df]\ntext = a\n'],
    'colon': ['[df]\ntext: a\n'],
    'the first of both separators counts': ['[df]\ntext: a=b\n'],
    'and the other way round': ['[df]\ntext = a:b\n'],
    'no blanks': ['[df]\ntext=a\n'],
    'no line feed at the end': ['[df]\ntext=a'],
    'DOS line ends': ['[df]\r\ntext = a\r\nnumber = 7\r\n'],
    'a hash inside a value': ['[df]\ntext = a # b\n'],
    'a semicolon inside a value': ['[df]\ntext = a ; b\n'],
    'comments': ['# one\n; two\n[df]\n#text = b\ntext = a\n;text = c\n'],
    'blanks inside a value': ['[df]\ntext =   a  b   \n'],
    'double quotes': ['[df]\ntext = "  a "\n'],
    'single quotes': ["[df]\ntext = ' a'\n"],
    'quotes that do not match': ['[df]\ntext = "a\'\n'],
    'a lone quote': ['[df]\ntext = "\n'],
    'quotes inside': ['[df]\ntext = a "b" c\n'],
    'quotes over two lines stay': ['[df]\ntext = "a\n  b"\n'],
    'an empty value': ['[df]\ntext =\n'],
    'continued': ['[df]\ntext = a\n  b\n\tc\n'],
    'continued after nothing': ['[df]\ntext =\n  a\n'],
    'an indented hash continues': ['[df]\ntext = a\n  # b\n'],
    'a blank line ends a value': ['[df]\ntext = a\n\nnumber = 7\n'],
    'a continuation after a blank line': ['[df]\ntext = a\n\n  b\n'],
    'a continuation after a comment': ['[df]\ntext = a\n# c\n  b\n'],
    'a continuation after a section': ['[df]\n  b\n'],
    'the last of two': ['[df]\ntext = a\ntext = b\n'],
    'a section twice': ['[df]\ntext = a\n[DEFAULT]\nhost = h\n[df]\nnumber = 7\n'],
    'a section in capitals': ['[DF]\ntext = a\n'],
    'default in small letters is another section': ['[default]\nhost = h\n'],
    'names in capitals are other names': ['[df]\nTEXT = a\n'],
    'foreign sections and options': ['[agent]\nx = 1\n[df]\nforeign = 2\ntext = a\n'],
    'before any section': ['text = a\n'],
    'no separator': ['[df]\ntext\n'],
    'no name': ['[df]\n= a\n'],
    'a section without its end': ['[df\ntext = a\n'],
    'a section with a comment': ['[df] # ours\ntext = a\n'],
    'a section without a name': ['[]\ntext = a\n'],
    'a second file overrides': ['[df]\ntext = a\nnumber = 7\n', '[df]\ntext = b\n'],
    'a second file overrides with nothing': ['[df]\nitems = a,b\n', '[df]\nitems =\n'],
    'a reference into the second file': ['[df]\ntext = on $host\n', '[DEFAULT]\nhost = node-2\n'],
    'a reference': ['[DEFAULT]\nhost = h\n[df]\ntext = $host\n'],
    'a reference in braces': ['[DEFAULT]\nhost = h\n[df]\ntext = x${host}y\n'],
    'its own section first': ['[DEFAULT]\nboth = outer\n[df]\nboth = inner\ntext = $both\n'],
    'a section and a name': ['[DEFAULT]\ndns_domain = ${df.text}\n[df]\ntext = a\n'],
    'a reference to a default': ['[df]\ntext = $host\n'],
    'a reference to a number': ['[df]\nnumber = 7\ntext = $number\n'],
    'references in a list': ['[DEFAULT]\nhost = h\n[df]\nitems = $host, x$host,y\n'],
    'a reference to a reference': ['[DEFAULT]\nhost = h\ndns_domain = $host\n[df]\ntext = $dns_domain\n'],
    'a number by reference': ['[DEFAULT]\ndns_domain = 7\n[df]\nnumber = $dns_domain\n'],
    'two dollar signs': ['[df]\ntext = a$$b\n'],
    'a dollar sign behind a backslash': ['[df]\ntext = a\\$host\n'],
    'a dollar sign alone': ['[df]\ntext = a $ 5$ $1\n'],
    'a brace that is not closed': ['[df]\ntext = ${host\n'],
    'a reference to nothing': ['[df]\ntext = $nothing\n'],
    'a reference that takes the dot with it': ['[df]\ntext = $host.example.org\n'],
    'a reference to itself': ['[df]\ntext = $text\n'],
    'references in a circle': ['[DEFAULT]\nhost = $dns_domain\ndns_domain = $host\n[df]\ntext = $host\n'],
    'a list': ['[df]\nitems = a,b , c\n'],
    'a list over lines': ['[df]\nitems = a,\n  b,\n  c\n'],
    'a list with a comma at its end': ['[df]\nitems = a,b,\n'],
    'a list with an empty item': ['[df]\nitems = a,,b\n'],
    'a list that begins with a comma': ['[df]\nitems = ,a\n'],
    'a list of commas': ['[df]\nitems = ,,\n'],
    'an empty list': ['[df]\nitems =\n'],
    'quotes in a list': ['[df]\nitems = "a,b",c\n'],
    'a default with a reference': ['[DEFAULT]\nhost = h\n'],
    **{f'boolean {word}': [f'[df]\nflag = {word}\n'] for word in
       ['true', 'True', 'TRUE', '1', 'yes', 'on', 'On', 'false', 'False', '0', 'no', 'off', 'OFF', 'y', 'n', '2', '', 'none']},
    **{f'number {word}': [f'[df]\nnumber = {word}\n'] for word in
       ['1', '511', '0', '512', '-1', '+7', '007', '1_0', '1__0', '_1', '0x10', '1.0', '1e2', '7s', 'seven']},
    **{f'choice {word}': [f'[df]\nmode = {word}\n'] for word in ['fast', 'slow', 'Fast', 'medium', '']},
}


def options():
    conf = cfg.ConfigOpts()
    conf.register_opts([
        cfg.StrOpt('host', default='node-1'),
        cfg.StrOpt('dns_domain', default='openstacklocal'),
        cfg.StrOpt('both', default='neither'),
    ])
    conf.register_opts([
        cfg.StrOpt('text', default='t'),
        cfg.StrOpt('both', default='neither'),
        cfg.BoolOpt('flag', default=True),
        cfg.IntOpt('number', default=5, min=1, max=511),
        cfg.ListOpt('items', default=['p', '${host}-q']),
        cfg.StrOpt('mode', default='slow', choices=['slow', 'fast']),
    ], group='df')
    return conf


def values(paths):
    conf = options()
    conf([f'--config-file={path}' for path in paths], project='vectors')
    names = {'DEFAULT': ['host', 'dns_domain', 'both'], 'df': ['text', 'both', 'flag', 'number', 'items', 'mode']}
    return {section: {name: (conf if section == 'DEFAULT' else conf[section])[name] for name in of}
            for section, of in names.items()}


def case(name, texts):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f'{index}.conf') for index in range(len(texts))]
        for path, text in zip(paths, texts):
            with open(path, 'w', newline='') as file:
                file.write(text)
        try:
            return {'name': name, 'files': texts, 'values': values(paths)}
        except (Exception, SystemExit):
            return {'name': name, 'files': texts}


print('[\n' + ',\n'.join(json.dumps(case(name, texts)) for name, texts in CASES.items()) + '\n]')
