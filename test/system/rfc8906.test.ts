/**
 * The tests of RFC 8906 section 8, with the real `dig` behind the real switch, in both tenants: an owned domain answers
 * as a server must, any other one sees the very packet that was sent.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DnsLab, tenants, upstream } from '../support/dns-lab.ts'
import { bits, optOf } from '../support/dns-reply.ts'

let cloud: DnsLab

beforeAll(async () => {
  cloud = await DnsLab.start('rfc8906')
})

afterAll(async () => {
  await cloud?.close()
  expect(cloud.strayPackets).toBe(0)
})

interface Expected {
  readonly rcode: string
  /** Types of the answer and of the authority section. */
  readonly answer?: string
  readonly authority?: string
  readonly aa: boolean
  readonly rd?: boolean
  /** The OPT record of the reply; undefined if there must be none. */
  readonly opt?: { readonly do?: boolean; readonly cookie?: boolean }
}

const soa = { rcode: 'NOERROR', answer: 'SOA', aa: true }
const badVersion = { rcode: 'BADVERS', aa: false, opt: {} }

// biome-ignore format: one row of the table a line; `$zone` is a domain of the tenant's own, or of nobody here
const rows: readonly (readonly [string, string, Expected | 'forwarded'])[] = [
  ['8.1.1 zone configured',        '+noedns +noad +norec soa $zone',                                soa],
  ['8.1.2 unknown type',           '+noedns +noad +norec type1000 $zone',                           { rcode: 'NOERROR', authority: 'SOA', aa: true }],
  ['8.1.3.1 CD=1',                 '+noedns +noad +norec +cd soa $zone',                            soa],
  ['8.1.3.2 AD=1',                 '+noedns +norec +ad soa $zone',                                  soa],
  ['8.1.3.3 reserved bit',         '+noedns +noad +norec +zflag soa $zone',                         soa],
  ['8.1.3.4 recursive',            '+noedns +noad +rec soa $zone',                                  { ...soa, rd: true }],
  ['8.1.4 unknown opcode',         '+noedns +noad +opcode=15 +norec +header-only',                  'forwarded'],
  ['8.2.1 minimal EDNS',           '+nocookie +edns=0 +noad +norec soa $zone',                      { ...soa, opt: {} }],
  ['8.2.2 version negotiation',    '+nocookie +edns=1 +noednsneg +noad +norec soa $zone',           badVersion],
  ['8.2.3 unknown option',         '+nocookie +edns=0 +noad +norec +ednsopt=100 soa $zone',         { ...soa, opt: {} }],
  ['8.2.4 unknown flag',           '+nocookie +edns=0 +noad +norec +ednsflags=0x40 soa $zone',      { ...soa, opt: {} }],
  ['8.2.5 version 1 and flag',     '+nocookie +edns=1 +noednsneg +noad +norec +ednsflags=0x40 soa $zone', badVersion],
  ['8.2.6 version 1 and option',   '+nocookie +edns=1 +noednsneg +noad +norec +ednsopt=100 soa $zone',    badVersion],
  ['8.2.7 truncation',             '+norec +noad +nocookie +dnssec +bufsize=512 +ignore dnskey $zone', { rcode: 'NOERROR', authority: 'SOA', aa: true, opt: { do: true } }],
  ['8.2.8 DO=1',                   '+nocookie +edns=0 +noad +norec +dnssec soa $zone',              { ...soa, opt: { do: true } }],
  ['8.2.9 version 1 and DO',       '+nocookie +edns=1 +noednsneg +noad +norec +dnssec soa $zone',   { ...badVersion, opt: { do: true } }],
  ['8.2.10 many options',          '+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa $zone', { ...soa, opt: { cookie: true } }],
]

const servers = [
  ['IPv4', upstream.v4],
  ['IPv6', upstream.v6],
] as const

describe.each(tenants)('tenant %s: an owned domain', (tenant, zone) => {
  describe.each(servers)('over %s', (_family, server) => {
    test.each(rows)('%s', async (_name, words, expected) => {
      const question = `@${server} ${words.replace('$zone', zone)}`
      if (expected === 'forwarded') return void (await cloud.forwarded(`${tenant}-vm1`, question))
      const { message, dns } = await cloud.answered(`${tenant}-vm1`, question)
      const word = dns.readUInt16BE(2)
      const opt = optOf(dns)
      expect({
        rcode: rcodeOf(dns),
        answer: typesOf(message.answers),
        authority: typesOf(message.authorities),
        aa: (word & bits.aa) !== 0,
        rd: (word & bits.rd) !== 0,
        tc: (word & bits.tc) !== 0,
        opt: opt && { do: (opt.flags & 0x8000) !== 0, options: opt.options },
      }).toEqual({
        rcode: expected.rcode,
        answer: expected.answer ?? '',
        authority: expected.authority ?? '',
        aa: expected.aa,
        rd: expected.rd ?? false,
        tc: false,
        opt: expected.opt && { do: expected.opt.do ?? false, options: expected.opt.cookie ? [10] : [] },
      })
    })
  })
})

describe.each(tenants)('tenant %s: a domain that is nobody’s here', (tenant) => {
  describe.each(servers)('over %s', (_family, server) => {
    test.each(rows)('%s goes on as it was sent', async (_name, words) => {
      await cloud.forwarded(`${tenant}-vm1`, `@${server} ${words.replace('$zone', 'elsewhere.test')}`)
    })
  })

  test('8.1.5 TCP reaches the server that was asked, also for an owned name', async () => {
    const { output } = await cloud.dig(`${tenant}-vm1`, `@${upstream.v4} +tcp +noedns soa elsewhere.test`)
    expect(output).toMatch(/status: NXDOMAIN/)
  })
})

const typesOf = (records: readonly { readonly type: string }[] | undefined) =>
  (records ?? []).map(({ type }) => type).join(' ')

function rcodeOf(dns: Buffer): string {
  const rcode = ((optOf(dns)?.extendedRcode ?? 0) << 4) | (dns.readUInt16BE(2) & 15)
  return { 0: 'NOERROR', 1: 'FORMERR', 3: 'NXDOMAIN', 16: 'BADVERS' }[rcode] ?? String(rcode)
}
