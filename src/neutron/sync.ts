/**
 * The feed over time: one process per region does the work, the others wait for it to end; a full read every interval
 * and after every time that notifications may have been lost; what notifications name in between. A read that fails
 * changes nothing and is tried again soon. It knows no transport.
 *
 *     waiting --(nobody holds the region)--> working --(the hold is lost)--> waiting
 *     waiting --(the store cannot be asked)--> waiting, again in 5 s
 *     working:  round ok -> next in interval;  round failed -> next in 5 s, 10 s, 20 s ... at most interval
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { ControllerError, NorthboundError, reasonOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { feedTable, type Hold, type NbDriver } from '../nb/index.ts'
import type { Feed, Outcome } from './feed.ts'
import { type Hint, queriesOf } from './hints.ts'
import type { SyncMetrics } from './sync-metrics.ts'

export interface SyncParts {
  readonly feed: Feed
  readonly driver: NbDriver
  readonly region: string
  readonly intervalMs: number
  readonly log: Logger
  readonly metrics: SyncMetrics
}

export interface Sync {
  /** Works until `signal` is aborted. Rejects with ConfigError if the very first read shows that a person must act. */
  run(signal: AbortSignal): Promise<void>
  /** Something has changed. */
  hint(hint: Hint): void
  /** Much may have changed: everything is read again. */
  readAll(): void
  /** Why the store may not be what Neutron says; none if it is. */
  reasons(): readonly string[]
}

/** Events come in flocks: what comes within this time after the first is read at once. */
const gatherMs = 75
/** More hints than this are no cheaper than everything. */
const maxHints = 500
const firstRetryMs = 5_000
/** How many lines about what cannot be kept are written at a time. */
const maxProblemLines = 20

export function createSync({ feed, driver, region, intervalMs, log, metrics }: SyncParts): Sync {
  let hints: Hint[] = []
  let [isAllWanted, isFirst, failures] = [true, true, 0]
  let reason: string | undefined = 'nothing has been read yet'
  let known: ReadonlySet<string> = new Set()
  let wake = () => {}

  const report = ({ changes, cloud, hasNames }: Outcome) => {
    metrics.stored(changes, cloud, hasNames)
    const { writes, removals, problems } = changes
    if (writes.length + removals.length > 0)
      log.info({ written: writes.length, removed: removals.length }, 'the northbound store was changed')
    const fresh = problems.filter(({ text }) => !known.has(text))
    for (const { kind, text } of fresh.slice(0, maxProblemLines)) log.warn({ kind }, text)
    if (fresh.length > maxProblemLines)
      log.warn(`and ${fresh.length - maxProblemLines} more that cannot be kept`)
    known = new Set(problems.map(({ text }) => text))
  }
  /** One piece of work; says whether it was done. */
  const attempt = async (kind: 'round' | 'hint', work: () => Promise<Outcome | undefined>) => {
    const done = metrics.began(kind)
    try {
      const outcome = await work()
      if (outcome) report(outcome)
      done('ok')
      if (kind === 'round') [failures, reason, isFirst] = [0, undefined, false]
      return true
    } catch (error) {
      if (!(error instanceof ControllerError) || error.code === 'bug') throw error
      done('failed')
      if (isFirst && error.code === 'config') throw error
      reason = reasonOf(error)
      failures += 1
      isAllWanted = true
      log.warn(reason)
      return false
    }
  }
  /** Works while this process holds the region. */
  const work = async (signal: AbortSignal) => {
    isAllWanted = true
    let nextMs = performance.now()
    while (!signal.aborted) {
      const now = performance.now()
      if (now >= nextMs || (isAllWanted && failures === 0)) {
        isAllWanted = false
        hints = []
        const isDone = await attempt('round', () => feed.round())
        const pauseMs = isDone ? intervalMs * (1 + Math.random() / 10) : firstRetryMs * 2 ** (failures - 1)
        nextMs = performance.now() + Math.min(pauseMs, intervalMs * 1.1)
      } else if (hints.length > 0 && failures === 0) {
        await sleep(gatherMs)
        const gathered = hints
        hints = []
        if (!(await attempt('hint', () => feed.follow(queriesOf(gathered)))))
          nextMs = performance.now() + firstRetryMs
      } else {
        const waiting = new AbortController()
        wake = () => waiting.abort()
        await sleep(nextMs - now, undefined, { signal: waiting.signal }).catch(() => {})
      }
    }
  }
  /** Waits until this process holds the region, however long the store is away; undefined if it is to end. */
  const regionHeld = async (signal: AbortSignal): Promise<Hold | undefined> => {
    const before = reason
    while (!signal.aborted) {
      reason = `another process feeds ${region === '' ? 'the region' : `region ${region}`}`
      try {
        const hold = await driver.hold(feedTable, `lease/${region || 'all'}`, signal)
        reason = before
        return hold
      } catch (error) {
        if (signal.aborted) return undefined
        if (!(error instanceof NorthboundError)) throw error
        reason = reasonOf(error)
        log.warn(reason)
        await sleep(Math.min(firstRetryMs, intervalMs), undefined, { signal }).catch(() => {})
      }
    }
    return undefined
  }
  return {
    run: async (signal) => {
      signal.addEventListener('abort', () => wake(), { once: true })
      for (;;) {
        const hold = await regionHeld(signal)
        if (hold === undefined) return
        metrics.holds(true)
        hold.lost.addEventListener('abort', () => wake(), { once: true })
        try {
          await work(AbortSignal.any([signal, hold.lost]))
        } finally {
          metrics.holds(false)
          await hold.release().catch((error: unknown) => log.warn(reasonOf(error)))
        }
      }
    },
    hint: (hint) => {
      metrics.hinted(hint.event)
      if (hints.length < maxHints) hints.push(hint)
      else isAllWanted = true
      wake()
    },
    readAll: () => {
      isAllWanted = true
      wake()
    },
    reasons: () => (reason === undefined ? [] : [reason]),
  }
}
