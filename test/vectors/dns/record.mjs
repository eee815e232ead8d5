// Records queries.jsonl: the Ethernet frames that real tools send when they ask. Run as root:
//   node test/vectors/dns/record.mjs > test/vectors/dns/queries.jsonl
// Two namespaces of its own, joined by a veth pair without checksum offload; nothing listens on port 53, so every tool
// gives up at once and one frame a question is captured. Ids and cookies differ from run to run.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const asker = `dnsrec-a-${process.pid}`
const server = `dnsrec-s-${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'dns-record-'))

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' })
const inside = (namespace, ...args) => run('ip', 'netns', 'exec', namespace, ...args)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const digs = `
+noedns web.red.example.org A
+noedns web.red.example.org AAAA
web.red.example.org A
web.red.example.org AAAA
db.red.example.org AAAA
WeB.rEd.eXample.ORG A
web A
+norec web A
web AAAA
web.blue.example.org A
nosuch.red.example.org A
x.web.red.example.org A
red.example.org SOA
red.example.org NS
red.example.org DS
www.example.net A
-x 10.0.0.12
-x fd00:a::11
-x 10.0.0.77
-x 10.0.1.12
web.red.example.org PTR
12.0.0.10.in-addr.arpa A
+notcp web.red.example.org ANY
web.red.example.org HTTPS
web.red.example.org SVCB
web.red.example.org MX
web.red.example.org TXT
web.red.example.org TYPE65534
web.red.example.org TYPE128
web.red.example.org TYPE254
version.bind CH TXT
-c CLASS65280 web.red.example.org
-c ANY web.red.example.org
+noedns +noad +norec red.example.org SOA
+noedns +noad +norec red.example.org TYPE1000
+noedns +noad +norec +cd red.example.org SOA
+noedns +norec +ad red.example.org SOA
+noedns +noad +norec +zflag red.example.org SOA
+noedns +noad +rec red.example.org SOA
+noedns +noad +opcode=15 +norec +header-only
+nocookie +edns=0 +noad +norec web.red.example.org A
+nocookie +edns=1 +noednsneg +noad +norec web.red.example.org A
+nocookie +edns=0 +noad +norec +ednsopt=100 web.red.example.org A
+nocookie +edns=0 +noad +norec +ednsflags=0x40 web.red.example.org A
+nocookie +edns=1 +noednsneg +noad +norec +ednsflags=0x40 web.red.example.org A
+nocookie +edns=1 +noednsneg +noad +norec +ednsopt=100 web.red.example.org A
+norec +dnssec +bufsize=512 +ignore red.example.org DNSKEY
+nocookie +edns=0 +noad +norec +dnssec web.red.example.org A
+nocookie +edns=1 +noednsneg +noad +norec +dnssec web.red.example.org A
+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 web.red.example.org A
+bufsize=0 web.red.example.org A
+bufsize=65535 web.red.example.org A
+subnet=10.0.0.0/8 web.red.example.org A
+padding=128 web.red.example.org A
+keepalive web.red.example.org A
+cookie=0123456789abcdef web.red.example.org A
+cookie=0123456789abcdef0011223344556677 web.red.example.org A
+nocookie +ednsopt=10:01234567 web.red.example.org A
+opcode=4 web.red.example.org SOA
+opcode=5 red.example.org SOA
+opcode=6 web.red.example.org A
+header-only
+noedns +header-only
+tcflag web.red.example.org A
+aaonly web.red.example.org A
+raflag web.red.example.org A
-y hmac-sha256:key.example.org:MDEyMzQ1Njc4OWFiY2RlZg== web.red.example.org A
_sip._udp.red.example.org SRV
we\\\\.b.red.example.org A
we\\000b.red.example.org A
. NS
`
  .trim()
  .split('\n')

const others = [
  ['getent ahostsv4 web.red.example.org', 'getent', 'ahostsv4', 'web.red.example.org'],
  ['getent ahosts web.red.example.org', 'getent', 'ahosts', 'web.red.example.org'],
  ['host -t A web.red.example.org', 'host', '-W1', '-R0', '-t', 'A', 'web.red.example.org', '198.51.100.53'],
  ['nslookup web.red.example.org', 'nslookup', '-timeout=1', '-retry=0', 'web.red.example.org', '198.51.100.53'],
  ['without an UDP checksum: dig +noedns web.red.example.org A', 'python3', '-c', python('s.setsockopt(1, 11, 1)')],
  ['with IPv4 options: dig +noedns web.red.example.org A', 'python3', '-c', python(`s.setsockopt(0, 4, b'\\x94\\x04\\0\\0')`)],
  ['with DSCP 46: dig +noedns web.red.example.org A', 'python3', '-c', python('s.setsockopt(0, 1, 184)')],
  ['in fragments: dig +noedns web.red.example.org A', 'python3', '-c', python('q += bytes(1600)')],
  ['an empty payload', 'python3', '-c', python(`q = b''`)],
  ['11 bytes', 'python3', '-c', python('q = q[:11]')],
  ['a response', 'python3', '-c', python(`q = q[:2] + b'\\x81' + q[3:]`)],
  ['trailing bytes', 'python3', '-c', python(`q += b'\\0'`)],
]

function python(statement) {
  const query = `bytes.fromhex('1234010000010000000000000377656203726564076578616d706c65036f72670000010001')`
  return `import socket\nq = ${query}\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n${statement}\ns.sendto(q, ('198.51.100.53', 53))`
}

function* framesOf(pcap) {
  for (let at = 24; at < pcap.length; ) {
    const size = pcap.readUInt32LE(at + 8)
    yield pcap.subarray(at + 16, at + 16 + size)
    at += 16 + size
  }
}

async function record(text, command, from) {
  const pcap = join(folder, 'capture.pcap')
  const filter = 'src host 10.0.0.11 and udp or src host fd00:a::11 and udp'
  const watch = spawn('ip', ['netns', 'exec', server, 'tcpdump', '-Z', 'root', '--immediate-mode', '-U', '-ni', 'rec-s', '-w', pcap, filter], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise((resolve) => watch.stderr.on('data', (chunk) => /listening/.test(chunk) && resolve()))
  try {
    inside(asker, ...command)
  } catch {
    // nobody answers
  }
  await sleep(150)
  watch.kill('SIGINT')
  await new Promise((resolve) => watch.on('close', resolve))
  for (const frame of framesOf(readFileSync(pcap)))
    console.log(JSON.stringify({ text, hex: frame.toString('hex'), from }))
}

const answersVersion = /\d+\.\d+\.\d+/
const bind = `dig ${answersVersion.exec(execFileSync('sh', ['-c', 'dig -v 2>&1'], { encoding: 'utf8' }))[0]}`
try {
  for (const namespace of [asker, server]) run('ip', 'netns', 'add', namespace)
  run('ip', '-n', asker, 'link', 'add', 'rec-a', 'address', 'fa:16:3e:00:00:01', 'type', 'veth', 'peer', 'name', 'rec-s', 'netns', server, 'address', 'fa:16:3e:00:00:fe')
  run('ip', '-n', asker, 'address', 'add', '10.0.0.11/24', 'dev', 'rec-a')
  run('ip', '-n', asker, 'address', 'add', 'fd00:a::11/64', 'dev', 'rec-a', 'nodad')
  for (const address of ['10.0.0.1/24', '198.51.100.53/32']) run('ip', '-n', server, 'address', 'add', address, 'dev', 'rec-s')
  for (const address of ['fd00:a::1/64', '2001:db8::53/128']) run('ip', '-n', server, 'address', 'add', address, 'dev', 'rec-s', 'nodad')
  for (const [namespace, device] of [[asker, 'rec-a'], [server, 'rec-s']]) {
    inside(namespace, 'ethtool', '-K', device, 'tx', 'off')
    run('ip', '-n', namespace, 'link', 'set', device, 'up')
  }
  run('ip', '-n', asker, 'route', 'add', 'default', 'via', '10.0.0.1')
  run('ip', '-n', asker, '-6', 'route', 'add', 'default', 'via', 'fd00:a::1')
  await sleep(500)
  const quick = ['+tries=1', '+time=1', '+nobadcookie']
  for (const text of digs) {
    const args = text.replaceAll('\\\\', '\\').split(' ')
    await record(`dig ${text}`, ['dig', ...quick, '@198.51.100.53', ...args], bind)
    if (/^\+noedns web|^web|^-x/.test(text)) await record(`dig -6 ${text}`, ['dig', ...quick, '@2001:db8::53', ...args], bind)
  }
  run('mkdir', '-p', `/etc/netns/${asker}`)
  run('sh', '-c', `echo 'nameserver 198.51.100.53\noptions attempts:1 timeout:1' > /etc/netns/${asker}/resolv.conf`)
  for (const [text, ...command] of others) await record(text, command, command[0] === 'python3' ? 'Python sockets' : command[0])
} finally {
  for (const namespace of [asker, server]) run('ip', 'netns', 'del', namespace)
  rmSync(`/etc/netns/${asker}`, { recursive: true, force: true })
  rmSync(folder, { recursive: true })
}
