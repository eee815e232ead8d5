/**
 * Caching and validating resolvers as clients inside the VMs (case 39 and 55 of docs/dns.md), and the same questions to
 * other servers of the same names: unbound, in both tenants, as docs/dns.md configures it.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { DnsLab, type Observed, oneReply, payloadsOf, tenants, upstream } from '../support/dns-lab.ts'
import { optOf } from '../support/dns-reply.ts'

let cloud: DnsLab
let directory: string
const daemons: ProcessRef[] = []
let starts = 0

beforeAll(async () => {
  cloud = await DnsLab.start('dns-clients')
  directory = mkdtempSync(join(tmpdir(), 'df-clients-'))
})

afterEach(async () => {
  for (const daemon of daemons.splice(0)) await stopProcess(daemon)
})

afterAll(async () => {
  await cloud?.close()
  rmSync(directory, { recursive: true, force: true })
  expect(cloud.strayPackets).toBe(0)
})

/** Starts unbound on the VM's loopback; `lines` are added to its section `server`. */
async function startUnbound(
  port: string,
  lines: readonly string[],
  zones: readonly string[] = [],
): Promise<void> {
  // Files of its own each time: the log of the one before would say that this one is ready.
  starts += 1
  const at = (file: string) => join(directory, `${starts}-${file}`)
  const config = [
    'server:',
    ...['interface: 127.0.0.1', 'do-daemonize: no', 'use-syslog: no', 'chroot: ""', 'username: ""'],
    ...[`pidfile: "${at('pid')}"`, `directory: "${directory}"`, 'logfile: ""', 'verbosity: 1'],
    ...lines,
    'remote-control:\n control-enable: no',
    ...zones,
  ]
  writeFileSync(at('conf'), `${config.join('\n')}\n`)
  const logFile = at('log')
  const namespace = cloud.namespace(port)
  const daemon = await startDaemon('unbound', ['-d', '-c', at('conf')], {
    logFile,
    namespace,
    diesWithParent: true,
  })
  daemons.push(daemon)
  const alive = [{ name: 'unbound', process: daemon, logFile }]
  await waitUntil('unbound', () => readFileSync(logFile, 'utf8').includes('start of service'), { alive })
}

/** A trust anchor for a zone that signs nothing here: what it would vouch for is bogus. */
const anchor = (zone: string) => `trust-anchor: "${zone}. DS 12345 13 2 ${'ab'.repeat(32)}"`

/** unbound answers `test.` itself (RFC 6761) unless told otherwise. */
const forTest = 'local-zone: "test." nodefault'

const forwarding = [`forward-zone:\n name: "."\n forward-addr: ${upstream.v4}`]

/** What docs/dns.md tells who validates: the internal names are not signed. */
const forInternalNames = (domain: string) => [
  `domain-insecure: "${domain}"`,
  'local-zone: "10.in-addr.arpa." nodefault',
  'domain-insecure: "10.in-addr.arpa"',
]

const statusOf = ({ output }: Observed) => /status: (\w+)/.exec(output)?.[1]
const addressesOf = ({ output }: Observed) =>
  [...output.matchAll(/^\S+\s+\d+\s+IN\s+(?:A|PTR)\s+(\S+)$/gm)].map(([, data]) => data)

describe.each(tenants)('tenant %s: unbound in a VM', (tenant, domain) => {
  const port = `${tenant}-vm1`
  const ask = (words: string) => cloud.dig(port, `@127.0.0.1 ${words}`, { passing: 0 })

  test('55: validates, and resolves the internal names', async () => {
    await startUnbound(port, [forTest, anchor('example'), ...forInternalNames(domain)], forwarding)
    const first = await ask(`vm2.${domain}`)
    expect([statusOf(first), addressesOf(first)]).toEqual(['NOERROR', ['10.0.0.6']])
    expect(addressesOf(await ask('-x 10.0.0.6'))).toEqual([`vm2.${domain}.`])
    expect(statusOf(await ask(`vm2.${domain} AAAA`))).toBe('NOERROR')
    expect(statusOf(await ask(`nosuch.${domain}`))).toBe('NXDOMAIN')
    expect(addressesOf(await ask('ext.test'))).toEqual(['192.0.2.1'])
  })

  test('55: takes them for forged where it is not told so, and says SERVFAIL', async () => {
    await startUnbound(port, [anchor('example')], forwarding)
    expect(statusOf(await ask(`vm2.${domain}`))).toBe('SERVFAIL')
  })

  test('keeps what it heard, and never falls back to queries without EDNS', async () => {
    await startUnbound(port, forInternalNames(domain), forwarding)
    const words = [`vm2.${domain}`, `vm2.${domain} AAAA`, `nosuch.${domain}`]
    const upstreamQueries = []
    for (const question of words) upstreamQueries.push(...payloadsOf((await ask(question)).sentFrames))
    const fromUnbound = upstreamQueries.filter(({ source }) => source !== '127.0.0.1')
    expect(fromUnbound.length).toBe(words.length)
    for (const { dns } of fromUnbound) expect(optOf(dns)).toMatchObject({ version: 0 })
    for (const question of words) {
      const { sent } = await ask(question)
      expect(sent, `${question} is in the cache`).toEqual([])
    }
  })
})

