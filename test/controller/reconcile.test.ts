import { describe, expect, test } from 'vitest'
import { cookieOf } from '../../src/controller/cookie.ts'
import type { Desired } from '../../src/controller/flow-table.ts'
import { ownedFlow } from '../../src/controller/held-flow.ts'
import { reconcilerMetrics, startReconciler } from '../../src/controller/reconcile.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { ct, ethTypes, type Flow, flowIdentity, formatGroup, type Group } from '../../src/openflow/index.ts'
import { flowOf } from '../support/apps.ts'
import { manualClock } from '../support/clock.ts'
import { FakeLink } from '../support/fake-link.ts'
import { flowMapOf } from '../support/wanted.ts'

const owned = (flow: Flow, owner = 'l2'): Flow => ownedFlow(flow, owner)
const group: Group = { groupId: 31, type: 'all', buckets: [] }

function desiredOf(flows: readonly Flow[], groups: readonly Group[] = []): Desired {
  return {
    flows: flowMapOf('l2', flows),
    groups: new Map(
      groups.map((each) => [each.groupId, { owner: 'dns', group: each, content: formatGroup(each) }]),
    ),
  }
}

function setup(prepare: (fake: FakeLink) => void = () => {}) {
  const fake = new FakeLink()
  prepare(fake)
  const clock = manualClock()
  const metrics = createMetrics()
  let settled = 0
  const reconciler = startReconciler({
    link: fake.link,
    scope: { tableIds: new Set([0, 5, 55]), groupIds: new Set([31, 32]) },
    clock,
    log: silentLogger,
    metrics: reconcilerMetrics(metrics),
    settled: () => {
      settled += 1
    },
  })
  const told = () => fake.told.splice(0).filter((line) => line !== '?')
  const held = () => [...fake.flows.values()].map((flow) => `${flow.tableId}/${flow.priority}`).sort()
  return { fake, clock, metrics, reconciler, told, held, settled: () => settled }
}

const a = flowOf(0, 100, { inPort: 1 }, 5)
const b = flowOf(5, 100, { reg6: 1 }, 55)
const c = flowOf(55, 100, { reg6: 1 })

describe('on connect', () => {
  test('nothing is sent before there is a wish', async () => {
    const { clock, told } = setup((fake) => fake.put(a))
    await clock.advance(10_000)
    expect(told()).toEqual([])
  })

  test('only the difference is sent, groups first, and a barrier', async () => {
    const { clock, reconciler, told, held, settled } = setup((fake) => {
      fake.put(owned(a))
      fake.put(flowOf(5, 7))
    })
    reconciler.want(desiredOf([a, b, c], [group]))
    await clock.advance(0)
    expect(told()).toEqual([
      'delete timed',
      '|',
      'add group_id=31,type=all',
      'add table=55, priority=100,reg6=0x1 actions=drop',
      'add table=5, priority=100,reg6=0x1 actions=goto_table:55',
      'delete table=5, priority=7 actions=drop',
      '|',
    ])
    expect([held(), settled()]).toEqual([['0/100', '5/100', '55/100'], 1])
  })

  test('nothing is sent to a switch that has it all', async () => {
    const { clock, reconciler, told, settled } = setup((fake) => {
      for (const flow of [a, b, c]) fake.put(owned(flow))
      fake.groups.set(31, group)
    })
    reconciler.want(desiredOf([a, b, c], [group]))
    await clock.advance(0)
    expect([told(), settled()]).toEqual([['delete timed', '|'], 1])
  })

  const timed = { ...flowOf(5, 200), cookie: cookieOf('timed', 'dns'), hardTimeout: 4 }
  test.each([
    ['a timed row of a dead controller goes', timed, []],
    ['a flow in a table of somebody else stays', flowOf(200, 1), ['200/1']],
    ['a flow of ours in a table of somebody else goes', owned(flowOf(200, 1)), []],
    ['a flow of an application that is gone goes', owned(flowOf(5, 1), 'gone'), []],
    [
      'a flow with a timed cookie and no timeout goes',
      { ...flowOf(5, 1), cookie: cookieOf('timed', 'dns') },
      [],
    ],
  ])('%s', async (_name, flow, expected) => {
    const { clock, reconciler, held } = setup((fake) => fake.put(flow))
    reconciler.want(desiredOf([]))
    await clock.advance(0)
    expect(held()).toEqual(expected)
  })

  test('a group of somebody else stays, one of ours that nobody wants goes', async () => {
    const { clock, reconciler, fake } = setup((link) => {
      for (const groupId of [7, 32]) link.groups.set(groupId, { ...group, groupId })
    })
    reconciler.want(desiredOf([], [group]))
    await clock.advance(0)
    expect([...fake.groups.keys()].sort()).toEqual([31, 7])
  })
})

