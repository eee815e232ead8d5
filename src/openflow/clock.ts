/** Time as a connection sees it: one value that tests replace. It knows no calendar. */

/** A clock and its timers. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  readonly now: () => number
  /** Calls once, `delayMs` from now; the function it returns takes the call back. */
  readonly after: (delayMs: number, call: () => void) => () => void
}

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  },
}
