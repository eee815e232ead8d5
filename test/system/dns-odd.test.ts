/**
 * What only odd or hostile guests send, and what changes under their feet; numbered as in docs/dns.md. Bytes come from
 * Python's sockets, in both tenants. Whatever is not wholly understood reaches the server it was meant for.
 */

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { portOf } from '../../src/lab/lab.ts'
import { waitUntil } from '../../src/lab/process.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { type NbDriver, openNbDriver } from '../../src/nb/index.ts'
import { DnsLab, sender, tenants, upstream } from '../support/dns-lab.ts'

let cloud: DnsLab
let store: NbDriver

beforeAll(async () => {
  cloud = await DnsLab.start('dns-odd')
  const nb_path = join(cloud.lab.plan.directory, 'nb')
  store = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path })
})

afterAll(async () => {
  await store?.close()
  await cloud?.close()
  expect(cloud.strayPackets).toBe(0)
})

/** Sends a payload to a server over IPv6 from the link-local address of eth0. */
const linkLocalSender = `
import socket, sys
own = next(line.split()[0] for line in open('/proc/net/if_inet6') if line.split()[3] == '20' and line.split()[5] == 'eth0')
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind((socket.inet_ntop(socket.AF_INET6, bytes.fromhex(own)), 0, 0, socket.if_nametoindex('eth0')))
s.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 53))
`

/** A query's bytes; each part can be replaced by hexadecimal. */
function query(
  name: string,
  parts: Partial<Record<'flags' | 'counts' | 'type' | 'class' | 'rest', string>> = {},
) {
  const {
    flags = '0100',
    counts = '0001000000000000',
    type = '0001',
    class: word = '0001',
    rest = '',
  } = parts
  return `1234${flags}${counts}${name}${type}${word}${rest}`
}

const wire = (name: string) =>
  `${name
    .split('.')
    .map((label) => label.length.toString(16).padStart(2, '0') + Buffer.from(label).toString('hex'))
    .join('')}00`

const label = (size: number) => size.toString(16).padStart(2, '0') + '61'.repeat(size)
const cookieOpt = '0000290000000000000c000a0008' + '0011223344556677'

