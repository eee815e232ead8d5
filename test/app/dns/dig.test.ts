/** The whole application judged by real `dig`: it asks over a socket of the loopback device and says what it sees. */

import { execFile } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { View } from '../../../src/app/view.ts'
import { networkOf, portOf, viewOf } from '../../support/view.ts'
import { appOf, messageIn, verdictOf } from './asking.ts'

const run = promisify(execFile)

/** Two tenants; red's domain is answered with authority, and one of its names has 80 addresses. */
function cloud(): View {
  const networks = [networkOf('red', 1), networkOf('blue', 2)].map((network) => {
    const isAuthoritative = network.key === 1
    const domain = {
      name: `${network.key === 1 ? 'red' : 'blue'}.example.org`,
      ttl: undefined,
      isAuthoritative,
    }
    return { ...network, subnets: network.subnets.map((subnet) => ({ ...subnet, domain })) }
  })
  const ports = networks.flatMap((network, i) => [
    portOf(network, 10 * i + 1, 'web', ['10.0.0.11', 'fd00:a::11']),
    portOf(network, 10 * i + 2, 'db', ['10.0.0.12']),
    portOf(
      network,
      10 * i + 3,
      'many',
      Array.from({ length: 80 }, (_, n) => `10.0.0.${100 + n}`),
    ),
  ])
  return viewOf(networks, ports, { 1: 11, 11: 21 })
}

/** What dig saw. */
interface Seen {
  readonly status: string
  readonly flags: string
  /** The OPT record, a line for the header and one for each option. */
  readonly opt: readonly string[]
  readonly question: string
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly size: number
}

const red = 1
const blue = 11
const view = cloud()
const app = appOf()
const sockets = new Map<number, Socket>()

beforeAll(async () => {
  for (const key of [red, blue]) {
    const socket = createSocket('udp4')
    sockets.set(key, socket)
    socket.on('message', (message, from) => socket.send(replyTo(key, message), from.port, from.address))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
  }
})

afterAll(() => {
  for (const socket of sockets.values()) socket.close()
})

/** Our reply, or the one of the world outside, which refuses all. */
function replyTo(key: number, message: Buffer): Buffer {
  const verdict = verdictOf(app, view, key, message)
  if (verdict.kind === 'reply') return messageIn(verdict.frame)
  const outside = Buffer.from(message.subarray(0, 12))
  outside.fill(0, 4)
  outside.writeUInt16BE((message.readUInt16BE(2) & 0x7900) | 0x8005, 2)
  return outside
}

async function dig(key: number, text: string): Promise<Seen> {
  const { port } = sockets.get(key)!.address()
  const fixed = ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=5']
  const { stdout } = await run('dig', [...fixed, ...text.split(' ')])
  const section = (name: string) =>
    new RegExp(`;; ${name} SECTION:\\n((?:.+\\n)*)`).exec(stdout)?.[1]?.trim().split('\n') ?? []
  expect(stdout).not.toMatch(/WARNING: (?!recursion)|malformed|extra|mismatch|\bbad\b/i)
  return {
    status: /status: (\w+)/.exec(stdout)![1]!,
    flags: /flags: ([^;]*);/.exec(stdout)![1]!,
    opt: optOf(stdout),
    question: section('QUESTION')[0] ?? '',
    answer: section('ANSWER').map((line) => line.replace(/\s+/g, ' ')),
    authority: section('AUTHORITY').map((line) => line.replace(/\s+/g, ' ')),
    size: Number(/MSG SIZE {2}rcvd: (\d+)/.exec(stdout)![1]),
  }
}

const optOf = (stdout: string): string[] =>
  [
    ...stdout.matchAll(
      /^; (EDNS:.*|COOKIE:.*|NSID.*|OPT=.*|CLIENT-SUBNET.*|PAD.*|TCP KEEPALIVE.*|EXPIRE.*)$/gm,
    ),
  ].map((match) => match[1]!)

const soa = 'red.example.org. 5 IN SOA red.example.org. nobody.invalid. 1 3600 1200 604800 5'
const ours = { opt: ['EDNS: version: 0, flags:; udp: 1232'] }
const plain = { opt: [] }

