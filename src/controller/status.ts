/**
 * What the controller says of itself, to operators, to `df-lab` and to monitoring. Ready means: every name of the store
 * is answered as the store has it now, and every flow is where it should be. It changes nothing.
 */

import type { App } from '../app/app.ts'
import type { View } from '../app/view.ts'
import type { Northbound } from '../nb/index.ts'
import type { OvsdbState } from '../ovsdb/index.ts'
import type { Attachments } from './attachment.ts'
import type { Beacons } from './beacons.ts'
import type { BridgeKeeper } from './bridge.ts'
import type { Collector } from './desired.ts'
import type { HeldLease, LeaseState } from './lease.ts'
import type { FailedRow } from './reconcile.ts'
import type { Registration } from './registration.ts'

/** The northbound store as far as it was read. */
export interface Reading {
  /** Undefined until the first whole reading. */
  readonly northbound: Northbound | undefined
  /** Why what was read may be old by now. */
  readonly lostBecause: string | undefined
  /** Since when that is so; milliseconds of the clock. */
  readonly lostAt: number | undefined
}

/** What the status is made of. */
export interface Parts {
  readonly apps: readonly App[]
  readonly attachments: Attachments
  readonly beacons: Beacons
  readonly collector: Collector
  readonly keeper: BridgeKeeper
  readonly leases: Iterable<HeldLease>
  readonly registration?: Registration | undefined
  readonly now: Moment
}

/** The latest of everything. */
export interface Moment {
  reading: Reading
  ovsdb: OvsdbState | undefined
  view: View | undefined
  desiredFlows: number
  isStopping: boolean
}

export interface Status {
  readonly ready: boolean
  /** Why it is not ready, each with what to do where that is known. */
  readonly reasons: readonly string[]
  readonly pid: number
  readonly uptimeSeconds: number
  /** 0 while there is no view. */
  readonly viewVersion: number
  readonly localPorts: number
  readonly flows: {
    readonly desired: number
    readonly installed: number
    /** Rows that the switch refused; they are tried again. */
    readonly failed: readonly FailedRow[]
  }
  readonly apps: readonly {
    readonly name: string /** Why its flows were refused. */
    readonly refused?: string
    /** Why it is not called any more. */
    readonly suspended?: string
  }[]
  readonly lease: readonly { readonly app: string; readonly state: LeaseState; readonly isHeld: boolean }[]
  /** Northbound rows that do not count; `df-db check` lists them. */
  readonly rejectedRows: number
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number }
}

/** The status of a controller of these parts. */
export function statusOf(parts: Parts): Status {
  const { apps, attachments, collector, leases, now } = parts
  const reconciler = attachments.value?.reconciler
  const reasons = [...reasonsOf(parts)]
  const { rss, heapUsed } = process.memoryUsage()
  return {
    ready: reasons.length === 0,
    reasons,
    pid: process.pid,
    uptimeSeconds: Math.round(process.uptime() * 10) / 10,
    viewVersion: now.view?.version ?? 0,
    localPorts: now.view?.localPorts.length ?? 0,
    flows: {
      desired: now.desiredFlows,
      installed: reconciler?.flowCount ?? 0,
      failed: reconciler?.failed ?? [],
    },
    apps: apps.map(({ name, suspendedBecause: suspended }) => {
      const refused = collector.refused.get(name)
      return {
        name,
        ...(refused !== undefined && { refused }),
        ...(suspended !== undefined && { suspended }),
      }
    }),
    lease: Array.from(leases, ({ app, state, isHeld }) => ({ app, state, isHeld })),
    rejectedRows: now.reading.northbound?.rejected.length ?? 0,
    memory: { rss, heapUsed },
  }
}

/** Why the controller is not ready; nothing if it is. */
export function* reasonsOf(parts: Parts): Iterable<string> {
  const { apps, attachments, collector, keeper, leases, registration, now } = parts
  if (now.isStopping) yield 'stopping'
  const { northbound, lostBecause } = now.reading
  if (lostBecause !== undefined) yield `the northbound store is lost: ${lostBecause}`
  else if (northbound === undefined) yield 'the northbound store is not read yet'
  if (now.ovsdb?.reason !== undefined) yield now.ovsdb.reason
  yield* keeper.reasons
  if (registration !== undefined) yield* registration.reasons
  const reconciler = attachments.value?.reconciler
  const { refusedBecause: refused } = attachments
  if (reconciler === undefined)
    yield refused === undefined ? 'the switch is not connected' : `the switch is not connected: ${refused}`
  else if (!reconciler.isSettled) yield 'the flows are not all installed yet'
  const failed = reconciler?.failed ?? []
  if (failed.length > 0)
    yield `the switch refused ${failed.length} rows, such as ${failed[0]!.row}: ${failed[0]!.reason}`
  for (const [name, reason] of collector.refused) yield `the flows of ${name} are refused: ${reason}`
  const suspended = new Map(apps.map(({ name, suspendedBecause }) => [name, suspendedBecause]))
  for (const [name, reason] of suspended)
    if (reason !== undefined) yield `the application ${name} is suspended until the next start: ${reason}`
  for (const { app, isHeld } of leases)
    if (!isHeld && suspended.get(app) === undefined) yield `the lease of ${app} is not held`
}
