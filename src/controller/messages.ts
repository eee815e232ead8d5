/**
 * The few OpenFlow messages that the controller says, made from its own words, and the link that carries them. Nothing
 * else in this room spells a message out.
 */

import { type Part, selfCheckPort } from '../app/app.ts'
import { registerNumber, registers, zoneOpenedBy } from '../app/pipeline.ts'
import {
  type Flow,
  formatFlow,
  type Outgoing,
  type PacketIn,
  resubmit,
  type Session,
  setField,
} from '../openflow/index.ts'
import { everyCookie } from './cookie.ts'
import type { Change } from './flow-table.ts'
import type { HeldFlow } from './held-flow.ts'

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
  | 'readFlows'
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
  const flowOf = (held: HeldFlow): Flow => {
    const flows = made.get(held.part) ?? [...held.part]
    made.set(held.part, flows)
    return held.among(flows)
  }
  return changes.map((change) => messageOf(change, flowOf))
}

function messageOf(change: Change, flowOf: (held: HeldFlow) => Flow): Outgoing {
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