describe('zones of connection tracking', () => {
  const tracked = (reg6: number, zone: number): Flow => ({
    ...flowOf(10, 100, { ethType: ethTypes.ipv4, reg6 }),
    instructions: [{ kind: 'applyActions', actions: [ct({ zone, tableId: 15 })] }],
  })
  const rowOf = (key: number, zone: number) =>
    `table=10, priority=100,ip,reg6=0x${key} actions=ct(table=15,zone=${zone})`
  const isOfZones = (line: string) => /zone|table=10,/.test(line) || line === '|'
  const red = tracked(1, 11)
  const blue = tracked(4, 11)

  test('the zone of a new port is emptied after its row is there', async () => {
    const { clock, reconciler, told } = setup()
    reconciler.want(desiredOf([red, a, tracked(2, 12)]))
    await clock.advance(0)
    const lines = told().filter(isOfZones)
    // Rows of one table come in any order.
    expect([
      ...lines.slice(0, 1),
      ...lines.slice(1, 3).sort(),
      ...lines.slice(3, 5).sort(),
      ...lines.slice(5),
    ]).toEqual(['|', `add ${rowOf(1, 11)}`, `add ${rowOf(2, 12)}`, 'empty zone 11', 'empty zone 12', '|'])
  })

  test('when another port comes to the place of one that is gone, its zone is emptied', async () => {
    const { clock, reconciler, told } = setup((fake) => fake.put(owned(red)))
    reconciler.want(desiredOf([blue]))
    await clock.advance(0)
    expect(told().filter(isOfZones)).toEqual([
      '|',
      `add ${rowOf(4, 11)}`,
      `delete ${rowOf(1, 11).replace(/ct\(.*/, 'drop')}`,
      'empty zone 11',
      '|',
    ])
  })

  test('a port that stays where it was keeps its connections, whoever controls it', async () => {
    const { clock, reconciler, told } = setup((fake) => fake.put(owned(red)))
    reconciler.want(desiredOf([red]))
    await clock.advance(0)
    expect(told().filter(isOfZones)).toEqual(['|'])
  })

  test('as long as the switch refuses to empty a zone, its row counts as refused', async () => {
    const { clock, reconciler, fake, told } = setup()
    fake.refuses = (text) => (text === 'empty zone 11' ? 'OFPBRC_BAD_TYPE' : undefined)
    reconciler.want(desiredOf([red]))
    await clock.advance(0)
    expect(reconciler.failed).toMatchObject([{ owner: 'l2', reason: 'OFPBRC_BAD_TYPE', attempts: 1 }])
    fake.refuses = () => undefined
    told()
    await clock.advance(1000)
    expect([told().includes('empty zone 11'), reconciler.failed]).toEqual([true, []])
  })
})

