import { expect, test } from 'vitest'
import { findingsOf } from '../../src/nb/finding.ts'
import type { RawRow } from '../../src/nb/index.ts'
import { northboundOf } from '../../src/nb/model.ts'

const row = (table: string, id: string, fields: object): RawRow => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})

const network = (tenant: string, key: number, fields: object) =>
  row('lswitch', `net-${tenant}`, { topic: tenant, unique_key: key, network_type: 'geneve', ...fields })
const port = (tenant: string, key: number, binding: object | undefined) =>
  row('lport', `web-${tenant}`, { topic: tenant, unique_key: key, lswitch: `net-${tenant}`, binding })
const node = (number: number, fields: object = {}) =>
  row('chassis', `compute-${number}`, { ip: `192.0.2.${number}`, tunnel_types: ['geneve'], ...fields })
const on = (number: number) => ({ type: 'chassis', chassis: `compute-${number}` })

/** Two tenants with a network and a port each, on two nodes. */
const cloud = [
  network('red', 1, { segmentation_id: 5001 }),
  network('blue', 2, { segmentation_id: 5002 }),
  port('red', 1, on(1)),
  port('blue', 2, on(2)),
  node(1),
  node(2),
]

test.each<[string, RawRow[], string[]]>([
  ['nothing', [], []],
  [
    'a network with the number of one with a lower key',
    [network('blue', 2, { segmentation_id: 5001 })],
    [
      'lswitch net-blue segmentation_id 5001 is that of lswitch net-red, also geneve; this one stays on its node',
    ],
  ],
  [
    'not the same number of another type',
    [network('blue', 2, { segmentation_id: 5001, network_type: 'vlan' })],
    [],
  ],
  [
    'a network without a number',
    [network('red', 1, {})],
    ['lswitch net-red segmentation_id is missing; no tunnel carries a geneve network without one'],
  ],
  [
    'two nodes with one address',
    [node(2, { ip: '192.0.2.1' })],
    [
      'chassis compute-2 ip 192.0.2.1 is the address of chassis compute-1 too; ports of one of them are not reached',
    ],
  ],
  [
    'a node without a row',
    [port('blue', 2, on(9))],
    [
      'chassis compute-9 undefined has no row, but ports of geneve networks are bound to it (1); other nodes do not reach them',
    ],
  ],
  [
    'a node without tunnels of the type',
    [node(1, { tunnel_types: ['vxlan'] })],
    [
      'chassis compute-1 tunnel_types has no geneve tunnels, but ports of geneve networks are bound to it (1); other nodes do not reach them',
    ],
  ],
  [
    'a port at a VTEP without an address',
    [port('red', 1, { type: 'vtep' })],
    ['lport web-red binding.vtep_address is missing; a VTEP is reached by its address alone'],
  ],
  [
    'not a port at a VTEP, nor one that is bound to nothing',
    [port('red', 1, { type: 'vtep', vtep_address: '192.0.2.200' }), port('blue', 2, undefined)],
    [],
  ],
])('%s', (_, changed, expected) => {
  const rows = new Map([...cloud, ...changed].map((each) => [`${each.table} ${each.id}`, each]))
  const findings = findingsOf(northboundOf(rows.values()))
  expect(findings.map(({ table, id, field, reason }) => `${table} ${id} ${field} ${reason}`)).toEqual(
    expected,
  )
  for (const { remedy } of findings) expect(remedy).not.toBe('')
})
