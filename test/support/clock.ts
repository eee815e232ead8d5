/** A clock that a test moves by hand. */

import type { Clock } from '../../src/openflow/index.ts'

export interface ManualClock extends Clock {
  /** Moves the time on, making every call that falls due, each at its time, and letting promises settle in between. */
  advance(ms: number): Promise<void>
}

export function manualClock(): ManualClock {
  let time = 1_000_000
  let calls: { at: number; call: () => void }[] = []
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
  }
  return {
    now: () => time,
    after(delayMs, call) {
      const entry = { at: time + delayMs, call }
      calls.push(entry)
      return () => {
        calls = calls.filter((each) => each !== entry)
      }
    },
    async advance(ms) {
      const end = time + ms
      await settle()
      for (;;) {
        const next = calls.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        calls = calls.filter((each) => each !== next)
        time = Math.max(time, next.at)
        next.call()
        await settle()
      }
      time = end
      await settle()
    },
  }
}
