/**
 * The guard of `make test`: how much slower than the reference loop the whole way of a query may be.
 */

import { cases, referenceCase } from './cases.ts'
import { measured, type Taken } from './measure.ts'

/** The whole way, which all steps are parts of, as a part of the reference: what it was when this was last set. */
export const kept: Readonly<Record<string, number>> = {
  'answer, chunk to write': 1.35,
  'pass, chunk to write': 1.02,
}

/** A fall of more than 30 % of its speed. */
const mostSlower = 1 / 0.7

/** On a machine that has much else to do one measurement says little: the best of so many counts. */
const attempts = 8

/** Those that fell, in words; a case that was not measured fell. */
export function fallen(best: readonly Taken[]): string[] {
  return Object.entries(kept).flatMap(([name, before]) => {
    const ratio = best.find((one) => one.name === name)?.ratio ?? Number.POSITIVE_INFINITY
    const text = `${name}: ${ratio.toFixed(2)} of the reference, kept ${before}, limit ${(before * mostSlower).toFixed(2)}`
    return ratio > before * mostSlower ? [text] : []
  })
}

/** Measures until nothing has fallen, at most that often; gives the best of each. */
export async function guard(ms: number): Promise<readonly Taken[]> {
  const guarded = cases().filter(({ name }) => name in kept)
  let best: readonly Taken[] = []
  for (let attempt = 0; attempt < attempts && (attempt === 0 || fallen(best).length > 0); attempt++) {
    const taken = await measured(referenceCase(), guarded, ms)
    best = taken.map((one, i) => (best[i] !== undefined && best[i].ratio < one.ratio ? best[i] : one))
  }
  return best
}
