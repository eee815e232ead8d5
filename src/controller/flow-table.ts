/**
 * Two flow tables as values, what is wanted and what the switch holds, and the difference between them as an ordered
 * list of changes. Pure: it knows no session and no application. Flows are told apart as OpenFlow does it, by table,
 * priority and match (OF 1.3.5 §6.4); everything else is their content.
 */

import { type Flow, flowContent, type Group } from '../openflow/index.ts'
import { changedKeys } from '../sorted-map.ts'

/** A flow that an application wants, with its cookie. */
export interface WantedFlow {
  /** The application's name. */
  readonly owner: string
  readonly flow: Flow
  readonly identity: string
  readonly content: string
}

/** What a flow does, whoever wants it. */
export const withoutCookie = ({ flow }: WantedFlow): string => flowContent({ ...flow, cookie: 0n })

/** A group that an application wants. */
export interface WantedGroup {
  readonly owner: string
  readonly group: Group
  readonly content: string
}

/** Every flow, by identity, and every group, by number, that the switch shall hold. */
export interface Desired {
  readonly flows: ReadonlyMap<string, WantedFlow>
  readonly groups: ReadonlyMap<number, WantedGroup>
}

/** What the switch holds in our tables, as far as the last reading and the barriers since then tell. */
export interface Installed {
  readonly flows: Map<string, { readonly flow: Flow; readonly content: string }>
  /** The content of each group, by its number. */
  readonly groups: Map<number, string>
}

/** One step from what is installed to what is desired. */
export type Change =
  | { readonly kind: 'addFlow'; readonly wanted: WantedFlow }
  | { readonly kind: 'deleteFlow'; readonly identity: string; readonly flow: Flow }
  | { readonly kind: 'addGroup' | 'modifyGroup'; readonly wanted: WantedGroup }
  | { readonly kind: 'deleteGroup'; readonly groupId: number }

/** Nothing installed, nothing known. */
export const emptySwitch = (): Installed => ({ flows: new Map(), groups: new Map() })

/**
 * The changes that make a switch equal to what is desired, in an order that never sends a packet where there is
 * nothing yet: groups first, because a flow may not name a missing one; flows from the pipeline's end to its start;
 * then deletions from its start to its end; groups last, because deleting a group deletes the flows that name it
 * (OF 1.3.5 §6.5), which is also why a changed group is modified and never deleted and added again.
 *
 * Only flows of these identities are looked at; by default, all.
 */
export function difference(
  desired: Desired,
  installed: Installed,
  identities: Iterable<string> = changedKeys<unknown>(installed.flows, desired.flows),
): Change[] {
  const adds: Change[] = []
  const deletes: Change[] = []
  for (const identity of identities) {
    const wanted = desired.flows.get(identity)
    const held = installed.flows.get(identity)
    if (wanted !== undefined && held?.content !== wanted.content) adds.push({ kind: 'addFlow', wanted })
    if (wanted === undefined && held !== undefined)
      deletes.push({ kind: 'deleteFlow', identity, flow: held.flow })
  }
  return [
    ...changedGroups(desired, installed),
    ...adds.sort((a, b) => tableOf(b) - tableOf(a)),
    ...deletes.sort((a, b) => tableOf(a) - tableOf(b)),
    ...goneGroups(desired, installed),
  ]
}

/** Notes in `installed` that the switch has made this change. */
export function apply(change: Change, installed: Installed): void {
  switch (change.kind) {
    case 'addFlow':
      installed.flows.set(change.wanted.identity, change.wanted)
      return
    case 'deleteFlow':
      installed.flows.delete(change.identity)
      return
    case 'addGroup':
    case 'modifyGroup':
      installed.groups.set(change.wanted.group.groupId, change.wanted.content)
      return
    case 'deleteGroup':
      installed.groups.delete(change.groupId)
  }
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

function tableOf(change: Change): number {
  if (change.kind === 'addFlow') return change.wanted.flow.tableId
  return change.kind === 'deleteFlow' ? change.flow.tableId : 0
}
