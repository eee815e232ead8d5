import { expect, test } from 'vitest'
import { flowsIn, partsOf } from '../../src/app/app.ts'
import { createCells, createMemo } from '../../src/app/memo.ts'
import type { View } from '../../src/app/view.ts'
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
