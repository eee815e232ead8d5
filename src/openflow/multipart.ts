/**
 * Multipart requests and replies (OpenFlow 1.3.5 §7.3.5) as one table: number, body of the request, parts of the reply.
 * It knows no other message.
 */

import {
  type Codec,
  CodecError,
  list,
  optional,
  pad,
  type Reader,
  rest,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
  within,
} from '../wire/codec.ts'
import { flowUpdate, monitorRequest } from './flow-monitor.ts'
import { buckets, type Group, groupIds, groupType } from './group.ts'
import { instruction } from './instructions.ts'
import { type Match, match } from './match.ts'
import { meterConfig, meterFeatures, meterRequest, meterStats } from './meter.ts'
import { port } from './port.ts'
import { sized } from './sized.ts'
import {
  aggregate,
  groupFeatures,
  portRequest,
  portStats,
  queueRequest,
  queueStats,
  tableStats,
} from './statistics.ts'
import { tableFeatures } from './table-features.ts'

const nothing = struct({})
const anything = 0xffff_ffff

// biome-ignore format: one field a line
const flowRequest = struct({
  tableId:    optional(u8, 0xff),
  _1:         pad(3),
  outPort:    optional(u32, anything),
  outGroup:   optional(u32, anything),
  _2:         pad(4),
  cookie:     optional(u64, 0n),
  cookieMask: optional(u64, 0n),
  match:      optional(match, {} as Match),
})

// biome-ignore format: one field a line
/** `struct ofp_flow_stats`; `flow-reply.ts` knows where its fields stand. */
export const flowStats = sized(struct({
  tableId:      u8,
  _1:           pad(1),
  durationSec:  u32,
  durationNsec: u32,
  priority:     u16,
  idleTimeout:  u16,
  hardTimeout:  u16,
  flags:        u16,
  _2:           pad(4),
  cookie:       u64,
  packetCount:  u64,
  byteCount:    u64,
  match,
  instructions: list(instruction),
}))

/** A flow of the switch, with its counters. */
export type FlowStats = ValueOf<typeof flowStats>

// biome-ignore format: one field a line
/** `struct ofp_group_stats`. */
const groupStats = sized(struct({
  _1:           pad(2),
  groupId:      u32,
  refCount:     u32,
  _2:           pad(4),
  packetCount:  u64,
  byteCount:    u64,
  durationSec:  u32,
  durationNsec: u32,
  buckets:      list(struct({ packetCount: u64, byteCount: u64 })),
}))

/** The counters of a group. */
export type GroupStats = ValueOf<typeof groupStats>

/** `struct ofp_group_desc`. */
const groupDesc: Codec<Group> = sized(struct({ type: groupType, _: pad(1), groupId: u32, buckets }))

// biome-ignore format: one field a line
/** `struct ofp_desc`. */
const description = struct({
  manufacturer: text(256),
  hardware:     text(256),
  software:     text(256),
  serialNumber: text(32),
  datapath:     text(256),
})

// biome-ignore format: one kind a line, in columns
/** The multipart messages: number, body of the request, and one part of the reply. */
export const multipartTable = {
  desc:       { type: 0,  request: nothing,                                              part: description },
  flow:       { type: 1,  request: flowRequest,                                          part: flowStats },
  aggregate:  { type: 2,  request: flowRequest,                                          part: aggregate },
  table:      { type: 3,  request: nothing,                                              part: tableStats },
  portStats:  { type: 4,  request: portRequest,                                          part: portStats },
  queueStats: { type: 5,  request: queueRequest,                                         part: queueStats },
  groupStats: { type: 6,  request: struct({ groupId: optional(u32, groupIds.all), _: pad(4) }), part: groupStats },
  groupDesc:  { type: 7,  request: nothing,                                              part: groupDesc },
  groupFeatures: { type: 8, request: nothing,                                            part: groupFeatures },
  meterStats: { type: 9,  request: meterRequest,                                         part: meterStats },
  meterConfig: { type: 10, request: meterRequest,                                        part: meterConfig },
  meterFeatures: { type: 11, request: nothing,                                           part: meterFeatures },
  tableFeatures: { type: 12, request: struct({ tables: optional(list(tableFeatures), []) }), part: tableFeatures },
  portDesc:   { type: 13, request: nothing,                                              part: port },
  flowMonitor: { type: 0xffff, vendor: 0x4f4e4600, subtype: 1870, request: monitorRequest, part: flowUpdate },
} as const
type Table = typeof multipartTable

