/**
 * The dead-man's lease (docs/architecture.md): the rows that send packets up to an application stay in the switch only
 * while the application proves, once a second, that a packet sent up is decided. It knows neither the rows nor the
 * application; it sees a link to the switch and a clock.
 *
 *                  grant                     decided                      acknowledged
 *       off ------------------> probing ------------------> renewing ------------------> resting
 *        ^                      ^    |                          |                        |    |
 *        |                      |    | not within 500 ms        | refused                |    |
 *        | revoke, from any     |    +------------------------->+----------------------->+    |
 *        | (the session ended)  |                                                             |
 *        |                      +------------------- 1 s after the last probe ----------------+
 *        |
 *     stepAside, from any but off: the rows are deleted; 2 s later, or when told to comeBack: probing.
 *     withdraw, from any, for good: the rows are deleted and a barrier is awaited.
 *
 * A row that is not renewed ends by its hard timeout; nobody has to be alive for that. The renewal is a plain ADD
 * without RESET_COUNTS: it restarts the timer, keeps the counters and brings an expired row back, which MODIFY_STRICT
 * does not (tried on Open vSwitch 3.1.0).
 */

import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Clock, Flow } from '../openflow/index.ts'
import { addFlow, deleteFlow, type Outgoing, type SwitchLink } from './messages.ts'

/** Hard timeout of a leased row. */
export const leaseSeconds = 4
const renewalMs = 1000
/** How long the self-check may take until it counts as failed. */
const patienceMs = 500
const asideMs = 2000

export type LeaseState = 'off' | 'aside' | 'probing' | 'renewing' | 'resting' | 'withdrawn'

export interface LeaseOptions {
  /** The application's name, for logs and metrics. */
  readonly app: string
  /** With the cookie of timed rows and the hard timeout. */
  readonly rows: readonly Flow[]
  /** The self-check packet; `sequence` comes back with it as a punt. */
  readonly probe: (sequence: number) => Outgoing
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: LeaseMetrics
}

export type LeaseMetrics = ReturnType<typeof leaseMetrics>

/** Declares the metrics that all leases share. */
export function leaseMetrics(metrics: Metrics) {
  return {
    renewals: metrics.counter('df_lease_renewals_total', 'Turns of the lease, by result', ['app', 'result']),
    held: metrics.gauge('df_lease_held', '1 while the rows of the lease are in the switch', ['app']),
  }
}

export interface HeldLease {
  readonly app: string
  readonly state: LeaseState
  /** Whether the rows are in the switch, as far as the last acknowledgement tells. */
  readonly isHeld: boolean
  /** When the last self-check over this link was decided, on the clock given; undefined while none has been. */
  readonly provenAt: number | undefined
  /** Starts renewing over this link: the applications' other flows are in the switch. */
  grant(link: SwitchLink): void
  /** Stops: the link is gone, or what stands behind the rows is. The rows end by their timeout. */
  revoke(): void
  /** Takes the rows out for two seconds or until `comeBack`, and until a self-check sent after that is decided. */
  stepAside(): void
  comeBack(): void
  /** A self-check came back as a punt and was decided. */
  decided(sequence: number): void
  /** Takes the rows out and resolves when the switch has acknowledged it, or at once when it cannot. */
  withdraw(): Promise<void>
}

/** Makes a lease that is off. */
export function createLease({ app, rows, probe, clock, log, metrics }: LeaseOptions): HeldLease {
  const limited = rateLimited(clock.now)
  let state: LeaseState = 'off'
  let link: SwitchLink | undefined
  let sequence = 0
  let turnAt = 0
  let heldUntil = Number.NEGATIVE_INFINITY
  let provenAt: number | undefined
  let cancel = () => {}

  const isHeld = () => clock.now() < heldUntil
  metrics.held.set({ app }, 0)
  const count = (result: 'renewed' | 'late' | 'refused') => {
    metrics.renewals.inc({ app, result })
    metrics.held.set({ app }, isHeld() ? 1 : 0)
  }
  const enter = (next: LeaseState, delayMs?: number, then: () => void = () => {}) => {
    cancel()
    state = next
    cancel = delayMs === undefined ? () => {} : clock.after(delayMs, then)
  }
  const rest = () => enter('resting', Math.max(0, turnAt + renewalMs - clock.now()), startProbe)

  function startProbe(): void {
    sequence += 1
    turnAt = clock.now()
    enter('probing', patienceMs, () => {
      count('late')
      limited('late', (suppressed) =>
        log.warn(
          { app, suppressed, patienceMs },
          'the self-check was not decided in time; the lease is not renewed',
        ),
      )
      rest()
    })
    link?.send(probe(sequence))
  }

  function renew(over: SwitchLink): void {
    enter('renewing')
    const turn = sequence
    const sentAt = clock.now()
    const isCurrent = () => state === 'renewing' && turn === sequence && link === over
    over.transact(rows.map(addFlow)).then(
      (failures) => {
        if (!isCurrent()) return
        const failure = failures.find((each) => each !== undefined)
        if (failure === undefined)
          heldUntil = sentAt + leaseSeconds * 1000 // whenever we read of it
        else
          limited('refused', (suppressed) =>
            log.error({ app, suppressed, reason: failure.message }, 'the switch refused a row of the lease'),
          )
        count(failure === undefined ? 'renewed' : 'refused')
        rest()
      },
      () => {}, // the session is closing; revoke() follows
    )
  }

  const letGo = () => {
    heldUntil = Number.NEGATIVE_INFINITY
    provenAt = undefined
    metrics.held.set({ app }, 0)
  }
  const stop = (next: 'off' | 'withdrawn') => {
    enter(next)
    link = undefined
    letGo()
  }
  /** On a closed session it does nothing: the timeout ends the rows. */
  const takeOut = async (over: SwitchLink) => {
    await over.transact(rows.map(deleteFlow)).catch(() => [])
  }

  return {
    app,
    get state() {
      return state
    },
    get isHeld() {
      return isHeld()
    },
    get provenAt() {
      return provenAt
    },
    grant(over) {
      if (state === 'withdrawn' || link === over) return
      link = over
      provenAt = undefined
      startProbe()
    },
    revoke() {
      if (state !== 'withdrawn') stop('off')
    },
    stepAside() {
      if (link === undefined) return
      enter('aside', asideMs, startProbe)
      letGo()
      void takeOut(link)
    },
    comeBack() {
      if (state === 'aside') startProbe()
    },
    decided(answered) {
      if (state !== 'probing' || answered !== sequence || link === undefined) return
      provenAt = clock.now()
      renew(link)
    },
    async withdraw() {
      const over = link
      stop('withdrawn')
      if (over !== undefined) await takeOut(over)
    },
  }
}
