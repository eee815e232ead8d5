/**
 * Queries to the cloud's own addresses, which nothing listens behind: column R of the tests of RFC 8906 and of the
 * interceptor's cases (docs/dns.md), asked with the real `dig` behind the real switch, in both tenants. The same lab
 * has a server id, so case 31 is asked here, too.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { portOf } from '../../src/lab/lab.ts'
import { waitUntil } from '../../src/lab/process.ts'
import { type NbDriver, openNbDriver } from '../../src/nb/index.ts'
import { DnsLab, type Reply, sender, tenants, upstream } from '../support/dns-lab.ts'
import { bits, optOf } from '../support/dns-reply.ts'

const nsid = 'compute-1.example.org'
const directory = mkdtempSync(join(tmpdir(), 'df-own-'))
let cloud: DnsLab
let store: NbDriver

beforeAll(async () => {
  const file = join(directory, 'cloud.yaml')
  const plain = readFileSync('examples/dns-cases.yaml', 'utf8')
  writeFileSync(file, `${plain}\noptions: { df_dns_app: { df_dns_nsid: ${nsid} } }\n`)
  cloud = await DnsLab.start('dns-own', file)
  const nb_path = join(cloud.lab.plan.directory, 'nb')
  store = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path })
  for (const [tenant] of tenants) await addRouter(tenant)
})

afterAll(async () => {
  await store?.close()
  await cloud?.close()
  rmSync(directory, { recursive: true })
  expect(cloud.strayPackets).toBe(0)
})

const networkOf = (key: string) => cloud.lab.plan.networks.find((network) => network.key === key)!

/** Joins the tenant's two networks by a router at their gateways' addresses, as Neutron's plugin writes it. */
async function addRouter(tenant: string): Promise<void> {
  const networks = ['net', 'open-net'].map((name) => networkOf(`${tenant}-${name}`))
  const { topic } = networks[0]!
  const ports = networks.flatMap(({ id, subnets }) =>
    subnets.map(({ gateway, cidr }, index) => ({
      ...{
        id: `${id}-${index}`,
        topic,
        lswitch: id,
        mac: `fa:16:3e:00:02:0${index}`,
        unique_key: 100 + index,
      },
      network: `${gateway}/${cidr.split('/')[1]}`,
    })),
  )
  const unique_key = await store.allocateUniqueKey('lrouter')
  const row = {
    id: `router-${tenant}`,
    topic,
    unique_key,
    version: 1,
    name: `router-${tenant}`,
    ports,
    routes: [],
  }
  await store.create('lrouter', row.id, JSON.stringify(row))
  await waitUntil('the router to be known', async () =>
    (await ask(`${tenant}-vm1`, '@10.0.0.1 +noedns ext.test')).includes('REFUSED'),
  )
}

const ask = async (port: string, words: string) => (await cloud.dig(port, words, { passing: 0 })).output

/** `REFUSED qr rd ra`, in the order of dig. */
const headOf = ({ dns }: Reply) => {
  const word = dns.readUInt16BE(2)
  const rcode = ((optOf(dns)?.extendedRcode ?? 0) << 4) | (word & 15)
  const set = Object.entries(bits).flatMap(([name, bit]) => ((word & bit) === 0 ? [] : [name]))
  const names: Readonly<Record<number, string>> = {
    0: 'NOERROR',
    1: 'FORMERR',
    4: 'NOTIMP',
    5: 'REFUSED',
    16: 'BADVERS',
  }
  return [names[rcode] ?? rcode, ...set].join(' ')
}

const [nsidCode, cookieCode, errorCode] = [3, 10, 15]
/** Whether the question comes back, and the options in the OPT record; undefined if there is none. */
type Expected = readonly [head: string, questions: number, options: readonly number[] | undefined]

