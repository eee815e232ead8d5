#!/usr/bin/env python3
"""Records what radvd and dnsmasq say to one machine: python3 record.py OUTPUT_DIRECTORY (root; radvd, dnsmasq).

Two namespaces and a veth pair; the machine's frames are made here, byte by byte, and every frame that comes back to its
MAC address or to all nodes is written down. Nothing of the machine's own network is touched.
"""

import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

SERVER_MAC, CLIENT_MAC = "fa:16:3e:00:00:fe", "fa:16:3e:00:00:11"
SERVER_LL, CLIENT_LL = "fe80::f816:3eff:fe00:fe", "fe80::f816:3eff:fe00:11"
SERVER_NS, CLIENT_NS = f"rec-s-{os.getpid()}", f"rec-c-{os.getpid()}"
CLIENT_ID = "0001000125aabbccfa163e000011"
# What a server with this DUID is called: DUID-EN (RFC 8415 section 11.3), the only kind dnsmasq can be told.
SERVER_DUID = "000200007ed9df00"


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def inside(namespace, *words):
    return ("ip", "netns", "exec", namespace, *words)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    return ipaddress.IPv6Address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def frame(to_mac, source, to, protocol, hops, payload, at):
    pseudo = ip(source) + ip(to) + struct.pack("!IHBB", len(payload), 0, 0, protocol)
    total = checksum(pseudo + payload)
    if protocol == 17 and total == 0:
        total = 0xFFFF
    payload = payload[:at] + struct.pack("!H", total) + payload[at + 2 :]
    head = struct.pack("!IHBB", 0x60000000, len(payload), protocol, hops)
    return mac(to_mac) + mac(CLIENT_MAC) + b"\x86\xdd" + head + ip(source) + ip(to) + payload


def solicitation(source):
    option = b"" if source == "::" else b"\x01\x01" + mac(CLIENT_MAC)
    return frame("33:33:00:00:00:02", source, "ff02::2", 58, 255, b"\x85\0\0\0" + b"\0" * 4 + option, 2)


def dhcpv6(message):
    udp = struct.pack("!HHHH", 546, 547, 8 + len(message), 0) + message
    return frame("33:33:00:01:00:02", CLIENT_LL, "ff02::1:2", 17, 1, udp, 6)


def option(code, data):
    return struct.pack("!HH", code, len(data)) + data


def ia(code, iaid, addresses, times=(0, 0)):
    head = struct.pack("!I", iaid) if code == 4 else struct.pack("!III", iaid, *times)
    return option(code, head + b"".join(option(5, ip(a) + struct.pack("!II", 0, 0)) for a in addresses))


def message(kind, *options):
    return bytes([kind]) + bytes.fromhex("abc123") + b"".join(options)


ME, SERVER = option(1, bytes.fromhex(CLIENT_ID)), option(2, bytes.fromhex(SERVER_DUID))
ELAPSED, ASKED = option(8, b"\0\0"), option(6, struct.pack("!HHHH", 23, 24, 39, 82))
FQDN = option(39, b"\0\x03web\0")
ROW, OTHER, ELSEWHERE = "fd00:a::11", "fd00:a::99", "fd00:b::11"
PD = option(25, struct.pack("!III", 7, 0, 0))