describe.each(tenants)('tenant %s', (tenant, domain) => {
  const vm1 = `${tenant}-vm1`
  const owned = wire(`vm2.${domain}`)

  // biome-ignore format: one message a line
  test.each<readonly [string, string]>([
    ['23: a reply',                         query(owned, { flags: '8580' })],
    ['23: nothing at all',                  ''],
    ['23: eleven bytes',                    '1234010000010000000000'],
    ['24: no question, with a cookie',      `123401000000000000000001${cookieOpt}`],
    ['24: two questions',                   query(owned, { counts: '0002000000000000', rest: `${owned}00010001` })],
    ['25: a name that points to itself',    query('c00c')],
    ['25: two pointers in a circle',        query('c00ec00c')],
    ['25: a pointer forward',               query('c0ff')],
    ['25: a label of 64 bytes',             query(`40${'61'.repeat(64)}00`)],
    ['25: a label of type 0x80',            query('8061 00'.replace(' ', ''))],
    ['25: a name of 256 bytes',             query(`${label(63).repeat(3)}${label(62)}00`)],
    ['25: a name without its end',          '123401000001000000000000037a7a7a'],
    ['25: a type that is cut off',          `123401000001000000000000${owned}00`],
    ['25: bytes after the question',        query(owned, { rest: '00' })],
    ['25: an answer in the query',          query(owned, { counts: '0001000100000000', rest: 'c00c000100010000001e00040a000006' })],
    ['25: two OPT records',                 query(owned, { counts: '0001000000000002', rest: '00002904d0000000000000'.repeat(2) })],
  ])('%s', async (name, payload) => {
    const command = ['python3', '-c', sender, upstream.v4, '53']
    const observed = await cloud.observe(vm1, command, { input: `${payload}\n`, count: 1 })
    cloud.expectForwarded(observed, name)
  })

  test('25 is counted by its reason', async () => {
    const text = await cloud.metrics()
    for (const reason of ['message', 'response', 'counts', 'name', 'additional'])
      expect(text).toMatch(new RegExp(`^df_dns_forwarded_total\\{[^}]*reason="${reason}"[^}]*\\} [1-9]`, 'm'))
  })

  test('21: a query to the tenant’s own server', async () => {
    const own = `${tenant}-vm9`
    const observed = await cloud.dig(vm1, `@10.0.0.9 vm2.${domain}`, { also: (port) => port === own })
    expect(observed.passed).toEqual([])
    expect(observed.output).toMatch(/status: NXDOMAIN/)
    const wiki = await cloud.dig(vm1, '@fd00:a::9 wiki.corp.example', { also: (port) => port === own })
    expect(wiki.output).toMatch(/10\.0\.0\.80/)
  })

  test('32: a query in pieces', async () => {
    const big = query(owned, {
      counts: '0001000000000001',
      rest: `00002904d000000000${'0640'}0064063c${'00'.repeat(1596)}`,
    })
    const command = ['python3', '-c', sender, upstream.v4, '53']
    const observed = await cloud.observe(vm1, command, { input: `${big}\n`, count: 2 })
    expect(observed.sent).toHaveLength(2)
    cloud.expectForwarded(observed, 'the pieces')
  })

  test.each([
    ['another address of its network', '10.0.0.6'],
    ['an address of nobody', '10.0.0.200'],
  ])('35: a query from %s', async (_name, source) => {
    const spoof = [
      'ip address add "$0/32" dev lo; trap "ip address delete $0/32 dev lo" EXIT',
      `dig +tries=1 +time=1 -b "$0" @${upstream.v4} vm2.${domain}`,
    ].join('; ')
    const { sent, passed, replies } = await cloud.observe(vm1, ['sh', '-c', spoof, source], {
      count: 1,
      passing: 0,
    })
    expect([sent.length, passed, replies]).toEqual([1, [], []])
  })

  test('36: multicast DNS and broadcasts', async () => {
    const inside = (port: string) => port.startsWith(`${tenant}-`)
    for (const [destination, port] of [
      ['224.0.0.251', '5353'],
      ['224.0.0.251', '53'],
      ['10.0.0.255', '53'],
    ] as const) {
      const command = ['python3', '-c', sender, destination, port]
      const input = `${query(wire('vm2.local'))}\n`
      const { replies } = await cloud.observe(vm1, command, { input, also: inside, passing: 0 })
      expect(replies).toEqual([])
    }
  })

  const change = (table: string, id: string, fields: object) =>
    store.change(table, id, (row) => {
      const before = JSON.parse(row!) as { version: number }
      return JSON.stringify({ ...before, version: before.version + 1, ...fields })
    })
  const resolves = async (name: string, answer: string | undefined) => {
    const startedAt = performance.now()
    await waitUntil(`${name} to be ${answer}`, async () => {
      const { output } = await cloud.dig(vm1, `@${upstream.v4} +short ${name}`)
      return (output.trim().split('\n')[0] || undefined) === answer
    })
    process.stdout.write(
      `${tenant} ${name}: seen ${Math.round(performance.now() - startedAt)} ms after the write\n`,
    )
  }

  test('an allowed pair and a link-local address may ask, too', async () => {
    const { id } = portOf(cloud.lab.plan, vm1).port
    await change('lport', id, {
      allowed_address_pairs: [{ ip_address: '10.0.0.44', mac_address: cloud.mac(vm1) }],
    })
    const asPair = [
      'ip address add 10.0.0.44/32 dev lo; trap "ip address delete 10.0.0.44/32 dev lo" EXIT',
      `dig +tries=1 +time=1 +short -b 10.0.0.44 @${upstream.v4} vm2.${domain}`,
    ].join('; ')
    await waitUntil('the pair to be let through', async () => {
      const { output, passed } = await cloud.observe(vm1, ['sh', '-c', asPair], { passing: 0 })
      expect(passed).toEqual([])
      return output === '10.0.0.6\n'
    })
    const command = ['python3', '-c', linkLocalSender, upstream.v6, query(owned)]
    const { passed, sentFrames, replies } = await cloud.observe(vm1, command, { count: 1, replying: 1 })
    expect([passed, replies[0]?.message.answers]).toMatchObject([[], [{ data: '10.0.0.6' }]])
    expect(sentFrames[0]!.toString('hex', 22, 24)).toBe('fe80')
  })

  test('a domain with a TTL of its own', async () => {
    const { addresses } = portOf(cloud.lab.plan, vm1).port
    const ttlOf = async () => {
      const { output } = await cloud.dig(vm1, `@${upstream.v4} +noall +answer vm2.${domain}`)
      return /\s(\d+)\s+IN\s/.exec(output)?.[1]
    }
    expect(await ttlOf()).toBe('30')
    await change('domainname', addresses[0]!.subnetId, { ttl: 77 })
    await waitUntil('the TTL to be seen', async () => (await ttlOf()) === '77')
  })

  test.each(['localhost', 'vm1.local', 'x.invalid', 'x.onion', 'wpad', '10.in-addr.arpa'])(
    'a name with a meaning of its own goes on: %s',
    async (name) => {
      await cloud.forwarded(vm1, `@${upstream.v4} ${name}`)
    },
  )

  test('42: a new name, a new domain, a new address', async () => {
    const { id, addresses } = portOf(cloud.lab.plan, `${tenant}-vm3`).port
    await change('dnsname', id, { dns_name: 'renamed' })
    await resolves(`renamed.${domain}`, '10.0.0.7')
    await resolves(`vm3.${domain}`, undefined)
    await change('lport', id, { ips: ['10.0.0.17'], subnets: [addresses[0]!.subnetId] })
    await resolves(`renamed.${domain}`, '10.0.0.17')
    await change('domainname', addresses[0]!.subnetId, { domain_name: `new.${domain}` })
    await resolves(`renamed.new.${domain}`, '10.0.0.17')
    await resolves(`renamed.${domain}`, undefined)
    await change('domainname', addresses[0]!.subnetId, { domain_name: domain })
    await resolves(`renamed.${domain}`, '10.0.0.17')
  })

  test('41: a deleted port', async () => {
    const { id, ofport } = portOf(cloud.lab.plan, `${tenant}-deep`).port
    await store.delete('dnsname', id)
    await store.delete('lport', id)
    await resolves(`node.rack.${domain}`, undefined)
    const { ofctl } = switchAt(cloud.lab.plan.nodes[0]!.switchDirectory)
    const flows = () => ofctl('dump-flows', 'br-int', `in_port=${ofport}`)
    await waitUntil('its flows to go', async () => !(await flows()).includes('actions='))
  })
})

test('nothing that a guest sent was logged packet by packet', () => {
  expect(cloud.log.split('\n').filter((line) => /"level":(50|60)/.test(line))).toEqual([])
})