describe('later', () => {
  test('a changed wish sends what changed and nothing else', async () => {
    const { clock, reconciler, told } = setup()
    reconciler.want(desiredOf([a, b]))
    await clock.advance(0)
    told()
    reconciler.want(desiredOf([a, c]))
    await clock.advance(0)
    expect(told()).toEqual([
      'add table=55, priority=100,reg6=0x1 actions=drop',
      'delete table=5, priority=100,reg6=0x1 actions=drop',
      '|',
    ])
  })

  test('one transaction is in flight at a time, and the latest wish wins', async () => {
    const { clock, reconciler, told, fake, held } = setup()
    reconciler.want(desiredOf([]))
    await clock.advance(0)
    told()
    fake.hold()
    reconciler.want(desiredOf([a]))
    await clock.advance(0)
    reconciler.want(desiredOf([a, b]))
    reconciler.want(desiredOf([c]))
    await clock.advance(100)
    expect(told()).toEqual(['add priority=100,in_port=1 actions=goto_table:5', '|'])
    fake.release()
    await clock.advance(100)
    expect(held()).toEqual(['55/100'])
  })

  test('a row counts as installed only when the barrier has returned', async () => {
    const { clock, reconciler, fake, settled } = setup()
    reconciler.want(desiredOf([]))
    await clock.advance(0)
    fake.hold()
    reconciler.want(desiredOf([a, b]))
    await clock.advance(1000)
    expect([reconciler.flowCount, settled()]).toEqual([0, 1])
    fake.release()
    await clock.advance(0)
    expect([reconciler.flowCount, settled()]).toEqual([2, 2])
  })

  test('what others changed is changed back within two seconds, and counted', async () => {
    const { clock, reconciler, fake, held, metrics, told } = setup()
    reconciler.want(desiredOf([a, b, c], [group]))
    await clock.advance(0)
    fake.flows.delete(flowIdentity(b))
    fake.put({ ...owned(a), instructions: [] })
    fake.put(flowOf(55, 9))
    fake.groups.clear()
    told()
    await clock.advance(2000)
    expect(held()).toEqual(['0/100', '5/100', '55/100'])
    expect(fake.groups.size).toBe(1)
    expect(told()).toEqual([
      'add group_id=31,type=all',
      'add table=5, priority=100,reg6=0x1 actions=goto_table:55',
      'add priority=100,in_port=1 actions=goto_table:5',
      'delete table=55, priority=9 actions=drop',
      '|',
    ])
    const text = await metrics.text()
    expect(text).toContain('df_flow_repairs_total{change="deleteFlow"} 1')
    expect(text).toContain('df_flow_repairs_total{change="addFlow"} 2')
  })

  test('a timed row is left alone', async () => {
    const { clock, reconciler, fake, held } = setup()
    reconciler.want(desiredOf([a]))
    await clock.advance(0)
    fake.put({ ...flowOf(5, 200), cookie: cookieOf('timed', 'dns'), hardTimeout: 4 })
    await clock.advance(10_000)
    expect(held()).toEqual(['0/100', '5/200'])
  })

  test('what a start has sent for longer than that is not read before the lease is asked for', async () => {
    const { clock, reconciler, fake, settled } = setup()
    fake.wait = async () => fake.hold()
    reconciler.want(desiredOf([a]))
    await clock.advance(5000)
    fake.wait = async () => {}
    fake.told.length = 0
    fake.release()
    await clock.advance(1000)
    expect([settled(), fake.told]).toEqual([1, []])
    await clock.advance(1000)
    expect(fake.told).toEqual(['?'])
  })

  test('reading takes place every two seconds and no more often', async () => {
    const { clock, reconciler, fake } = setup()
    reconciler.want(desiredOf([a]))
    await clock.advance(0)
    fake.told.length = 0
    await clock.advance(20_000)
    expect(fake.told).toEqual(Array(13).fill('?'))
  })
})

