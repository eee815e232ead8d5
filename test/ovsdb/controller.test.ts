import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { configuration, configurationNumberOf, detour, wayBack } from '../../src/ovsdb/controller.ts'
import { MissingBridgeError } from '../../src/ovsdb/errors.ts'
import { updated } from '../../src/ovsdb/monitor.ts'
import { noRows } from '../../src/ovsdb/schema.ts'
import { bridgeRow, map, row, set, uuidOf } from '../support/fake-ovsdb.ts'

const settings = {
  controllerTarget: 'unix:/run/openvswitch/br-int.controller',
  failMode: 'secure',
  protocols: ['OpenFlow13'],
  disableInBand: true,
  controllerQueueSize: 511,
  controllerRateLimit: 20_000,
  controllerBurstLimit: 5000,
  maxBackoffMs: 1000,
  inactivityProbeMs: 5000,
} as const
const ours = {
  target: settings.controllerTarget,
  max_backoff: 1000,
  inactivity_probe: 5000,
  controller_queue_size: 511,
  controller_rate_limit: 20_000,
  controller_burst_limit: 5000,
  status: map({ state: 'ACTIVE' }),
}
const foreign = {
  target: 'tcp:127.0.0.1:6633',
  max_backoff: set(),
  inactivity_probe: set(),
  controller_queue_size: set(),
  controller_rate_limit: set(),
  controller_burst_limit: set(),
  status: map(),
}
const right = { fail_mode: 'secure', other_config: map({ 'disable-in-band': 'true', hwaddr: 'x' }) }

function tablesOf(bridge: object, controllers: object[] = []) {
  const rows = controllers.map((each, index) => [uuidOf(50 + index), { new: each }])
  const controller = set(...controllers.map((_, index) => row(50 + index)))
  return updated(noRows, {
    Bridge: {
      [uuidOf(1)]: { new: bridgeRow({ ...bridge, controller }) },
      [uuidOf(2)]: { new: bridgeRow({ name: 'br-ex' }) },
    },
    Controller: Object.fromEntries(rows),
  })
}
/** What is written, without the guards. */
const written = (tables: ReturnType<typeof tablesOf>) =>
  configuration(tables, 'br-int', settings).filter(({ op }) => op !== 'wait')
const here = [['_uuid', '==', row(1)]]

describe('configuration', () => {
  test('of a bridge that is right is nothing', () => {
    expect(configuration(tablesOf(right, [ours]), 'br-int', settings)).toEqual([])
  })

  test('of a new bridge is all of it, guarded', () => {
    expect(configuration(tablesOf({}), 'br-int', settings)).toEqual([
      {
        op: 'wait',
        table: 'Bridge',
        where: here,
        columns: ['controller', 'fail_mode', 'protocols', 'other_config'],
        until: '==',
        rows: [{ controller: set(), fail_mode: set(), protocols: set(), other_config: map() }],
        timeout: 0,
      },
      {
        op: 'insert',
        table: 'Controller',
        row: {
          target: ours.target,
          max_backoff: set(1000),
          inactivity_probe: set(5000),
          controller_queue_size: set(511),
          controller_rate_limit: set(20_000),
          controller_burst_limit: set(5000),
        },
        'uuid-name': 'ours',
      },
      {
        op: 'update',
        table: 'Bridge',
        where: here,
        row: {
          fail_mode: set('secure'),
          other_config: map({ 'disable-in-band': 'true' }),
          controller: ['named-uuid', 'ours'],
        },
      },
    ])
  })

  test.each<[string, object, object[], unknown[]]>([
    [
      'the fail mode',
      { ...right, fail_mode: 'standalone' },
      [ours],
      [{ op: 'update', table: 'Bridge', where: here, row: { fail_mode: set('secure') } }],
    ],
    [
      'a protocol that is missing, beside those that are set',
      { ...right, protocols: set('OpenFlow10', 'OpenFlow14') },
      [ours],
      [
        {
          op: 'update',
          table: 'Bridge',
          where: here,
          row: { protocols: set('OpenFlow10', 'OpenFlow14', 'OpenFlow13') },
        },
      ],
    ],
    ['no protocol, where all are allowed', { ...right, protocols: set() }, [ours], []],
    ['no protocol, where ours is set', { ...right, protocols: set('OpenFlow13') }, [ours], []],
    [
      'in-band control, beside other settings',
      { ...right, other_config: map({ hwaddr: 'x', 'disable-in-band': 'false' }) },
      [ours],
      [
        {
          op: 'update',
          table: 'Bridge',
          where: here,
          row: { other_config: map({ hwaddr: 'x', 'disable-in-band': 'true' }) },
        },
      ],
    ],
    [
      'a controller beside ours',
      right,
      [foreign, ours],
      [{ op: 'update', table: 'Bridge', where: here, row: { controller: set(row(51)) } }],
    ],
    [
      'a second row of ours',
      right,
      [ours, ours],
      [{ op: 'update', table: 'Bridge', where: here, row: { controller: set(row(50)) } }],
    ],
    [
      'a value in our row, without a new connection',
      right,
      [{ ...ours, max_backoff: 8000 }],
      [
        {
          op: 'update',
          table: 'Controller',
          where: [['_uuid', '==', row(50)]],
          row: {
            target: ours.target,
            max_backoff: set(1000),
            inactivity_probe: set(5000),
            controller_queue_size: set(511),
            controller_rate_limit: set(20_000),
            controller_burst_limit: set(5000),
          },
        },
      ],
    ],
  ])('corrects %s', (_, bridge, controllers, operations) => {
    expect(written(tablesOf(bridge, controllers))).toEqual(operations)
  })

  test('puts our controller in the place of another', () => {
    const operations = written(tablesOf(right, [foreign]))
    expect(operations.map(({ op }) => op)).toEqual(['insert', 'update'])
    expect(operations[1]).toMatchObject({ row: { controller: ['named-uuid', 'ours'] } })
  })

  test('needs its bridge', () => {
    expect(() => configuration(noRows, 'br-int', settings)).toThrow(new MissingBridgeError('br-int'))
  })
})

describe('a detour', () => {
  test('leads the row nowhere and back', () => {
    const { answer, operations } = detour(tablesOf(right, [ours]), 'br-int')
    expect(answer).toEqual({ id: uuidOf(50), target: ours.target })
    expect(operations.map(({ op }) => op)).toEqual(['wait', 'update', 'mutate', 'select'])
    const back = wayBack({ id: uuidOf(50), target: ours.target }, 8)
    expect(back).toMatchObject([
      { op: 'wait', where: [['cur_cfg', '>=', 8]] },
      {
        op: 'update',
        table: 'Controller',
        where: [
          ['_uuid', '==', row(50)],
          ['target', '==', 'tcp:127.0.0.1:0'],
        ],
        row: { target: ours.target },
      },
    ])
    expect(wayBack({ id: uuidOf(50), target: ours.target }, undefined)).toEqual(back.slice(1))
  })

  test('is none without a controller', () => {
    expect(detour(tablesOf(right), 'br-int')).toEqual({ answer: undefined, operations: [] })
  })

  test('counts by the number that the database gave', () => {
    expect(configurationNumberOf([{ next_cfg: 8 }])).toBe(8)
    expect(() => configurationNumberOf([])).toThrow(ProtocolError)
  })
})
