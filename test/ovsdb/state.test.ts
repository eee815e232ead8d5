import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonStream } from '../../src/ovsdb/json-stream.ts'
import { updated } from '../../src/ovsdb/monitor.ts'
import { noRows, type Tables } from '../../src/ovsdb/schema.ts'
import { noPacketIns, type OvsdbState, packetInsOf, switchOf } from '../../src/ovsdb/state.ts'
import { bridgeRow, interfaceRow, map, row, set, uuidOf, withPorts } from '../support/fake-ovsdb.ts'

const nothing = { bridge: undefined, ports: [] }
type State = Pick<OvsdbState, 'bridge' | 'ports'>
const stateOf = (update: unknown, previous: State = nothing) =>
  switchOf(updated(noRows, update), 'br-int', previous)

describe('the type of an interface', () => {
  test.each([
    [
      'tap-a',
      { external_ids: map({ 'iface-id': 'a', 'attached-mac': 'fa:16:3e:00:00:02' }) },
      { type: 'compute', lport: 'a', attachedMac: 'fa:16:3e:00:00:02' },
    ],
    ['tap-b', { type: 'internal', external_ids: map({ 'iface-id': 'b' }) }, { type: 'compute', lport: 'b' }],
    ['tap-c', { external_ids: map({ 'iface-id': '' }) }, { type: 'unknown' }],
    ['br-int', { type: 'internal', ofport: 65534 }, { type: 'bridge', ofport: 65534 }],
    ['library', { type: 'internal' }, { type: 'unknown' }],
    ['zebra', { type: 'internal', external_ids: map({ 'iface-id': 'z' }) }, { type: 'compute', lport: 'z' }],
    [
      'br-ex-patch',
      { type: 'patch', options: map({ peer: 'br-int-patch' }) },
      { type: 'patch', peer: 'br-int-patch' },
    ],
    ['patch-id', { type: 'patch', external_ids: map({ 'iface-id': 'a' }) }, { type: 'patch' }],
    ['vxlan', { type: 'vxlan', options: map({ remote_ip: '192.0.2.1' }) }, { type: 'tunnel' }],
    [
      'geneve-vtp',
      { type: 'geneve', options: map({ remote_ip: 'flow', key: 'flow' }) },
      { type: 'tunnel', tunnelType: 'geneve' },
    ],
    [
      'vtp-0123',
      {
        type: 'geneve',
        options: map({ remote_ip: 'flow', key: 'flow' }),
        external_ids: map({ 'df-tunnel': 'geneve' }),
      },
      { type: 'tunnel', tunnelType: 'geneve' },
    ],
    ['library', { type: 'geneve', options: map({ remote_ip: 'flow', key: 'flow' }) }, { type: 'tunnel' }],
    [
      'gre-vtp',
      {
        type: 'vxlan',
        options: map({ remote_ip: 'flow', key: 'flow' }),
        external_ids: map({ 'df-tunnel': 'gre' }),
      },
      { type: 'tunnel' },
    ],
    ['gre-7', { type: 'gre', options: map({ remote_ip: 'flow', key: '7' }) }, { type: 'tunnel' }],
    ['eth1', {}, { type: 'unknown' }],
  ])('%s', (name, changes, expected) => {
    const { ports } = stateOf(withPorts(interfaceRow(name, changes)))
    const nowhere = { ofport: undefined, adminState: undefined }
    expect(ports).toEqual([{ id: uuidOf(101), name, ...nowhere, ...expected }])
  })
})

test.each([
  ['not made yet', set(), undefined],
  ['could not be made', -1, undefined],
  ['made', 11, 11],
])('the OpenFlow port of an interface that is %s', (_, ofport, expected) => {
  expect(stateOf(withPorts(interfaceRow('tap-a', { ofport }))).ports[0]?.ofport).toBe(expected)
})

test("gateway devices of Neutron's L3 agent do not count", () => {
  const gateway = interfaceRow('qg-1', { external_ids: map({ 'iface-id': 'x' }) })
  expect(stateOf(withPorts(gateway, interfaceRow('tap-a'))).ports.map(({ name }) => name)).toEqual(['tap-a'])
})

test.each([
  ['known', { type: 'internal', mac_in_use: '02:00:00:00:00:01' }, '02:00:00:00:00:01'],
  ['not made yet', { type: 'internal' }, undefined],
])("a patch port knows the other bridge's own MAC address if that is %s", (_, local, expected) => {
  const update = withPorts(
    interfaceRow('br-ex-patch', { type: 'patch', options: map({ peer: 'br-int-patch' }) }),
  )
  const other = { new: bridgeRow({ name: 'br-ex', ports: set(row(900), row(910)) }) }
  const { ports } = stateOf({
    ...update,
    Bridge: { ...update.Bridge, [uuidOf(2)]: other },
    Port: {
      ...update.Port,
      [uuidOf(900)]: { new: { name: 'br-ex', interfaces: row(901) } },
      [uuidOf(910)]: { new: { name: 'br-int-patch', interfaces: row(911) } },
    },
    Interface: {
      ...update.Interface,
      [uuidOf(901)]: { new: interfaceRow('br-ex', local) },
      [uuidOf(911)]: { new: interfaceRow('br-int-patch', { type: 'patch' }) },
    },
  })
  expect(ports.map(({ peerMac }) => peerMac)).toEqual([expected])
})

