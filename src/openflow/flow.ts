/**
 * A flow as a value: what makes it the same flow for a switch, what it does, its text, and the constructors of the
 * actions that flows are made of. It knows no message and no socket.
 */

import { CodecError, inside, withWriter } from '../wire/codec.ts'
import { type Action, action, actionsText } from './actions.ts'
import { canonical } from './canonical.ts'
import type { Ct } from './ct.ts'
import { type Instruction, instruction, instructionsText } from './instructions.ts'
import { type Match, match as matchCodec } from './match.ts'
import { matchText } from './match-text.ts'
import { type FieldName, fieldOf, fields } from './oxm.ts'
import { checkInstructions } from './prerequisites.ts'
import { hexText } from './show.ts'

/** A flow. */
export interface Flow {
  readonly tableId: number
  /** 0 to 65535; the highest that matches wins. */
  readonly priority: number
  readonly match: Match
  readonly instructions: readonly Instruction[]
  readonly cookie?: bigint
  /** Seconds without a packet after which the flow goes; 0 or absent means never. */
  readonly idleTimeout?: number
  /** Seconds after which the flow goes; 0 or absent means never. */
  readonly hardTimeout?: number
  /** Of `flowFlags`. */
  readonly flags?: number
}

// biome-ignore format: one flag a line
/** `ofp_flow_mod_flags`. */
export const flowFlags = {
  sendFlowRem:   1,
  checkOverlap:  2,
  resetCounts:   4,
  noPktCounts:   8,
  noBytCounts:  16,
} as const

const flagWords = ['send_flow_rem', 'check_overlap', 'reset_counts', 'no_packet_counts', 'no_byte_counts']

/** The flags as `ovs-ofctl` prints them, each followed by a space. */
export const flagsText = (flags: number): string =>
  flagWords.map((word, bit) => ((flags >> bit) & 1 ? `${word} ` : '')).join('')

/**
 * A flow as `ovs-ofctl --no-stats dump-flows` prints it. Throws `CodecError` for values that have no bytes and for a
 * match without its prerequisites.
 */
export function formatFlow(flow: Flow): string {
  checkFlow(flow)
  const cookie = flow.cookie ? `cookie=${hexText(flow.cookie)}, ` : ''
  const table = flow.tableId === 0 ? '' : `table=${flow.tableId}, `
  return `${cookie}${table}${timesText(flow)}${matchAndActionsText(flow)}`
}

/** Timeouts and flags of a flow, as `ovs-ofctl` prints them. */
export const timesText = ({ idleTimeout = 0, hardTimeout = 0, flags = 0 }: Flow): string =>
  (idleTimeout === 0 ? '' : `idle_timeout=${idleTimeout}, `) +
  (hardTimeout === 0 ? '' : `hard_timeout=${hardTimeout}, `) +
  flagsText(flags)

/** Priority, match and actions of a flow, as `ovs-ofctl` prints them. */
export function matchAndActionsText({ match, priority, instructions }: Flow): string {
  const what = matchText(match, priority)
  return `${what}${what === '' ? '' : ' '}actions=${instructionsText(instructions)}`
}

/** A match as `ovs-ofctl` prints it. Throws `CodecError` as `formatFlow`. */
export function formatMatch(match: Match): string {
  inside('match', () => withWriter((w) => matchCodec.write(w, match)))
  return matchText(match)
}

/** Actions as `ovs-ofctl` prints them. Throws `CodecError` if one has no bytes. */
export function formatActions(actions: readonly Action[]): string {
  withWriter((w) => {
    for (const [i, one] of actions.entries()) inside(i, () => action.write(w, one))
  })
  return actionsText(actions)
}

/** Throws `CodecError` for values that have no bytes and for a match without its prerequisites; cheaper than the text. */
export function checkFlow(flow: Flow): void {
  for (const [name, max] of [
    ['tableId', 0xff],
    ['priority', 0xffff],
  ] as const)
    inside(name, () => {
      if (!Number.isInteger(flow[name]) || flow[name] < 0 || flow[name] > max)
        throw new CodecError(`${flow[name]} is not 0 to ${max}`)
    })
  withWriter((w) => {
    inside('match', () => matchCodec.write(w, flow.match))
    inside('instructions', () => {
      for (const [i, one] of flow.instructions.entries()) inside(i, () => instruction.write(w, one))
      checkInstructions(flow)
    })
  })
}

