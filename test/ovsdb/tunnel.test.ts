import { describe, expect, test } from 'vitest'
import { MissingBridgeError } from '../../src/ovsdb/errors.ts'
import { updated } from '../../src/ovsdb/monitor.ts'
import { noRows, type Tables } from '../../src/ovsdb/schema.ts'
import { tunnels } from '../../src/ovsdb/tunnel.ts'
import { bridgeRow, interfaceRow, map, uuidOf, withPorts } from '../support/fake-ovsdb.ts'

const request = { bridge: 'br-int', types: ['geneve', 'vxlan'], localIp: '192.0.2.11' }
const flow = { remote_ip: 'flow', key: 'flow', local_ip: '192.0.2.11' }

const tablesOf = (...interfaces: ReturnType<typeof interfaceRow>[]) =>
  updated(noRows, withPorts(...interfaces))
const ours = (type: string, options: Record<string, string> = flow) =>
  interfaceRow(`${type}-vtp`, { type, options: map(options), external_ids: map({ 'df-tunnel': type }) })

/** What is written, in one line each. */
const summary = (tables: Tables, wanted = request) =>
  tunnels(tables, wanted).map((operation) => {
    if (operation.op === 'insert') return `insert ${operation.table} ${operation.row.name}`
    if (operation.op === 'update') return `update ${JSON.stringify(operation.row)}`
    if (operation.op === 'mutate')
      return `mutate ${operation.mutations.map(([, how, value]) => `${how} ${JSON.stringify(value)}`).join(', ')}`
    return 'table' in operation ? `${operation.op} ${operation.table}` : operation.op
  })

describe('tunnel ports', () => {
  test("have Dragonflow's names and options", () => {
    expect(summary(tablesOf())).toEqual([
      'wait Bridge',
      'insert Interface geneve-vtp',
      'insert Port geneve-vtp',
      'insert Interface vxlan-vtp',
      'insert Port vxlan-vtp',
      'mutate insert ["set",[["named-uuid","port_geneve"],["named-uuid","port_vxlan"]]]',
    ])
    expect(tunnels(tablesOf(), request)[1]).toEqual({
      op: 'insert',
      table: 'Interface',
      row: {
        name: 'geneve-vtp',
        type: 'geneve',
        options: map(flow),
        external_ids: map({ 'df-tunnel': 'geneve' }),
      },
      'uuid-name': 'interface_geneve',
    })
  })

  test('that are there are left as they are, with options that others have set', () => {
    expect(tunnels(tablesOf(ours('geneve', { ...flow, csum: 'true' }), ours('vxlan')), request)).toEqual([])
  })

  test("of Dragonflow's are taken over by their name", () => {
    const dragonflows = (type: string) => interfaceRow(`${type}-vtp`, { type, options: map(flow) })
    expect(tunnels(tablesOf(dragonflows('geneve'), dragonflows('vxlan')), request)).toEqual([])
  })

  test.each<[string, ReturnType<typeof interfaceRow>, object]>([
    [
      'the address of the node is another one by now',
      ours('geneve', { ...flow, local_ip: '192.0.2.99', csum: 'true' }),
      { type: 'geneve', options: map({ ...flow, csum: 'true' }) },
    ],
    [
      'somebody gave it one far end',
      ours('geneve', { remote_ip: '192.0.2.12', local_ip: '192.0.2.11' }),
      { type: 'geneve', options: map({ remote_ip: 'flow', local_ip: '192.0.2.11', key: 'flow' }) },
    ],
    [
      'somebody gave it another type',
      { ...ours('geneve'), type: 'vxlan' },
      { type: 'geneve', options: map(flow) },
    ],
  ])('are mended when %s', (_, port, wanted) => {
    const operations = summary(tablesOf(port, ours('vxlan')))
    expect(operations[0]).toBe('wait Interface')
    expect(JSON.parse(operations[1]!.slice('update '.length))).toEqual(wanted)
    expect(operations).toHaveLength(2)
  })

  test("of types that are not asked for any more are taken away, and nobody else's", () => {
    const foreign = interfaceRow('to-b', { type: 'gre', options: map({ remote_ip: '192.0.2.12' }) })
    const tables = tablesOf(interfaceRow('tap'), ours('geneve'), ours('vxlan'), ours('gre'), foreign)
    expect(summary(tables)).toEqual(['wait Bridge', `mutate delete ["set",[["uuid","${uuidOf(400)}"]]]`])
  })

  test('come and go in one transaction', () => {
    expect(summary(tablesOf(ours('gre')), { ...request, types: ['geneve'] })).toEqual([
      'wait Bridge',
      'insert Interface geneve-vtp',
      'insert Port geneve-vtp',
      `mutate insert ["set",[["named-uuid","port_geneve"]]], delete ["set",[["uuid","${uuidOf(100)}"]]]`,
    ])
  })

  test.each<[string, Tables]>([
    ['for something else', tablesOf(interfaceRow('geneve-vtp', { type: 'internal' }))],
    [
      'on another bridge',
      updated(updated(noRows, withPorts()), {
        Bridge: { [uuidOf(9)]: { new: bridgeRow({ name: 'br-ex' }) } },
        Interface: { [uuidOf(99)]: { new: ours('geneve') } },
      }),
    ],
  ])('have another name when their own is used %s', (_, tables) => {
    const [, made] = summary(tables, { ...request, types: ['geneve'] })
    expect(made).toMatch(/^insert Interface vtp-[0-9a-f]{9}$/)
  })

  test('need the integration bridge', () => {
    expect(() => tunnels(noRows, request)).toThrow(new MissingBridgeError('br-int'))
  })
})
