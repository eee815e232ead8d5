#!/usr/bin/env python3
"""Records openvswitch.jsonl: what Open vSwitch and its tools send, as bytes and as ovs-ofctl prints them.

Run as root: python3 test/vectors/openflow/record.py > test/vectors/openflow/openvswitch.jsonl
It starts a private switch (userspace datapath, a network namespace and a directory of its own), puts a proxy before the
bridge's management socket, runs the commands below against the proxy, and prints every message that passed, once.
"""

import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
ROOT = tempfile.mkdtemp(prefix="of-record-")
ENV = dict(os.environ, OVS_RUNDIR=ROOT, OVS_DBDIR=ROOT, OVS_LOGDIR=ROOT)
NETNS = "of-record-%d" % os.getpid()
PROXY = ROOT + "/proxy"
MGMT = ROOT + "/br0.mgmt"

FLOWS = """
table=0,priority=100,udp,tp_dst=53,nw_frag=no,vlan_tci=0x0000/0x1fff actions=goto_table:31
table=31,priority=50,reg6=0x2 actions=group:31
table=33,priority=50,metadata=0x1 actions=controller(userdata=64.6e.73,pause),resubmit(,55)
table=44,priority=50,ip actions=ct(table=34,zone=6)
table=34,priority=50,ct_state=+trk,ip actions=push:NXM_NX_REG0[],set_field:0x7->reg7,controller(pause,max_len=64,reason=no_match,userdata=01),controller(id=3,userdata=02),pop:NXM_NX_REG0[]
table=35,priority=50 actions=controller(max_len=40,pause)
table=36,priority=50 actions=controller(max_len=40,userdata=03,meter_id=5)
table=40,priority=7,icmp6,icmp_type=135,icmp_code=0,nd_target=fd00::1,nd_sll=0e:00:00:00:00:01 actions=set_field:fd00::2->nd_target,IN_PORT
table=41,priority=8,ct_state=+new+trk,tcp,tcp_flags=+syn-ack,ct_zone=7,ct_mark=0x1/0xff actions=ct(commit,zone=7,nat(src=198.51.100.1-198.51.100.9:1000-2000),exec(set_field:0x1->ct_mark,load:0x5->NXM_NX_CT_LABEL[0..31]))
table=41,priority=7,tcp6,ipv6_src=fd00::/64,ipv6_dst=::1/::ffff actions=ct(table=42,zone=NXM_NX_REG0[0..15],nat,alg=ftp),ct_clear
table=42,priority=1,dl_vlan=5,dl_vlan_pcp=3 actions=pop_vlan,push_vlan:0x8100,set_field:4102->vlan_vid,output:NXM_NX_REG7[0..15],exit
table=42,priority=2,tun_id=0x1/0xff,tun_src=192.0.2.1,ip,nw_tos=16,nw_ecn=1,nw_ttl=64 actions=note:01.02,set_queue:5,output:2,pop_queue,dec_ttl(1,2),clone(output:3)
table=42,priority=3,ip actions=clear_actions,write_actions(group:31),write_metadata:0x5/0xff,goto_table:43
table=42,priority=4,ct_state=+trk+est,ip actions=resubmit:2,resubmit(2,3),resubmit(,4,ct),enqueue:1:2,output(port=1,max_len=100),check_pkt_larger(1500)->NXM_NX_REG0[0]
table=60,priority=1 actions=multipath(symmetric_l4,1024,modulo_n,16,0,NXM_NX_REG0[0..3]),bundle(eth_src,0,hrw,ofport,members:1,2,3),bundle_load(nw_src,0,active_backup,ofport,NXM_NX_REG0[0..15],members:1,LOCAL)
table=60,priority=2 actions=sample(probability=5,collector_set_id=1,obs_domain_id=2,obs_point_id=3),sample(probability=5,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=1,egress)
table=60,priority=3,ip actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678),tlv(0x2000,20,0xfedcba9876543210))),encap(ethernet),output:1
table=60,priority=4,dl_type=0x894f,nsh_mdtype=1,nsh_spi=0x123456,nsh_si=3,nsh_c1=0x1/0xff,nsh_ttl=5,nsh_np=3,nsh_flags=1 actions=dec_nsh_ttl,set_field:0x1234->nsh_spi,set_field:0x5/0xff->nsh_c2,decap(),decap()
table=60,priority=5,tun_erspan_ver=1,tun_erspan_idx=0x5,tun_gtpu_flags=0x30,tun_gtpu_msgtype=255 actions=set_field:2->tun_erspan_ver
table=42,priority=5,tcp actions=fin_timeout(idle_timeout=1,hard_timeout=2),learn(table=43,limit=10,result_dst=NXM_NX_REG0[8],eth_type=0x800,NXM_OF_IP_SRC[],output:NXM_OF_IN_PORT[])
""".strip().split("\n")

