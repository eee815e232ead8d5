/**
 * How much one port may ask. A port that empties its token bucket is to be led past the application for a while; what it
 * has on the way meanwhile is passed on. It knows neither packets nor rows.
 */

import { createTokenBuckets } from '../token-bucket.ts'
import type { LocalPort } from '../view.ts'

/** What a port may ask. */
export interface RateLimit {
  /** 0 for any number. */
  readonly packetsPerSecond: number
  readonly bypassSeconds: number
}

/** `begins` once a bypass: the packet is one too many, and so will the next ones be; `over` while it lasts. */
export type Admission = 'within' | 'begins' | 'over'

export interface Overload {
  /** Counts one packet of a port, which came at that moment of the clock. */
  admit(port: LocalPort, at: number): Admission
  /** How many ports are led past the application at the moment. */
  readonly bypassedPorts: number
}

/** Makes what counts the packets; `now` is in milliseconds. */
export function createOverload({ packetsPerSecond, bypassSeconds }: RateLimit, now: () => number): Overload {
  const isWithin = packetsPerSecond > 0 ? createTokenBuckets<LocalPort>(packetsPerSecond) : () => true
  /** When the bypass of a port ends. */
  const bypassed = new Map<LocalPort, number>()

  function forgetEnded(at: number): void {
    for (const [port, until] of bypassed) if (until <= at) bypassed.delete(port)
  }

  return {
    admit(port, at) {
      if (isWithin(port, at)) return 'within'
      const until = bypassed.get(port)
      if (until !== undefined && at < until) return 'over'
      forgetEnded(at)
      bypassed.set(port, at + bypassSeconds * 1000)
      return 'begins'
    },
    get bypassedPorts() {
      forgetEnded(now())
      return bypassed.size
    },
  }
}
