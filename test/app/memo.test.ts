import { describe, expect, test } from 'vitest'
import { flowsIn, partsOf } from '../../src/app/app.ts'
import { createCells, createMemo, createParts, keptParts, partOf } from '../../src/app/memo.ts'
import type { View } from '../../src/app/view.ts'
import { formatFlow } from '../../src/openflow/index.ts'
import { flowOf } from '../support/apps.ts'
import { allApps } from '../support/cloud.ts'
import { twoTenants } from '../support/view.ts'

test('makes a value once for each object and key', () => {
  const memo = createMemo<number>()
  let made = 0
  const make = () => ++made
  const [a, b] = [{}, {}]
  expect([memo(a, 'x', make), memo(a, 'y', make), memo(b, 'x', make), memo(a, 'x', make)]).toEqual([
    1, 2, 3, 1,
  ])
})

test('a cell is made again when a part is another object, and forgotten when it was not asked for', () => {
  const cells = createCells<number>()
  let made = 0
  const [a, b] = [{}, {}]
  const turn = (...asked: [string, unknown[]][]) => {
    const cell = cells()
    return asked.map(([name, parts]) => cell(name, parts, () => ++made))
  }
  expect(turn(['red', [a]], ['blue', [a]])).toEqual([1, 2])
  expect(turn(['red', [a]], ['blue', [b]])).toEqual([1, 3])
  expect(turn(['red', [a, b]])).toEqual([4])
  expect(turn(['red', [a, b]], ['blue', [b]])).toEqual([4, 5])
})

describe('parts', () => {
  const [red, blue, green] = [{ key: 1 }, { key: 4 }, { key: 7 }]
  const make = function* ({ key }: { key: number }, tableId: number) {
    yield flowOf(tableId, 100, { reg6: key })
  }
  const other = (subject: { key: number }, tableId: number) => make(subject, tableId)

  test('make the flows of their subject and its fact whenever they are asked', () => {
    const part = partOf(blue, 32, make)
    for (let time = 0; time < 2; time += 1)
      expect(Array.from(part, formatFlow)).toEqual(['table=32, priority=100,reg6=0x4 actions=drop'])
  })

  test.each([
    ['nothing', [partOf(red, 5, make), partOf(blue, 5, make)], [0, 1]],
    ['the order', [partOf(blue, 5, make), partOf(red, 5, make)], [1, 0]],
    ['a fact', [partOf(red, 6, make), partOf(blue, 5, make)], [undefined, 1]],
    ['how they are made', [partOf(red, 5, make), partOf(blue, 5, other)], [0, undefined]],
    ['a subject', [partOf(red, 5, make), partOf(green, 5, make)], [0, undefined]],
    [
      'one that came',
      [partOf(green, 5, make), partOf(red, 5, make), partOf(blue, 5, make)],
      [undefined, 0, 1],
    ],
    ['one that went', [partOf(blue, 5, make)], [1]],
  ])('are the ones of before but for what changed: %s', (_what, now, places) => {
    const before = keptParts([], [partOf(red, 5, make), partOf(blue, 5, make)])
    const kept = keptParts(before, now)
    expect(kept === before).toBe(places.join() === '0,1')
    expect(kept.map((part) => (before.includes(part) ? before.indexOf(part) : undefined))).toEqual(places)
    for (const [index, part] of kept.entries()) expect([...part]).toEqual([...now[index]!])
  })

  test('are remembered from one list to the next', () => {
    const parts = createParts()
    const [first, second] = [parts([partOf(red, 5, make)]), parts([partOf(red, 5, make)])]
    expect(second).toBe(first)
    expect(parts([partOf(blue, 5, make), partOf(red, 5, make)])[1]).toBe(first[0])
    expect(parts([])).toEqual([])
    expect(parts([partOf(red, 5, make)])[0]).not.toBe(first[0])
  })
})

test('the parts of an application are its flows, and the same arrays while nothing changes', () => {
  const view = twoTenants()
  for (const app of allApps()) {
    const units = [...app.units!(view)]
    expect([...flowsIn(units)]).toEqual([...app.flows(view)])
    const again = [...app.units!({ ...view, version: view.version + 1 })]
    expect(again.every((unit, index) => unit === units[index])).toBe(true)
  }
})

/** Each change of one port of red, seen by applications that have seen the view before, and by new ones. */
test.each([
  ['a MAC', { macs: ['fa:16:3e:00:00:77'] }],
  ['a MAC to that of another port', { macs: ['fa:16:3e:00:00:02'] }],
  ['an address to that of another port', { addresses: [{ ip: '10.0.0.12', subnet: undefined }] }],
  ['an address', { addresses: [{ ip: '10.0.0.77', subnet: undefined }] }],
  ['port security', { isPortSecurityEnabled: false }],
  ['its network', { networkId: 'net-blue' }],
  ['its port of the switch', { ofport: 77 }],
])('after a change of %s, old applications want what new ones want', (_, change) => {
  const before = twoTenants()
  const localPorts = before.localPorts.map((port) => (port.key === 1 ? { ...port, ...change } : port))
  const ports = new Map(before.ports).set('net-red-1', localPorts[0]!)
  const after = { ...before, localPorts, ports, version: before.version + 1 }
  const flowsOf = (apps: ReturnType<typeof allApps>) =>
    apps.filter(({ name }) => name !== 'dns').flatMap((app) => [...app.flows(after)])
  const old = allApps()
  const partsAt = (view: View) => old.flatMap((app) => [...app.units!(view)].flatMap(partsOf))
  const known = partsAt(before)
  expect(flowsOf(old)).toEqual(flowsOf(allApps()))
  const kept = partsAt(after).filter((part) => known.includes(part))
  expect(kept.length).toBeGreaterThan(20)
  expect(kept.length).toBeLessThan(known.length)
})

test('a network with another key is another network for its ports', () => {
  const before = twoTenants()
  const red = { ...before.networks.get('net-red')!, key: 9 }
  const after = { ...before, networks: new Map(before.networks).set(red.id, red) }
  const old = allApps()
  for (const app of old) for (const _ of app.flows(before));
  for (const [i, app] of allApps().entries()) expect([...old[i]!.flows(after)]).toEqual([...app.flows(after)])
})
