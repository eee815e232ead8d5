"""
Records odd.jsonl: frames that guests may send to port 53 and that are odd in one way each, made by real tools and by
Python's sockets. Run as root:

    python3 test/vectors/packets/record.py > test/vectors/packets/odd.jsonl

Two namespaces of its own, joined by a veth pair without offloads; nothing listens on port 53. Each row says what the
dns application has to make of its frames, asked by the port `web` of tenant red: that is written here by hand, from the
documents (architecture.md, the README of the application), never from what the application does.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

ASKER, SERVER = f"oddrec-a-{os.getpid()}", f"oddrec-s-{os.getpid()}"
QUERY = "123401000001000000000000" + "0377656203726564076578616d706c65036f726700" + "00010001"

SOCKETS = f"""
import socket, struct, sys
q = bytes.fromhex('{QUERY}')
def udp4(*options, to=('198.51.100.53', 53), data=q, kind=socket.SOCK_DGRAM, proto=0, bind=None):
    s = socket.socket(socket.AF_INET, kind, proto)
    for option in options: s.setsockopt(*option)
    if bind: s.bind(bind)
    s.sendto(data, to)
def udp6(*options, to=('2001:db8::53', 53), data=q):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for option in options: s.setsockopt(*option)
    s.sendto(data, to)
def total(data):
    data += bytes(len(data) % 2)
    n = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while n > 0xffff: n = (n & 0xffff) + (n >> 16)
    return n ^ 0xffff
def addresses(source, to):
    return b''.join(socket.inet_pton(socket.AF_INET6 if ':' in ip else socket.AF_INET, ip) for ip in (source, to))
def segment(source, to, data=q, sport=40000, dport=53, length=None, checksum=None):
    length = 8 + len(data) if length is None else length
    head = struct.pack('!HHHH', sport, dport, length, 0)
    if checksum is None: checksum = total(addresses(source, to) + struct.pack('!HH', 17, 8 + len(data)) + head + data) or 0xffff
    return struct.pack('!HHHH', sport, dport, length, checksum) + data
def v4(source='10.0.0.11', to='198.51.100.53', payload=None, first=0x45, length=None, flags=0x4000, proto=17, checksum=None, options=b'', **more):
    payload = segment(source, to, **more) if payload is None else payload
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack('!BBHHHBBH', first, 0, length, 1, flags, 64, proto, 0) + addresses(source, to)
    checksum = total(head + options) if checksum is None else checksum
    return head[:10] + struct.pack('!H', checksum) + head[12:] + options + payload
def v6(source='fd00:a::11', to='2001:db8::53', payload=None, word=0x60000000, length=None, proto=17, **more):
    payload = segment(source, to, **more) if payload is None else payload
    return struct.pack('!IHBB', word, len(payload) if length is None else length, proto, 64) + addresses(source, to) + payload
def frame(packet, to='fa163e0000fe', source='fa163e000001', kind=None, tags='', tail=b''):
    kind = kind or ('86dd' if packet[0] >> 4 == 6 else '0800')
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(('rec-a', 0))
    s.send(bytes.fromhex(to + source + tags + kind) + packet + tail)
