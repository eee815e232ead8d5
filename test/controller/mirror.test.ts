/** Two tenants, red with key 1 and blue with key 4: their flows differ by the register alone. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cookieOf } from '../../src/controller/cookie.ts'
import type { Desired } from '../../src/controller/flow-table.ts'
import { identityOf, ownedFlow } from '../../src/controller/held-flow.ts'
import { SwitchMirror } from '../../src/controller/mirror.ts'
import { type Flow, flowIdentity, formatFlow, type Group } from '../../src/openflow/index.ts'
import { flowOf } from '../support/apps.ts'
import { FakeLink } from '../support/fake-link.ts'
import { flowMapOf, wantedOf } from '../support/wanted.ts'

const owned = (flow: Flow) => ownedFlow(flow, 'dns')
const desiredOf = (flows: readonly Flow[]): Desired => ({ flows: flowMapOf('dns', flows), groups: new Map() })
const red = flowOf(32, 100, { reg6: 1 }, 55)
const blue = flowOf(32, 100, { reg6: 4 }, 55)
const lease: Flow = { ...flowOf(32, 200), cookie: cookieOf('timed', 'dns'), hardTimeout: 4 }
const group: Group = { groupId: 31, type: 'all', buckets: [] }

function setup(flows: readonly Flow[] = [owned(red), owned(blue)]) {
  const fake = new FakeLink()
  for (const flow of flows) fake.put(flow)
  const mirror = new SwitchMirror(fake.link, { tableIds: new Set([32]), groupIds: new Set([31]) })
  const desired = desiredOf([red, blue])
  const read = async (limit?: number) => (await mirror.read(desired, limit)).decodedCount
  /** Table, priority and register of each flow that it holds, with what it does. */
  const held = () =>
    Array.from(mirror.installed.flows, ([, { flow }]) => {
      const actions = flow.instructions.length === 0 ? 'drops' : 'goes on'
      return `${flow.tableId}/${flow.priority} ${flow.match.reg6 ?? '-'} ${actions}`
    }).sort()
  return { fake, mirror, desired, read, held }
}
/** Reads until everything was looked at, which few readings are enough for. */
async function readAll(mirror: SwitchMirror, desired: Desired, limit: number): Promise<void> {
  for (let time = 0; time < 20; time += 1) if ((await mirror.read(desired, limit)).isWhole) return
  throw new Error('after 20 readings something was not looked at')
}
const both = ['32/100 1 goes on', '32/100 4 goes on']

test('flows that are as wanted are those of their parts, and of a foreign one there is no owner', async () => {
  const { mirror, desired, read, fake } = setup()
  fake.put(flowOf(32, 7))
  expect(await read()).toBe(3)
  expect(mirror.installed.flows.size).toBe(3)
  for (const [identity, { part }] of desired.flows)
    expect(mirror.installed.flows.get(identity)!.part).toBe(part)
  const foreign = mirror.installed.flows.get(identityOf(flowOf(32, 7)))!
  expect([foreign.owner, foreign.flow.priority]).toEqual(['', 7])
})

test('groups of ours are held by their text', async () => {
  const { fake, mirror, read } = setup()
  for (const groupId of [7, 31]) fake.groups.set(groupId, { ...group, groupId })
  await read()
  expect([...mirror.installed.groups]).toEqual([[31, 'group_id=31,type=all']])
})

test.each<[string, Flow, string[]]>([
  ['a timed row is not ours', lease, both],
  ['a timed cookie without a time is a mistake', { ...lease, hardTimeout: 0 }, [...both, '32/200 - drops']],
  ['a foreign flow in our table is ours to delete', flowOf(32, 7), [...both, '32/7 - drops']],
  ['a foreign flow in another table is not', flowOf(99, 7), both],
  ['a flow with our cookie in another table is', owned(flowOf(99, 7)), [...both, '99/7 - drops']],
])('%s, at the first reading and at every later one', async (_what, flow, expected) => {
  const { read, held } = setup([owned(red), owned(blue), flow])
  expect(await read()).toBe(3)
  for (let time = 0; time < 3; time += 1) {
    expect(held()).toEqual(expected)
    expect(await read()).toBe(0)
  }
})

