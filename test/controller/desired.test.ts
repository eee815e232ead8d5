import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { App } from '../../src/app/app.ts'
import { createCollector, timedFlows } from '../../src/controller/desired.ts'
import { FlowMap } from '../../src/controller/flow-map.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { type Flow, formatFlow, type Group } from '../../src/openflow/index.ts'
import { appOf, flowOf } from '../support/apps.ts'
import { manualClock } from '../support/clock.ts'
import { twoTenants } from '../support/view.ts'

function setup(apps: App[]) {
  const metrics = createMetrics()
  const collector = createCollector(apps, { log: silentLogger, metrics, clock: manualClock() })
  const collect = () => {
    const { flows, groups } = collector.desiredFor(twoTenants())
    return {
      flows: Array.from(flows, ([, { owner, flow }]) => {
        const { cookie: _, ...bare } = flow
        return `${owner}: ${formatFlow(bare)}`
      }).sort(),
      groups: [...groups.values()].map(({ owner, content }) => `${owner}: ${content}`),
    }
  }
  return { collector, metrics, collect }
}

const wanting = (name: string, flows: readonly Flow[], groups: readonly Group[] = []) =>
  appOf(name, { flows: () => flows, groups: () => groups })

const group: Group = { groupId: 31, type: 'all', buckets: [] }
const good = wanting('classifier', [flowOf(0, 100, { inPort: 1 }, 5)])
const goodFlow = 'classifier: priority=100,in_port=1 actions=goto_table:5'

test('flows are collected, each with its owner’s cookie', () => {
  const { collector, collect } = setup([good, wanting('dns', [flowOf(31, 1)], [group])])
  expect(collect()).toEqual({
    flows: [goodFlow, 'dns: table=31, priority=1 actions=drop'],
    groups: ['dns: group_id=31,type=all'],
  })
  const cookies = Array.from(collector.desiredFor(twoTenants()).flows, ([, { flow }]) =>
    flow.cookie!.toString(16),
  )
  expect(cookies.sort()).toEqual(['444601006b6d5614', '44460100da6ae8bc'])
})

test('an application may write in its own tables and in those that are lent to it', () => {
  const { collector, collect } = setup([wanting('dns', [flowOf(20, 100), flowOf(31, 1), flowOf(33, 1)])])
  expect(collect().flows).toHaveLength(3)
  expect(collector.refused.size).toBe(0)
})

describe('an application is refused, and nobody else', () => {
  const throwing = appOf('dns', {
    flows: () => {
      throw new Error('a bug')
    },
  })
  const throwingLate = appOf('dns', {
    *flows() {
      yield flowOf(31, 1)
      throw new Error('a late bug')
    },
  })
  test.each([
    [
      'that writes in another’s table',
      wanting('dns', [flowOf(31, 1), flowOf(0, 1)]),
      /table 0 belongs to classifier, not to dns: priority=1/,
    ],
    [
      'that writes in no table of the pipeline',
      wanting('dns', [flowOf(99, 1)]),
      /table 99 belongs to nobody/,
    ],
    [
      'that names a foreign group',
      wanting('dns', [], [{ ...group, groupId: 7 }]),
      /not a group of dns: group_id=7/,
    ],
    ['that names a group twice', wanting('dns', [], [group, group]), /the same group is wanted twice/],
    [
      'that contradicts itself',
      wanting('dns', [flowOf(31, 1), flowOf(31, 1, {}, 55)]),
      /is wanted by dns with other actions/,
    ],
    [
      'that makes a flow without a prerequisite',
      wanting('dns', [flowOf(31, 1, { udpDst: 53 })]),
      /udpDst needs ipProto/,
    ],
    ['that throws', throwing, /a bug/],
    ['that throws after its first flow', throwingLate, /a late bug/],
    [
      'that also wants a row of its own lease',
      {
        ...wanting('dns', [flowOf(20, 100)]),
        lease: { rows: [flowOf(20, 100)], probe: { tableId: 31, frame: Buffer.alloc(0) } },
      },
      /also a timed row/,
    ],
  ])('%s', async (_name, app, reason) => {
    const { collector, collect, metrics } = setup([app, good])
    expect(collect()).toEqual({ flows: [goodFlow], groups: [] })
    expect([...collector.refused.keys()]).toEqual(['dns'])
    expect(collector.refused.get('dns')).toMatch(reason)
    expect(await metrics.text()).toContain('df_app_refused_total{app="dns"} 1')
  })

  test('the later of two that contradict each other', () => {
    const { collector, collect } = setup([
      wanting('l2', [flowOf(20, 100)]),
      wanting('dns', [flowOf(31, 1), flowOf(20, 100, {}, 31)]),
      good,
    ])
    expect(collect().flows).toEqual([goodFlow, 'l2: table=20, priority=100 actions=drop'])
    expect(collector.refused.get('dns')).toMatch(/is wanted by l2 with other actions/)
  })
})

