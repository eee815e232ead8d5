/**
 * How much one port may ask: a token bucket for each, in the form of the time at which it will be full again (the virtual
 * scheduling algorithm of ITU-T I.371, annex A), so that a packet costs one comparison and no allocation. It holds a
 * second's worth of packets. A port that empties it is to be led past the application for a while; what it has on the way
 * meanwhile is passed on. It knows neither packets nor rows.
 */

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

const burstMs = 1000

/** Times in milliseconds of the clock. */
interface Bucket {
  fullAt: number
  bypassedUntil: number
}

/** Makes the buckets, all of them full; `now` is in milliseconds. */
export function createOverload({ packetsPerSecond, bypassSeconds }: RateLimit, now: () => number): Overload {
  const costMs = packetsPerSecond > 0 ? 1000 / packetsPerSecond : 0
  const buckets = new WeakMap<LocalPort, Bucket>()
  const bypassed = new Set<Bucket>()

  function bucketOf(port: LocalPort): Bucket {
    let bucket = buckets.get(port)
    if (bucket === undefined) {
      bucket = { fullAt: Number.NEGATIVE_INFINITY, bypassedUntil: Number.NEGATIVE_INFINITY }
      buckets.set(port, bucket)
    }
    return bucket
  }

  function forgetEnded(at: number): void {
    for (const bucket of bypassed) if (bucket.bypassedUntil <= at) bypassed.delete(bucket)
  }

  return {
    admit(port, at) {
      if (costMs === 0) return 'within'
      const bucket = bucketOf(port)
      const fullAt = Math.max(bucket.fullAt, at) + costMs
      if (fullAt - at <= burstMs) {
        bucket.fullAt = fullAt
        return 'within'
      }
      if (at < bucket.bypassedUntil) return 'over'
      bucket.bypassedUntil = at + bypassSeconds * 1000
      forgetEnded(at)
      bypassed.add(bucket)
      return 'begins'
    },
    get bypassedPorts() {
      forgetEnded(now())
      return bypassed.size
    },
  }
}
