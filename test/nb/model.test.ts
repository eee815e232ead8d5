import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RawChange, RawRow } from '../../src/nb/index.ts'
import {
  changedNorthbound,
  emptyNorthbound,
  type Northbound,
  northboundAfter,
  northboundOf,
} from '../../src/nb/model.ts'
import { tableNames } from '../../src/nb/row.ts'
import { dragonflowRows } from '../support/nb.ts'

const red = '0000000000000000000000000000000a'
const blue = '0000000000000000000000000000000b'

const raw = (table: string, id: string, fields: object): RawRow => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})
const gone = (table: string, id: string): RawChange => ({ table, id, value: undefined })

/**
 * A tenant's network, subnet, port and the port's name; both tenants have the same addresses and the same
 * name.
 */
const tenant = (name: string, topic: string, key: number): RawRow[] => [
  raw('lswitch', `net-${name}`, { topic, unique_key: key }),
  raw('lsubnet', `subnet-${name}`, { topic, lswitch: `net-${name}`, cidr: '10.0.0.0/24' }),
  raw('domainname', `subnet-${name}`, {
    topic,
    subnet: `subnet-${name}`,
    domain_name: `${name}.example.org`,
  }),
  raw('lport', `web-${name}`, { topic, unique_key: key, lswitch: `net-${name}`, ips: ['10.0.0.11'] }),
  raw('dnsname', `web-${name}`, { topic, lport: `web-${name}`, dns_name: 'web' }),
]
const cloud = [...tenant('red', red, 1), ...tenant('blue', blue, 2)]

const keysOf = (northbound: Northbound) =>
  tableNames.flatMap((table) => [...northbound[table].keys()].map((id) => `${table} ${id}`))
const whyNot = (northbound: Northbound) =>
  northbound.rejected.map(({ table, id, field, reason }) => `${table} ${id}: ${field ?? ''} ${reason}`)

test('the rows of the real Dragonflow all count', () => {
  const northbound = northboundOf(dragonflowRows())
  expect(northbound.rejected).toEqual([])
  expect(keysOf(northbound)).toHaveLength(29)
  expect(northbound.lport.size).toBe(15)
  expect(northbound.lport.get('0c0afd02-3476-55c2-9177-a64a327a2b62')?.ips).toEqual([
    '10.0.0.11',
    'fd00:a::11',
  ])
})

test('a cloud of two tenants counts, in order of id whatever the order of the rows', () => {
  const northbound = northboundOf(cloud)
  expect(northbound.rejected).toEqual([])
  expect(keysOf(northbound)).toHaveLength(10)
  expect([...northbound.lport.keys()]).toEqual(['web-blue', 'web-red'])
  expect(northboundOf(cloud.toReversed())).toEqual(northbound)
})

test('tables that are not read are passed over', () => {
  const others = [
    raw('switch_port', 'q', {}),
    raw('toString', 'x', {}),
    { table: 'unique_key', id: 'lport', value: '2' },
  ]
  expect(northboundOf(others)).toBe(emptyNorthbound)
})