describe('a refused row', () => {
  const refuseTable5 = (fake: FakeLink) => {
    fake.refuses = (text) => (text.includes('table=5,') ? 'OFPFMFC_TABLE_FULL' : undefined)
  }

  test('is reported under its owner’s name, and the others are installed', async () => {
    const { clock, reconciler, held, metrics, settled } = setup(refuseTable5)
    reconciler.want(desiredOf([a, b, c]))
    await clock.advance(0)
    expect(held()).toEqual(['0/100', '55/100'])
    expect(reconciler.failed).toMatchObject([{ owner: 'l2', attempts: 1 }])
    expect(reconciler.failed[0]!.reason).toBe('OFPFMFC_TABLE_FULL')
    expect(reconciler.failed[0]!.row).toContain('table=5, ')
    expect(await metrics.text()).toContain('df_flow_refusals_total{app="l2"} 1')
    expect(settled()).toBe(1)
  })

  test('is tried again ever more seldom', async () => {
    const { clock, reconciler, told } = setup(refuseTable5)
    reconciler.want(desiredOf([b]))
    await clock.advance(0)
    const attempts: number[] = []
    for (let second = 1; second <= 200; second += 1) {
      told()
      await clock.advance(1000)
      if (told().length > 0) attempts.push(second)
    }
    expect(attempts).toEqual([1, 3, 7, 15, 31, 63, 123, 183])
  })

  test('is installed when the switch takes it, and is not reported any more', async () => {
    const { clock, reconciler, fake, held } = setup(refuseTable5)
    reconciler.want(desiredOf([b]))
    await clock.advance(500)
    fake.refuses = () => undefined
    await clock.advance(500)
    expect([held(), reconciler.failed]).toEqual([['5/100'], []])
  })

  test('is tried at once when its content changes, and forgotten when it is not wanted any more', async () => {
    const { clock, reconciler, told } = setup(refuseTable5)
    reconciler.want(desiredOf([b]))
    await clock.advance(0)
    told()
    reconciler.want(desiredOf([{ ...b, instructions: [] }]))
    await clock.advance(0)
    expect(told()).toEqual(['add table=5, priority=100,reg6=0x1 actions=drop', '|'])
    reconciler.want(desiredOf([]))
    await clock.advance(0)
    expect(reconciler.failed).toEqual([])
  })

  test('that somebody else owns does not stop the others', async () => {
    const { clock, reconciler, fake, held } = setup((link) => link.put(flowOf(0, 1)))
    fake.refuses = (text) => (text.startsWith('delete priority=1') ? 'OFPBRC_EPERM' : undefined)
    reconciler.want(desiredOf([a]))
    await clock.advance(0)
    expect(held()).toEqual(['0/1', '0/100'])
    expect(reconciler.failed).toMatchObject([{ owner: undefined }])
  })
})

describe('when the link closes', () => {
  test.each(['waiting', 'sending', 'resting'])('while %s it ends quietly', async (state) => {
    const { clock, reconciler, fake } = setup()
    if (state === 'sending') fake.hold()
    if (state !== 'waiting') reconciler.want(desiredOf([a]))
    await clock.advance(0)
    fake.close('the switch went away')
    fake.told.length = 0
    reconciler.want(desiredOf([b]))
    await clock.advance(10_000)
    expect(fake.told).toEqual([])
  })

  test('and a switch that cannot be read is left, to connect again', async () => {
    const { clock, reconciler, fake } = setup()
    fake.stats = async () => {
      throw new Error('OFPBRC_BAD_MULTIPART')
    }
    reconciler.want(desiredOf([a]))
    await clock.advance(0)
    expect(fake.closedBecause).toBe('cannot reconcile: OFPBRC_BAD_MULTIPART')
  })
})

test('a long difference goes in parts, so that punts are answered in between', async () => {
  const { clock, reconciler, told } = setup()
  reconciler.want(desiredOf(Array.from({ length: 1200 }, (_, n) => flowOf(0, 100, { inPort: n + 1 }))))
  await clock.advance(0)
  expect(told().filter((line) => line === '|')).toHaveLength(4)
})