test('two that want the very same share it; the first is its owner', () => {
  const { collector, collect } = setup([
    wanting('l2', [flowOf(20, 100, { reg6: 1 }, 55)]),
    wanting('dns', [flowOf(20, 100, { reg6: { value: 1, mask: 0xffff_ffff } }, 55)]),
  ])
  expect(collect().flows).toEqual(['l2: table=20, priority=100,reg6=0x1 actions=goto_table:55'])
  expect(collector.refused.size).toBe(0)
})

test('a refused application keeps what it wanted last, and comes back', () => {
  let flows: Flow[] | undefined = [flowOf(31, 1)]
  const moody = appOf('dns', {
    flows: () => {
      if (flows === undefined) throw new Error('a bug')
      return flows
    },
  })
  const { collector, collect } = setup([moody, good])
  const before = collect()
  flows = undefined
  expect(collect()).toEqual(before)
  expect(collector.refused.has('dns')).toBe(true)
  flows = [flowOf(31, 2)]
  expect(collect().flows).toContain('dns: table=31, priority=2 actions=drop')
  expect(collector.refused.has('dns')).toBe(false)
})

test('a refused application does not have the wishes of the others put together again at every view', () => {
  const unit = Array.from({ length: 1000 }, (_, n) => flowOf(0, 100, { inPort: n }, 5))
  const steady = appOf('classifier', { flows: () => unit, units: () => [unit] })
  const broken = appOf('dns', {
    flows: () => {
      throw new Error('a bug')
    },
  })
  const { collector, collect } = setup([steady, broken])
  expect(collect().flows).toHaveLength(1000)
  const entries = vi.spyOn(Map.prototype, 'set')
  try {
    collector.desiredFor(twoTenants())
    expect(entries.mock.calls.length).toBeLessThan(500)
  } finally {
    entries.mockRestore()
  }
  expect(collector.refused.get('dns')).toBe('a bug')
})

test('a flow that an application gives again is no change', () => {
  const { collector } = setup([appOf('classifier', { flows: () => [flowOf(0, 100, { inPort: 1 }, 5)] })])
  const [first, second] = [twoTenants(), twoTenants()].map((view) => collector.desiredFor(view).flows)
  expect([...FlowMap.changed(first!, second!)]).toEqual([])
})

describe('timed rows', () => {
  test('get a cookie of their own kind and a hard timeout', () => {
    const [row] = timedFlows(appOf('dns'), [flowOf(20, 100, {}, 31)], 4)
    expect(formatFlow(row!)).toBe(
      'cookie=0x44460200da6ae8bc, table=20, hard_timeout=4, priority=100 actions=goto_table:31',
    )
  })

  test('must be the application’s to write', () => {
    expect(() => timedFlows(appOf('dns'), [flowOf(0, 100)], 4)).toThrow(/table 0 belongs to classifier/)
  })
})

describe('applications that give units', () => {
  const flow = (port: number, table = 5) => flowOf(0, 100, { inPort: port }, table)

  test('however the wishes came about, the collector wants what a new one wants', () => {
    const unit = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(5, 2)), { maxLength: 3 })
    const known = new Map<string, readonly Flow[]>()
    const unitOf = (place: number) => (pairs: [number, number][]) => {
      const key = JSON.stringify([place, pairs])
      const made = known.get(key) ?? pairs.map(([port, table]) => flow(port, table))
      known.set(key, made)
      return made
    }
    const wishes = fc.array(unit, { maxLength: 4 })
    fc.assert(
      fc.property(fc.array(fc.tuple(wishes, wishes), { maxLength: 8 }), (steps) => {
        let at = 0
        const unitsOf = (place: 0 | 1) => () => steps[at]![place].map(unitOf(place))
        const apps = (['classifier', 'provider'] as const).map((name, place) => ({
          ...appOf(name, { flows: () => unitsOf(place as 0 | 1)().flat() }),
          units: unitsOf(place as 0 | 1),
        }))
        const { collector, collect } = setup(apps)
        for (at = 0; at < steps.length; at += 1) {
          const got = collect()
          const fresh = setup(apps)
          const expected = fresh.collect()
          // Whoever is refused keeps what it wanted last, which a new collector cannot know.
          if (fresh.collector.refused.size > 0) continue
          expect(got).toEqual(expected)
          expect(collector.refused.size).toBe(0)
        }
      }),
    )
  })

  test('a unit that is the same array is not looked at again', () => {
    const kept = [flow(1)]
    let looks = 0
    const counted = new Proxy(kept, {
      get(target, name, self) {
        if (name === '0') looks += 1
        return Reflect.get(target, name, self)
      },
    })
    let other = [flow(2)]
    const { collector } = setup([{ ...wanting('classifier', []), units: () => [counted, other] }])
    const before = collector.desiredFor(twoTenants()).flows
    const looked = looks
    other = [flow(3)]
    const after = collector.desiredFor(twoTenants()).flows
    expect(looks).toBe(looked)
    expect([...FlowMap.changed(before, after)]).toHaveLength(2)
  })
})