GROUPS = """
group_id=32,type=indirect,bucket=actions=drop
group_id=31,type=ff,bucket=watch_port:CONTROLLER,actions=resubmit(,33),bucket=watch_group:32,actions=resubmit(,55)
group_id=33,type=all,bucket=actions=output:1,bucket=actions=set_field:0x5->reg7,resubmit(,2)
group_id=34,type=select,bucket=weight:3,actions=output:1,bucket=weight:1,watch_port:1,actions=output:2,bucket=actions=group:33
""".strip().split("\n")

QUERY = (
    "0e00000000020e0000000001" "0800" "4500002a000040004011" "0650" "0a00000b" "c6336435"
    "d4310035" "00160000" "123401000001000000000000" "0000"
)
NS = (
    "33330000000b0e0000000001" "86dd" "6000000000203aff" "fe800000000000000c00000000000001" "ff0200000000000000000001ff00000b"
    "8700000000000000" "fd000000000000000000000000000001" "01010e0000000001"
)
# Packets that ovs-ofctl describes in its own words.
FRAMES = """
ffffffffffff0e0000000001 0806 0001080006040001 0e0000000001 0a00000b 000000000000 0a000001
ffffffffffff0e0000000001 0806 0001080006040002 0e0000000001 0a00000b
ffffffffffff0e0000000001 8035 0001080006040003 0e0000000001 0a00000b 000000000000 0a000001
0e00000000020e0000000001 8100 6005 0800 45b800280000000005060000 0a00000b c6336435 d43101bb 00000001 00000000 5012ffff abcd0000
0e00000000020e0000000001 88a8 0064 8100 0005 0800 4500001c000000004001ffff 0a00000b c6336435 0800f7ff00000000
0e00000000020e0000000001 88a8 0064 8100 0005 8100 0007 0800 4500001c000000004001ffff 0a00000b c6336435 0800f7ff00000000
0e00000000020e0000000001 0800 4500001c000120004011ffff 0a00000b c6336435 d431003500080000 000000000000
0e00000000020e0000000001 0800 4500001c000120b94011ffff 0a00000b c6336435 d431003500080000
0e00000000020e0000000001 0800 4500001c000000004002ffff 0a00000b e0000001 1100eefe00000000
0e00000000020e0000000001 0800 450000200000000040 84ffff 0a00000b c6336435 1388138900000000aabbccdd
0e00000000020e0000000001 0800 4500001c00000000402fffff 0a00000b c6336435 0000080000000000
0e00000000020e0000000001 0800 4500001800000000401 1ffff 0a00000b c6336435 d4310035
0e00000000020e0000000001 0800 4500001800000000 4006ffff 0a00000b
0e00000000020e0000000001 0800 4500010000000000 4006ffff 0a00000b c6336435 0000
0e00000000020e0000000001 0800 4f00001c00000000 4006ffff 0a00000b c6336435 0000000000000000
0e00000000020e0000000001 86dd 6bc12345 0014 0640 fd000000000000000000000000000001 fd000000000000000000000000000002 00500051000000000000000060 01000012340000
0e00000000020e0000000001 86dd 60000000 0008 3a40 fd000000000000000000000000000001 fd000000000000000000000000000002 8000ff0000010002
0e00000000020e0000000001 86dd 60000000 0030 3aff fd000000000000000000000000000001 fd000000000000000000000000000002 8800123460000000 fd00000000000000000000000000000b 02010e0000000002 01010e0000000003 0000000000000000
0e00000000020e0000000001 86dd 60000000 0028 3aff fd000000000000000000000000000001 fd000000000000000000000000000002 8800123460000000 fd00000000000000000000000000000b 02010e0000000002 02010e0000000003
0e00000000020e0000000001 86dd 60000000 0008 3aff fd000000000000000000000000000001 fd000000000000000000000000000002 8700123400000000
0e00000000020e0000000001 86dd 60000000 0018 0040 fd000000000000000000000000000001 fd000000000000000000000000000002 3c00000000000000 1100000000000000 0035d43100080000
0e00000000020e0000000001 86dd 60000000 0010 2c40 fd000000000000000000000000000001 fd000000000000000000000000000002 1100000100000007 0035d43100080000
0e00000000020e0000000001 86dd 60000000 0010 2c40 fd000000000000000000000000000001 fd000000000000000000000000000002 1100010100000007 0035d43100080000
0e00000000020e0000000001 86dd 60000000 0010 2c40 fd000000000000000000000000000001 fd000000000000000000000000000002 1100000000000007 0035d43100080000
0e00000000020e0000000001 86dd 60000000 0010 3340 fd000000000000000000000000000001 fd000000000000000000000000000002 1100000000000007 0035d43100080000
0e00000000020e0000000001 86dd 60000000 0020 3340 fd000000000000000000000000000001 fd000000000000000000000000000002 1104000000000007 0000000000000000 0000000000000000 0035d43100080000
0e00000000020e0000000001 86dd 60000000 0030 1140 fd000000000000000000000000000001 fd000000000000000000000000000002 0035d431
0e00000000020e0000000001 0026 4242030000000000
0e00000000020e0000000001 0026 aaaa0300000008004500001c000000004001ffff 0a00000b c6336435 0800f7ff00000000
0e00000000020e0000000001 88cc 0201
0e00000000020e0000000001 8100 60
""".strip().split("\n")
# What ovs-ofctl does beside its work and src/openflow does not know.
LEFT_OUT = ("***", "OFPT_FLOW_MOD (OF1.3) (xid=0x5): ***")
SEEN = {}
STARTED = []