describe('RFC 8906, for a domain with authority', () => {
  const noerror = { status: 'NOERROR', answer: [soa] }
  const badvers = { status: 'BADVERS', answer: [], authority: [], flags: 'qr ra', ...ours }

  // biome-ignore format: one probe a line
  test.each<[string, string, Partial<Seen>]>([
    ['8.1.1 zone configured',    '+noedns +noad +norec red.example.org SOA',            { ...noerror, ...plain, flags: 'qr aa ra' }],
    ['8.1.2 unknown type',       '+noedns +noad +norec red.example.org TYPE1000',       { status: 'NOERROR', answer: [], authority: [soa], ...plain, flags: 'qr aa ra' }],
    ['8.1.3.1 CD=1',             '+noedns +noad +norec +cd red.example.org SOA',        { ...noerror, ...plain, flags: 'qr aa ra' }],
    ['8.1.3.2 AD=1',             '+noedns +norec +ad red.example.org SOA',              { ...noerror, ...plain, flags: 'qr aa ra' }],
    ['8.1.3.3 reserved bit',     '+noedns +noad +norec +zflag red.example.org SOA',     { ...noerror, ...plain, flags: 'qr aa ra' }],
    ['8.1.3.4 recursive',        '+noedns +noad +rec red.example.org SOA',              { ...noerror, ...plain, flags: 'qr aa rd ra' }],
    ['8.1.4 unknown opcode',     '+noedns +noad +opcode=15 +norec +header-only',        { status: 'REFUSED' }],
    ['8.2.1 minimal EDNS',       '+nocookie +edns=0 +noad +norec red.example.org SOA',  { ...noerror, ...ours, flags: 'qr aa ra' }],
    ['8.2.2 version',            '+nocookie +edns=1 +noednsneg +noad +norec red.example.org SOA', badvers],
    ['8.2.3 unknown option',     '+nocookie +edns=0 +noad +norec +ednsopt=100 red.example.org SOA', { ...noerror, ...ours }],
    ['8.2.4 unknown flag',       '+nocookie +edns=0 +noad +norec +ednsflags=0x40 red.example.org SOA', { ...noerror, ...ours }],
    ['8.2.5 version, flag',      '+nocookie +edns=1 +noednsneg +noad +norec +ednsflags=0x40 red.example.org SOA', badvers],
    ['8.2.6 version, option',    '+nocookie +edns=1 +noednsneg +noad +norec +ednsopt=100 red.example.org SOA', badvers],
    ['8.2.7 truncation',         '+nocookie +norec +dnssec +bufsize=512 +ignore red.example.org DNSKEY', { status: 'NOERROR', answer: [], authority: [soa], opt: ['EDNS: version: 0, flags: do; udp: 1232'] }],
    ['8.2.8 DO',                 '+nocookie +edns=0 +noad +norec +dnssec red.example.org SOA', { ...noerror, opt: ['EDNS: version: 0, flags: do; udp: 1232'], flags: 'qr aa ra' }],
    ['8.2.9 version, DO',        '+nocookie +edns=1 +noednsneg +noad +norec +dnssec red.example.org SOA', { ...badvers, opt: ['EDNS: version: 0, flags: do; udp: 1232'] }],
    ['8.2.10 many options',      '+nocookie +edns=0 +noad +norec +nsid +expire +subnet=0.0.0.0/0 red.example.org SOA', { ...noerror, ...ours }],
  ])('%s: dig %s', async (_name, text, expected) => {
    expect(await dig(red, text)).toMatchObject(expected)
  })
})

