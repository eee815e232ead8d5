/**
 * Two flow tables as values, what is wanted and what the switch holds, and the difference between them as an ordered
 * list of changes. Pure: it knows no session and no application. Flows are told apart as OpenFlow does it, by table,
 * priority and match (OF 1.3.5 §6.4); everything else is their content.
 */

import type { Part } from '../app/app.ts'
import type { Group } from '../openflow/index.ts'
import { FlowMap } from './flow-map.ts'
import type { HeldFlow } from './held-flow.ts'

/** A group that an application wants. */
export interface WantedGroup {
  readonly owner: string
  readonly group: Group
  readonly content: string
}

/** Every flow, by identity, and every group, by number, that the switch shall hold. */
export interface Desired {
  readonly flows: FlowMap
  readonly groups: ReadonlyMap<number, WantedGroup>
}

/** What the switch holds in our tables, as far as the last reading and the barriers since then tell. */
export interface Installed {
  readonly flows: FlowMap
  /** The content of each group, by its number. */
  readonly groups: ReadonlyMap<number, string>
}

/** One step from what is installed to what is desired. */
export type Change =
  | { readonly kind: 'addFlow'; readonly identity: string; readonly wanted: HeldFlow }
  | { readonly kind: 'deleteFlow'; readonly identity: string; readonly held: HeldFlow }
  | { readonly kind: 'addGroup' | 'modifyGroup'; readonly wanted: WantedGroup }
  | { readonly kind: 'deleteGroup'; readonly groupId: number }

/** Nothing installed, nothing known. */
export const emptySwitch: Installed = { flows: FlowMap.empty, groups: new Map() }

/**
 * The changes that make a switch equal to what is desired, in an order that never sends a packet where there is
 * nothing yet: groups first, because a flow may not name a missing one; flows from the pipeline's end to its start;
 * then deletions from its start to its end; groups last, because deleting a group deletes the flows that name it
 * (OF 1.3.5 §6.5), which is also why a changed group is modified and never deleted and added again.
 */
export function difference(desired: Desired, installed: Installed): Change[] {
  const adds: FlowChange[] = []
  const deletes: FlowChange[] = []
  for (const identity of FlowMap.changed(installed.flows, desired.flows)) {
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
  const rankOf = new Map<Part, number>()
  const ranked = changes.map((change) => {
    const { part, tableId } = change.kind === 'addFlow' ? change.wanted : change.held
    const rank = rankOf.get(part) ?? rankOf.size
    rankOf.set(part, rank)
    return { change, table: tableId, rank }
  })
  return ranked.sort((a, b) => a.table - b.table || a.rank - b.rank).map(({ change }) => change)
}

/** What a switch holds after these changes. */
export function changed(installed: Installed, changes: readonly Change[]): Installed {
  const flows = new Map<string, HeldFlow | undefined>()
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
