/**
 * What all applications together want in the switch at one view, each flow checked against the declaration of the
 * pipeline and given its owner's cookie. It knows the contract of applications, not one of them. An application whose
 * flows are wrong is refused alone, with a counter and a log line, and keeps the last flows that were right.
 */

import type { App } from '../app/app.ts'
import { extensionPoints, groupIdsOf, tableIdsOf } from '../app/extension.ts'
import { groups, type TableSpec, tables } from '../app/pipeline.ts'
import type { View } from '../app/view.ts'
import { BugError, reasonOf } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import {
  type Clock,
  checkFlow,
  type Flow,
  flowContent,
  flowIdentity,
  formatFlow,
  formatGroup,
  type Group,
} from '../openflow/index.ts'
import { SortedMap } from '../sorted-map.ts'
import { cookieOf } from './cookie.ts'
import { type Desired, type WantedFlow, type WantedGroup, withoutCookie } from './flow-table.ts'
import { createUnion, type Flows, type WantedUnits } from './union.ts'

/** The wishes of one application at one view. */
interface Wishes {
  readonly units: WantedUnits
  readonly groups: readonly WantedGroup[]
}

const nothing: Wishes = { units: [], groups: [] }

type SortedDesired = Desired & { readonly flows: Flows }

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
  const known = new WeakMap<Flow, WantedFlow>()
  const union = createUnion()
  let ofUnit = new WeakMap<readonly Flow[], readonly WantedFlow[]>()
  let last: Flows = SortedMap.empty()
  let apps = initialApps
  let timed = timedIdentities(apps)

  const wantedOf = (app: App, flow: Flow): WantedFlow => {
    const wanted = known.get(flow) ?? wantedFlow(app, flow, last)
    known.set(flow, wanted)
    if (timed.has(wanted.identity)) throw new BugError(`also a timed row: ${formatFlow(flow)}`)
    return wanted
  }
  const wantedUnit = (app: App, unit: readonly Flow[]): readonly WantedFlow[] => {
    const wanted = ofUnit.get(unit) ?? unit.map((flow) => wantedOf(app, flow))
    ofUnit.set(unit, wanted)
    return wanted
  }
  const wishesOf = (app: App, view: View): Wishes => ({
    units: Array.from(app.units?.(view) ?? [[...app.flows(view)]], (unit) => wantedUnit(app, unit)),
    groups: Array.from(app.groups?.(view) ?? [], (group) => wantedGroup(app, group)),
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

  /**
   * All at once, if nobody contradicts: looks at the units that changed alone. Whoever failed counts with what was good
   * last, so that it costs the others nothing at every view.
   */
  function quickly(wishes: ReadonlyMap<App, Wishes | Error>): SortedDesired | undefined {
    const counted = Array.from(wishes, ([app, ofApp]) =>
      ofApp instanceof Error ? (lastGood.get(app.name) ?? nothing) : ofApp,
    )
    const flows = union.flowsOf(counted.map(({ units }) => units))
    const wanted = counted.flatMap((ofApp) => ofApp.groups)
    const groups = new Map(wanted.map((each) => [each.group.groupId, each]))
    if (flows === undefined || groups.size < wanted.length) return undefined
    for (const [app, ofApp] of wishes) ofApp instanceof Error ? refuse(app, ofApp) : accept(app, ofApp)
    return { flows, groups }
  }

  /** One application after the other, to find who is to be refused. */
  function slowly(wishes: ReadonlyMap<App, Wishes | Error>): SortedDesired {
    const flows = new Map<string, WantedFlow>()
    const groups = new Map<number, WantedGroup>()
    for (const [app, ofApp] of wishes) {
      try {
        if (ofApp instanceof Error) throw ofApp
        merge(ofApp, flows, groups)
        accept(app, ofApp)
      } catch (error) {
        refuse(app, error)
        keep(lastGood.get(app.name), flows, groups)
      }
    }
    const gone = Array.from(last.keys(), (identity) => [identity, undefined] as const)
    return { flows: last.with(new Map<string, WantedFlow | undefined>([...gone, ...flows])), groups }
  }

  return {
    refused,
    desiredFor(view) {
      const wishes = new Map<App, Wishes | Error>(
        apps.map((app) => [app, attempt(() => wishesOf(app, view))]),
      )
      const desired = quickly(wishes) ?? slowly(wishes)
      last = desired.flows
      return desired
    },
    setApps(next) {
      apps = next
      timed = timedIdentities(next)
      ofUnit = new WeakMap()
    },
  }
}

function timedIdentities(apps: readonly App[]): ReadonlySet<string> {
  return new Set(apps.flatMap((app) => app.lease?.rows.map(flowIdentity) ?? []))
}

/** Adds the wishes, all or none. Throws `BugError` if another application wants something else under an identity. */
function merge(wishes: Wishes, flows: Map<string, WantedFlow>, groups: Map<number, WantedGroup>): void {
  const own = new Map<string, WantedFlow>()
  for (const wanted of wishes.units.flat()) {
    const other = own.get(wanted.identity) ?? flows.get(wanted.identity)
    if (other !== undefined && withoutCookie(other) !== withoutCookie(wanted))
      throw new BugError(
        `${formatFlow(wanted.flow)} is wanted by ${other.owner} with other actions: ${formatFlow(other.flow)}`,
      )
    if (other === undefined) own.set(wanted.identity, wanted)
  }
  const ownGroups = new Map(wishes.groups.map((wanted) => [wanted.group.groupId, wanted]))
  if (ownGroups.size < wishes.groups.length) throw new BugError('the same group is wanted twice')
  for (const [identity, wanted] of own) flows.set(identity, wanted)
  for (const [groupId, wanted] of ownGroups) groups.set(groupId, wanted)
}

function keep(
  wishes: Wishes | undefined,
  flows: Map<string, WantedFlow>,
  groups: Map<number, WantedGroup>,
): void {
  for (const wanted of wishes?.units.flat() ?? [])
    if (!flows.has(wanted.identity)) flows.set(wanted.identity, wanted)
  for (const wanted of wishes?.groups ?? []) groups.set(wanted.group.groupId, wanted)
}

/** The flow with its cookie; the object of the last view if that wanted the same, else one that was checked. */
function wantedFlow(app: App, bare: Flow, last: ReadonlyMap<string, WantedFlow>): WantedFlow {
  const flow: Flow = Object.assign({}, bare, { cookie: cookieOf('desired', app.name) }) // as in `flow` of pipeline.ts
  const wanted = { owner: app.name, flow, identity: flowIdentity(flow), content: flowContent(flow) }
  const before = last.get(wanted.identity)
  if (before?.content === wanted.content) return before
  assertOwn(app, bare)
  checkFlow(bare) // what has no bytes would end the session
  return wanted
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
    return error instanceof Error ? error : new BugError(String(error))
  }
}
