/**
 * Two flow tables as values, what is wanted and what the switch holds, and the difference between them as an ordered
 * list of changes. Pure: it knows no session and no application. Flows are told apart as OpenFlow does it, by table,
 * priority and match (OF 1.3.5 §6.4); everything else is their content.
 */

import { hash } from 'node:crypto'
import type { Part } from '../app/app.ts'
import { BugError } from '../errors.ts'
import { type Flow, flowContent, flowIdentity, type Group } from '../openflow/index.ts'
import { changedKeys, SortedMap } from '../sorted-map.ts'
import { cookieOf } from './cookie.ts'

/** A flow as far as it is compared with another of the same identity. */
export interface Held {
  readonly flow: Flow
  /** A digest of what it does, cookie included. */
  readonly content: string
}

/**
 * A flow that an application wants, with its cookie. It is not kept, but made again whenever it is asked for: digest and
 * part take a tenth of the memory (docs/decisions/0010-flows-made-again.md).
 */
export class WantedFlow implements Held {
  /** The application's name. */
  readonly owner: string
  readonly part: Part
  /** Its number in the part. */
  readonly place: number
  readonly content: string

  constructor(owner: string, part: Part, place: number, content: string) {
    this.owner = owner
    this.part = part
    this.place = place
    this.content = content
  }

  get flow(): Flow {
    return this.among([...this.part])
  }

  /** The flow, for whoever has made those of its part already. */
  among(flows: readonly Flow[]): Flow {
    const bare = flows[this.place]
    if (bare === undefined) throw new BugError(`a part of ${this.owner} has lost a flow`)
    return ownedFlow(bare, this.owner)
  }
}

/** The flow with the cookie of its owner. */
export const ownedFlow = (bare: Flow, owner: string): Flow =>
  Object.assign({}, bare, { cookie: cookieOf('desired', owner) }) // as in `flow` of pipeline.ts

/**
 * What OpenFlow tells a flow by, in 16 characters: the number of its table, so that a table's flows stand together in
 * order, and a digest.
 */
export function identityOf(flow: Pick<Flow, 'tableId' | 'priority' | 'match'>): string {
  const digest = digestOf(flowIdentity(flow))
  digest[0] = flow.tableId
  return digest.toString('latin1', 0, digestSize)
}

/** The table of the flow with that identity. */
export const tableOf = (identity: string): number => identity.charCodeAt(0)

/** A digest of what a flow does, cookie included. */
export const contentOf = (flow: Flow): string => digestOf(flowContent(flow)).toString('latin1', 0, digestSize)

/** Guests choose addresses: whoever made two flows look the same would keep one of them out of the switch. */
const digestOf = (text: string): Buffer => hash('sha1', text, 'buffer')
const digestSize = 16

/** A group that an application wants. */
export interface WantedGroup {
  readonly owner: string
  readonly group: Group
  readonly content: string
}

/** Every flow, by identity, and every group, by number, that the switch shall hold. */
export interface Desired {
  readonly flows: SortedMap<WantedFlow>
  readonly groups: ReadonlyMap<number, WantedGroup>
}

/** What the switch holds in our tables, as far as the last reading and the barriers since then tell. */
export interface Installed {
  readonly flows: SortedMap<Held>
  /** The content of each group, by its number. */
  readonly groups: ReadonlyMap<number, string>
}

/** One step from what is installed to what is desired. */
export type Change =
  | { readonly kind: 'addFlow'; readonly identity: string; readonly wanted: WantedFlow }
  | { readonly kind: 'deleteFlow'; readonly identity: string; readonly held: Held }
  | { readonly kind: 'addGroup' | 'modifyGroup'; readonly wanted: WantedGroup }
  | { readonly kind: 'deleteGroup'; readonly groupId: number }

/** Nothing installed, nothing known. */
export const emptySwitch: Installed = { flows: SortedMap.empty(), groups: new Map() }

/**
 * The changes that make a switch equal to what is desired, in an order that never sends a packet where there is
 * nothing yet: groups first, because a flow may not name a missing one; flows from the pipeline's end to its start;
 * then deletions from its start to its end; groups last, because deleting a group deletes the flows that name it
 * (OF 1.3.5 §6.5), which is also why a changed group is modified and never deleted and added again.
 */
export function difference(desired: Desired, installed: Installed): Change[] {
  const adds: FlowChange[] = []
  const deletes: FlowChange[] = []
  for (const identity of changedFlows(installed.flows, desired.flows)) {
    const wanted = desired.flows.get(identity)
    if (wanted === undefined)
      deletes.push({ kind: 'deleteFlow', identity, held: installed.flows.get(identity)! })
    else adds.push({ kind: 'addFlow', identity, wanted })
  }
  return [
    ...changedGroups(desired, installed),
    ...inTableOrder(adds).reverse(),
    ...inTableOrder(deletes),
    ...goneGroups(desired, installed),
  ]
}

type FlowChange = Extract<Change, { readonly kind: 'addFlow' | 'deleteFlow' }>

/** By table, and in a table those of one part together: whoever sends them makes a part's flows once for all of them. */
function inTableOrder(changes: readonly FlowChange[]): FlowChange[] {
  const rankOf = new Map<Part | undefined, number>()
  const ranked = changes.map((change) => {
    const held = change.kind === 'addFlow' ? change.wanted : change.held
    const part = held instanceof WantedFlow ? held.part : undefined
    const rank = rankOf.get(part) ?? rankOf.size
    rankOf.set(part, rank)
    return { change, table: tableOf(change.identity), rank }
  })
  return ranked.sort((a, b) => a.table - b.table || a.rank - b.rank).map(({ change }) => change)
}

/** The identities under which two flow tables hold different flows; quick if both share much. */
export const changedFlows = (a: ReadonlyMap<string, Held>, b: ReadonlyMap<string, Held>): Set<string> =>
  changedKeys(a, b, (one, other) => one.content === other.content)

/** What a switch holds after these changes. */
export function changed(installed: Installed, changes: readonly Change[]): Installed {
  const flows = new Map<string, Held | undefined>()
  const groups = new Map(installed.groups)
  for (const change of changes)
    switch (change.kind) {
      case 'addFlow':
        flows.set(change.identity, change.wanted)
        break
      case 'deleteFlow':
        flows.set(change.identity, undefined)
        break
      case 'addGroup':
      case 'modifyGroup':
        groups.set(change.wanted.group.groupId, change.wanted.content)
        break
      case 'deleteGroup':
        groups.delete(change.groupId)
    }
  return { flows: installed.flows.with(flows), groups }
}

function* changedGroups(desired: Desired, installed: Installed): Iterable<Change> {
  for (const wanted of desired.groups.values()) {
    const held = installed.groups.get(wanted.group.groupId)
    if (held !== wanted.content) yield { kind: held === undefined ? 'addGroup' : 'modifyGroup', wanted }
  }
}

function* goneGroups(desired: Desired, installed: Installed): Iterable<Change> {
  for (const groupId of installed.groups.keys())
    if (!desired.groups.has(groupId)) yield { kind: 'deleteGroup', groupId }
}
