/** Times of cases beside a reference, by tinybench. It prints nothing. */

import { Bench } from 'tinybench'
import type { Case } from './cases.ts'

/** What a case took. */
export interface Taken {
  readonly name: string
  /** Nanoseconds each time it is done: the median of many calls. */
  readonly ns: number
  /** The same as a part of the reference's. */
  readonly ratio: number
}

/**
 * Measures the cases, each for that long. The reference is measured before and after every case and the quicker one
 * counts, so that what a machine does besides is in neither or in both.
 */
export async function measured(reference: Case, cases: readonly Case[], ms: number): Promise<Taken[]> {
  const taken: Taken[] = []
  for (const one of cases) {
    const bench = new Bench({ time: ms, warmupTime: ms / 2, iterations: 1, warmupIterations: 1 })
    for (const [name, run] of [
      ['before', reference.run],
      ['case', one.run],
      ['after', reference.run],
    ] as const)
      bench.add(name, () => void run())
    await bench.run()
    const nsOf = (name: string, times: number) => {
      const result = bench.getTask(name)?.result
      if (result === undefined || !('latency' in result))
        throw new Error(`${one.name}: ${JSON.stringify(result)}`)
      return (result.latency.p50 * 1e6) / times
    }
    const ns = nsOf('case', one.times)
    taken.push({
      name: one.name,
      ns,
      ratio: ns / Math.min(...['before', 'after'].map((each) => nsOf(each, reference.times))),
    })
  }
  return taken
}