/** A multipart body that is not in the table. */
interface UnknownBody {
  readonly kind: 'unknown'
  readonly type: number
  readonly bytes: Buffer
}

/** What is asked for. */
export type MultipartRequest =
  | { [K in keyof Table]: { readonly kind: K } & ValueOf<Table[K]['request']> }[keyof Table]
  | UnknownBody

/** One part of the answer to a request of that kind. */
export type PartOf<K extends keyof Table> = ValueOf<Table[K]['part']>

/** One part of an answer. */
export type Part = PartOf<keyof Table>

/** The answer, or a piece of it. */
export type MultipartReply =
  | { [K in keyof Table]: { readonly kind: K; readonly parts: readonly PartOf<K>[] } }[keyof Table]
  | UnknownBody

interface Row {
  readonly type: number
  /** Whose body it is, and its number there. */
  readonly vendor?: number
  readonly subtype?: number
  readonly request: Codec<unknown>
  readonly part: Codec<unknown>
}
const rows = new Map(Object.entries(multipartTable) as [string, Row][])
const experimenterType = 0xffff
const keyOf = (type: number, vendor = 0, subtype = 0): string => `${type}:${vendor}:${subtype}`
const kinds = new Map([...rows].map(([kind, row]) => [keyOf(row.type, row.vendor, row.subtype), kind]))

/** The key of an experimenter's body; of one without a number, a key that no body has. */
const foreignKey = ({ size, buffer, offset }: Reader): string =>
  size < 8 ? '' : keyOf(experimenterType, buffer.readUInt32BE(offset), buffer.readUInt32BE(offset + 4))

function multipart<T extends { readonly kind: string }>(
  codecOf: (row: Row) => Codec<object>,
): Codec<{ readonly flags?: number; readonly body: T }> {
  const bodies = new Map([...rows].map(([kind, row]) => [kind, { row, codec: codecOf(row) }]))
  return {
    read(r) {
      const type = r.u16()
      const flags = r.u16()
      r.skip(4)
      const kind = kinds.get(type === experimenterType ? foreignKey(r) : keyOf(type))
      if (kind === undefined)
        return { flags, body: { kind: 'unknown', type, bytes: rest.read(r) } as unknown as T }
      if (type === experimenterType) r.skip(8)
      try {
        return { flags, body: { ...bodies.get(kind)!.codec.read(r), kind } as unknown as T }
      } catch (error) {
        throw within(kind, error)
      }
    },
    write(w, { flags = 0, body }) {
      const known = bodies.get(body.kind)
      const unknown = body as unknown as UnknownBody
      if (known === undefined && body.kind !== 'unknown')
        throw new CodecError(`there is no multipart ${body.kind}`)
      u16.write(w, known?.row.type ?? unknown.type)
      u16.write(w, flags)
      w.zeros(4)
      if (known?.row.vendor !== undefined) {
        w.u32(known.row.vendor)
        w.u32(known.row.subtype ?? 0)
      }
      try {
        if (known === undefined) w.bytes(unknown.bytes)
        else known.codec.write(w, body)
      } catch (error) {
        throw within(body.kind, error)
      }
    },
  }
}

/** The flag of a reply that is not the last of its answer. */
export const moreFlag = 1

/** A multipart request. */
export const request = multipart<MultipartRequest>((row) => row.request as Codec<object>)

/** A multipart reply. */
export const reply = multipart<MultipartReply>((row) => struct({ parts: list(row.part) }))