/**
 * What OpenFlow knows a flow by: table, priority and match. Equal for two flows exactly if a switch takes them for the
 * same one; masks are normalized.
 */
export function flowIdentity({
  tableId,
  priority,
  match,
}: Pick<Flow, 'tableId' | 'priority' | 'match'>): string {
  const bits = [...canonical(match)].sort(([a], [b]) => order.get(a)! - order.get(b)!)
  const words = bits.map(([name, { value, mask }]) => `${name}=${value.toString(16)}/${mask.toString(16)}`)
  const unknown = (match.unknown ?? []).map(
    (field) => `${field.class}:${field.field}:${field.isMasked}=${field.bytes.toString('hex')}`,
  )
  return [`table=${tableId}`, `priority=${priority}`, ...words, ...unknown].join(',')
}

const order = new Map(Object.keys(fields).map((name, i) => [name, i]))

/** What a flow does and how long: instructions, flags, timeouts and cookie. */
export function flowContent(flow: Flow): string {
  return `cookie=${hexText(flow.cookie ?? 0n)}, ${timesText(flow)}actions=${instructionsText(flow.instructions)}`
}

// ---- constructors -------------------------------------------------------------------------------------------------

/** Sends the packet out of a port; to the controller, at most `maxLen` bytes of it. */
export const output = (port: number, maxLen = 0): Action => ({ kind: 'output', port, maxLen })

/** Writes a field; the match holds exactly one, perhaps masked. */
export const setField = (field: Match): Action => ({ kind: 'setField', field })

/** Runs the packet through a table, then goes on with the next action; without a table through the current one. */
export const resubmit = (tableId?: number, inPort?: number): Action => ({
  kind: 'resubmit',
  ...(tableId === undefined ? {} : { tableId }),
  ...(inPort === undefined ? {} : { inPort }),
})

/** Copies bits from a field to another: all of the smaller field unless told. */
export function move(
  from: FieldName,
  to: FieldName,
  range: { bits?: number; fromOffset?: number; toOffset?: number } = {},
): Action {
  const { fromOffset = 0, toOffset = 0 } = range
  const bits = range.bits ?? Math.min(fieldOf(from).bits - fromOffset, fieldOf(to).bits - toOffset)
  return {
    kind: 'move',
    bits,
    from: { field: from, offset: fromOffset },
    to: { field: to, offset: toOffset },
  }
}

/** Writes a number into bits of a field: all of them (up to 64) unless told. */
export function load(
  value: number | bigint,
  to: FieldName,
  { offset = 0, bits = Math.min(64, fieldOf(to).bits - offset) }: { offset?: number; bits?: number } = {},
): Action {
  return { kind: 'load', value: BigInt(value), bits, to: { field: to, offset } }
}

/** Sends the packet to the controller (NXAST_CONTROLLER2); with `pause` it waits there for `resume`. */
export function controller({
  maxLen = 0xffff,
  userdata = Buffer.alloc(0),
  pause = false,
  reason = 1,
  controllerId = 0,
  meterId,
}: {
  maxLen?: number
  userdata?: Buffer
  pause?: boolean
  reason?: number
  controllerId?: number
  meterId?: number
} = {}): Action {
  const common = { kind: 'controller' as const, maxLen, userdata, pause, reason, controllerId }
  return meterId === undefined ? common : { ...common, meterId }
}

/**
 * Tracks the packet's connection (NXAST_CT): with `tableId` the packet goes on there, with what is known of it; `actions`
 * change the connection or translate its addresses. The zone is 0 unless told.
 */
export const ct = (value: Partial<Ct<Action>>): Action => ({
  kind: 'ct',
  ...{ commit: false, force: false, zone: 0, alg: 0, actions: [] },
  ...value,
})

/** Puts a VLAN tag on; its VID is 0 until it is set. */
export const pushVlan = (ethertype = 0x8100): Action => ({ kind: 'pushVlan', ethertype })

/** Takes the outer VLAN tag off. */
export const popVlan = (): Action => ({ kind: 'popVlan' })