describe('after a reading', () => {
  test.each<[string, (fake: FakeLink) => void, number, string[]]>([
    ['nothing', () => {}, 0, both],
    ['a flow deleted', (fake) => fake.flows.delete(flowIdentity(red)), 0, both.slice(1)],
    ['a flow added', (fake) => fake.put(flowOf(32, 7)), 1, [...both, '32/7 - drops']],
    [
      'the actions of a flow changed',
      (fake) => fake.put({ ...owned(red), instructions: [] }),
      1,
      ['32/100 1 drops', both[1]!],
    ],
    [
      'a flow deleted and another added',
      (fake) => {
        fake.flows.delete(flowIdentity(blue))
        fake.put(flowOf(32, 100, { reg6: 5 }))
      },
      1,
      [both[0]!, '32/100 5 drops'],
    ],
    ['a timed row', (fake) => fake.put(lease), 1, both],
    ['everything deleted', (fake) => fake.flows.clear(), 0, []],
  ])('%s is seen, and only what looks new is decoded', async (_what, act, decoded, expected) => {
    const { fake, read, held } = setup()
    await read()
    act(fake)
    expect(await read()).toBe(decoded)
    expect(held()).toEqual(expected)
    expect(await read()).toBe(0)
    expect(held()).toEqual(expected)
  })

  test('a timed row that comes and goes costs itself', async () => {
    const { fake, read } = setup()
    await read()
    const decoded = []
    for (let time = 0; time < 3; time += 1) {
      fake.put(lease)
      decoded.push(await read(), await read())
      fake.flows.delete(flowIdentity(lease))
      decoded.push(await read())
    }
    expect(decoded).toEqual([1, 0, 0, 1, 0, 0, 1, 0, 0])
  })

  test('a change of ours is believed until the next reading, and then looked at', async () => {
    const { fake, mirror, read, held } = setup()
    await read()
    const identity = identityOf(red)
    mirror.change([{ kind: 'addFlow', identity, wanted: wantedOf('dns', { ...red, instructions: [] }) }])
    fake.put(owned({ ...red, instructions: [] }))
    expect(held()).toEqual(['32/100 1 drops', both[1]!])
    expect(await read()).toBe(1)
    expect(held()).toEqual(['32/100 1 drops', both[1]!])
  })

  test.each<[string, (fake: FakeLink) => void, string[]]>([
    ['put back as it was', () => {}, both],
    ['deleted', (fake) => fake.flows.delete(flowIdentity(red)), both.slice(1)],
  ])(
    'a flow that we changed and that somebody else has %s meanwhile is not believed',
    async (_what, act, expected) => {
      const { fake, mirror, read, held } = setup()
      await read()
      const wanted = wantedOf('dns', { ...red, instructions: [] })
      mirror.change([{ kind: 'addFlow', identity: identityOf(red), wanted }])
      act(fake)
      await read()
      expect(held()).toEqual(expected)
    },
  )

  test('a flow that we deleted and that is still there is seen', async () => {
    const { mirror, read, held, desired } = setup()
    await read()
    const identity = identityOf(red)
    mirror.change([{ kind: 'deleteFlow', identity, held: desired.flows.get(identity)! }])
    expect(held()).toEqual(both.slice(1))
    await read()
    expect(held()).toEqual(both)
  })

  test('a flow of ours that never came is missed', async () => {
    const { mirror, read, held } = setup()
    await read()
    const green = flowOf(32, 100, { reg6: 9 }, 55)
    mirror.change([{ kind: 'addFlow', identity: identityOf(green), wanted: wantedOf('dns', green) }])
    expect(held()).toHaveLength(3)
    await read()
    expect(held()).toEqual(both)
  })
})

/** What may happen between two readings to one of six flows: content 0 is its absence. */
const event = fc.record({
  who: fc.constantFrom('we', 'we, and it is lost', 'somebody', 'a reading'),
  register: fc.integer({ min: 1, max: 6 }),
  content: fc.integer({ min: 0, max: 2 }),
})