MESSAGES = {
    "solicit": message(1, ME, ASKED, ELAPSED, ia(3, 1, [])),
    "solicit with rapid commit": message(1, ME, ASKED, ELAPSED, option(14, b""), ia(3, 1, [])),
    "solicit with a hint": message(1, ME, ASKED, ELAPSED, ia(3, 1, [OTHER])),
    "solicit without options asked": message(1, ME, ELAPSED, ia(3, 1, [])),
    "solicit for a prefix": message(1, ME, ASKED, ELAPSED, PD),
    "request": message(3, ME, SERVER, ASKED, ELAPSED, ia(3, 1, [ROW])),
    "request with a name": message(3, ME, SERVER, ASKED, ELAPSED, FQDN, ia(3, 1, [ROW])),
    "request of another link": message(3, ME, SERVER, ASKED, ELAPSED, ia(3, 1, [ELSEWHERE])),
    "confirm": message(4, ME, ELAPSED, ia(3, 1, [ROW])),
    "confirm of another link": message(4, ME, ELAPSED, ia(3, 1, [ELSEWHERE])),
    "renew": message(5, ME, SERVER, ASKED, ELAPSED, ia(3, 1, [ROW])),
    "rebind": message(6, ME, ASKED, ELAPSED, ia(3, 1, [ROW])),
    "release of nothing bound": message(8, ME, SERVER, ELAPSED, ia(3, 9, [OTHER])),
    "release": message(8, ME, SERVER, ELAPSED, ia(3, 1, [ROW])),
    "information request": message(11, ME, ASKED, ELAPSED),
    "information request, nameless": message(11, option(6, struct.pack("!HHHH", 23, 24, 32, 83)), ELAPSED),
    "request after a release": message(3, ME, SERVER, ASKED, ELAPSED, ia(3, 1, [ROW])),
    "decline": message(9, ME, SERVER, ELAPSED, ia(3, 1, [ROW])),
}

COMMON = "AdvSendAdvert on; MinRtrAdvInterval 200; MaxRtrAdvInterval 600; AdvCurHopLimit 64; AdvOtherConfigFlag on;"
INFINITE = "AdvOnLink on; AdvValidLifetime infinity; AdvPreferredLifetime infinity;"
DNS = "RDNSS fd00:a::53 2001:db8::53 { AdvRDNSSLifetime 9000; }; DNSSL red.example.org { AdvDNSSLLifetime 9000; };"
ADVERTISEMENTS = {
    "stateless": f"{COMMON} AdvDefaultLifetime 9000; AdvLinkMTU 1450;"
    f"prefix fd00:a::/64 {{ AdvAutonomous on; DeprecatePrefix on; {INFINITE} }}; {DNS}",
    "stateful": f"{COMMON} AdvDefaultLifetime 9000; AdvLinkMTU 1450; AdvManagedFlag on;"
    f"prefix fd00:a::/64 {{ AdvAutonomous off; {INFINITE} }}; {DNS}",
    "without a router": f"{COMMON} AdvDefaultLifetime 0; AdvLinkMTU 1450; AdvManagedFlag on;"
    f"prefix fd00:a::/64 {{ AdvAutonomous off; {INFINITE} }}; {DNS}",
    "with routes": f"{COMMON} AdvDefaultLifetime 9000; AdvLinkMTU 1450;"
    f"prefix fd00:a::/64 {{ AdvAutonomous on; {INFINITE} }};"
    "route 2001:db8:9::/48 { AdvRouteLifetime 9000; }; route 2001:db8:9:1:8000::/72 { AdvRouteLifetime 9000; };"
    f"route ::/0 {{ AdvRouteLifetime 9000; }}; {DNS}",
    "two prefixes": f"{COMMON} AdvDefaultLifetime 9000; AdvLinkMTU 1450; AdvManagedFlag on;"
    f"prefix fd00:a::/64 {{ AdvAutonomous on; {INFINITE} }}; prefix fd00:c::/120 {{ AdvAutonomous off; {INFINITE} }}; {DNS}",
    "no MTU, no names": f"{COMMON} AdvDefaultLifetime 9000;"
    f"prefix fd00:a::/64 {{ AdvAutonomous on; {INFINITE} }};",
}


