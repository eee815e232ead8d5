import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { MissingBridgeError } from '../../src/ovsdb/errors.ts'
import { updated } from '../../src/ovsdb/monitor.ts'
import { patch } from '../../src/ovsdb/patch.ts'
import { noRows, type Tables } from '../../src/ovsdb/schema.ts'
import { bridgeRow, interfaceRow, map, row, set, uuidOf } from '../support/fake-ovsdb.ts'

type Ports = Record<string, Record<string, unknown>>

/** Bridges with their ports: each port has one interface of its name. */
function tablesOf(bridges: Record<string, Ports>, datapathTypes: Record<string, string> = {}): Tables {
  const updates = { Bridge: {}, Port: {}, Interface: {} } as Record<string, Record<string, unknown>>
  let next = 10
  for (const [name, ports] of Object.entries(bridges)) {
    const ids = Object.entries(ports).map(([port, changes]) => {
      const id = next++
      updates.Port![uuidOf(id)] = { new: { name: port, interfaces: row(id + 500) } }
      updates.Interface![uuidOf(id + 500)] = { new: interfaceRow(port, changes) }
      return row(id)
    })
    const type = datapathTypes[name] ?? 'netdev'
    updates.Bridge![uuidOf(next++)] = { new: bridgeRow({ name, ports: set(...ids), datapath_type: type }) }
  }
  return updated(noRows, updates)
}

const patchTo = (peer: string) => ({ type: 'patch', options: map({ peer }) })
const request = { bridge: 'br-int', peerBridge: 'br-ex', physicalNetwork: 'physnet1' }

/** What is written, in one line each. */
function summary(tables: Tables, wanted = request): string[] {
  return patch(tables, wanted).operations.map((operation) => {
    if (operation.op === 'insert') return `insert ${operation.table} ${operation.row.name}`
    return 'table' in operation ? `${operation.op} ${operation.table}` : operation.op
  })
}
const both = { 'br-ex-patch': 'br-int-patch', 'br-int-patch': 'br-ex-patch' }
const newPair = (port: string, peerPort: string) => [
  'wait Bridge',
  `insert Interface ${port}`,
  `insert Port ${port}`,
  'mutate Bridge',
  'wait Bridge',
  `insert Interface ${peerPort}`,
  `insert Port ${peerPort}`,
  'mutate Bridge',
]

describe('a pair of patch ports', () => {
  test("has Dragonflow's names", () => {
    const tables = tablesOf({ 'br-int': {}, 'br-ex': {} })
    expect(patch(tables, request).answer).toEqual({ port: 'br-ex-patch', peerPort: 'br-int-patch' })
    expect(summary(tables)).toEqual(newPair('br-ex-patch', 'br-int-patch'))
    expect(patch(tables, request).operations[1]).toEqual({
      op: 'insert',
      table: 'Interface',
      row: {
        name: 'br-ex-patch',
        type: 'patch',
        options: map({ peer: both['br-ex-patch'] }),
        external_ids: map({ 'df-physical-network': 'physnet1' }),
      },
      'uuid-name': 'interface_here',
    })
  })

  test('that is there is left as it is', () => {
    const tables = tablesOf({
      'br-int': { 'br-ex-patch': patchTo('br-int-patch') },
      'br-ex': { 'br-int-patch': patchTo('br-ex-patch') },
    })
    expect(patch(tables, request)).toEqual({
      answer: { port: 'br-ex-patch', peerPort: 'br-int-patch' },
      operations: [],
    })
  })

  test('that somebody else made is used', () => {
    const tables = tablesOf({
      'br-int': { 'tap-a': {}, 'int-br-ex': patchTo('phy-br-ex') },
      'br-ex': { 'phy-br-ex': patchTo('int-br-ex') },
    })
    expect(patch(tables, request)).toEqual({
      answer: { port: 'int-br-ex', peerPort: 'phy-br-ex' },
      operations: [],
    })
  })

  test.each<[string, Record<string, Ports>, string[]]>([
    [
      'half of it is missing',
      { 'br-int': { 'br-ex-patch': patchTo('br-int-patch') }, 'br-ex': {} },
      ['wait Interface', 'update Interface', ...newPair('', 'br-int-patch').slice(4)],
    ],
    [
      'it leads elsewhere',
      {
        'br-int': { 'br-ex-patch': patchTo('nowhere') },
        'br-ex': { 'br-int-patch': patchTo('br-ex-patch') },
      },
      ['wait Interface', 'update Interface', 'wait Interface', 'update Interface'],
    ],
  ])('is mended when %s', (_, bridges, operations) => {
    expect(summary(tablesOf(bridges))).toEqual(operations)
  })

  test.each<[string, Record<string, Ports>]>([
    ['on the same bridge, and no patch', { 'br-int': { 'br-ex-patch': {} }, 'br-ex': {} }],
    ['on another bridge', { 'br-int': {}, 'br-ex': {}, 'br-lab': { 'br-ex-patch': patchTo('x') } }],
  ])('has another name when its own is taken %s', (_, bridges) => {
    const { port, peerPort } = patch(tablesOf(bridges), request).answer
    expect(port).toMatch(/^patch-[0-9a-f]{9}$/)
    expect(peerPort).toBe('br-int-patch')
  })

  test('of a second provider bridge has a name of its own there', () => {
    const tables = tablesOf({
      'br-int': { 'br-ex-patch': patchTo('br-int-patch') },
      'br-ex': { 'br-int-patch': patchTo('br-ex-patch') },
      'br-lab': {},
    })
    const { port, peerPort } = patch(tables, { ...request, peerBridge: 'br-lab' }).answer
    expect(port).toBe('br-lab-patch')
    expect(peerPort).toMatch(/^patch-[0-9a-f]{9}$/)
  })

  test('never has a name of more than 15 characters', () => {
    const [bridge, peerBridge] = ['br-integration', 'br-provider-1']
    const { port, peerPort } = patch(tablesOf({ [bridge]: {}, [peerBridge]: {} }), {
      ...request,
      bridge,
      peerBridge,
    }).answer
    expect(port).toHaveLength(15)
    expect(peerPort).toHaveLength(15)
    expect(port).not.toBe(peerPort)
  })
})

describe('refused', () => {
  test('without the other bridge', () => {
    expect(() => patch(tablesOf({ 'br-int': {} }), request)).toThrow(
      new MissingBridgeError('br-ex', ', to which the physical network physnet1 is mapped'),
    )
  })

  test('without the integration bridge', () => {
    expect(() => patch(tablesOf({ 'br-ex': {} }), request)).toThrow(new MissingBridgeError('br-int'))
  })

  test('between two types of datapath', () => {
    expect(() => patch(tablesOf({ 'br-int': {}, 'br-ex': {} }, { 'br-ex': '' }), request)).toThrow(
      new ConfigError(
        'the bridges br-int (datapath_type netdev) and br-ex (system) cannot be patched; give both the same datapath_type',
      ),
    )
  })
})
