/** The difference between a cloud and the store: nothing for the same, only rows of ours, only what is known to be gone. */

import { describe, expect, test } from 'vitest'
import { northboundOf } from '../../src/nb/index.ts'
import {
  type Changes,
  changesOf,
  type Ids,
  memoryOf,
  missingFrom,
  type Stored,
  storedAfter,
  storedOf,
} from '../../src/neutron/changes.ts'
import { type Cloud, cloudWith, type Port } from '../../src/neutron/resources.ts'
import { wantedOf } from '../../src/neutron/rows.ts'
import { recordedCloud, recordedPort, withPorts } from '../support/neutron.ts'

const nothing: Stored = { values: new Map(), own: new Set() }
const cloud = recordedCloud()
const difference = (to: Cloud, stored: Stored, gone: Ids = {}, firstKeys?: ReadonlyMap<string, number>) =>
  changesOf({ wanted: wantedOf(to), cloud: to, stored, gone }, firstKeys)
const filled = storedAfter(nothing, difference(cloud, nothing))
const said = ({ writes, removals }: Changes) => [
  ...writes.map(({ table, id, before }) => `${before === undefined ? 'add' : 'change'} ${table} ${id}`),
  ...removals.map(({ table, id }) => `remove ${table} ${id}`),
]
const without = (...ids: string[]) => cloudWith(cloud, 'ports', [], ids)
const web = recordedPort('web')

test('a new cloud is rows that all count, with keys from the first free one', () => {
  const firstKeys = new Map([
    ['lport', 100],
    ['lswitch', 7],
  ])
  const { writes, newKeys } = difference(cloud, nothing, {}, firstKeys)
  const nb = northboundOf(writes)
  expect(nb.rejected).toEqual([])
  expect([...nb.lport.values()].map(({ unique_key }) => unique_key).sort()).toEqual(
    Array.from({ length: 19 }, (_, n) => 100 + n),
  )
  expect(Object.fromEntries(newKeys)).toEqual({ lswitch: 5, secgroup: 3, lport: 19, lrouter: 1 })
  const [router] = [...nb.lrouter.values()]
  for (const { id, unique_key } of router!.ports) expect(unique_key).toBe(nb.lport.get(id)!.unique_key)
})

test('the same cloud again is nothing to write', () => {
  expect(said(difference(cloud, filled))).toEqual([])
  const reread = storedOf(
    [
      ...[...filled.values].map(([key, value]) => ({
        table: key.split('/')[0]!,
        id: key.split('/')[1]!,
        value,
      })),
      ...[...filled.own].map((id) => ({ table: 'dfneutronsync', id, value: memoryOf('one', id) })),
      { table: 'dfneutronsync', id: 'lport/strange', value: memoryOf('two', 'lport/strange') },
    ],
    'one',
  )
  expect(reread).toEqual(filled)
})

test('a renamed port is one row and its port’s version; its key stays', () => {
  const assignment = web.dns_assignment!.map((one) => ({
    ...one,
    hostname: 'www',
    fqdn: 'www.cloud.example.',
  }))
  const renamed = withPorts(cloud, {
    id: web.id,
    dns_name: 'www',
    dns_assignment: assignment,
    revision_number: 4,
  })
  const changes = difference(renamed, filled)
  expect(said(changes)).toEqual([`change lport ${web.id}`, `change dnsname ${web.id}`])
  const keys = [filled, storedAfter(filled, changes)].map(
    ({ values }) => JSON.parse(values.get(`lport/${web.id}`)!).unique_key,
  )
  expect(keys[0]).toBe(keys[1])
})

test('a name that is taken away goes, its port stays', () => {
  const assignment = web.dns_assignment!.map((one) => ({
    ...one,
    hostname: 'host-x',
    fqdn: 'host-x.cloud.example.',
  }))
  const unnamed = withPorts(cloud, { id: web.id, dns_name: '', dns_assignment: assignment })
  expect(said(difference(unnamed, filled))).toEqual([`remove dnsname ${web.id}`])
})

describe('a port that is missing', () => {
  test('keeps its rows until it is known to be gone', () => {
    const seen = without(web.id)
    expect(
      said(difference(seen, filled)).filter((line) => line.includes('lport') || line.includes('dnsname')),
    ).toEqual([])
    expect(missingFrom(seen, filled)).toEqual({ ports: new Set([web.id]) })
  })

  test('goes with its name, the name first', () => {
    const changes = difference(without(web.id), filled, { ports: new Set([web.id]) })
    expect(said(changes).filter((line) => line.startsWith('remove'))).toEqual([
      `remove dnsname ${web.id}`,
      `remove lport ${web.id}`,
    ])
  })

  test('and could not be understood, exists', () => {
    const odd = cloudWith(cloud, 'ports', [{ id: web.id, problem: 'odd' }])
    expect(missingFrom(odd, filled)).toEqual({})
    expect(said(difference(odd, filled)).filter((line) => line.startsWith('remove'))).toEqual([])
    expect(difference(odd, filled).problems).toMatchObject([{ kind: 'not understood' }])
  })
})

describe('rows of others', () => {
  const foreign: Stored = {
    values: new Map([
      ...filled.values,
      ['lport/theirs', '{"id": "theirs"}'],
      [`lport/${web.id}`, '{"unique_key": 77}'],
    ]),
    own: new Set([...filled.own].filter((key) => key !== `lport/${web.id}`)),
  }

  test('are neither written nor removed, even under an id of Neutron', () => {
    expect(said(difference(cloud, foreign))).toEqual([])
    expect(difference(cloud, foreign).problems).toMatchObject([{ kind: 'not ours' }])
    expect(
      said(difference(without(web.id), foreign, { ports: new Set([web.id, 'theirs']) })).filter((line) =>
        line.includes('lport'),
      ),
    ).toEqual([])
  })
})

test('what the feed remembers and somebody removed is written again; what somebody changed is put right', () => {
  const values = new Map(filled.values)
  values.delete(`lport/${web.id}`)
  values.set(`dnsname/${web.id}`, '{"id": "changed"}')
  expect(said(difference(cloud, { ...filled, values }))).toEqual([
    `add lport ${web.id}`,
    `change dnsname ${web.id}`,
  ])
})

describe.each(['vm\n', '<project_id>', 'a_b', '-a', `${'x'.repeat(64)}`, '*', 'ä'])('the name %j', (name) => {
  const assignment = web.dns_assignment!.map((one) => ({
    ...one,
    hostname: name,
    fqdn: `${name}.cloud.example.`,
  }))
  const bad = withPorts(cloud, {
    id: web.id,
    dns_name: name,
    dns_assignment: assignment,
  } satisfies Partial<Port> & { id: string })

  test('is no row, and is told; the one before it goes', () => {
    const changes = difference(bad, filled)
    expect(said(changes)).toEqual([`remove dnsname ${web.id}`])
    expect(changes.problems).toMatchObject([{ kind: 'bad name' }])
  })
})

test('a port that cannot be a row keeps its last one', () => {
  const changes = difference(withPorts(cloud, { id: web.id, mac_address: 'no' }), filled)
  expect(said(changes)).toEqual([])
  expect(changes.problems).toMatchObject([{ kind: 'bad row' }])
})

test('a server that lost its DNS extension takes no name away', () => {
  const silent = [...cloud.ports.values()].map(({ id }) => ({
    id,
    dns_name: undefined,
    dns_assignment: undefined,
  }))
  expect(said(difference(withPorts(cloud, ...silent), filled))).toEqual([])
})