// biome-ignore format: one question a line
const rows: readonly (readonly [string, string, ...Expected])[] = [
  ['8.1.1 a zone of nobody here',  '+noedns +noad +norec soa elsewhere.test',                 'REFUSED qr ra',    1, undefined],
  ['8.1.2 unknown type',           '+noedns +noad +norec type1000 elsewhere.test',            'REFUSED qr ra',    1, undefined],
  ['8.1.3.1 CD=1',                 '+noedns +noad +norec +cd soa elsewhere.test',             'REFUSED qr ra',    1, undefined],
  ['8.1.3.2 AD=1',                 '+noedns +norec +ad soa elsewhere.test',                   'REFUSED qr ra',    1, undefined],
  ['8.1.3.3 reserved bit',         '+noedns +noad +norec +zflag soa elsewhere.test',          'REFUSED qr ra',    1, undefined],
  ['8.1.3.4 recursive',            '+noedns +noad +rec soa elsewhere.test',                   'REFUSED qr rd ra', 1, undefined],
  ['8.1.4 unknown opcode',         '+noedns +noad +opcode=15 +norec +header-only',            'NOTIMP qr',        0, undefined],
  ['8.2.1 minimal EDNS',           '+nocookie +edns=0 +noad +norec soa elsewhere.test',       'REFUSED qr ra',    1, [errorCode]],
  ['8.2.2 version negotiation',    '+nocookie +edns=1 +noednsneg +noad +norec soa elsewhere.test', 'BADVERS qr ra', 1, []],
  ['8.2.3 unknown option',         '+nocookie +edns=0 +noad +norec +ednsopt=100 soa elsewhere.test', 'REFUSED qr ra', 1, [errorCode]],
  ['8.2.4 unknown flag',           '+nocookie +edns=0 +noad +norec +ednsflags=0x40 soa elsewhere.test', 'REFUSED qr ra', 1, [errorCode]],
  ['8.2.8 DO=1',                   '+nocookie +edns=0 +noad +norec +dnssec soa elsewhere.test', 'REFUSED qr ra',  1, [errorCode]],
  ['8.2.10 many options',          '+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa elsewhere.test', 'REFUSED qr ra', 1, [cookieCode, nsidCode, errorCode]],
  ['13 version.bind',              'ch txt version.bind +nocookie',                           'REFUSED qr rd ra', 1, [errorCode]],
  ['14 class ANY',                 '-c ANY elsewhere.test +nocookie',                         'REFUSED qr rd ra', 1, [errorCode]],
  ['14 class 65280',               '-c CLASS65280 elsewhere.test +nocookie',                  'REFUSED qr rd ra', 1, [errorCode]],
  ['22 a meta type',               '+nocookie type250 elsewhere.test',                        'REFUSED qr rd ra', 1, [errorCode]],
  ['23 opcode 4',                  '+opcode=4 +norec +noedns elsewhere.test',                 'NOTIMP qr',        0, undefined],
  ['23 opcode 6',                  '+opcode=6 +norec +noedns elsewhere.test',                 'NOTIMP qr',        0, undefined],
  ['24 a cookie alone',            '+header-only +cookie=0123456789abcdef',                   'NOERROR qr rd ra', 0, [cookieCode]],
  ['24 nothing',                   '+header-only +noedns',                                    'FORMERR qr rd',    0, undefined],
  ['30 half a cookie',             '+nocookie +ednsopt=10:01020304 elsewhere.test',           'FORMERR qr rd ra', 1, []],
  ['a name that no host has',      'we\\000b.elsewhere.test +nocookie',                       'REFUSED qr rd ra', 1, [errorCode]],
]

