/**
 * What all applications together want in the switch at one view, each flow checked against the declaration of the
 * pipeline and given its owner's cookie. It knows the contract of applications, not one of them. An application whose
 * flows are wrong is refused alone, with a counter and a log line, and keeps the last flows that were right.
 */

import type { App, Unit } from '../app/app.ts'
import { extensionPoints, groupIdsOf, tableIdsOf } from '../app/extension.ts'
import { groups, type TableSpec, tables } from '../app/pipeline.ts'
import type { View } from '../app/view.ts'
import { BugError, reasonOf } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { type Clock, checkFlow, type Flow, formatFlow, formatGroup, type Group } from '../openflow/index.ts'
import { cookieOf } from './cookie.ts'
import { FlowMap } from './flow-map.ts'
import type { Desired, WantedGroup } from './flow-table.ts'
import { identityOf } from './held-flow.ts'
import { createUnion } from './union.ts'

/** The wishes of one application at one view. */
interface Wishes {
  readonly units: readonly Unit[]
  readonly groups: readonly WantedGroup[]
}

const nothing: Wishes = { units: [], groups: [] }

/** Collects what the applications want. */
export interface Collector {
  /** What they want at this view. Never throws: an application that fails keeps what it wanted last. */
  desiredFor(view: View): Desired
  /** Asks these from now on; one that fails keeps what its predecessor of the same name wanted last. */
  setApps(apps: readonly App[]): void
  /** The applications refused at the last view, with the reason. */
  readonly refused: ReadonlyMap<string, string>
}

type Owned = Pick<TableSpec, 'owner' | 'lends'>

const tableById: ReadonlyMap<number, Owned> = new Map(
  Object.values(tables).map((table: TableSpec) => [table.id, table]),
)
const groupOwners: ReadonlyMap<number, string> = new Map(
  Object.values(groups).map(({ id, owner }) => [id, owner]),
)
/** What is lent to every application from outside; the priorities its fence has looked at. */
const lentIds: ReadonlySet<number> = new Set(
  Object.keys(extensionPoints).map((name) => tables[name as keyof typeof extensionPoints].id),
)

/**
 * The rows of an application's lease with cookie and hard timeout. Throws `BugError` if one of them is not the
 * application's to write.
 */
export function timedFlows(app: App, rows: readonly Flow[], hardTimeoutSeconds: number): readonly Flow[] {
  return rows.map((row) => {
    assertOwn(app, row)
    return { ...row, cookie: cookieOf('timed', app.name), hardTimeout: hardTimeoutSeconds }
  })
}

/** Makes the collector of these applications, in their order. */
export function createCollector(
  initialApps: readonly App[],
  { log, metrics, clock }: { log: Logger; metrics: Metrics; clock: Clock },
): Collector {
  const refusals = metrics.counter(
    'df_app_refused_total',
    'Views at which the flows of an application were refused',
    ['app'],
  )
  const limited = rateLimited(clock.now)
  const refused = new Map<string, string>()
  const lastGood = new Map<string, Wishes>()
  let apps = initialApps
  let timed = timedIdentities(apps)
  const union = createUnion((app, bare, identity) => {
    if (timed.has(identity)) throw new BugError(`also a timed row: ${formatFlow(bare)}`)
    assertOwn(app, bare)
    checkFlow(bare) // what has no bytes would end the session
  })

  function accept(app: App, wishes: Wishes): void {
    lastGood.set(app.name, wishes)
    refused.delete(app.name)
  }

  function refuse(app: App, error: unknown): void {
    const reason = reasonOf(error)
    refused.set(app.name, reason)
    refusals.inc({ app: app.name })
    limited(app.name, (suppressed) =>
      log.error({ app: app.name, reason, suppressed }, 'flows refused; the last good ones stay'),
    )
  }

  return {
    refused,
    desiredFor(view) {
      const wishes = new Map(apps.map((app) => [app, attempt(() => wishesOf(app, view))]))
      const granted = (app: App): Wishes => {
        const own = wishes.get(app)
        return own instanceof Error ? (lastGood.get(app.name) ?? nothing) : own!
      }
      for (;;) {
        const flows = union.flowsOf(
          apps.map((app) => ({ app, units: granted(app).units, isFormer: wishes.get(app) instanceof Error })),
        )
        if (flows instanceof FlowMap) {
          const groups = apps.flatMap((app) => granted(app).groups)
          for (const [app, own] of wishes) own instanceof Error ? refuse(app, own) : accept(app, own)
          return { flows, groups: new Map(groups.map((wanted) => [wanted.group.groupId, wanted])) }
        }
        const { app, error } = flows
        if (wishes.get(app) instanceof Error) lastGood.delete(app.name)
        else wishes.set(app, errorOf(error))
      }
    },
    setApps(next) {
      apps = next
      timed = timedIdentities(next)
    },
  }
}

function wishesOf(app: App, view: View): Wishes {
  const units = [...(app.units?.(view) ?? [[...app.flows(view)]])]
  const groups = Array.from(app.groups?.(view) ?? [], (group) => wantedGroup(app, group))
  if (new Set(groups.map(({ group }) => group.groupId)).size < groups.length)
    throw new BugError('the same group is wanted twice')
  return { units, groups }
}

function timedIdentities(apps: readonly App[]): ReadonlySet<string> {
  return new Set(apps.flatMap((app) => app.lease?.rows.map(identityOf) ?? []))
}

function wantedGroup({ name, extension }: App, group: Group): WantedGroup {
  const content = formatGroup(group)
  const isOwn = extension !== undefined && groupIdsOf(extension).includes(group.groupId)
  if (!isOwn && groupOwners.get(group.groupId) !== name)
    throw new BugError(`not a group of ${name}: ${content}`)
  return { owner: name, group, content }
}

/** A flow may stand in a table of its application and in one that the owner lends to it. */
function assertOwn({ name, extension }: App, flow: Flow): void {
  const { tableId } = flow
  if (extension !== undefined && (lentIds.has(tableId) || tableIdsOf(extension).includes(tableId))) return
  const table = tableById.get(tableId)
  if (table?.owner !== name && !table?.lends.includes(name))
    throw new BugError(
      `table ${tableId} belongs to ${table?.owner ?? 'nobody'}, not to ${name}: ${formatFlow(flow)}`,
    )
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make()
  } catch (error) {
    return errorOf(error)
  }
}

const errorOf = (error: unknown): Error => (error instanceof Error ? error : new BugError(String(error)))