"""

# name, expected verdict (of every frame), Python statement
PYTHON = [
    ("plain", "reply answer", "udp4()"),
    ("plain over IPv6", "reply answer", "udp6()"),
    ("TTL 1", "reply answer", "udp4((socket.IPPROTO_IP, socket.IP_TTL, 1))"),
    ("hop limit 1", "reply answer", "udp6((socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1))"),
    ("DSCP EF and ECN CE", "reply answer", "udp4((socket.IPPROTO_IP, socket.IP_TOS, 0xbb))"),
    ("traffic class 0xbb", "reply answer", "udp6((socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0xbb))"),
    ("no UDP checksum", "reply answer", "udp4((socket.SOL_SOCKET, 11, 1))"),
    ("source port 53", "reply answer", "udp4(bind=('10.0.0.11', 53))"),
    ("without don't fragment", "reply answer", "udp4((socket.IPPROTO_IP, 10, 0))"),
    ("option: router alert", "pass header", "udp4((socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex('94040000')))"),
    ("option: record route", "pass header", "udp4((socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex('01070704') + bytes(4)))"),
    ("option: timestamp", "pass header", "udp4((socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex('44080500') + bytes(4)))"),
    ("option: four no-operations", "pass header", "udp4((socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex('01010101')))"),
    ("fragments", "pass fragment", "udp4(data=q + bytes(1600))"),
    ("fragments over IPv6", "pass protocol", "udp6(data=q + bytes(1600))"),
    ("hop-by-hop options", "pass protocol", "udp6((socket.IPPROTO_IPV6, 54, bytes.fromhex('0000050200000100')))"),
    ("destination options", "pass protocol", "udp6((socket.IPPROTO_IPV6, 59, bytes.fromhex('0000010400000000')))"),
    ("UDP-Lite", "pass protocol", "udp4(kind=socket.SOCK_DGRAM, proto=136)"),
    ("limited broadcast", "pass destination", "udp4((socket.SOL_SOCKET, socket.SO_BROADCAST, 1), to=('255.255.255.255', 53))"),
    ("the subnet's broadcast", "pass destination", "udp4((socket.SOL_SOCKET, socket.SO_BROADCAST, 1), to=('10.0.0.255', 53))"),
    ("mDNS group, port 53", "pass destination", "udp4(to=('224.0.0.251', 53))"),
    ("mDNS group over IPv6, port 53", "pass destination", "udp6(to=('ff02::fb', 53, 0, socket.if_nametoindex('rec-a')))"),
    ("port 5353", "pass port", "udp4(to=('198.51.100.53', 5353))"),
    ("an empty datagram", "pass message", "udp4(data=b'')"),
    ("11 bytes", "pass message", "udp4(data=q[:11])"),
    ("64 KB in fragments", "pass fragment", "udp4(data=q + bytes(4000))"),
    ("a response", "pass response", "udp4(data=q[:2] + b'\\x81\\x80' + q[4:])"),
    ("a byte behind the question", "pass message", "udp4(data=q + b'\\0')"),
    ("two questions", "pass counts", "udp4(data=q[:5] + b'\\2' + q[6:] + q[12:])"),
    ("a pointer to itself", "pass name", "udp4(data=q[:12] + bytes.fromhex('c00c00010001'))"),
    ("a pointer forward", "pass name", "udp4(data=q[:12] + bytes.fromhex('c01200010001') + q[12:])"),
    ("a chain of pointers", "pass name", "udp4(data=q[:12] + bytes.fromhex('c00ec010c00c00010001'))"),
    ("a label of type 0x40", "pass name", "udp4(data=q[:12] + bytes.fromhex('416100') + q[-4:])"),
    ("a label of type 0x80", "pass name", "udp4(data=q[:12] + bytes.fromhex('816100') + q[-4:])"),
    ("a name without a root", "pass name", "udp4(data=q[:-5])"),
    ("a label beyond the message", "pass name", "udp4(data=q[:12] + bytes.fromhex('3f6162'))"),
    ("a name of 256 bytes", "pass name", "udp4(data=q[:12] + (b'\\x3f' + b'a' * 63) * 3 + b'\\x3e' + b'a' * 62 + b'\\0' + q[-4:])"),
    ("a NUL in a label", "pass odd-name", "udp4(data=q[:14] + b'\\0' + q[15:])"),
    ("a dot in a label", "pass odd-name", "udp4(data=q[:14] + b'.' + q[15:])"),
    ("65,535 additional records claimed", "pass additional", "udp4(data=q[:10] + b'\\xff\\xff' + q[12:])"),
    ("an OPT that claims 65,535 bytes", "pass message", "udp4(data=q[:11] + b'\\1' + q[12:] + bytes.fromhex('00002904d000000000ffff'))"),
    ("an option that claims 65,535 bytes", "pass additional", "udp4(data=q[:11] + b'\\1' + q[12:] + bytes.fromhex('00002904d0000000000004000affff'))"),
    ("an OPT with a pointer as owner", "pass additional", "udp4(data=q[:11] + b'\\1' + q[12:] + bytes.fromhex('c00c002904d0000000000000'))"),
    ("Ethernet padding", "reply answer", "frame(v4(), tail=bytes(8))"),
    ("bytes behind UDP, inside IP", "reply answer", "frame(v4(payload=segment('10.0.0.11', '198.51.100.53') + bytes(6)))"),
    ("an 802.1Q tag", "pass ethertype", "frame(v4(), tags='81000064')"),
    ("a priority tag", "pass ethertype", "frame(v4(), tags='8100a000')"),
    ("two tags", "pass ethertype", "frame(v4(), tags='88a8006481000065')"),
    ("LLC/SNAP", "pass ethertype", "frame(bytes.fromhex('aaaa030000000800') + v4(), kind='0059')"),
    ("MPLS", "pass ethertype", "frame(bytes.fromhex('00001140') + v4(), kind='8847')"),
    ("IPv6 announced as IPv4", "pass header", "frame(v6(), kind='0800')"),
    ("IPv4 announced as IPv6", "pass header", "frame(v4(), kind='86dd')"),
    ("an IPv4 header of 16 bytes", "pass header", "frame(v4(first=0x44))"),
    ("a wrong IPv4 header checksum", "pass checksum", "frame(v4(checksum=0xbeef))"),
    ("a total length beyond the frame", "pass length", "frame(v4(length=200))"),
    ("a total length inside the header", "pass length", "frame(v4(length=19))"),
    ("the reserved IPv4 flag", "pass fragment", "frame(v4(flags=0x8000))"),
    ("a first fragment", "pass fragment", "frame(v4(flags=0x2000))"),
    ("a later fragment", "pass fragment", "frame(v4(flags=0x0003))"),
    ("a UDP length beyond IP", "pass length", "frame(v4(length=None, payload=segment('10.0.0.11', '198.51.100.53', length=300)))"),
    ("a UDP length of 7", "pass length", "frame(v4(payload=segment('10.0.0.11', '198.51.100.53', length=7)))"),
    ("a UDP length of 0 over IPv6", "pass length", "frame(v6(payload=segment('fd00:a::11', '2001:db8::53', length=0)))"),
    ("a wrong UDP checksum", "pass checksum", "frame(v4(payload=segment('10.0.0.11', '198.51.100.53', checksum=0xbeef)))"),
    ("a wrong UDP checksum over IPv6", "pass checksum", "frame(v6(payload=segment('fd00:a::11', '2001:db8::53', checksum=0xbeef)))"),
    ("no UDP checksum over IPv6", "pass checksum", "frame(v6(payload=segment('fd00:a::11', '2001:db8::53', checksum=0)))"),
    ("an IPv6 jumbogram", "pass protocol", "frame(v6(length=0, proto=0, payload=bytes.fromhex('1100c20400000039') + segment('fd00:a::11', '2001:db8::53')))"),
    ("an IPv6 payload length beyond the frame", "pass length", "frame(v6(length=2000))"),
    ("a routing header", "pass protocol", "frame(v6(proto=43, payload=bytes.fromhex('1100000000000000') + segment('fd00:a::11', '2001:db8::53')))"),
    ("an atomic IPv6 fragment", "pass protocol", "frame(v6(proto=44, payload=bytes.fromhex('1100000000000001') + segment('fd00:a::11', '2001:db8::53')))"),
    ("an authentication header", "pass protocol", "frame(v6(proto=51, payload=bytes.fromhex('110200000000000100000001') + bytes(4) + segment('fd00:a::11', '2001:db8::53')))"),
    ("IPv4 in IPv4", "pass protocol", "frame(v4(proto=4, payload=v4()))"),
    ("source 0.0.0.0", "pass source", "frame(v4(source='0.0.0.0'))"),
    ("source 127.0.0.1", "pass source", "frame(v4(source='127.0.0.1'))"),
    ("source 224.0.0.251", "pass source", "frame(v4(source='224.0.0.251'))"),
    ("source 255.255.255.255", "pass source", "frame(v4(source='255.255.255.255'))"),
    ("source 240.0.0.1", "reply answer", "frame(v4(source='240.0.0.1'))"),
    ("source ::", "pass source", "frame(v6(source='::'))"),
    ("source ::1", "pass source", "frame(v6(source='::1'))"),
    ("source ff02::1", "pass source", "frame(v6(source='ff02::1'))"),
    ("source ::ffff:10.0.0.11", "pass source", "frame(v6(source='::ffff:10.0.0.11'))"),
    ("source fe80::1", "reply answer", "frame(v6(source='fe80::1'))"),
    ("source MAC with the group bit", "pass source", "frame(v4(), source='01163e000001')"),
    ("source port 0", "pass source", "frame(v4(sport=0))"),
    ("destination port 0", "pass destination", "frame(v4(dport=0))"),
    ("destination 0.0.0.0", "pass destination", "frame(v4(to='0.0.0.0'))"),
    ("destination 127.0.0.1", "pass destination", "frame(v4(to='127.0.0.1'))"),
    ("destination ::1", "pass destination", "frame(v6(to='::1'))"),
    ("destination ::ffff:198.51.100.53", "pass destination", "frame(v6(to='::ffff:198.51.100.53'))"),
    ("source ::a:b", "reply answer", "frame(v6(source='::a:b'))"),
    ("source ::fffe:a00:b", "reply answer", "frame(v6(source='::fffe:a00:b'))"),
    ("source ::ff00:a00:b", "reply answer", "frame(v6(source='::ff00:a00:b'))"),
    ("destination MAC broadcast, IP unicast", "pass destination", "frame(v4(), to='ffffffffffff')"),
    ("a sender that asks itself", "reply answer", "frame(v4(to='10.0.0.11'))"),
    ("cut off inside UDP", "pass length", "frame(v4()[:24])"),
    ("cut off inside IPv4", "pass short", "frame(v4()[:12])"),
    ("cut off inside IPv6", "pass short", "frame(v6()[:30])"),
]

# name and command, expected verdict
COMMANDS = [
    ("dig +notcp ixfr=1 red.example.org", "pass counts"),
    ("dig +opcode=IQUERY web.red.example.org A", "pass opcode"),
    ("dig +opcode=STATUS web.red.example.org A", "pass opcode"),
    ("dig +opcode=NOTIFY red.example.org SOA", "pass opcode"),
    ("dig +opcode=UPDATE red.example.org SOA", "pass opcode"),
    ("dig -y hmac-sha256:key.example.org:MDEyMzQ1Njc4OWFiY2RlZg== web.red.example.org A", "pass additional"),
    ("dig wEb.ReD.ExAmPlE.oRg A", "reply answer"),
    ("dig +zflag web.red.example.org A", "reply answer"),
    ("dig +nsid +expire +subnet=192.0.2.0/24 +padding=64 web.red.example.org A", "reply answer"),
    ("dig +ednsopt=65001:0123 web.red.example.org A", "reply answer"),
    ("dig +bufsize=0 web.red.example.org A", "reply answer"),
    ("dig web.red.example.org TKEY", "pass meta-type"),
    ("dig web.red.example.org MAILB", "pass meta-type"),
    ("dig -c HS web.red.example.org A", "pass class"),
    ("dig -c NONE web.red.example.org A", "pass class"),
    ("dig *.red.example.org A", "pass odd-name"),
    ("dig x\\@y.red.example.org A", "pass odd-name"),
    ("dig b\\195\\188.red.example.org A", "pass odd-name"),
    ("dig _dmarc.red.example.org TXT", "pass unknown-name"),
    ("dig web.red.example.org.example.net A", "pass unknown-name"),
    ("dig vm2.local A", "pass unknown-name"),
]

UPDATES = [
    ("nsupdate: add", "server 198.51.100.53\nzone red.example.org\nupdate add new.red.example.org 60 A 10.0.0.9\nsend\n"),
    ("nsupdate: add, signed", "server 198.51.100.53\nzone red.example.org\nkey hmac-sha256:key.example.org MDEyMzQ1Njc4OWFiY2RlZg==\nupdate add new.red.example.org 60 A 10.0.0.9\nsend\n"),
]


def run(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, text=True, **more).stdout


def version(command, pattern=r"\d+\.\d+(\.\d+)?"):
    done = subprocess.run(command, capture_output=True, text=True)
    return re.search(pattern, done.stdout + done.stderr).group(0)


def frames_in(pcap):
    at = 24
    while at + 16 <= len(pcap):
        size = int.from_bytes(pcap[at + 8 : at + 12], "little")
        yield pcap[at + 16 : at + 16 + size]
        at += 16 + size


def is_noise(frame):
    """Neighbour discovery and multicast listening, behind hop-by-hop options or not."""
    return frame[12:14] == b"\x86\xdd" and (frame[20] == 58 or (frame[20] == 0 and len(frame) > 54 and frame[54] == 58))


def record(folder, name, verdict, source, command, **more):
    pcap = os.path.join(folder, "capture.pcap")
    watch = subprocess.Popen(
        ["ip", "netns", "exec", SERVER, "tcpdump", "-Z", "root", "--immediate-mode", "-U", "-Q", "in", "-ni", "rec-s", "-w", pcap, "not arp"],
        stderr=subprocess.PIPE,
        text=True,
    )
    while "listening" not in watch.stderr.readline():
        pass
    done = subprocess.run(["ip", "netns", "exec", ASKER, *command], capture_output=True, text=True, **more)
    time.sleep(0.2)
    watch.terminate()
    watch.wait()
    with open(pcap, "rb") as file:
        seen = [frame for frame in frames_in(file.read()) if not is_noise(frame)]
    if not seen:
        print(f"{name}: nothing was sent: {done.stderr}", file=sys.stderr)
    for frame in seen:
        print(json.dumps({"name": name, "expect": verdict, "from": source, "hex": frame.hex()}))
    sys.stdout.flush()


def main():
    python = "Python " + sys.version.split()[0]
    dig, nsupdate = "dig " + version(["dig", "-v"]), "nsupdate " + version(["nsupdate", "-V"])
    with tempfile.TemporaryDirectory() as folder:
        for namespace in (ASKER, SERVER):
            run("ip", "netns", "add", namespace)
        run("ip", "-n", ASKER, "link", "add", "rec-a", "address", "fa:16:3e:00:00:01", "type", "veth", "peer", "name", "rec-s", "netns", SERVER, "address", "fa:16:3e:00:00:fe")
        for namespace, device in ((ASKER, "rec-a"), (SERVER, "rec-s")):
            subprocess.run(["ip", "netns", "exec", namespace, "ethtool", "-K", device, "tx", "off", "gso", "off", "tso", "off", "txvlan", "off", "rxvlan", "off"], capture_output=True)
        run("ip", "-n", ASKER, "address", "add", "10.0.0.11/24", "brd", "+", "dev", "rec-a")
        run("ip", "-n", ASKER, "address", "add", "fd00:a::11/64", "dev", "rec-a", "nodad")
        for address in ("10.0.0.1/24", "198.51.100.53/32"):
            run("ip", "-n", SERVER, "address", "add", address, "dev", "rec-s")
        for address in ("fd00:a::1/64", "2001:db8::53/128"):
            run("ip", "-n", SERVER, "address", "add", address, "dev", "rec-s", "nodad")
        for namespace, device in ((ASKER, "rec-a"), (SERVER, "rec-s")):
            run("ip", "-n", namespace, "link", "set", device, "up")
        run("ip", "-n", ASKER, "route", "add", "default", "via", "10.0.0.1")
        run("ip", "-n", ASKER, "-6", "route", "add", "default", "via", "fd00:a::1")
        time.sleep(2)
        for name, verdict, statement in PYTHON:
            record(folder, name, verdict, python, ["python3", "-c", f"{SOCKETS}\n{statement}"])
        quick = ["+tries=1", "+time=1", "+nobadcookie", "@198.51.100.53"]
        for text, verdict in COMMANDS:
            record(folder, text, verdict, dig, ["dig", *quick, *text.split()[1:]])
        for name, script in UPDATES:
            record(folder, name, "pass opcode", nsupdate, ["timeout", "1", "nsupdate", "-t", "1", "-u", "1", "-r", "0"], input=script)


try:
    main()
finally:
    for namespace in (ASKER, SERVER):
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True)