test('whatever we and others change between readings of any length, a whole one ends with what the switch holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 25 }),
      fc.integer({ min: 1, max: 4 }),
      async (events, limit) => {
        const { fake, mirror, desired } = setup()
        await mirror.read(desired)
        for (const { who, register, content } of events) {
          const bare = flowOf(32, 100, { reg6: register }, content === 0 ? undefined : 40 + content)
          const identity = identityOf(bare)
          if (who === 'a reading') await mirror.read(desired, limit)
          else if (who !== 'somebody') {
            const held = mirror.installed.flows.get(identity)
            if (content > 0) mirror.change([{ kind: 'addFlow', identity, wanted: wantedOf('dns', bare) }])
            else if (held !== undefined) mirror.change([{ kind: 'deleteFlow', identity, held }])
            const count = mirror.flowCount
            expect(mirror.installed.flows.size).toBe(count)
          }
          if (who === 'a reading' || who === 'we, and it is lost') continue
          if (content > 0) fake.put(owned(bare))
          else fake.flows.delete(flowIdentity(bare))
        }
        await readAll(mirror, desired, limit)
        const texts = (flows: Iterable<Flow>) => Array.from(flows, (flow) => formatFlow(flow)).sort()
        const held = Array.from(mirror.installed.flows, ([, { flow }]) => owned(flow))
        expect(texts(held)).toEqual(texts(fake.flows.values()))
        expect(await mirror.read(desired, limit)).toEqual({ decodedCount: 0, isWhole: true })
      },
    ),
  )
})

describe('with a limit', () => {
  const flows = Array.from({ length: 25 }, (_, i) => flowOf(32, 100, { reg6: i + 1 }, 55))
  const isWhole = (mirror: SwitchMirror, desired: Desired) => async () =>
    (await mirror.read(desired, 10)).isWhole

  test('a reading decodes no more, and the next ones the rest', async () => {
    const { mirror, desired } = setup(flows.map(owned))
    const readings = []
    for (let time = 0; time < 5; time += 1) readings.push(await mirror.read(desired, 10))
    expect(readings.map(({ decodedCount }) => decodedCount)).toEqual([10, 10, 5, 0, 0])
    expect(readings.map(({ isWhole }) => isWhole)).toEqual([false, false, true, true, true])
    expect(mirror.installed.flows.size).toBe(25)
  })

  test('what is missing is noticed when everything was looked at', async () => {
    const { fake, mirror, desired } = setup([owned(red)])
    const read = isWhole(mirror, desired)
    await read()
    fake.flows.clear()
    for (const flow of flows.slice(1)) fake.put(owned(flow))
    expect([await read(), mirror.installed.flows.has(identityOf(red))]).toEqual([false, true])
    expect([await read(), mirror.installed.flows.has(identityOf(red))]).toEqual([false, true])
    expect([await read(), mirror.installed.flows.has(identityOf(red))]).toEqual([true, false])
  })

  const foreign = Array.from({ length: 11 }, (_, i) => flowOf(32, 200 + i))
  const drops = owned({ ...red, instructions: [] })

  test('a change of ours that is lost is found out, though a reading in between had no time for it', async () => {
    const { fake, mirror, desired, held } = setup([])
    for (const flow of [owned(red), owned(blue)]) fake.put(flow)
    await mirror.read(desired)
    mirror.change([{ kind: 'addFlow', identity: identityOf(red), wanted: wantedOf('dns', drops) }])
    fake.flows.clear()
    for (const flow of [...foreign, owned(red), owned(blue)]) fake.put(flow)
    const read = isWhole(mirror, desired)
    expect([await read(), await read()]).toEqual([false, true])
    expect(held()).toEqual(expect.arrayContaining(both))
  })

  test('what somebody has changed and changed back is as it was, though everything was not looked at in between', async () => {
    const { fake, mirror, desired, held } = setup()
    await mirror.read(desired)
    for (const flow of [drops, ...foreign]) fake.put(flow)
    const read = isWhole(mirror, desired)
    expect([await read(), held().includes('32/100 1 drops')]).toEqual([false, true])
    fake.put(owned(red))
    expect(await read()).toBe(true)
    expect(held()).toEqual(expect.arrayContaining(both))
  })

  test('what we have changed is looked at once, and others’ changes in between are seen', async () => {
    const { fake, mirror, desired } = setup(flows.map(owned))
    await readAll(mirror, desired, 10)
    const changed = flows.map((flow) => ({ ...flow, instructions: [] }))
    mirror.change(
      changed.map((flow) => ({ kind: 'addFlow', identity: identityOf(flow), wanted: wantedOf('dns', flow) })),
    )
    for (const flow of changed.slice(1)) fake.put(owned(flow))
    await readAll(mirror, desired, 10)
    const drops = [...mirror.installed.flows].filter(([, { flow }]) => flow.instructions.length === 0)
    expect([mirror.installed.flows.size, drops.length]).toEqual([25, 24])
    expect(await mirror.read(desired, 10)).toEqual({ decodedCount: 0, isWhole: true })
  })
})