describe('a switch with many flows', () => {
  const many = Array.from({ length: 9000 }, (_, index) => flowOf(5, 100, { reg6: index + 1 }, 55))
  const all = [a, ...many, c]
  const change = flowOf(5, 100, { reg6: 7 })
  const decoded = async (metrics: Metrics) =>
    Number(/^df_flows_decoded_total (\d+)$/m.exec(await metrics.text())?.[1])

  test('has each flow decoded once, some at a time, and later only what others did, which is undone', async () => {
    const { fake, clock, reconciler, told, held, metrics } = setup()
    reconciler.want(desiredOf(all, [group]))
    await clock.advance(0)
    expect([reconciler.flowCount, await decoded(metrics)]).toEqual([9002, 0])
    await clock.advance(1600)
    expect(await decoded(metrics)).toBe(9002)
    expect(fake.told.filter((line) => line === '?')).toHaveLength(6)
    await clock.advance(5000)
    expect(await decoded(metrics)).toBe(9002)
    told()
    fake.flows.delete(flowIdentity(many[5]!))
    fake.put(owned(change))
    fake.put(flowOf(55, 7))
    fake.put(flowOf(0, 7))
    fake.groups.delete(31)
    await clock.advance(2000)
    const undone = told().filter((line) => line !== '|')
    expect(undone.toSorted()).toEqual([
      'add group_id=31,type=all',
      'add table=5, priority=100,reg6=0x6 actions=goto_table:55',
      'add table=5, priority=100,reg6=0x7 actions=goto_table:55',
      'delete priority=7 actions=drop',
      'delete table=55, priority=7 actions=drop',
    ])
    expect(held()).toHaveLength(9002)
    expect(reconciler.flowCount).toBe(9002)
    expect(await metrics.text()).toContain('df_flow_repairs_total{change="addFlow"} 2')
    await clock.advance(5000)
    expect(told()).toEqual([])
    // What others did, and what was done about it.
    expect(await decoded(metrics)).toBe(9002 + 3 + 2)
  })

  test('is read for a tenth of the time at the most, also while it looks new', async () => {
    const { fake, clock, reconciler, told } = setup()
    reconciler.want(desiredOf(all))
    await clock.advance(0)
    fake.wait = () => new Promise((resolve) => void clock.after(300, resolve))
    await clock.advance(1500)
    fake.told.length = 0
    await clock.advance(20_000)
    expect(fake.told.filter((line) => line === '?').length).toBeLessThanOrEqual(7)
    expect(told()).toEqual([])
  })

  test('is decoded at once by a controller that starts anew, since nobody waits for it yet', async () => {
    const { fake, clock, reconciler, metrics } = setup((link) => {
      for (const flow of all) link.put(owned(flow))
    })
    reconciler.want(desiredOf(all))
    await clock.advance(0)
    expect(fake.told).toEqual(['delete timed', '|', '?'])
    await clock.advance(5000)
    expect(await decoded(metrics)).toBe(9002)
  })

  test('is changed by what is new in a wish alone', async () => {
    const { clock, reconciler, told } = setup()
    reconciler.want(desiredOf(all))
    await clock.advance(0)
    told()
    reconciler.want(desiredOf([a, ...many]))
    await clock.advance(0)
    reconciler.want(desiredOf([...all.filter((flow) => flow !== many[6]), change]))
    await clock.advance(0)
    expect(told()).toEqual([
      'delete table=55, priority=100,reg6=0x1 actions=drop',
      '|',
      'add table=55, priority=100,reg6=0x1 actions=drop',
      'add table=5, priority=100,reg6=0x7 actions=drop',
      '|',
    ])
  })
})

test('a change that a newer wish takes back while it is on its way is undone', async () => {
  const { fake, clock, reconciler, held } = setup()
  reconciler.want(desiredOf([a]))
  await clock.advance(0)
  fake.hold()
  reconciler.want(desiredOf([a, b]))
  await clock.advance(0)
  reconciler.want(desiredOf([a]))
  fake.release()
  await clock.advance(0)
  expect(held()).toEqual(['0/100'])
})
