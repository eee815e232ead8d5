"""Writes files.json: in which order the real oslo.config reads files and directories.

Run with Debian 12's python3-oslo.config (1:9.0.0-3): /usr/bin/python3 generate_files.py > files.json
Each file of a case says its own name; "order" is what oslo.config read, first to last. A case without it is refused.
"default.conf" stands for the file that is read without --config-file.
"""

import json
import os
import tempfile

from oslo_config import cfg

CASES = {
    'nothing': ([], []),
    'the default': (['default.conf'], []),
    'a file instead of the default': (['default.conf', 'a.conf'], ['--config-file=a.conf']),
    'two files': (['a.conf', 'b.conf'], ['--config-file=b.conf', '--config-file=a.conf']),
    'a file twice': (['a.conf', 'b.conf'], ['--config-file=a.conf', '--config-file=b.conf', '--config-file=a.conf']),
    'a directory': (['d/2.conf', 'd/10.conf', 'd/B.conf', 'd/a.conf'], ['--config-dir=d']),
    'a directory after the default': (['default.conf', 'd/1.conf'], ['--config-dir=d']),
    'a directory after a file': (['a.conf', 'd/1.conf'], ['--config-file=a.conf', '--config-dir=d']),
    'a directory before a file': (['a.conf', 'd/1.conf'], ['--config-dir=d', '--config-file=a.conf']),
    'two directories': (['d/1.conf', 'e/0.conf'], ['--config-dir=d', '--config-dir=e']),
    'an empty directory': (['d/x'], ['--config-dir=d']),
    'other endings': (['d/1.conf', 'd/2.conf.orig', 'd/3.CONF', 'd/4.ini', 'd/.5.conf', 'd/6.conf~'], ['--config-dir=d']),
    'a directory inside': (['d/1.conf', 'd/e/2.conf'], ['--config-dir=d']),
    'no such directory': ([], ['--config-dir=d']),
    'no such file': ([], ['--config-file=a.conf']),
}


def order_of(files, args):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for file in files:
            os.makedirs(os.path.dirname(file) or '.', exist_ok=True)
            with open(file, 'w') as stream:
                stream.write(f'[df]\nread = {file}\n')
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.MultiStrOpt('read', default=[]), group='df')
        defaults = [file for file in ['default.conf'] if file in files]
        conf(args, project='x', default_config_files=defaults, default_config_dirs=[])
        return list(conf.df.read)


def case(name, files, args):
    result = {'name': name, 'files': files, 'args': args}
    try:
        result['order'] = order_of(files, args)
    except cfg.Error:
        pass
    return result


rows = [json.dumps(case(name, *parts)) for name, parts in CASES.items()]
print('[\n' + ',\n'.join(rows) + '\n]')
