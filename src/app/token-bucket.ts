/**
 * How much each owner may ask for: a token bucket for each, in the form of the time at which it will be full again (the
 * virtual scheduling algorithm of ITU-T I.371, annex A), so that a packet costs one comparison and no allocation. It holds
 * a second's worth of packets, and fills while it is asked for too much. It knows neither packets nor rows.
 */

/** Takes one packet of an owner at that moment, in milliseconds of the clock, from its bucket; false if it is empty. */
export type TakeToken<Owner extends object> = (owner: Owner, atMs: number) => boolean

/** A second, and what the sum of a second's costs may be rounded up by. */
const burstMs = 1000.01

interface Bucket {
  fullAtMs: number
}

/** Makes the buckets, all of them full. */
export function createTokenBuckets<Owner extends object>(packetsPerSecond: number): TakeToken<Owner> {
  const costMs = 1000 / packetsPerSecond
  const buckets = new WeakMap<Owner, Bucket>()

  function bucketOf(owner: Owner): Bucket {
    let bucket = buckets.get(owner)
    if (bucket === undefined) {
      bucket = { fullAtMs: Number.NEGATIVE_INFINITY }
      buckets.set(owner, bucket)
    }
    return bucket
  }

  return (owner, atMs) => {
    const bucket = bucketOf(owner)
    const fullAtMs = Math.max(bucket.fullAtMs, atMs) + costMs
    if (fullAtMs - atMs > burstMs) return false
    bucket.fullAtMs = fullAtMs
    return true
  }
}