describe('the cases of an interceptor', () => {
  const a = (name: string, ip: string) => ({ status: 'NOERROR', answer: [`${name}. 30 IN A ${ip}`] })
  const flags = 'qr aa rd ra'
  const nodata = { status: 'NOERROR', answer: [], authority: [soa], flags }
  const nxdomain = { ...nodata, status: 'NXDOMAIN' }

  // biome-ignore format: one question a line
  test.each<[number, string, Partial<Seen>]>([
    [red,  '+nocookie db.red.example.org A',           { ...a('db.red.example.org', '10.0.0.12'), authority: [], flags, ...ours }],
    [red,  '+noedns web.red.example.org AAAA',         { status: 'NOERROR', answer: ['web.red.example.org. 30 IN AAAA fd00:a::11'], flags, ...plain }],
    [red,  'db.red.example.org AAAA',                  nodata],
    [red,  'nosuch.red.example.org',                   nxdomain],
    [red,  'x.web.red.example.org',                    nxdomain],
    [red,  'red.example.org A',                        nodata],
    [red,  'www.example.net',                          { status: 'REFUSED' }],
    [red,  'web.blue.example.org',                     { status: 'REFUSED' }],
    [blue, 'web.red.example.org',                      { status: 'REFUSED' }],
    [blue, 'nosuch.blue.example.org',                  { status: 'REFUSED' }],
    [blue, 'web.blue.example.org',                     a('web.blue.example.org', '10.0.0.11')],
    [red,  'dB.rEd.eXample.ORG',                       { ...a('dB.rEd.eXample.ORG', '10.0.0.12'), question: ';dB.rEd.eXample.ORG.\t\tIN\tA' }],
    [red,  '-x 10.0.0.12',                             { status: 'NOERROR', answer: ['12.0.0.10.in-addr.arpa. 30 IN PTR db.red.example.org.'], flags }],
    [blue, '-x fd00:a::11',                            { status: 'NOERROR', answer: [`1.1.${'0.'.repeat(14)}0.0.0.0.0.0.0.0.a.0.0.0.0.0.d.f.ip6.arpa. 30 IN PTR web.blue.example.org.`] }],
    [red,  '-x 10.0.0.77',                             { status: 'NXDOMAIN', authority: ['0.0.10.in-addr.arpa. 5 IN SOA 0.0.10.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 5'] }],
    [blue, '-x 10.0.0.77',                             { status: 'REFUSED' }],
    [red,  'ptr db.red.example.org',                   nodata],
    [red,  'a 12.0.0.10.in-addr.arpa',                 { status: 'NOERROR', answer: [] }],
    [red,  '+notcp any web.red.example.org',           a('web.red.example.org', '10.0.0.11')],
    [red,  'https web.red.example.org',                nodata],
    [red,  'svcb web.red.example.org',                 nodata],
    [red,  'type65534 web.red.example.org',            nodata],
    [red,  'ch txt version.bind',                      { status: 'REFUSED' }],
    [red,  '-c ANY web.red.example.org',               { status: 'REFUSED' }],
    [red,  '+opcode=4 red.example.org SOA',            { status: 'REFUSED' }],
    [red,  '+nocookie +bufsize=0 db.red.example.org',  { ...a('db.red.example.org', '10.0.0.12'), ...ours }],
    [red,  '+nocookie +bufsize=65535 db.red.example.org', { ...a('db.red.example.org', '10.0.0.12'), ...ours }],
    [red,  '+nocookie +subnet=10.0.0.0/8 db.red.example.org', { ...a('db.red.example.org', '10.0.0.12'), ...ours }],
    [red,  '+nocookie +padding=128 db.red.example.org', { ...a('db.red.example.org', '10.0.0.12'), ...ours }],
    [red,  '+nocookie +keepalive db.red.example.org',  { ...a('db.red.example.org', '10.0.0.12'), ...ours }],
    [red,  '+nocookie +nsid db.red.example.org',       { ...a('db.red.example.org', '10.0.0.12'), ...ours }],
    [red,  '+nocookie +ednsopt=10:01234567 db.red.example.org', { status: 'FORMERR', answer: [], flags: 'qr rd ra', ...ours }],
    [red,  '+nocookie +ednsopt=10:01234567 www.example.net', { status: 'REFUSED' }],
    [red,  'db A',                                     a('db', '10.0.0.12')],
    [red,  '+norec db A',                              { status: 'REFUSED' }],
  ])('%i asks: dig %s', async (key, text, expected) => {
    expect(await dig(key, text)).toMatchObject(expected)
  })

  test.each([
    ['+noedns', 512],
    ['+nocookie +bufsize=512', 512],
    ['+bufsize=600', 600],
    ['+nocookie +bufsize=1232', 1232],
    ['+bufsize=4096', 1232],
  ])('80 addresses: as many as fit, without TC: dig %s', async (text, limit) => {
    const seen = await dig(red, `${text} many.red.example.org A`)
    expect(seen.flags).toBe(flags)
    expect(seen.size).toBeLessThanOrEqual(limit)
    expect(seen.size).toBeGreaterThan(limit - 16)
    expect(new Set(seen.answer).size).toBe(seen.answer.length)
  })

  test('a cookie comes back with one of ours behind it', async () => {
    const seen = await dig(red, '+cookie=0123456789abcdef db.red.example.org')
    expect(seen.opt[1]).toMatch(/^COOKIE: 0123456789abcdef[0-9a-f]{16} \(good\)$/)
  })

  test("a server's cookie comes back unchanged", async () => {
    const cookie = '0123456789abcdef0011223344556677'
    const seen = await dig(red, `+cookie=${cookie} db.red.example.org`)
    expect(seen.opt[1]).toBe(`COOKIE: ${cookie} (good)`)
  })
})
