/**
 * Flow monitors, which tell a controller of every change of a flow table, and their text (ONF extension 187 as Open
 * vSwitch has it in OpenFlow 1.3; lib/ofp-monitor.c). It knows no message.
 */

import {
  type Codec,
  CodecError,
  encodeWith,
  list,
  pad,
  struct,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
} from '../wire/codec.ts'
import { type Instruction, instruction, instructionsText } from './instructions.ts'
import { type Match, match } from './match.ts'
import { matchText } from './match-text.ts'
import { bitNames, hexText, portShown } from './show.ts'
import { sized } from './sized.ts'

// biome-ignore format: one flag a line
/** What a monitor reports: flows that are there, changes of each kind, actions, and our own changes in full. */
export const monitorFlags = { initial: 1, add: 2, delete: 4, modify: 8, actions: 16, own: 32 } as const

const anything = 0xffff_ffff
const allTables = 0xff

/** A match whose length also stands in the head before it; where, is told in bytes from the start of the match. */
const matchAfter = <T>(head: Codec<T>, lengthAt: number): Codec<T & { readonly match: Match }> => ({
  read: (r) => ({ ...head.read(r), match: match.read(r) }),
  write(w, value) {
    head.write(w, value)
    const start = w.size
    const encoded = encodeWith(match, value.match)
    w.bytes(encoded)
    w.setU16(start - lengthAt, encoded.readUInt16BE(2))
  },
})

// biome-ignore format: one field a line
/** `struct onf_flow_monitor_request`. */
const monitor = matchAfter(struct({
  id:      u32,
  /** Of `monitorFlags`. */
  flags:   u16,
  _1:      pad(2),
  outPort: u32,
  tableId: u8,
  _2:      pad(3),
}), 10)

/** A monitor that is asked for; `tableId` 255 is every table, `outPort` 0xffffffff any port. */
export type FlowMonitor = ValueOf<typeof monitor>

/** The monitors that a request sets up. */
export const monitorRequest = struct({ monitors: list(monitor) })

const events = ['added', 'deleted', 'modified', 'abbreviated'] as const

/** A change of a flow; one that the controller itself made may be told by the `xid` of its message alone. */
export type FlowUpdate =
  | ({
      readonly event: 'added' | 'deleted' | 'modified'
      readonly instructions: readonly Instruction[]
    } & ValueOf<typeof changed>)
  | { readonly event: 'abbreviated'; readonly xid: number }

// biome-ignore format: one field a line
/** `struct onf_flow_update_full` after length and event. */
const changed = matchAfter(struct({
  reason:      u16,
  priority:    u16,
  idleTimeout: u16,
  hardTimeout: u16,
  _1:          pad(2),
  tableId:     u8,
  _2:          pad(1),
  cookie:      u64,
}), 12)

const instructions = list(instruction)

/** One change. */
export const flowUpdate: Codec<FlowUpdate> = sized({
  read(r) {
    const number = r.u16()
    const event = events[number]
    if (event === undefined) throw new CodecError(`event ${number} is not known`)
    if (event === 'abbreviated') return { event, xid: r.u32() }
    return { event, ...changed.read(r), instructions: instructions.read(r) }
  },
  write(w, value) {
    w.u16(events.indexOf(value.event))
    if (value.event === 'abbreviated') return u32.write(w, value.xid)
    changed.write(w, value)
    instructions.write(w, value.instructions)
  },
})

const flagNames = Object.fromEntries(Object.entries(monitorFlags).map(([word, bit]) => [bit, word]))

export const monitorText = (one: FlowMonitor): string =>
  `\n id=${one.id} flags=${bitNames(one.flags, flagNames).replaceAll(' ', ',')}` +
  `${one.outPort === anything ? '' : ` out_port=${portShown(one.outPort)}`}` +
  `${one.tableId === allTables ? '' : ` table=${one.tableId}`} ${matchText(one.match)}`.trimEnd()

const reasons = ['idle', 'hard', 'delete', 'group_delete', 'meter_delete', 'eviction']

export function flowUpdateText(one: FlowUpdate): string {
  if (one.event === 'abbreviated') return `\n event=ABBREV xid=0x${one.xid.toString(16)}`
  const reason = one.event === 'deleted' ? ` reason=${reasons[one.reason] ?? one.reason}` : ''
  const what = matchText(one.match)
  const words = [
    `event=${one.event.toUpperCase()}${reason}`,
    `table=${one.tableId}`,
    one.idleTimeout !== 0 && `idle_timeout=${one.idleTimeout}`,
    one.hardTimeout !== 0 && `hard_timeout=${one.hardTimeout}`,
    `cookie=${hexText(one.cookie)}`,
    what !== '' && what,
    one.instructions.length > 0 && `actions=${instructionsText(one.instructions)}`,
  ]
  return `\n ${words.filter((word) => word !== false).join(' ')}${words.at(-1) === false && what === '' ? ' ' : ''}`
}
