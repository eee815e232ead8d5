/**
 * The flows of applications from outside: how they are made from steps, what is refused, and the rows and groups that the
 * host adds so that a packet goes on when the application does not want it, is not there, or hangs. It knows an
 * extension's tables and not what they are for.
 */

import { BugError } from '../errors.ts'
import {
  type Action,
  checkFlow,
  controller,
  type Flow,
  formatFlow,
  type Group,
  type Match,
  ports,
  resubmit,
} from '../openflow/index.ts'
import { selfCheckPort } from './app.ts'
import {
  type AllottedTable,
  type Extension,
  type ExtensionPoint,
  extensionPoints,
  ownTableOf,
  pointOf,
  wayOnFrom,
} from './extension.ts'
import { type TableName, tables } from './pipeline.ts'

/** Ends a flow of an application from outside: on to that table. */
export interface ForeignGoto {
  readonly kind: 'goto'
  readonly table: string
}

/** Ends a flow: on to that table, one of the application's own or one where its packets may go on. */
export const goto = (table: string): ForeignGoto => ({ kind: 'goto', table })

/** Ends a flow: up to the application, which decides the packet; without it the packet goes on. */
export const punt = { kind: 'punt' } as const

export type ForeignStep = Action | ForeignGoto | typeof punt

const wholePacket = 0xffff
const priorities = { wayOn: 0, punt: 1, selfCheck: 2, lowest: 1, highest: 0xffff }
/** What an application may do to a packet; whatever else changes or leaves the switch is the host's business. */
const allowedActions: ReadonlySet<string> = new Set([
  'output',
  'resubmit',
  'group',
  'setField',
  'move',
  'load',
  'pushVlan',
  'popVlan',
  'setQueue',
  'setTtl',
  'decTtl',
])

/** Who a packet is: written once, by classify. */
const identities: ReadonlySet<string> = new Set(['metadata', 'reg6', 'xreg3', 'xxreg1'])

/**
 * Makes a flow of an application from outside, in one of its tables or in an extension point. No step at all drops. A
 * goto backwards, which OpenFlow has not, becomes a resubmit. Throws `BugError` with the reason and the flow's text.
 */
export function foreignFlow(
  extension: Extension,
  table: string,
  priority: number,
  match: Match,
  steps: readonly ForeignStep[],
): Flow {
  const tableId = idOf(extension, table)
  const last = steps.at(-1)
  const isEnd = (step: ForeignStep) => step.kind === 'goto' || step.kind === 'punt'
  if (steps.slice(0, -1).some(isEnd)) throw new BugError(`table ${table}: goto and punt are last steps`)
  const actions = steps.filter((step): step is Action => !isEnd(step))
  let gotoTable: number | undefined
  if (last?.kind === 'punt') actions.push(toApplication(extension, table))
  else if (last?.kind === 'goto') {
    const target = idOf(extension, last.table)
    if (target > tableId) gotoTable = target
    else actions.push(resubmit(target))
  }
  const made: Flow = {
    tableId,
    priority,
    match,
    instructions: [
      ...(actions.length > 0 ? [{ kind: 'applyActions' as const, actions }] : []),
      ...(gotoTable === undefined ? [] : [{ kind: 'gotoTable' as const, tableId: gotoTable }]),
    ],
  }
  assertForeign(extension, made)
  return made
}

/** Throws `BugError` with the flow's text if the flow is not this application's to install, whoever made it. */
export function assertForeign(extension: Extension, flow: Flow): void {
  const refuse = (why: string) => new BugError(`${why}: ${formatFlow(flow)}`)
  const table = ownTableOf(extension, flow.tableId)
  const point = pointOf(flow.tableId)
  if (table === undefined && point === undefined)
    throw refuse(`table ${flow.tableId} is neither a table of ${extension.owner} nor lends rows`)
  const [lowest, highest] =
    table === undefined
      ? extensionPoints[point!].priorities
      : ([priorities.lowest, priorities.highest] as const)
  if (!(flow.priority >= lowest && flow.priority <= highest))
    throw refuse(`priority ${flow.priority} is not from ${lowest} to ${highest}`)
  const allowed = targetIdsOf(extension, table, point)
  for (const instruction of flow.instructions) {
    if (instruction.kind === 'gotoTable') assertTarget(instruction.tableId)
    else if (instruction.kind !== 'applyActions') throw refuse(`${instruction.kind} is not for applications`)
    else for (const action of instruction.actions) assertAction(action)
  }
  checkFlow(flow) // throws CodecError for what has no bytes

  function assertAction(action: Action): void {
    if (!allowedActions.has(action.kind)) throw refuse(`${action.kind} is not for applications`)
    const written = fieldsWrittenBy(action).find((field) => identities.has(field))
    if (written !== undefined) throw refuse(`${written} says who sent the packet and stays as it is`)
    if (action.kind === 'resubmit') assertTarget(action.tableId)
    if (action.kind === 'group' && (table === undefined || action.groupId !== table.puntId))
      throw refuse(`group ${action.groupId} is not a group of this table`)
    if (action.kind === 'output' && action.port === ports.controller)
      throw refuse('an application gets packets by punt, not by an output to the controller')
  }
  function assertTarget(id: number | undefined): void {
    if (id === undefined || !allowed.has(id))
      throw refuse(`table ${flow.tableId} may not go on to table ${id}; it may to ${[...allowed].join(', ')}`)
  }
}