describe.each(tenants)('tenant %s: the same names in another server', (tenant, domain) => {
  const vm1 = `${tenant}-vm1`
  const nine = `${tenant}-vm2`

  // biome-ignore format: one question a line
  const questions = [
    `vm1.${domain} A`, `vm1.${domain} AAAA`, `vm2.${domain} A`, `vm2.${domain} AAAA`, `VM2.${domain} A`,
    `vm2.${domain} MX`, `vm2.${domain} TXT`, `vm2.${domain} HTTPS`, `vm2.${domain} TYPE65534`,
    `nosuch.${domain} A`, `x.vm2.${domain} A`, `rack.${domain} A`, `node.rack.${domain} A`, `${domain} A`,
    `${domain} SOA`, `${domain} NS`, '-x 10.0.0.4', '-x 10.0.0.6', '-x 10.0.0.77', '-x fd00:a::4',
  ]

  test('unbound with local zones says the same', async () => {
    await startUnbound(nine, [
      ...['interface: 10.0.0.6', 'access-control: 10.0.0.0/8 allow'],
      ...zoneLines(domain, [
        [`vm1.${domain}`, '10.0.0.4'],
        [`vm1.${domain}`, 'fd00:a::4'],
        [`vm2.${domain}`, '10.0.0.6'],
        [`node.rack.${domain}`, '10.0.0.10'],
      ]),
    ])
    const audience = { also: (port: string) => port === nine }
    for (const question of questions) {
      const ours = await cloud.answered(vm1, `@${upstream.v4} ${question} +nocookie`, audience)
      const theirs = await cloud.dig(vm1, `@10.0.0.6 ${question} +nocookie`, { ...oneReply, ...audience })
      expect(theirs.replies, theirs.output).toHaveLength(1)
      const said = ({ message }: Observed['replies'][number]) => ({
        rcode: (message as { readonly rcode?: string }).rcode,
        answers: (message.answers ?? []).map((one) => [one.name.toLowerCase(), one.type, dataOf(one)]).sort(),
        authorities: (message.authorities ?? []).map(({ name, type }) => [name.toLowerCase(), type]),
        isAuthoritative: message.flag_aa,
      })
      expect(said(ours), question).toEqual(said(theirs.replies[0]!))
    }
  })

  test('dnsmasq with local domains says the same, but for the authority it does not claim', async () => {
    const logFile = join(directory, `${nine}-dnsmasq`)
    const hosts = [
      `vm1.${domain},10.0.0.4,fd00:a::4`,
      `vm2.${domain},10.0.0.6`,
      `node.rack.${domain},10.0.0.10`,
    ]
    const daemon = await startDaemon(
      'dnsmasq',
      [
        ...[
          '--keep-in-foreground',
          '--log-facility=-',
          '--conf-file=/dev/null',
          '--user=root',
          '--pid-file=',
        ],
        ...['--listen-address=10.0.0.6', '--bind-interfaces', '--no-resolv', '--no-hosts', '--local-ttl=30'],
        ...[domain, '0.0.10.in-addr.arpa', reverseOfV6].map((zone) => `--local=/${zone}/`),
        ...hosts.map((host) => `--host-record=${host}`),
      ],
      { logFile, namespace: cloud.namespace(nine), diesWithParent: true },
    )
    daemons.push(daemon)
    const alive = [{ name: 'dnsmasq', process: daemon, logFile }]
    await waitUntil('dnsmasq', () => readFileSync(logFile, 'utf8').includes('started'), { alive })
    const audience = { also: (port: string) => port === nine }
    for (const question of questions) {
      const ours = await cloud.answered(vm1, `@${upstream.v4} ${question} +nocookie`, audience)
      const theirs = await cloud.dig(vm1, `@10.0.0.6 ${question} +nocookie`, { ...oneReply, ...audience })
      const said = ({ message }: Observed['replies'][number]) => [
        (message as { readonly rcode?: string }).rcode,
        ...(message.answers ?? [])
          .map((one) => `${one.name} ${one.type} ${dataOf(one)} ${(one as { ttl?: number }).ttl}`)
          .sort(),
      ]
      const [mine, other] = [said(ours), said(theirs.replies[0]!)]
      // It has no SOA and no NS record of a domain that it is told not to forward.
      expect(mine.slice(0, /(SOA|NS)$/.test(question) ? 1 : undefined), question).toEqual(other)
    }
  })
})

/** Of fd00:a::/64. */
const reverseOfV6 = `${'0.'.repeat(8)}a.0.0.0.0.0.d.f.ip6.arpa`

/** What a record says; the fields of an SOA are each server's own affair. */
const dataOf = (record: object) => {
  const { type, data } = record as { type: string; data?: unknown }
  return type === 'SOA' || type === 'NS' ? type : String(data)
}

/** The names of a domain as unbound's local data, with their reverse zones. */
function zoneLines(domain: string, names: readonly (readonly [string, string])[]): string[] {
  const soa = (zone: string) => `local-data: "${zone}. 5 SOA ${zone}. nobody.invalid. 1 3600 1200 604800 5"`
  const zones = [domain, '0.0.10.in-addr.arpa', reverseOfV6]
  return [
    ...zones.flatMap((zone) => [`local-zone: "${zone}." static`, soa(zone)]),
    `local-data: "${domain}. 30 NS ${domain}."`,
    ...names.map(([name, ip]) => `local-data: "${name}. 30 ${ip.includes(':') ? 'AAAA' : 'A'} ${ip}"`),
    ...names.map(([name, ip]) => `local-data-ptr: "${ip} 30 ${name}"`),
  ]
}