describe('a row that does not count is listed and left out', () => {
  test.each<[string, RawChange[], string[]]>([
    ['text that is no JSON', [{ table: 'lrouter', id: 'r', value: '{"id":' }], ['lrouter r:  is not JSON']],
    [
      'a file that cannot be read',
      [{ table: 'lrouter', id: 'r', value: '', problem: 'the file is not UTF-8 text' }],
      ['lrouter r:  the file is not UTF-8 text'],
    ],
    [
      'a port of no network, and with it its name',
      [gone('lswitch', 'net-red')],
      [
        'lsubnet subnet-red: lswitch names lswitch net-red, which does not exist or does not count',
        'lport web-red: lswitch names lswitch net-red, which does not exist or does not count',
        'domainname subnet-red: subnet names lsubnet subnet-red, which does not exist or does not count',
        'dnsname web-red: lport names lport web-red, which does not exist or does not count',
      ],
    ],
    [
      'a network that is wrong',
      [raw('lswitch', 'net-red', { topic: red })],
      [
        'lswitch net-red: unique_key is missing',
        'lsubnet subnet-red: lswitch names lswitch net-red, which does not exist or does not count',
        'lport web-red: lswitch names lswitch net-red, which does not exist or does not count',
        'domainname subnet-red: subnet names lsubnet subnet-red, which does not exist or does not count',
        'dnsname web-red: lport names lport web-red, which does not exist or does not count',
      ],
    ],
    [
      'a domain of a subnet that is gone',
      [gone('lsubnet', 'subnet-red')],
      ['domainname subnet-red: subnet names lsubnet subnet-red, which does not exist or does not count'],
    ],
    [
      'a name of a port that is gone',
      [gone('lport', 'web-red')],
      ['dnsname web-red: lport names lport web-red, which does not exist or does not count'],
    ],
    [
      "another tenant's name for a port",
      [raw('dnsname', 'web-red', { topic: blue, lport: 'web-red', dns_name: 'web' })],
      [`dnsname web-red: topic is "${blue}", but lport web-red is of "${red}"`],
    ],
    [
      "another tenant's domain for a subnet",
      [raw('domainname', 'subnet-red', { topic: '', subnet: 'subnet-red', domain_name: 'x.example.org' })],
      [`domainname subnet-red: topic is "", but lsubnet subnet-red is of "${red}"`],
    ],
    [
      'ports with one key: none of them',
      [raw('lport', 'evil', { topic: blue, unique_key: 1, lswitch: 'net-blue' })],
      [
        'lport evil: unique_key 1 is also the key of lport web-red',
        'lport web-red: unique_key 1 is also the key of lport evil',
        'dnsname web-red: lport names lport web-red, which does not exist or does not count',
      ],
    ],
    [
      'routers with one key',
      [
        raw('lrouter', 'r', { topic: red, unique_key: 1 }),
        raw('lrouter', 's', { topic: red, unique_key: 1 }),
        raw('lrouter', 't', { topic: red, unique_key: 1 }),
      ],
      [
        'lrouter r: unique_key 1 is also the key of lrouter s, t',
        'lrouter s: unique_key 1 is also the key of lrouter r, t',
        'lrouter t: unique_key 1 is also the key of lrouter r, s',
      ],
    ],
  ])('%s', (_, changes, reasons) => {
    const before = northboundOf(cloud)
    const after = changedNorthbound(before, changes)
    expect(whyNot(after)).toEqual(reasons.map((reason) => expect.stringContaining(reason)))
    for (const { table, id, remedy } of after.rejected) {
      expect(after[table].has(id)).toBe(false)
      expect(remedy).toMatch(/df-db|file/)
    }
    // The other tenant does not notice.
    const isBlue = (key: string) => key.endsWith('-blue')
    expect(keysOf(after).filter(isBlue)).toEqual(keysOf(before).filter(isBlue))
    // And all is well again when the rows are.
    const healed = northboundOf(cloud, after)
    expect(healed.rejected).toEqual([])
    expect(healed).toEqual(before)
  })
})

test('a row counts as soon as what it waits for arrives, in whichever order', () => {
  const halfway = changedNorthbound(emptyNorthbound, [cloud[4]!, cloud[3]!])
  expect(halfway.rejected).toHaveLength(2)
  expect(keysOf(halfway)).toEqual([])
  const complete = changedNorthbound(halfway, [cloud[0]!])
  expect(complete.rejected).toEqual([])
  expect(keysOf(complete)).toEqual(['lswitch net-red', 'lport web-red', 'dnsname web-red'])
})

test('the store is believed, not the version: a lower one is the truth too', () => {
  const at = (version: number, name: string) =>
    raw('lrouter', 'r', { topic: red, unique_key: 1, version, name })
  const before = northboundOf([at(7, 'new')])
  expect(changedNorthbound(before, [at(2, 'restored')]).lrouter.get('r')?.name).toBe('restored')
})

