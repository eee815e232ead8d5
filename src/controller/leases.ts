/**
 * The leases of the applications, one for each that has one, while applications are exchanged for new ones: a lease whose
 * rows and check stay the same goes on as if nothing had happened. It knows which lease is whose, not how one is kept.
 */

import { isDeepStrictEqual } from 'node:util'
import type { App, Lease } from '../app/app.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Clock } from '../openflow/index.ts'
import { timedFlows } from './desired.ts'
import { createLease, type HeldLease, leaseMetrics, leaseSeconds } from './lease.ts'
import { probe } from './messages.ts'

/** The leases there are at the moment. */
export interface Leases extends Iterable<HeldLease> {
  /**
   * Takes the rows out that these applications will not want; resolves when the switch has acknowledged it. Throws
   * `BugError`, before anything is done, for a row that is not the application's to write.
   */
  release(next: readonly App[]): Promise<void>
  /** Makes the leases that these applications, which `release` has seen, want and that are not there. */
  adopt(next: readonly App[]): void
  /** A self-check of that application came back and was decided. */
  decided(app: string, sequence: number): void
}

/** Makes the leases of these applications. Throws `BugError` for a row that is not the application's to write. */
export function createLeases(
  apps: readonly App[],
  { clock, log, metrics }: { clock: Clock; log: Logger; metrics: Metrics },
): Leases {
  const counters = leaseMetrics(metrics)
  const leases = new Map<string, { readonly held: HeldLease; readonly wanted: Lease }>()

  function adopt(next: readonly App[]): void {
    for (const app of next) {
      const { name, lease: wanted } = app
      if (wanted === undefined || leases.has(name)) continue
      const { tableId, frame } = wanted.probe
      const held = createLease({
        app: name,
        rows: rowsOf(app),
        probe: (sequence) => probe(tableId, frame, sequence),
        clock,
        log,
        metrics: counters,
      })
      leases.set(name, { held, wanted })
    }
  }

  async function release(next: readonly App[]): Promise<void> {
    next.forEach(rowsOf)
    const wanted = new Map(next.map(({ name, lease }) => [name, lease]))
    const ended = [...leases].filter(([name, lease]) => !isDeepStrictEqual(wanted.get(name), lease.wanted))
    await Promise.all(ended.map(([, { held }]) => held.withdraw()))
    for (const [name] of ended) leases.delete(name)
  }

  adopt(apps)
  return {
    adopt,
    release,
    decided: (app, sequence) => leases.get(app)?.held.decided(sequence),
    *[Symbol.iterator]() {
      for (const { held } of leases.values()) yield held
    },
  }
}

const rowsOf = (app: App) => timedFlows(app, app.lease?.rows ?? [], leaseSeconds)