class Machine:
    """A raw socket in the machine's namespace, opened by a child that has entered it."""

    def __init__(self):
        self.child = subprocess.Popen(
            inside(CLIENT_NS, sys.executable, __file__, "--machine"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, sent, seconds=5):
        """The first reply that comes to the machine's own address."""
        return self.tell({"frame": sent.hex(), "seconds": seconds})

    def hear(self, seconds):
        """The last that came to all nodes since the machine asked last, and comes until the time is over."""
        return self.tell({"frame": "", "seconds": seconds})

    def tell(self, words):
        print(json.dumps(words), file=self.child.stdin, flush=True)
        return json.loads(self.child.stdout.readline())

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def machine():
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
    link.bind(("eth0", 0x86DD))
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["frame"]:
            list(frames(link, 0))
            link.send(bytes.fromhex(asked["frame"]))
        to, reply = mac(CLIENT_MAC) if asked["frame"] else mac("33:33:00:00:00:01"), None
        for got in frames(link, asked["seconds"]):
            is_ra, is_dhcp = got[20] == 58 and got[54] == 134, got[20] == 17 and got[56:58] == b"\x02\x22"
            if got[0:6] == to and got[6:12] == mac(SERVER_MAC) and (is_ra or is_dhcp):
                reply = got.hex()
                if asked["frame"]:
                    break
        print(json.dumps(reply), flush=True)


def frames(link, seconds):
    end = time.time() + seconds
    while True:
        link.settimeout(max(0.001, end - time.time()))
        try:
            yield link.recv(4096)
        except TimeoutError:
            return


def network():
    for name in (SERVER_NS, CLIENT_NS):
        run("ip", "netns", "add", name)
        run(*inside(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0"))
    run("ip", "link", "add", "eth0", "netns", SERVER_NS, "type", "veth", "peer", "name", "eth0", "netns", CLIENT_NS)
    for name, address in ((SERVER_NS, SERVER_MAC), (CLIENT_NS, CLIENT_MAC)):
        run(*inside(name, "ip", "link", "set", "eth0", "address", address, "up"))
    run(*inside(SERVER_NS, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1"))
    run(*inside(SERVER_NS, "ip", "addr", "add", "fd00:a::1/64", "dev", "eth0", "nodad"))
    time.sleep(0.5)


def record_advertisements(folder, client, write):
    # It ends with 1 after telling its version.
    told = subprocess.run(("radvd", "--version"), capture_output=True, text=True, check=False)
    version = (told.stdout + told.stderr).split("\n")[0].replace("Version:", "").strip()
    for name, options in ADVERTISEMENTS.items():
        config = os.path.join(folder, "radvd.conf")
        with open(config, "w") as file:
            file.write(f"interface eth0 {{ {options} }};\n")
        os.chmod(config, 0o644)
        words = ("radvd", "-n", "-C", config, "-p", os.path.join(folder, "radvd.pid"), "-m", "stderr")
        server = subprocess.Popen(inside(SERVER_NS, *words), stderr=subprocess.DEVNULL)
        time.sleep(1)
        asked = solicitation(CLIENT_LL)
        entry = {"name": name, "from": f"radvd {version}", "request": asked.hex(), "reply": client.ask(asked)}
        server.terminate()
        server.wait()
        write({**entry, "end": client.hear(1)})


def record_leases(folder, client, write):
    version = run("dnsmasq", "--version").split("\n")[0].split()[2]
    words = [
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=0",
        "--interface=eth0", "--dhcp-authoritative", "--dhcp-duid=32473,df:00", "--domain=red.example.org",
        "--dhcp-range=fd00:a::,static,64,86400", f"--dhcp-host={CLIENT_MAC},web,[{ROW}]", "--user=root",
        "--dhcp-option=option6:dns-server,[fd00:a::53],[2001:db8::53]",
        "--dhcp-option=option6:domain-search,red.example.org",
        f"--dhcp-leasefile={folder}/leases", f"--pid-file={folder}/dnsmasq.pid", "--log-facility=-",
    ]
    with open(os.path.join(folder, "dnsmasq.log"), "w") as log:
        server = subprocess.Popen(inside(SERVER_NS, *words), stderr=log, stdout=log)
    time.sleep(1)
    for name, asked in MESSAGES.items():
        sent = dhcpv6(asked)
        write({"name": name, "from": f"dnsmasq {version}", "request": sent.hex(), "reply": client.ask(sent, 2)})
    server.terminate()
    server.wait()


def main(output):
    try:
        network()
        client = Machine()
        with tempfile.TemporaryDirectory() as folder:
            for name, record in (("advertisements", record_advertisements), ("leases", record_leases)):
                with open(os.path.join(output, f"{name}.jsonl"), "w") as file:
                    record(folder, client, lambda entry: print(json.dumps(entry), file=file, flush=True))
        client.close()
    finally:
        for name in (SERVER_NS, CLIENT_NS):
            subprocess.run(("ip", "netns", "del", name), check=False)


if __name__ == "__main__":
    machine() if sys.argv[1] == "--machine" else main(sys.argv[1])
