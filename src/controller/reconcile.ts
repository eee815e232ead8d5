/**
 * Makes one switch equal to what is desired and keeps it so, over one session. It knows flows, groups and a link; not
 * where the wishes come from. Nothing is flushed: the switch's own rows are read, and only the difference is sent.
 *
 *     waiting --first wish--> reading --rows--> comparing --difference--> sending
 *                                ^                 ^  |                      |
 *                                |                 |  | none                 | barrier
 *                                |                 +--|----------------------+
 *                                | 1.5 s           |  v
 *                                +------------- resting --wish or retry--> comparing
 *
 *     the link closes: ended, from any
 *
 * One transaction is in flight at a time, and the latest wish wins. A row counts as installed when the barrier after it
 * has returned without an error for it; a refused row is tried again after 1 s, 2 s, 4 s … 60 s, at once if its content
 * changes. The reading every 1.5 s finds what others changed in our tables: foreign rows go, missing ones come back. Of
 * many flows that are new to it (after a start, say) it takes some at a time, so that packets need not wait for all.
 *
 * A zone of connection tracking is emptied whenever a row that opens it to a port is added: who had it before cannot be
 * told. A row that the switch holds already is not added, so that connections outlive the controller.
 */

import { reasonOf } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Clock } from '../openflow/index.ts'
import { type Change, type Desired, difference } from './flow-table.ts'
import { deleteTimedFlows, emptyZone, messagesOf, type SwitchLink, textOf, zoneOf } from './messages.ts'
import { type Scope, SwitchMirror } from './mirror.ts'

/** What others change is changed back within 2 s, of which the reading and the change take their part. */
const pollMs = 1500
/** Reading may take one part in so many of the time (2 us a flow, most of it the switch's): a long table is read less often. */
const pollShare = 10
const maxPollMs = 30_000
/** How many flows a reading decodes when queries may be waiting (0.06 s of one core). */
const decodeLimit = 2000
/** Changes in one transaction: long enough to be quick, short enough that punts are answered in between. */
const transactionLength = 500
const never = Number.POSITIVE_INFINITY
const retryMs = { first: 1000, last: 60_000 }

/** A row that the switch refused. */
export interface FailedRow {
  /** The application's name; undefined for a foreign row that cannot be deleted. */
  readonly owner: string | undefined
  readonly row: string
  readonly reason: string
  readonly attempts: number
}

export interface Reconciler {
  /** Wishes for this from now on. */
  want(desired: Desired): void
  /** Whether everything of the latest wish is in the switch, but for refused rows. */
  readonly isSettled: boolean
  /** How many flows of ours the switch holds, as far as the last barrier tells. */
  readonly flowCount: number
  readonly failed: readonly FailedRow[]
}

export interface ReconcilerOptions {
  readonly link: SwitchLink
  readonly scope: Scope
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ReconcilerMetrics
  /** Called whenever everything of the latest wish is in the switch, but for refused rows. */
  readonly settled: () => void
}

export type ReconcilerMetrics = ReturnType<typeof reconcilerMetrics>

/** Declares the metrics of every reconciler there will be. */
export function reconcilerMetrics(metrics: Metrics) {
  return {
    changes: metrics.counter('df_flow_changes_total', 'Flows and groups changed in the switch', ['change']),
    repairs: metrics.counter('df_flow_repairs_total', 'Flows and groups that somebody else had changed', [
      'change',
    ]),
    refusals: metrics.counter('df_flow_refusals_total', 'Flows and groups that the switch refused', ['app']),
    decoded: metrics.counter(
      'df_flows_decoded_total',
      'Flows that looked new when the switch was read, and were decoded',
    ),
    installed: metrics.gauge('df_flows_installed', 'Flows in the switch, as far as the last barrier tells'),
  }
}

interface Failure extends FailedRow {
  readonly content: string
  readonly retryAt: number
}

