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
import { buckets, type Group, groupIds, groupType } from './group.ts'
import { instruction } from './instructions.ts'
import { type Match, match } from './match.ts'
import { port } from './port.ts'

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

/** A part of a reply that begins with its own length. */
const sized = <T>(codec: Codec<T>): Codec<T> => ({
  read(r) {
    const part = r.part(r.u16() - 2)
    const value = codec.read(part)
    part.finish()
    return value
  },
  write(w, value) {
    const start = w.size
    w.u16(0)
    codec.write(w, value)
    w.setU16(start, w.size - start)
  },
})

// biome-ignore format: one field a line
/** `struct ofp_flow_stats`. */
const flowStats = sized(struct({
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
  groupStats: { type: 6,  request: struct({ groupId: optional(u32, groupIds.all), _: pad(4) }), part: groupStats },
  groupDesc:  { type: 7,  request: nothing,                                              part: groupDesc },
  portDesc:   { type: 13, request: nothing,                                              part: port },
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
  readonly request: Codec<unknown>
  readonly part: Codec<unknown>
}
const rows = new Map(Object.entries(multipartTable) as [string, Row][])

function multipart<T extends { readonly kind: string }>(
  codecOf: (row: Row) => Codec<object>,
): Codec<{ readonly flags?: number; readonly body: T }> {
  const bodies = new Map([...rows].map(([kind, row]) => [kind, { type: row.type, codec: codecOf(row) }]))
  const kinds = new Map([...rows].map(([kind, row]) => [row.type, kind]))
  return {
    read(r) {
      const type = r.u16()
      const flags = r.u16()
      r.skip(4)
      const kind = kinds.get(type)
      if (kind === undefined)
        return { flags, body: { kind: 'unknown', type, bytes: rest.read(r) } as unknown as T }
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
      u16.write(w, known?.type ?? unknown.type)
      u16.write(w, flags)
      w.zeros(4)
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
