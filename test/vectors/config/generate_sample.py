"""Writes sample.json: what the real oslo.config reads from a sample with every option uncommented.

Run with Debian 12's python3-oslo.config (1:9.0.0-3): /usr/bin/python3 generate_sample.py < SAMPLE > sample.json
SAMPLE is the text that test/config/sample.test.ts makes of its fixture, where the options are declared once more.
"""

import json
import sys
import tempfile

from oslo_config import cfg

OPTIONS = {
    'DEFAULT': [cfg.StrOpt('host'), cfg.StrOpt('domain')],
    'df': [
        cfg.StrOpt('text'),
        cfg.StrOpt('quotes'),
        cfg.StrOpt('quote'),
        cfg.StrOpt('apostrophe'),
        cfg.StrOpt('blanks'),
        cfg.StrOpt('reference'),
        cfg.BoolOpt('flag'),
        cfg.IntOpt('number', min=1, max=511),
        cfg.ListOpt('items'),
        cfg.ListOpt('none'),
        cfg.StrOpt('mode', choices=['slow', 'fast', 'warp']),
        cfg.StrOpt('listen'),
    ],
}

sample = sys.stdin.read()
with tempfile.NamedTemporaryFile('w', suffix='.conf') as stream:
    stream.write(sample)
    stream.flush()
    conf = cfg.ConfigOpts()
    for section, options in OPTIONS.items():
        conf.register_opts(options, group=None if section == 'DEFAULT' else section)
    conf(['--config-file', stream.name], project='x')
    groups = {section: conf if section == 'DEFAULT' else conf[section] for section in OPTIONS}
    values = {
        section: {option.dest: groups[section][option.dest] for option in options}
        for section, options in OPTIONS.items()
    }
print(json.dumps({'sample': sample, 'values': values}, indent=1))
