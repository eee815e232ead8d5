/**
 * The few OpenFlow messages that the controller says, made from its own words, and the link that carries them. Nothing
 * else in this room spells a message out.
 */

import { type Part, selfCheckPort } from '../app/app.ts'
import { registerNumber, registers, zoneOpenedBy } from '../app/pipeline.ts'
import {
  type Flow,
  formatFlow,
  formatGroup,
  type Outgoing,
  type PacketIn,
  resubmit,
  type Session,
  setField,
} from '../openflow/index.ts'
import { SortedMap } from '../sorted-map.ts'
import { everyCookie, kindOf } from './cookie.ts'
import {
  type Change,
  contentOf,
  type Desired,
  type Held,
  type Installed,
  identityOf,
  WantedFlow,
} from './flow-table.ts'

export type { Outgoing, PacketIn } from '../openflow/index.ts'

/** What the controller uses of a session. */
export type SwitchLink = Pick<
  Session,
  | 'send'
  | 'output'
  | 'room'
  | 'outputRoom'
  | 'heardAtMs'
  | 'resume'
  | 'transact'
  | 'stats'
  | 'readStats'
  | 'close'
  | 'closed'
>

const allTables = 0xff
const everyBit = 0xffff_ffff_ffff_ffffn
const sourceRegister = registerNumber(registers.source)
const sequenceRegister = registerNumber(registers.sequence)

/** Adds a flow, or replaces the one with its identity; counters and the timer follow OF 1.3.5 §6.4. */
export function addFlow(flow: Flow): Outgoing {
  return { kind: 'flowMod', command: 'add', ...flow }
}

/** Deletes this very flow, if its cookie is still the one stated here. */
export function deleteFlow({ tableId, priority, match, cookie = 0n }: Flow): Outgoing {
  const flow = { tableId, priority, match, instructions: [] }
  return { kind: 'flowMod', command: 'deleteStrict', ...flow, cookie, cookieMask: everyBit }
}

/** Deletes every timed row in the switch, whoever's. */
export function deleteTimedFlows(): Outgoing {
  const every = { tableId: allTables, priority: 0, match: {}, instructions: [] }
  return { kind: 'flowMod', command: 'delete', ...every, ...everyCookie('timed') }
}

/** The messages that make these changes, one for each; every part is asked for its flows once. */
export function messagesOf(changes: readonly Change[]): Outgoing[] {
  const made = new Map<Part, readonly Flow[]>()
  const flowOf = (held: Held): Flow => {
    if (!(held instanceof WantedFlow)) return held.flow
    const flows = made.get(held.part) ?? [...held.part]
    made.set(held.part, flows)
    return held.among(flows)
  }
  return changes.map((change) => messageOf(change, flowOf))
}

function messageOf(change: Change, flowOf: (held: Held) => Flow): Outgoing {
  switch (change.kind) {
    case 'addFlow':
      return addFlow(flowOf(change.wanted))
    case 'deleteFlow':
      return deleteFlow(flowOf(change.held))
    case 'addGroup':
    case 'modifyGroup': {
      const { groupId, type, buckets } = change.wanted.group
      return {
        kind: 'groupMod',
        command: change.kind === 'addGroup' ? 'add' : 'modify',
        type,
        groupId,
        buckets,
      }
    }
    case 'deleteGroup':
      return { kind: 'groupMod', command: 'delete', type: 'all', groupId: change.groupId, buckets: [] }
  }
}

/** The zone of connection tracking that a message opens to a port, if it does: it is to be emptied. */
export const zoneOf = (message: Outgoing): number | undefined =>
  message.kind === 'flowMod' && message.command === 'add' ? zoneOpenedBy(message) : undefined

/** Forgets the connections of a zone (NXT_CT_FLUSH_ZONE). */
export const emptyZone = (zone: number): Outgoing => ({ kind: 'ctFlushZone', zone })

/** A change in the words of `ovs-ofctl`, for people. */
export function textOf(change: Change): string {
  switch (change.kind) {
    case 'addFlow':
      return `add ${formatFlow(change.wanted.flow)}`
    case 'deleteFlow':
      return `delete ${formatFlow(change.held.flow)}`
    case 'addGroup':
      return `add ${change.wanted.content}`
    case 'modifyGroup':
      return `modify ${change.wanted.content}`
    case 'deleteGroup':
      return `delete group_id=${change.groupId}`
  }
}

/** What of a switch is ours. */
export interface Scope {
  /** Every flow in these tables is. */
  readonly tableIds: ReadonlySet<number>
  readonly groupIds: ReadonlySet<number>
}

/**
 * Reads what the switch holds of ours: every flow in our tables and, in any table, every flow with one of our cookies (a
 * later version's, say); our groups. Timed rows are not part of it; a timed cookie without a hard timeout is somebody's
 * mistake, and so read as a foreign flow. A flow that is as `desired` has it is that very object, to save memory.
 * With `tableId` the flows of that table alone.
 */
export async function readSwitch(
  link: Pick<SwitchLink, 'stats' | 'readStats'>,
  { tableIds, groupIds }: Scope,
  desired: Desired,
  tableId = allTables,
): Promise<Installed> {
  const held = new Map<string, Held>()
  await link.readStats({ kind: 'flow', tableId }, (flow) => {
    const kind = kindOf(flow.cookie)
    const isTimed = kind === 'timed' && flow.hardTimeout > 0
    if (isTimed || (kind === undefined && !tableIds.has(flow.tableId))) return
    const identity = identityOf(flow)
    const content = contentOf(flow)
    const wanted = desired.flows.get(identity)
    held.set(identity, wanted?.content === content ? wanted : { flow, content })
  })
  const groups = await link.stats({ kind: 'groupDesc' })
  const own = groups.filter(({ groupId }) => groupIds.has(groupId))
  return {
    flows: SortedMap.of(held),
    groups: new Map(own.map((group) => [group.groupId, formatGroup(group)])),
  }
}

/** Sends a packet as if the host's own port had sent it, through that table; the number comes back with it. */
export function probe(tableId: number, frame: Buffer, sequence: number): Outgoing {
  const source = setField({ [registers.source]: selfCheckPort.key })
  const number = setField({ [registers.sequence]: sequence })
  return { kind: 'packetOut', actions: [source, number, resubmit(tableId)], data: frame }
}

/** The number that a self-check came back with; -1 if it has none. */
export const probeSequenceOf = (message: PacketIn): number => message.register(sequenceRegister) ?? -1

/** The key of the port that a packet comes from, if the pipeline found one. */
export const sourceKeyOf = (message: PacketIn): number | undefined => message.register(sourceRegister)