/** Starts to reconcile; ends when the link closes. */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { link, scope, clock, log, metrics, settled } = options
  const limited = rateLimited(clock.now)
  const failures = new Map<string, Failure>()
  const mirror = new SwitchMirror(link, scope)
  let desired: Desired | undefined
  let settledFor: Desired | undefined
  let isOver = false
  let nextPollAt = 0
  let wake = () => {}

  const rest = (untilMs: number) =>
    new Promise<void>((resolve) => {
      const cancel = untilMs === never ? () => {} : clock.after(Math.max(0, untilMs - clock.now()), resolve)
      wake = () => {
        cancel()
        resolve()
      }
    })

  async function run(): Promise<void> {
    while (desired === undefined && !isOver) await rest(never)
    if (isOver) return
    await link.transact([deleteTimedFlows()])
    await read()
    let isRepair = false
    while (!isOver) {
      const changes = due(difference(desired!, mirror.installed))
      if (changes.length > 0) {
        await send(changes, isRepair)
        isRepair = false
        continue
      }
      // A lease is waited for by now, and what was sent for seconds may look new: nothing of it is read at once.
      if (settledFor === undefined) nextPollAt = Math.max(nextPollAt, clock.now() + pollMs)
      settledFor = desired
      if (failures.size === 0) mirror.share(desired!)
      settled()
      const wished = desired
      await rest(nextWakeAt())
      const isDue = !isOver && wished === desired && clock.now() >= nextPollAt
      if (isDue) await read(decodeLimit)
      isRepair = isDue && wished === desired
    }
  }

  async function read(limit?: number): Promise<void> {
    const startedAt = clock.now()
    const { decodedCount, isWhole } = await mirror.read(desired!, limit)
    metrics.decoded.inc({}, decodedCount)
    metrics.installed.set(mirror.flowCount)
    const tookMs = clock.now() - startedAt
    const pauseMs = Math.max(isWhole ? pollMs : 0, tookMs * pollShare)
    nextPollAt = clock.now() + Math.min(pauseMs, maxPollMs)
  }

  /** Sends the changes; stops between two transactions when the wish has changed. */
  async function send(changes: readonly Change[], isRepair: boolean): Promise<void> {
    const wished = desired
    log[isRepair ? 'warn' : 'debug'](
      { changes: changes.length, first: textOf(changes[0]!) },
      isRepair ? 'somebody else changed our flows; changing them back' : 'changing flows',
    )
    for (let from = 0; from < changes.length && wished === desired && !isOver; from += transactionLength) {
      const batch = changes.slice(from, from + transactionLength)
      const messages = messagesOf(batch)
      const zones = messages.map(zoneOf)
      const opened = [...new Set(zones)].filter((zone) => zone !== undefined)
      const outcomes = await link.transact([...messages, ...opened.map(emptyZone)])
      const refusals = batch.map((_, index) => {
        const emptied = opened.indexOf(zones[index]!)
        return outcomes[index] ?? (emptied < 0 ? undefined : outcomes[batch.length + emptied])
      })
      succeed(
        batch.filter((_, index) => refusals[index] === undefined),
        isRepair,
      )
      for (const [index, failure] of refusals.entries())
        if (failure !== undefined) refuse(batch[index]!, failure.reason)
    }
    metrics.installed.set(mirror.flowCount)
  }

  function succeed(changes: readonly Change[], isRepair: boolean): void {
    mirror.change(changes)
    for (const change of changes) {
      failures.delete(keyOf(change))
      metrics.changes.inc({ change: change.kind })
      if (isRepair) metrics.repairs.inc({ change: change.kind })
    }
  }

  function refuse(change: Change, reason: string): void {
    const attempts = (failures.get(keyOf(change))?.attempts ?? 0) + 1
    const retryAt = clock.now() + Math.min(retryMs.first * 2 ** (attempts - 1), retryMs.last)
    const owner = ownerOf(change)
    const row = textOf(change)
    failures.set(keyOf(change), { owner, row, reason, attempts, retryAt, content: contentOf(change) })
    metrics.refusals.inc({ app: owner ?? 'none' })
    limited(`refused ${owner}`, (suppressed) =>
      log.error({ app: owner, row, reason, suppressed }, 'the switch refused a row'),
    )
  }

  /** Without what was refused lately; forgets refusals of what is not wanted any more. */
  function due(changes: Change[]): Change[] {
    if (failures.size === 0) return changes
    const wanted = new Set(changes.map(keyOf))
    for (const key of failures.keys()) if (!wanted.has(key)) failures.delete(key)
    return changes.filter((change) => {
      const failure = failures.get(keyOf(change))
      return !failure || failure.content !== contentOf(change) || failure.retryAt <= clock.now()
    })
  }

  function nextWakeAt(): number {
    let at = nextPollAt
    for (const { retryAt } of failures.values()) at = Math.min(at, retryAt)
    return at
  }

  void link.closed.then(() => {
    isOver = true
    wake()
  })
  run().catch((error: unknown) => {
    if (isOver) return
    log.error({ reason: reasonOf(error) }, 'cannot reconcile the switch; connecting again')
    link.close(`cannot reconcile: ${reasonOf(error)}`)
  })

  return {
    want(next) {
      desired = next
      wake()
    },
    get isSettled() {
      return desired !== undefined && settledFor === desired
    },
    get flowCount() {
      return mirror.flowCount
    },
    get failed() {
      return Array.from(failures.values(), ({ owner, row, reason, attempts }) => ({
        owner,
        row,
        reason,
        attempts,
      }))
    },
  }
}

function ownerOf(change: Change): string | undefined {
  return 'wanted' in change ? change.wanted.owner : undefined
}

function contentOf(change: Change): string {
  return 'wanted' in change ? change.wanted.content : ''
}

function keyOf(change: Change): string {
  switch (change.kind) {
    case 'addFlow':
    case 'deleteFlow':
      return `flow ${change.identity}`
    case 'addGroup':
    case 'modifyGroup':
      return `group ${change.wanted.group.groupId}`
    case 'deleteGroup':
      return `group ${change.groupId}`
  }
}