def sh(*args, check=True):
    done = subprocess.run(args, env=ENV, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def ofctl(*args, check=True):
    return sh("ovs-ofctl", "-O", "OpenFlow13", *args, check=check)


def record(data, source):
    while len(data) >= 8:
        length = struct.unpack("!H", data[2:4])[0]
        if len(data) < length:
            break
        message, data = data[:length], data[length:]
        SEEN.setdefault(message[:4].hex() + message[8:].hex(), (message, source))
    return data


def relay(client):
    server = socket.socket(socket.AF_UNIX)
    server.connect(MGMT)
    peers = {client: (server, "ovs-ofctl"), server: (client, "ovs-vswitchd")}
    left = {client: b"", server: b""}
    while True:
        for peer in select.select([client, server], [], [])[0]:
            chunk = peer.recv(65536)
            if not chunk:
                client.close()
                server.close()
                return
            left[peer] = record(left[peer] + chunk, peers[peer][1])
            peers[peer][0].sendall(chunk)


def serve():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(PROXY)
    listener.listen()

    def loop():
        while True:
            threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def start_switch():
    sh("ip", "netns", "add", NETNS)
    sh("ovsdb-tool", "create", ROOT + "/conf.db", SCHEMA)
    for command in (
        ["ovsdb-server", ROOT + "/conf.db", "--remote=punix:" + ROOT + "/db.sock"],
        ["ovs-vswitchd", "unix:" + ROOT + "/db.sock", "--disable-system"],
    ):
        log = open(ROOT + "/" + command[0] + ".out", "w")
        STARTED.append(
            subprocess.Popen(
                ["ip", "netns", "exec", NETNS, *command, "--unixctl=" + ROOT + "/" + command[0] + ".ctl"],
                env=ENV, stdout=log, stderr=log,
            )
        )
        time.sleep(1)
        if len(STARTED) == 1:
            vsctl("--no-wait", "init")
    vsctl(
        *"add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure protocols=OpenFlow13".split(),
        *"other_config:datapath-id=0000000000000001 other_config:hwaddr=0e:00:00:00:00:fe".split(),
    )
    for port in ("1", "2"):
        vsctl(*f"add-port br0 p{port} -- set interface p{port} type=internal ofport_request={port}".split())


def vsctl(*args):
    return sh("ovs-vsctl", "--db=unix:" + ROOT + "/db.sock", "--timeout=20", *args)


def raw(message):
    """Sends one message through the proxy, waits for the answer and returns it."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    client.connect(PROXY)
    client.sendall(bytes.fromhex("0400000800000001") + message + bytes.fromhex("0414000800000009"))
    time.sleep(0.3)
    answer = client.recv(65536)
    client.close()
    return answer


def run():
    to = "unix:" + PROXY
    serve()
    for group in GROUPS:
        ofctl("add-group", to, group)
    for flow in FLOWS:
        ofctl("add-flow", to, flow)
    ofctl("show", to)
    ofctl("dump-desc", to)
    ofctl("dump-groups", to)
    ofctl("dump-group-stats", to)
    ofctl("dump-flows", to)
    ofctl("dump-flows", to, "table=33")
    ofctl("probe", to)
    ofctl("mod-group", to, "group_id=32,type=indirect,bucket=actions=output:1")
    ofctl("add-group", to, GROUPS[0], check=False)
    ofctl("add-flow", to, "table=9,actions=group:99", check=False)
    ofctl("set-frags", to, "normal")
    counters(to)
    bundles(to)
    watch = subprocess.Popen(
        ["ovs-ofctl", "-O", "OpenFlow13", "monitor", to, "watch:"],
        env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    ofctl("add-flow", to, "table=61,cookie=0x5,idle_timeout=9,ip,actions=output:1")
    ofctl("mod-flows", to, "table=61,ip,actions=output:2")
    ofctl("del-flows", to, "table=61")
    time.sleep(0.3)
    watch.terminate()
    monitor = subprocess.Popen(
        ["ovs-ofctl", "-O", "OpenFlow13", "-P", "nxt_packet_in2", "monitor", to, "65535", "resume"],
        env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    for setup, frame in (
        ("set_field:0x2->reg6,set_field:0x1->metadata,resubmit(,33)", QUERY),
        ("set_field:0x1->metadata,ct(table=33,zone=5)", QUERY),
        ("set_field:0x3->reg6,set_field:0xffffffff00000001->metadata,set_field:0x29->tun_id,resubmit(,33),resubmit(,35),resubmit(,36)", NS),
        ("ct(commit,zone=6),ct(table=44,zone=6)", QUERY),
        ("controller", NS),
    ):
        ofctl("packet-out", to, f"in_port=1,packet={frame},actions={setup}")
        time.sleep(0.3)
    ofctl("packet-out", to, "CONTROLLER", "output:1", QUERY)
    for frame in FRAMES:
        ofctl("packet-out", to, f"in_port=CONTROLLER,packet={frame.replace(' ', '')},actions=drop")
    vsctl(*"add-port br0 p3 -- set interface p3 type=internal ofport_request=3".split())
    ofctl("mod-port", to, "p3", "down")
    vsctl("del-port", "br0", "p3")
    ofctl("add-flow", to, "table=50,hard_timeout=1,send_flow_rem,cookie=0x5,udp,tp_dst=53,actions=output:1")
    ofctl("add-flow", to, "table=50,idle_timeout=1,send_flow_rem,check_overlap,reset_counts,no_packet_counts,no_byte_counts,priority=3,ip,actions=drop")
    ofctl("add-flow", to, "table=51,send_flow_rem,priority=3,arp,actions=drop")
    ofctl("--strict", "mod-flows", to, "table=51,priority=3,arp,actions=IN_PORT")
    ofctl("mod-flows", to, "table=51,cookie=0/1,arp,actions=LOCAL")
    ofctl("--strict", "del-flows", to, "table=51,priority=3,arp")
    time.sleep(3)
    ofctl("del-flows", to, "table=42")
    ofctl("del-groups", to, "group_id=33")
    ofctl("del-groups", to)
    monitor.terminate()
    stale = next(message for message, _ in list(SEEN.values()) if message[1] == 4 and message[8:16] == bytes.fromhex("000023200000001c"))
    at = stale.index(bytes.fromhex("80000014"))
    raw(stale[: at + 4] + bytes(16) + stale[at + 20 :])
    raw(bytes.fromhex("0402000c0000000561626364"))  # echo request
    raw(bytes.fromhex("0407000800000005"))  # get-config request
    raw(bytes.fromhex("041a000800000005"))  # get-async request
    raw(bytes.fromhex("041c002000000005" "00000007" "00000007" "00000007" "00000000" "0000000f" "00000000"))  # set-async
    raw(bytes.fromhex("04180018000000050000000000000000ffffffffffffffff"))  # role request: no change
    raw(bytes.fromhex("0463000800000005"))  # no such type
    # a flow that matches udp_dst without its prerequisites
    raw(bytes.fromhex("040e004000000005" + "00" * 16 + "0000000000000064" + "ff" * 12 + "00000000" "0001000a800020020035" "000000000000"))


def counters(to):
    """Meters, ports, tables and queues."""
    for meter in (
        "meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=200",
        "meter=2 pktps bands=type=drop rate=5",
        "meter=controller pktps bands=type=drop rate=50",
    ):
        ofctl("add-meter", to, meter)
    ofctl("mod-meter", to, "meter=2 pktps stats bands=type=drop rate=6")
    ofctl("add-meter", to, "meter=2 pktps bands=type=drop rate=5", check=False)
    ofctl("add-flow", to, "table=60,priority=9,ip,actions=meter:1,output:1")
    ofctl("dump-meters", to)
    ofctl("dump-meter", to, "meter=1")
    ofctl("meter-stats", to)
    ofctl("meter-stats", to, "meter=1")
    ofctl("meter-features", to)
    ofctl("del-meter", to, "meter=2")
    ofctl("del-meters", to)
    ofctl("dump-tables", to)
    ofctl("dump-aggregate", to)
    ofctl("dump-aggregate", to, "table=42,ip")
    ofctl("dump-ports", to)
    ofctl("dump-ports", to, "1")
    ofctl("dump-group-features", to)
    ofctl("mod-port", to, "p1", "no-flood", check=False)
    ofctl("mod-port", to, "p1", "no-receive")
    ofctl("mod-port", to, "p1", "receive")
    raw(bytes.fromhex("0411001000000005" "0300000000000002"))  # table-mod
    raw(bytes.fromhex("0411001000000005" "ff00000000000000"))
    ofctl("queue-get-config", to, "1", check=False)
    ofctl("queue-stats", to)
    ofctl("queue-stats", to, "1", "2", check=False)


def bundles(to):
    """A bundle that is committed, and one that is refused."""
    for lines in ("flow table=62,ip,actions=output:1\ngroup group_id=50,type=all,bucket=output:1\n", "flow table=62,actions=group:77\n"):
        with open(ROOT + "/bundle", "w") as file:
            file.write(lines)
        ofctl("--bundle", "bundle", to, ROOT + "/bundle", check=False)


def main():
    try:
        start_switch()
        run()
        version = sh("ovs-vswitchd", "--version").split("\n")[0].split()[-1]
        for message, source in SEEN.values():
            if len(message) > 8192:
                if message[10:12] != b"\x00\x00":  # more table features to come
                    continue
                message = last_table(message)
            text = print_of(message)
            if text.startswith(LEFT_OUT):
                continue
            print(json.dumps({"text": text, "hex": message.hex(), "from": f"{source} {version}"}))
    finally:
        for process in reversed(STARTED):
            process.terminate()
            process.wait()
        sh("ip", "netns", "del", NETNS, check=False)
        shutil.rmtree(ROOT)


def last_table(message):
    """The table features of many tables, cut down to those of the last one."""
    at = 16
    while at + struct.unpack("!H", message[at : at + 2])[0] < len(message):
        at += struct.unpack("!H", message[at : at + 2])[0]
    part = message[at:]
    return message[:2] + struct.pack("!H", 16 + len(part)) + message[4:16] + part


def print_of(message):
    return sh("ovs-ofctl", "ofp-print", message.hex()).rstrip("\n")


if __name__ == "__main__":
    sys.exit(main())