/**
 * The rows that the host adds: in each own table one for whatever the application does not want, and those that the
 * self-check of the lease comes up by.
 */
export function* hostFlows(extension: Extension): Iterable<Flow> {
  for (const { id, after, puntId } of extension.tables.values()) {
    const goOn = resubmit(tables[wayOnFrom(after)].id)
    yield rowOf(id, priorities.wayOn, {}, [goOn])
    if (puntId === undefined) continue
    yield rowOf(puntId, priorities.wayOn, {}, [goOn])
    yield rowOf(puntId, priorities.selfCheck, { reg6: selfCheckPort.key }, [up(extension), goOn])
  }
}

/** The rows that send packets of ports up; they stand under the dead-man's lease. */
export function leasedFlows(extension: Extension): Flow[] {
  return puntsOf(extension).map(({ puntId, after }) =>
    rowOf(puntId, priorities.punt, {}, [up(extension), resubmit(tables[wayOnFrom(after)].id)]),
  )
}

const up = ({ owner }: Extension): Action =>
  controller({ maxLen: wholePacket, userdata: Buffer.from(owner), pause: true })

/**
 * For each table that sends packets up a group that leads there while a controller is connected and else past it, and one
 * that is always alive for it to fall back to, as the dns application has them.
 */
export function* hostGroups(extension: Extension): Iterable<Group> {
  for (const { id, puntId, after } of puntsOf(extension)) {
    yield { groupId: id, type: 'indirect', buckets: [{ actions: [] }] }
    yield {
      groupId: puntId,
      type: 'fastFailover',
      buckets: [
        { watchPort: ports.controller, actions: [resubmit(puntId)] },
        { watchGroup: id, actions: [resubmit(tables[wayOnFrom(after)].id)] },
      ],
    }
  }
}

/** The extension's tables that send packets up. */
export function puntsOf(extension: Extension): (AllottedTable & { readonly puntId: number })[] {
  return [...extension.tables.values()].flatMap((table) =>
    table.puntId === undefined ? [] : [{ ...table, puntId: table.puntId }],
  )
}

/** Own tables behind it that hang on the same point, and where the point's packets may go on: no way leads in a circle. */
function targetIdsOf(
  { tables: own }: Extension,
  table: AllottedTable | undefined,
  point: ExtensionPoint | undefined,
): Set<number> {
  const after = table?.after ?? point!
  const later = [...own.values()].filter((each) => each.after === after && each.id > (table?.id ?? 0))
  return new Set([
    ...later.map(({ id }) => id),
    ...extensionPoints[after].waysOn.map((name) => tables[name].id),
  ])
}

function fieldsWrittenBy(action: Action): readonly string[] {
  if (action.kind === 'setField') return Object.keys(action.field)
  return action.kind === 'load' || action.kind === 'move' ? [action.to.field] : []
}

function toApplication(extension: Extension, table: string): Action {
  const groupId = extension.tables.get(table)?.puntId
  if (groupId === undefined)
    throw new BugError(`table ${table}: punt needs a table of ${extension.owner} declared with canPunt: true`)
  return { kind: 'group', groupId }
}

function idOf({ owner, tables: own }: Extension, name: string): number {
  const id = own.get(name)?.id ?? (Object.hasOwn(tables, name) ? tables[name as TableName].id : undefined)
  if (id === undefined)
    throw new BugError(`there is no table ${name}; ${owner} has ${[...own.keys()].join(', ')}`)
  return id
}

const rowOf = (tableId: number, priority: number, match: Match, actions: Action[]): Flow => ({
  tableId,
  priority,
  match,
  instructions: [{ kind: 'applyActions', actions }],
})
