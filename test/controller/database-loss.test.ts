import { BehaviorSubject } from 'rxjs'
import { expect, test } from 'vitest'
import { watchDatabaseLoss } from '../../src/controller/database-loss.ts'
import type { Leases } from '../../src/controller/leases.ts'
import type { OvsdbState } from '../../src/ovsdb/index.ts'
import { noPacketIns } from '../../src/ovsdb/state.ts'
import { manualClock } from '../support/clock.ts'

function setup(isConnected: boolean) {
  const clock = manualClock()
  const stateOf = (connected: boolean): OvsdbState => ({
    isConnected: connected,
    bridge: undefined,
    ports: [],
    packetIns: noPacketIns,
    reason: undefined,
  })
  const state = new BehaviorSubject(stateOf(isConnected))
  let [steps, comebacks] = [0, 0]
  const leases = [{ stepAside: () => steps++, comeBack: () => comebacks++ }] as unknown as Leases
  const end = watchDatabaseLoss({ state }, leases, { clock })
  return {
    clock,
    end,
    steps: () => steps,
    comebacks: () => comebacks,
    connected: (next: boolean) => state.next(stateOf(next)),
  }
}

test('the leases step aside when the database is lost for more than 0.6 s, once, and come back with it', async () => {
  const { clock, steps, comebacks, connected } = setup(true)
  connected(false)
  await clock.advance(599)
  expect(steps()).toBe(0)
  await clock.advance(1)
  expect(steps()).toBe(1)
  connected(false)
  await clock.advance(60_000)
  expect(steps()).toBe(1)
  const before = comebacks()
  connected(true)
  expect(comebacks()).toBe(before + 1)
  connected(false)
  await clock.advance(600)
  expect(steps()).toBe(2)
})

test.each<readonly [string, boolean, (site: ReturnType<typeof setup>) => void]>([
  ['it is back before that', true, ({ connected }) => connected(true)],
  ['it has never been there', false, () => {}],
  ['the controller ends', true, ({ end }) => end()],
])('not when %s', async (_name, wasConnected, act) => {
  const site = setup(wasConnected)
  site.connected(false)
  await site.clock.advance(300)
  act(site)
  await site.clock.advance(60_000)
  expect(site.steps()).toBe(0)
})