test('what a port says by leaving it out is not kept, what it denies is, for two tenants alike', () => {
  const port = (name: string, topic: string, more: object) => [
    raw('lswitch', `net-${name}`, { topic, unique_key: name.length }),
    raw('lport', `web-${name}`, { topic, lswitch: `net-${name}`, unique_key: name.length, ...more }),
  ]
  const told = { version: 7, enabled: true, port_security_enabled: true }
  const denied = { version: 7, enabled: false, port_security_enabled: false }
  const { lport, rejected } = northboundOf([...port('red', red, told), ...port('blue', blue, denied)])
  expect(rejected).toEqual([])
  expect([lport.get('web-red')?.enabled, lport.get('web-red')?.port_security_enabled]).toEqual([
    undefined,
    undefined,
  ])
  expect(lport.get('web-blue')).toMatchObject({ enabled: false, port_security_enabled: false })
  expect([lport.get('web-red')?.version, lport.get('web-blue')?.version]).toEqual([undefined, undefined])
})

describe('what did not change is the same object', () => {
  const before = northboundOf(cloud)

  test('the whole store, if nothing did', () => {
    expect(northboundOf(cloud.toReversed(), before)).toBe(before)
    expect(changedNorthbound(before, [])).toBe(before)
    expect(changedNorthbound(before, cloud)).toBe(before)
    expect(changedNorthbound(before, [gone('lport', 'nobody'), raw('switch_port', 'q', {})])).toBe(before)
    expect(northboundAfter(before, { kind: 'lost', error: new Error('gone') })).toBe(before)
  })

  test('other tables, and other rows of the table', () => {
    const after = northboundAfter(before, {
      kind: 'changes',
      changes: [
        raw('lport', 'web-red', { topic: red, unique_key: 1, lswitch: 'net-red', ips: ['10.0.0.12'] }),
      ],
    })
    for (const table of tableNames) if (table !== 'lport') expect(after[table], table).toBe(before[table])
    expect(after.lport.get('web-blue')).toBe(before.lport.get('web-blue'))
    expect(after.lport.get('web-red')?.ips).toEqual(['10.0.0.12'])
    expect(before.lport.get('web-red')?.ips).toEqual(['10.0.0.11'])
  })

  test('also over a new snapshot', () => {
    const after = northboundAfter(before, { kind: 'snapshot', rows: cloud.slice(0, 5) })
    expect(after.lport.get('web-red')).toBe(before.lport.get('web-red'))
    expect(keysOf(after).filter((key) => key.endsWith('blue'))).toEqual([])
  })

  test('a row that is rejected for a while comes back as it was', () => {
    const without = changedNorthbound(before, [gone('lswitch', 'net-red')])
    const again = changedNorthbound(without, [cloud[0]!])
    expect(again.lport.get('web-red')).toBe(before.lport.get('web-red'))
    expect(again).toEqual(before)
  })
})

test('however it came about, the same rows make the same store', () => {
  const variants = [
    ...cloud,
    raw('lport', 'web-red', { topic: red, unique_key: 2, lswitch: 'net-red' }),
    raw('lport', 'web-blue', { topic: blue, unique_key: 2, lswitch: 'net-red' }),
    raw('dnsname', 'web-red', { topic: blue, lport: 'web-red', dns_name: 'web' }),
    { table: 'lswitch', id: 'net-red', value: '{' },
    ...cloud.map(({ table, id }) => gone(table, id)),
  ]
  const batches = fc.array(fc.array(fc.constantFrom(...variants), { maxLength: 5 }), { maxLength: 12 })
  fc.assert(
    fc.property(batches, (changes) => {
      const stepwise = changes.reduce<Northbound>(changedNorthbound, emptyNorthbound)
      const values = new Map(changes.flat().map((change) => [`${change.table} ${change.id}`, change]))
      const rows = [...values.values()].filter((change): change is RawRow => change.value !== undefined)
      expect(stepwise).toEqual(northboundOf(rows))
    }),
    { numRuns: 300 },
  )
})