describe.each(tenants)('tenant %s', (tenant, domain, others) => {
  const vm1 = `${tenant}-vm1`

  describe.each([
    ['its router', '10.0.0.1'],
    ['its router over IPv6', 'fd00:a::1'],
  ])('asks %s', (_name, router) => {
    test.each(rows)('%s: dig %s', async (_what, words, head, questions, options) => {
      const reply = await cloud.answered(vm1, `@${router} ${words}`)
      expect([headOf(reply), reply.dns.readUInt16BE(4), optOf(reply.dns)?.options]).toEqual([
        head,
        questions,
        options,
      ])
    })

    test('for its own names as everywhere', async () => {
      const { message } = await cloud.answered(vm1, `@${router} vm2.${domain}`)
      expect(message.answers).toMatchObject([{ name: `vm2.${domain}`, data: '10.0.0.6' }])
    })

    test('for a name of the other tenant', async () => {
      expect(headOf(await cloud.answered(vm1, `@${router} vm2.${others} +nocookie`))).toBe('REFUSED qr rd ra')
    })

    test.each([
      ['24: two questions', '123401000002000000000000 0161000001 0001 0161000001 0001', '12348101'],
      ['25: a pointer to itself', '123401000001000000000000 c00c 0001 0001', '12348101'],
      ['25: a label of 64 bytes', `123401000001000000000000 40${'61'.repeat(64)}00 0001 0001`, '12348101'],
      ['25: a type cut off', '123401000001000000000000 016100 00', '12348101'],
      [
        '28: a signed query',
        '123401000001000000000001 016100 0001 0001 00 00fa 00ff 00000000 0000',
        '12348101',
      ],
      [
        '22: an update',
        '123428000001000000010000 0161000006 0001 016100 0001 0001 0000003c 0004 0a000063',
        '1234a804',
      ],
    ])('with %s', async (_what, payload, head) => {
      const input = `${payload.replaceAll(' ', '')}\n`
      const observed = await cloud.observe(vm1, ['python3', '-c', sender, router, '53'], {
        input,
        count: 1,
        replying: 1,
        passing: 0,
      })
      const replies = observed.replies.map(({ dns }) => dns.toString('hex'))
      expect([replies, observed.passed]).toEqual([[`${head}0000000000000000`], []])
    })

    test.each([
      ['23: a response', '123485800001000000000000 016100 0001 0001'],
      ['23: eleven bytes', '1234010000010000000000'],
    ])('with %s, which nobody answers', async (what, payload) => {
      const input = `${payload.replaceAll(' ', '')}\n`
      const observed = await cloud.observe(vm1, ['python3', '-c', sender, router, '53'], { input, count: 1 })
      cloud.expectForwarded(observed, what)
      expect(observed.replies).toEqual([])
    })
  })

  test('dig says what the extended error means', async () => {
    expect(await ask(vm1, '@10.0.0.1 ext.test')).toContain('; EDE: 20 (Not Authoritative)')
  })

  test('asks its router’s address on the network behind it, and a router of nobody', async () => {
    expect(headOf(await cloud.answered(vm1, '@10.0.1.1 ext.test +noedns'))).toBe('REFUSED qr rd ra')
    await cloud.forwarded(vm1, '@10.0.2.1 ext.test')
  })

  test('asks the DHCP server’s address, as long as no agent has it', async () => {
    const { id } = networkOf(`${tenant}-net`).subnets[0]!
    const change = (table: string, row: string, fields: object) =>
      store.change(table, row, (text) => {
        const before = JSON.parse(text!) as { version: number }
        return JSON.stringify({ ...before, version: before.version + 1, ...fields })
      })
    await change('lsubnet', id, { dhcp_ip: '10.0.0.2', enable_dhcp: true })
    // Nothing answers for the address, so the machine is told whose MAC address it is: the gateway's.
    const neighbour =
      'ip neigh replace 10.0.0.2 dev eth0 lladdr $(ip -4 neigh show 10.0.0.1 | grep -o "..:..:..:..:..:..")'
    await cloud.observe(vm1, ['sh', '-c', neighbour])
    await waitUntil('the address to be looked at', async () =>
      (await ask(vm1, `@10.0.0.2 +noedns +tries=1 +time=1 ext.test`)).includes('REFUSED'),
    )
    expect((await cloud.answered(vm1, `@10.0.0.2 vm2.${domain}`)).message.answers).toHaveLength(1)
    const { port } = portOf(cloud.lab.plan, `${tenant}-vm2`)
    const agent = {
      id: `${tenant}-dhcp`,
      unique_key: await store.allocateUniqueKey('lport'),
      device_owner: 'network:dhcp',
    }
    const row = JSON.parse((await store.get('lport', port.id))!) as object
    const own = { ips: ['10.0.0.2'], subnets: [id], macs: ['fa:16:3e:00:03:02'] }
    await store.create('lport', agent.id, JSON.stringify({ ...row, ...agent, ...own }))
    await waitUntil('the agent to be left alone', async () => {
      // A refusal that its capture has not told yet would be waited for at the gateway until there is no time to ask again.
      const { sent, passed } = await cloud.dig(vm1, '@10.0.0.2 +tries=1 +time=1 ext.test', { passing: 0 })
      return sent.length === 1 && passed.length === 1
    })
  })

  test('31: the name server id, with an answer and with a refusal', async () => {
    for (const words of [`@${upstream.v4} vm2.${domain}`, '@10.0.0.1 ext.test'])
      expect(await ask(vm1, `${words} +nsid +nocookie`)).toContain(`("${nsid}")`)
    expect(
      optOf((await cloud.answered(vm1, `@${upstream.v4} vm2.${domain} +nocookie`)).dns)?.options,
    ).toEqual([])
  })
})

test('refusals are counted by their code', async () => {
  const text = await cloud.metrics()
  for (const rcode of ['REFUSED', 'NOTIMP', 'FORMERR', 'BADVERS'])
    expect(text).toMatch(new RegExp(`^df_dns_responses_total\\{[^}]*rcode="${rcode}"[^}]*\\} [1-9]`, 'm'))
})
