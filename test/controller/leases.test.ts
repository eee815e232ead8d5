import { beforeEach, expect, test } from 'vitest'
import type { App } from '../../src/app/app.ts'
import { createLeases, type Leases } from '../../src/controller/leases.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { appOf, flowOf } from '../support/apps.ts'
import { type ManualClock, manualClock } from '../support/clock.ts'
import { FakeLink } from '../support/fake-link.ts'

let clock: ManualClock
let switchSide: FakeLink
let leases: Leases
const rowsOfSwitch = () => [...switchSide.flows.values()].map(({ tableId, priority }) => [tableId, priority])

/** An application with a leased row of that priority, made anew every time. */
const leasing = (priority = 100, tableId = 20): App =>
  appOf('dns', {
    lease: { rows: [flowOf(tableId, priority, {}, 31)], probe: { tableId: 31, frame: Buffer.from('p') } },
  })
const without = appOf('dns')

async function hold(): Promise<void> {
  for (const lease of leases) lease.grant(switchSide.link)
  leases.decided('dns', 1)
  await clock.advance(0)
}

beforeEach(async () => {
  clock = manualClock()
  switchSide = new FakeLink()
  leases = createLeases([appOf('l2'), leasing()], { clock, log: silentLogger, metrics: createMetrics() })
  await hold()
  switchSide.told.length = 0
})

test('there is one for each application that has one', () => {
  expect(Array.from(leases, ({ app, isHeld }) => [app, isHeld])).toEqual([['dns', true]])
  expect(rowsOfSwitch()).toEqual([[20, 100]])
})

test('an equal one is kept as it is', async () => {
  const [before] = leases
  await leases.release([leasing()])
  leases.adopt([leasing()])
  expect([...leases]).toEqual([before])
  expect([switchSide.told, before?.isHeld]).toEqual([[], true])
})

test('one with other rows is taken out first, and made anew', async () => {
  await leases.release([leasing(90)])
  expect([[...leases], rowsOfSwitch()]).toEqual([[], []])
  leases.adopt([leasing(90)])
  await hold()
  expect(rowsOfSwitch()).toEqual([[20, 90]])
})

test('one that is not wanted any more is gone when the switch says so', async () => {
  switchSide.hold()
  let isReleased = false
  const released = leases.release([without]).then(() => {
    isReleased = true
  })
  await clock.advance(2000)
  expect(isReleased).toBe(false)
  switchSide.release()
  await released
  leases.adopt([without])
  expect([[...leases], rowsOfSwitch()]).toEqual([[], []])
})

test('a wrong row is refused before anything is done', async () => {
  await expect(leases.release([leasing(100, 0)])).rejects.toThrow(/table 0 belongs to classifier/)
  expect([switchSide.told, rowsOfSwitch()]).toEqual([[], [[20, 100]]])
})
