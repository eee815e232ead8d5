/**
 * The fence around an application from outside: makes of it an application like those built in, whose calls end in time,
 * whose flows stay in its own part of the pipeline, and whose packets go on when it does not decide them. One that takes
 * too long is suspended: it is as if `apps_list` did not name it, until the process starts again
 * (docs/decisions/0002-foreign-applications.md). It knows no application by name.
 */

import { type App, type Punt, selfCheckPort, type Verdict } from '../app/app.ts'
import type { Extension } from '../app/extension.ts'
import { assertForeign, hostFlows, hostGroups, leasedFlows, puntsOf } from '../app/extension-flow.ts'
import type { ForeignApp } from '../app/foreign.ts'
import type { View } from '../app/view.ts'
import { BugError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Flow } from '../openflow/index.ts'
import { TimeLimitError, withinTime } from './time-limit.ts'

/** After this a call is ended. */
const limitsMs = { flows: 1000, packetIn: 100 }
/** What a packet may cost; the time above that is taken from a credit, which grows by a tenth of the time that passes. */
const freeMs = 1
const credit = { mostMs: 250, growth: 0.1 }
const maxFlows = 50_000

/** Broadcast of the type for local experiments (IEEE 802): what the lease's self-check sends through the switch. */
const probeFrame = Buffer.from(`ffffffffffff02000000000088b5${'00'.repeat(46)}`, 'hex')

export type FenceMetrics = ReturnType<typeof fenceMetrics>

/** Declares the metrics that all fences share. */
export function fenceMetrics(metrics: Metrics) {
  return {
    ended: metrics.counter('df_app_calls_ended_total', 'Calls of an application that took too long', [
      'app',
      'call',
    ]),
    suspended: metrics.gauge('df_app_suspended', '1 while an application is suspended', ['app']),
  }
}

export interface FenceOptions {
  readonly app: ForeignApp
  readonly extension: Extension
  /** Flows that `assertForeign` has seen; those of the last view are not looked at again. */
  readonly checked: WeakSet<Flow>
  readonly now: () => number
  readonly log: Logger
  readonly metrics: FenceMetrics
}

/** The application as the host sees it. */
export function fenced({ app, extension, checked, now, log, metrics }: FenceOptions): App {
  const name = extension.owner
  const base = { flows: [...hostFlows(extension)], groups: [...hostGroups(extension)] }
  const [first] = puntsOf(extension)
  const lease = first && {
    rows: leasedFlows(extension),
    probe: { tableId: first.puntId, frame: probeFrame },
  }
  let suspendedBecause: string | undefined
  let creditMs = credit.mostMs
  let countedAt = now()
  metrics.suspended.set({ app: name }, 0)

  function suspend(reason: string): void {
    suspendedBecause = reason
    metrics.suspended.set({ app: name }, 1)
    log.error({ app: name, reason }, 'application suspended until the next start')
  }

  function limited<T>(call: 'flows' | 'packetIn', run: () => T): T {
    try {
      return withinTime(limitsMs[call], run)
    } catch (error) {
      if (error instanceof TimeLimitError) metrics.ended.inc({ app: name, call })
      throw error
    }
  }

  function flowsAt(view: View): Flow[] {
    const made = [...base.flows]
    for (const flow of app.flows(view)) {
      if (made.length >= maxFlows) throw new BugError(`more than ${maxFlows} flows`)
      if (!checked.has(flow)) assertForeign(extension, flow)
      checked.add(flow)
      made.push(flow)
    }
    return made
  }

  /** Without the room of a reply: it is the switch's, and only what was written to it may be sent. */
  function decide({ port, bytes, start, end, frame, atMs }: Punt, view: View): Verdict {
    const punt = { port, bytes, start, end, frame, atMs }
    const startedAt = now()
    try {
      const verdict: unknown = limited('packetIn', () => app.packetIn!(punt, view))
      if (verdict instanceof Promise) {
        verdict.catch(() => {})
        throw new BugError('packetIn returned a promise; it has to decide at once')
      }
      const { kind } = verdict as Verdict
      if (kind === 'written') throw new BugError('packetIn replied with a room that it has not')
      return verdict as Verdict
    } finally {
      const endedAt = now()
      creditMs = Math.min(credit.mostMs, creditMs + (endedAt - countedAt) * credit.growth)
      creditMs -= Math.max(0, endedAt - startedAt - freeMs)
      countedAt = endedAt
      if (creditMs < 0)
        suspend(`its decisions on packets take too long (the last one ${Math.round(endedAt - startedAt)} ms)`)
    }
  }

  return {
    name,
    extension,
    onFailure: app.onFailure,
    get suspendedBecause() {
      return suspendedBecause
    },
    flows(view) {
      if (suspendedBecause !== undefined) return []
      try {
        return limited('flows', () => flowsAt(view))
      } catch (error) {
        if (!(error instanceof TimeLimitError)) throw error
        suspend(`flows(view) ${error.message}`)
        return []
      }
    },
    groups: () => (suspendedBecause === undefined ? base.groups : []),
    get lease() {
      return suspendedBecause === undefined ? lease : undefined
    },
    packetIn(punt, view) {
      if (suspendedBecause !== undefined) return { kind: 'pass', why: 'suspended' }
      // What the self-check proves is that the host decides; an application need not know that packet.
      if (punt.port.key === selfCheckPort.key) return { kind: 'pass', why: 'host' }
      return decide(punt, view)
    },
  }
}