test('DF-20: ports of other bridges do not count, whatever they say', () => {
  const update = withPorts(interfaceRow('tap-a'))
  const other = { new: bridgeRow({ name: 'br-ex', ports: row(900) }) }
  const { ports } = stateOf({
    ...update,
    Bridge: { ...update.Bridge, [uuidOf(2)]: other },
    Port: { ...update.Port, [uuidOf(900)]: { new: { name: 'tap-x', interfaces: row(901) } } },
    Interface: {
      ...update.Interface,
      [uuidOf(901)]: { new: interfaceRow('tap-x', { external_ids: map({ 'iface-id': 'a' }) }) },
    },
  })
  expect(ports.map(({ name }) => name)).toEqual(['tap-a'])
})

test('a bond brings all its interfaces', () => {
  const update = withPorts(interfaceRow('eth1'))
  const { ports } = stateOf({
    ...update,
    Port: { [uuidOf(100)]: { new: { name: 'bond', interfaces: set(row(101), row(102)) } } },
    Interface: { ...update.Interface, [uuidOf(102)]: { new: interfaceRow('eth0') } },
  })
  expect(ports.map(({ name }) => name)).toEqual(['eth0', 'eth1'])
})

test('references to rows that are not there are passed over', () => {
  expect(
    stateOf({ Bridge: { [uuidOf(1)]: { new: bridgeRow({ ports: row(5), controller: row(6) }) } } }),
  ).toMatchObject({
    bridge: { controllers: [{ uuid: uuidOf(6), target: '' }] },
    ports: [],
  })
})

describe('what did not change is the same object', () => {
  const update = (ofport: number) =>
    withPorts(interfaceRow('tap-a', { ofport: 1 }), interfaceRow('tap-b', { ofport }))
  const first = stateOf(update(2))

  test('all of it', () => {
    const second = stateOf(update(2), first)
    expect(second.bridge).toBe(first.bridge)
    expect(second.ports).toBe(first.ports)
  })

  test('the other port', () => {
    const second = stateOf(update(3), first)
    expect(second.ports).not.toBe(first.ports)
    expect(second.ports[0]).toBe(first.ports[0])
    expect(second.ports[1]).toMatchObject({ name: 'tap-b', ofport: 3 })
  })

  test('no port, without the bridge', () => {
    expect(stateOf({}, first)).toEqual(nothing)
    const none = stateOf({})
    expect(stateOf({}, none).ports).toBe(none.ports)
  })
})

test('the recorded session ends with the ports that ovs-vsctl lists', () => {
  const session = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/ovsdb/session.json'), 'utf8'))
  const messages = new JsonStream(1 << 20).push(Buffer.from(session.bytes, 'base64')) as {
    method?: string
    params: unknown[]
    result: unknown
  }[]
  const updates = messages.filter(({ method }) => method === 'update').map(({ params }) => params[1])
  const tables = [messages[0]?.result, ...updates].reduce<Tables>(updated, noRows)
  const { bridge, ports } = switchOf(tables, 'br-int', nothing)
  expect(ports.map(({ name }) => name)).toEqual(
    ['br-int', ...session.ports].filter((name) => name !== 'qg-gateway').sort(),
  )
  expect(ports.map(({ name, type, ofport }) => [name, type, ofport])).toEqual([
    ['br-int', 'bridge', 65534],
    ['library', 'unknown', 22],
    ['patch-x', 'patch', undefined],
    ['tap-b', 'compute', 13],
    ['vxlan-1', 'tunnel', 20],
  ])
  expect(bridge).toMatchObject({
    name: 'br-int',
    failMode: 'secure',
    datapathType: 'netdev',
    datapathId: '0000c2a57dc7ca49',
    protocols: ['OpenFlow10', 'OpenFlow13'],
    controllers: [{ target: 'tcp:127.0.0.1:6633' }],
  })
})

describe('what the switch tells of its packet-ins', () => {
  const status = {
    'packet-in-action-backlog': '3',
    'packet-in-action-bypassed': '100',
    'packet-in-action-dropped': '7',
    'packet-in-action-queued': '20',
    'packet-in-miss-bypassed': '1',
    state: 'ACTIVE',
  }
  const tablesWith = (values: Record<string, string>) =>
    updated(noRows, {
      Bridge: { [uuidOf(1)]: { new: bridgeRow({ controller: row(50) }) } },
      Controller: {
        [uuidOf(50)]: {
          new: {
            target: 'tcp:127.0.0.1:6653',
            ...{ max_backoff: set(), inactivity_probe: set(), controller_queue_size: set() },
            ...{ controller_rate_limit: set(), controller_burst_limit: set(), status: map(values) },
          },
        },
      },
    })

  test('is added up over misses and actions', () => {
    const counts = { direct: 101, queued: 20, dropped: 7, backlog: 3 }
    expect(packetInsOf(tablesWith(status), 'br-int', noPacketIns)).toEqual(counts)
  })

  test('is nothing where it limits no rate, or has no such bridge', () => {
    expect(packetInsOf(tablesWith({ state: 'ACTIVE' }), 'br-int', noPacketIns)).toBe(noPacketIns)
    expect(packetInsOf(tablesWith(status), 'br-ex', noPacketIns)).toBe(noPacketIns)
  })
})
