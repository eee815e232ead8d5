#!/usr/bin/python3
"""Records conversations.jsonl: whole DHCP conversations of real clients with dnsmasq. Run as root:
  python3 test/vectors/dhcp/record.py > test/vectors/dhcp/conversations.jsonl
Two namespaces of its own, joined by a veth pair without checksum offload; dnsmasq is told what Neutron's agent tells it.
Transaction ids and times differ from run to run. A line is one frame: what was done, by whom, the side that sent it."""
import json, os, re, shutil, signal, struct, subprocess, sys, tempfile, time

client, server = f'dhcprec-c-{os.getpid()}', f'dhcprec-s-{os.getpid()}'
folder = tempfile.mkdtemp(prefix='dhcp-record-')
path = lambda name: os.path.join(folder, name)
os.environ['PATH'] += ':/usr/sbin:/sbin'


def run(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, text=True, **more).stdout


def inside(namespace, *args, **more):
    return subprocess.Popen(['ip', 'netns', 'exec', namespace, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def write(name, text, mode=0o644):
    with open(path(name), 'w') as file:
        file.write(text)
    os.chmod(path(name), mode)
    return path(name)


def frames(pcap):
    with open(pcap, 'rb') as file:
        data = file.read()
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from('<I', data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def until(done, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not done():
        time.sleep(0.05)


def serving(*more):
    args = ['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--bind-interfaces', '--interface=rec-s',
            '--dhcp-authoritative', '--dhcp-range=10.0.0.0,static,255.255.255.0,86400s', f'--dhcp-leasefile={path("leases")}',
            '--dhcp-host=fa:16:3e:00:00:01,web,10.0.0.11', '--domain=red.example.org', '--dhcp-option-force=option:mtu,1450',
            '--dhcp-option=option:dns-server,198.51.100.53,198.51.100.54', '--dhcp-option=option:domain-search,red.example.org,example.net',
            '--dhcp-option=option:router,10.0.0.1', '--pid-file=',
            '--dhcp-option=option:classless-static-route,192.0.2.0/25,10.0.0.254,169.254.169.254/32,0.0.0.0,0.0.0.0/0,10.0.0.1', *more]
    process = inside(server, *args)
    time.sleep(0.4)
    return process


script = write('script', '''#!/bin/sh
[ "$1" = bound ] && ip addr replace "$ip/24" dev rec-c && touch %s
exit 0
''' % path('bound'), 0o755)
dhclient_conf = write('dhclient.conf', '''option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
timeout 10;
send host-name = gethostname();
request subnet-mask, broadcast-address, time-offset, routers, domain-name, domain-name-servers, domain-search, host-name,
  interface-mtu, rfc3442-classless-static-routes, ntp-servers;
''')
dhclient_script = write('dhclient-script', '''#!/bin/sh
case "$reason" in BOUND|REBOOT) ip addr replace "$new_ip_address/24" dev rec-c; touch %s;; esac
exit 0
''' % path('bound'), 0o755)


class Watch:
    def __init__(self, text, source):
        self.text, self.source = text, source
        self.pcap = path('capture.pcap')
        self.process = subprocess.Popen(['ip', 'netns', 'exec', server, 'tcpdump', '-Z', 'root', '--immediate-mode', '-U', '-ni', 'rec-s',
                                         '-w', self.pcap, 'udp port 67'], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        while b'listening' not in self.process.stderr.readline():
            pass

    def seen(self, *kinds):
        return all(any(kind_of(frame) == kind for frame in frames(self.pcap)) for kind in kinds)

    def done(self):
        time.sleep(0.2)
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        for frame in frames(self.pcap):
            side = 'client' if frame[34:36] == b'\0D' else 'server'
            print(json.dumps({'text': f'{self.text}: {kind_of(frame)}', 'side': side, 'hex': frame.hex(),
                              'from': self.source if side == 'client' else dnsmasq_version}))
        if os.path.exists(path('bound')):
            os.unlink(path('bound'))
        subprocess.run(['ip', '-n', client, 'address', 'flush', 'dev', 'rec-c'])


kinds = ['', 'DISCOVER', 'OFFER', 'REQUEST', 'DECLINE', 'ACK', 'NAK', 'RELEASE', 'INFORM']


def kind_of(frame):
    at = 42 + 240
    while at < len(frame) and frame[at] != 255:
        if frame[at] == 0:
            at += 1
        elif frame[at] == 53:
            return kinds[frame[at + 2]]
        else:
            at += 2 + frame[at + 1]
    return 'BOOTP'


def stop(*processes):
    for process in processes:
        process.terminate()
        process.wait()


bound = lambda: os.path.exists(path('bound'))
udhcpc = lambda *more: inside(client, 'busybox', 'udhcpc', '-f', '-i', 'rec-c', '-s', script, '-t', '3', '-T', '1', *more)
dhclient = lambda leases, *more: inside(client, 'dhclient', '-4', '-d', '-cf', dhclient_conf, '-sf', dhclient_script,
                                        '-lf', path(leases), '-pf', path('pid'), *more, 'rec-c')
dnsmasq_version = 'dnsmasq ' + re.search(r'version (\S+)', run('dnsmasq', '--version')).group(1)
busybox_version = 'busybox udhcpc ' + re.search(r'v(\S+)', run('busybox')).group(1)
dhclient_version = subprocess.run(['dhclient', '--version'], capture_output=True, text=True).stderr.strip().replace('-dhclient-', '-dhclient ')


def once(text, *more):
    watch = Watch(text, busybox_version)
    process = udhcpc('-q', '-n', *more)
    process.wait(15)
    watch.done()


def bootp(op=1, options=b'', ciaddr='0.0.0.0', flags=0):
    ip = bytes(map(int, ciaddr.split('.')))
    return (bytes([op, 1, 6, 0]) + b'\x12\x34\x56\x78' + struct.pack('>HH', 0, flags) + ip + bytes(12) + bytes.fromhex('fa163e000001')
            + bytes(10 + 64 + 128) + b'\x63\x82\x53\x63' + options + b'\xff')


# Whoever asks for 10.0.0.11 is told that somebody has it.
claim = '''
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x806))
s.bind(('rec-s', 0))
mine, taken = bytes.fromhex('020000000099'), bytes([10, 0, 0, 11])
while True:
    frame = s.recv(100)
    if frame[20:22] == b'\\0\\1' and frame[38:42] == taken:
        s.send(frame[6:12] + mine + frame[12:20] + b'\\0\\2' + mine + taken + frame[22:32])
'''
send = '''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.bind(('', 68))
s.sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], 67))
'''

try:
    for namespace in (client, server):
        run('ip', 'netns', 'add', namespace)
    run('ip', '-n', client, 'link', 'add', 'rec-c', 'address', 'fa:16:3e:00:00:01', 'type', 'veth', 'peer', 'name', 'rec-s',
        'netns', server, 'address', 'fa:16:3e:00:00:fe')
    run('ip', '-n', server, 'address', 'add', '10.0.0.2/24', 'dev', 'rec-s')
    for namespace, device in ((client, 'rec-c'), (server, 'rec-s')):
        run('ip', 'netns', 'exec', namespace, 'ethtool', '-K', device, 'tx', 'off')
        run('ip', '-n', namespace, 'link', 'set', device, 'up')
        run('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
    time.sleep(0.5)
    dnsmasq = serving()
    once('plain udhcpc')
    once('udhcpc that asks for the search list and routes', '-O', 'search', '-O', 'staticroutes', '-O', 'mtu')
    once('udhcpc with the broadcast flag', '-B')
    once('udhcpc without a client id', '-C')
    once('udhcpc that would like 10.0.0.77', '-r', '10.0.0.77')

    watch = Watch('udhcpc that renews and releases', busybox_version)
    process = udhcpc('-O', 'search')
    until(bound)
    time.sleep(0.3)
    process.send_signal(signal.SIGUSR1)
    time.sleep(1)
    process.send_signal(signal.SIGUSR2)
    time.sleep(0.5)
    stop(process)
    watch.done()

    neighbour = inside(server, 'python3', '-c', claim)
    time.sleep(0.3)
    watch = Watch('udhcpc that finds the address taken', busybox_version)
    process = udhcpc('-a')
    until(lambda: watch.seen('DECLINE'))
    stop(process, neighbour)
    watch.done()
    stop(dnsmasq)
    os.unlink(path('leases'))  # dnsmasq remembers what was declined

    dnsmasq = serving('--dhcp-option=58,3', '--dhcp-option=59,5')
    watch = Watch('dhclient, its server then gone', dhclient_version)
    process = dhclient('a.leases')
    until(bound)
    stop(dnsmasq)
    time.sleep(9)
    stop(process)
    watch.done()

    dnsmasq = serving()
    watch = Watch('dhclient that comes back', dhclient_version)
    process = dhclient('a.leases')
    until(bound)
    stop(process)
    watch.done()
    watch = Watch('dhclient that comes back to another network', dhclient_version)
    with open(path('b.leases'), 'w') as file, open(path('a.leases')) as old:
        file.write(old.read().replace('10.0.0.11', '192.168.7.11'))
    process = dhclient('b.leases')
    until(bound)
    stop(process)
    watch.done()
    watch = Watch('dhclient that releases', dhclient_version)
    process = dhclient('a.leases')
    until(bound)
    stop(process)
    inside(client, 'dhclient', '-4', '-r', '-d', '-cf', dhclient_conf, '-sf', dhclient_script, '-lf', path('a.leases'),
           '-pf', path('pid'), 'rec-c').wait(10)
    watch.done()

    run('ip', '-n', client, 'address', 'add', '10.0.0.11/24', 'dev', 'rec-c')
    watch = Watch('a message of one', 'Python sockets')
    inform = bootp(options=bytes.fromhex('3501083703010f06'), ciaddr='10.0.0.11')
    inside(client, 'python3', '-c', send, inform.hex(), '10.0.0.2').wait(5)
    watch.done()
    stop(dnsmasq)
finally:
    for namespace in (client, server):
        subprocess.run(['ip', 'netns', 'del', namespace])
    shutil.rmtree(folder)
