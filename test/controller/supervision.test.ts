/** What the service manager is told, and when: the life of a controller by a clock that the test moves. */

import { expect, test } from 'vitest'
import { type Supervised, supervise } from '../../src/controller/supervision.ts'
import { manualClock } from '../support/clock.ts'

function setup(watchdogMs?: number) {
  const clock = manualClock()
  const now = { reasons: ['no switch'], provenAt: undefined as number | undefined, isHeard: true }
  const messages: string[][] = []
  const supervised: Supervised = {
    reasons: () => now.reasons,
    provenAt: () => now.provenAt ?? clock.now(),
  }
  const tell = (...assignments: string[]) => {
    if (now.isHeard) messages.push(assignments)
    return now.isHeard
  }
  const notifier = { tell, watchdogMs }
  const supervision = supervise(notifier, supervised, clock)
  /** What was told since it was last asked, in `ms` from now. */
  const toldIn = async (ms: number) => {
    await clock.advance(ms)
    return messages.splice(0).map((each) => each.join(' '))
  }
  return { clock, now, supervision, toldIn }
}

const patience = 'EXTEND_TIMEOUT_USEC=30000000'

test('a start that waits asks for more time, and is over at the first moment without a reason', async () => {
  const { now, toldIn } = setup()
  expect(await toldIn(0)).toEqual([`${patience} STATUS=not ready: no switch`])
  expect(await toldIn(2000)).toEqual([patience, patience])
  now.reasons = []
  expect(await toldIn(1000)).toEqual(['READY=1 STATUS=ready'])
  expect(await toldIn(5000)).toEqual([])
})

test('later reasons are told as the status, all of them, and take nothing back', async () => {
  const { now, toldIn } = setup()
  now.reasons = []
  await toldIn(1000)
  now.reasons = ['no switch', 'no lease']
  expect(await toldIn(2000)).toEqual(['STATUS=not ready: no switch; no lease'])
  now.reasons = []
  expect(await toldIn(2000)).toEqual(['STATUS=ready'])
})

test('signs of life follow the self-checks that were decided, and stop with them', async () => {
  const { clock, now, toldIn } = setup(20_000)
  now.reasons = []
  await toldIn(0)
  expect(await toldIn(3000)).toEqual(['READY=1 STATUS=ready WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  now.provenAt = clock.now() - 1
  expect(await toldIn(30_000)).toEqual([])
  now.provenAt = clock.now()
  expect(await toldIn(3000)).toEqual(['WATCHDOG=1'])
})

test('where there is nothing to be proven, that the process turns is enough', async () => {
  const { toldIn } = setup(20_000)
  await toldIn(0)
  expect(await toldIn(2000)).toEqual([`${patience} WATCHDOG=1`, `${patience} WATCHDOG=1`])
})

test('they come twice in the time that the service manager allows', async () => {
  const { now, toldIn } = setup(500)
  now.reasons = []
  await toldIn(250)
  expect(await toldIn(1000)).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
})

test('none come if nobody watches', async () => {
  const { now, toldIn } = setup()
  now.reasons = []
  await toldIn(1000)
  expect(await toldIn(60_000)).toEqual([])
})

test('a reload is framed by two messages', async () => {
  const { now, supervision, toldIn } = setup()
  now.reasons = []
  await toldIn(1000)
  const before = process.hrtime.bigint() / 1000n
  let during: string[] = []
  await supervision.reload(async () => {
    during = await toldIn(0)
  })
  expect(during).toEqual([expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+$/)])
  const usec = BigInt(during[0]!.split('=').at(-1)!)
  expect(usec >= before && usec <= process.hrtime.bigint() / 1000n).toBe(true)
  expect(await toldIn(0)).toEqual(['READY=1'])
})

test('a reload during the start does not claim that this is over', async () => {
  const { supervision, toldIn } = setup()
  await toldIn(0)
  let isDone = false
  await supervision.reload(async () => {
    isDone = true
  })
  expect([isDone, await toldIn(0)]).toEqual([true, []])
})

test('what could not be told is told later', async () => {
  const { now, supervision, toldIn } = setup()
  await toldIn(0)
  now.isHeard = false
  now.reasons = []
  expect(await toldIn(5000)).toEqual([])
  now.isHeard = true
  expect(await toldIn(3000)).toEqual(['READY=1 STATUS=ready'])
  await supervision.reload(async () => {
    now.isHeard = false
  })
  now.isHeard = true
  expect(await toldIn(3000)).toEqual([expect.stringContaining('RELOADING=1'), 'READY=1'])
})

test('the end is the last word, also of a reload', async () => {
  const { now, supervision, toldIn } = setup()
  now.reasons = []
  await toldIn(1000)
  await supervision.reload(async () => supervision.stopping())
  expect(await toldIn(60_000)).toEqual([
    expect.stringContaining('RELOADING=1'),
    expect.stringContaining('STOPPING=1'),
  ])
})

test('the end is the last word', async () => {
  const { now, supervision, toldIn } = setup(20_000)
  now.reasons = []
  await toldIn(1000)
  supervision.stopping()
  await supervision.reload(async () => {})
  expect(await toldIn(60_000)).toEqual(['STOPPING=1 STATUS=stopping: packets on their way are let go on'])
})

test('without anybody to tell, a reload is done all the same', async () => {
  const supervision = supervise(undefined, { reasons: () => [], provenAt: () => 0 }, manualClock())
  let isDone = false
  await supervision.reload(async () => {
    isDone = true
  })
  supervision.stopping()
  expect(isDone).toBe(true)
})
