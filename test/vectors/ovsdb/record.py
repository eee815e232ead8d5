"""Writes session.json: what a real ovsdb-server says to a monitor and to transactions, byte for byte.

Run with Open vSwitch 3.1.0 (Debian 12): python3 record.py > session.json
It starts an ovsdb-server of its own in a temporary folder. There is no ovs-vswitchd: what that would write (ofport,
admin_state, mac_in_use, datapath_id) is written by hand. `bytes` is base64 of the whole stream after the first request;
`shown` is what ovs-vsctl says of the bridge's ports at the end.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

COLUMNS = {
    'Open_vSwitch': ['bridges', 'cur_cfg', 'next_cfg'],
    'Bridge': ['name', 'ports', 'controller', 'fail_mode', 'datapath_id', 'datapath_type', 'protocols', 'other_config'],
    'Port': ['name', 'interfaces'],
    'Interface': ['name', 'type', 'ofport', 'admin_state', 'mac_in_use', 'external_ids', 'options'],
    'Controller': ['target', 'max_backoff', 'inactivity_probe', 'controller_queue_size', 'controller_rate_limit',
                   'controller_burst_limit', 'status'],
}

with tempfile.TemporaryDirectory() as folder:
    database, path = os.path.join(folder, 'conf.db'), os.path.join(folder, 'db.sock')
    subprocess.run(['ovsdb-tool', 'create', database, '/usr/share/openvswitch/vswitch.ovsschema'], check=True)
    server = subprocess.Popen(['ovsdb-server', database, f'--remote=punix:{path}', f'--unixctl={folder}/ctl', '--log-file=/dev/null'],
                              env={**os.environ, 'OVS_RUNDIR': folder}, stderr=subprocess.DEVNULL)
    while not os.path.exists(path):
        time.sleep(0.05)

    def vsctl(*args):
        return subprocess.run(['ovs-vsctl', f'--db=unix:{path}', '--no-wait', *args], check=True, capture_output=True, text=True).stdout

    try:
        vsctl('init')
        vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev', 'fail_mode=secure',
              'protocols=OpenFlow10,OpenFlow13', 'datapath_id=0000c2a57dc7ca49',
              '--', 'set-controller', 'br-int', 'tcp:127.0.0.1:6633', '--', 'set', 'interface', 'br-int', 'ofport=65534')
        vsctl('add-br', 'br-ex', '--', 'add-port', 'br-ex', 'elsewhere', '--', 'set', 'interface', 'elsewhere',
              'external_ids:iface-id=not-ours', 'ofport=1')
        vsctl('add-port', 'br-int', 'tap-a', '--', 'set', 'interface', 'tap-a', 'external_ids:iface-id=port-a',
              'external_ids:attached-mac=fa:16:3e:00:00:02', 'ofport=11', 'admin_state=up', 'mac_in_use="fe:16:3e:00:00:02"')

        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        recorded = bytearray()

        def receive():
            client.settimeout(0.5)
            try:
                while True:
                    data = client.recv(65536)
                    if not data:
                        break
                    recorded.extend(data)
            except TimeoutError:
                pass

        def request(number, method, params):
            client.sendall(json.dumps({'id': number, 'method': method, 'params': params}).encode())
            receive()

        request(1, 'monitor', ['Open_vSwitch', None, {table: {'columns': columns} for table, columns in COLUMNS.items()}])
        for command in [
            ['add-port', 'br-int', 'tap-b', '--', 'set', 'interface', 'tap-b', 'external_ids:iface-id=port-b'],
            ['set', 'interface', 'tap-b', 'ofport=12', 'admin_state=up', 'external_ids:vm-name="Zürich 端口 🙂 \\"q\\" {["'],
            ['add-port', 'br-int', 'patch-x', '--', 'set', 'interface', 'patch-x', 'type=patch', 'options:peer=patch-y'],
            ['add-port', 'br-int', 'vxlan-1', '--', 'set', 'interface', 'vxlan-1', 'type=vxlan', 'options:remote_ip=192.0.2.1', 'ofport=20'],
            ['add-port', 'br-int', 'qg-gateway', '--', 'set', 'interface', 'qg-gateway', 'external_ids:iface-id=gateway', 'ofport=21'],
            ['add-port', 'br-int', 'library', '--', 'set', 'interface', 'library', 'type=internal', 'ofport=22'],
            ['set', 'interface', 'patch-x', 'ofport=-1'],
            ['del-port', 'br-int', 'tap-a'],
            ['del-br', 'br-ex'],
            ['set', 'bridge', 'br-int', 'other-config:disable-in-band=true'],
            ['set', 'interface', 'tap-b', 'ofport=13'],
        ]:
            vsctl(*command)
            receive()
        request(2, 'transact', ['Open_vSwitch', {'op': 'select', 'table': 'Bridge', 'where': [], 'columns': ['name', 'fail_mode']}])
        request(3, 'transact', ['Open_vSwitch', {'op': 'insert', 'table': 'Nowhere', 'row': {}}, {'op': 'comment', 'comment': 'not reached'}])
        request(4, 'transact', ['Open_vSwitch', {'op': 'wait', 'table': 'Bridge', 'where': [], 'columns': ['name'], 'until': '==', 'rows': [], 'timeout': 0}])
        request(5, 'transact', ['Open_vSwitch', {'op': 'insert', 'table': 'Bridge', 'row': {'name': 'br-int'}}])
        request(6, 'transact', ['Nothing'])
        request(7, 'echo', ['a'])
        shown = json.loads(vsctl('--format=json', '--columns=name,type,ofport,external_ids,options', 'list', 'Interface'))
        ports = vsctl('list-ports', 'br-int').split()
    finally:
        server.terminate()
        server.wait()

json.dump({'from': 'ovsdb-server 3.1.0', 'bytes': base64.b64encode(recorded).decode(), 'ports': ports, 'interfaces': shown}, sys.stdout)
sys.stdout.write('\n')
