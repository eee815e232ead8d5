/** systemd-resolved as the client inside the VMs (cases 39 and 55 of docs/dns.md), in both tenants. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DnsLab, payloadsOf, tenants, upstream } from '../support/dns-lab.ts'
import { optOf } from '../support/dns-reply.ts'
import { type Resolved, startResolved } from '../support/resolved.ts'

let cloud: DnsLab
let resolved: Resolved | undefined

beforeAll(async () => {
  cloud = await DnsLab.start('dns-resolved')
})

afterEach(async () => {
  await resolved?.stop()
  resolved = undefined
})

afterAll(async () => {
  await cloud?.close()
  expect(cloud.strayPackets).toBe(0)
})

const plain = [`DNS=${upstream.v4}`, 'LLMNR=no', 'MulticastDNS=no']

describe.each(tenants)('tenant %s', (tenant, domain) => {
  const port = `${tenant}-vm1`
  const start = async (...lines: string[]) => {
    resolved = await startResolved(cloud.namespace(port), [...plain, ...lines])
    return (...words: string[]) => cloud.observe(port, resolved!.resolvectl(...words), { passing: 0 })
  }

  test('39: asks each question once, with EDNS, and keeps the answers', async () => {
    const resolvectl = await start('DNSSEC=no')
    const each = { count: 2, replying: 2, passing: 0 }
    const query = (name: string) => cloud.observe(port, resolved!.resolvectl('query', name), each)
    const both = await query(`vm1.${domain}`)
    expect(both.output).toMatch(/10\.0\.0\.4/)
    expect(both.output).toMatch(/fd00:a::4/)
    const one = await query(`vm2.${domain}`)
    expect(one.output).toMatch(/10\.0\.0\.6/)
    for (const { sent, passed, replies, sentFrames } of [both, one]) {
      expect([sent.length, passed, replies.length]).toEqual([2, [], 2])
      for (const { dns } of payloadsOf(sentFrames)) expect(optOf(dns)).toMatchObject({ version: 0 })
    }
    expect((await resolvectl('query', `vm1.${domain}`)).sent).toEqual([])
    expect((await resolvectl('query', '10.0.0.6')).output).toContain(`vm2.${domain}`)
    expect((await resolvectl('query', `nosuch.${domain}`)).output).toMatch(/not found/)
    expect((await resolvectl('query', 'ext.test')).output).toMatch(/192\.0\.2\.1/)
    const report = await resolved!.report()
    for (const level of ['Verified', 'Possible'])
      expect(report.match(new RegExp(`${level} feature level: (.*)`))?.[1]).toBe('UDP+EDNS0')
    // It asks again without EDNS whoever says NXDOMAIN with EDNS (DVE-2018-0001): once a transaction, A and AAAA.
    const reduced = report.split('\n').filter((line) => /reduced feature level|degraded/i.test(line))
    expect(reduced.filter((line) => !line.includes('DVE-2018-0001'))).toEqual([])
    expect(reduced).toHaveLength(2)
  })

  test('55: validates where it is told which names are not signed', async () => {
    const resolvectl = await start('DNSSEC=yes')
    expect((await resolvectl('query', `vm2.${domain}`)).output).toMatch(/DNSSEC validation failed/)
    await resolvectl('dns', 'eth0', upstream.v4)
    await resolvectl('dnssec', 'eth0', 'yes')
    await resolvectl('domain', 'eth0', domain)
    await resolvectl('nta', 'eth0', domain)
    const { output, exitCode } = await resolvectl('query', `vm2.${domain}`)
    expect([output, exitCode]).toEqual([expect.stringContaining('10.0.0.6'), 0])
    expect(output).toContain('Data is authenticated: no')
  })
})
