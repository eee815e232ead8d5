/**
 * The messages of OpenFlow 1.3 (§7.3 to §7.5) and of the Nicira extensions as one table: type number and body, in the
 * order and with the names of the specification. It knows no socket.
 */

import {
  type Codec,
  CodecError,
  choice,
  mapped,
  optional,
  pad,
  Reader,
  rest,
  struct,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
  type Writer,
  within,
  withWriter,
} from '../wire/codec.ts'
import { type BundleAdd, bundleAdd, bundleControl } from './bundle.ts'
import { flowMod, flowRemoved } from './flow-messages.ts'
import { buckets, groupType } from './group.ts'
import { meterMod } from './meter.ts'
import { reply, request } from './multipart.ts'
import { controllerId, tlvTableMod, tlvTableReply, zoneId } from './nicira-messages.ts'
import { packetIn, packetIn2, packetOut } from './packet-messages.ts'
import { port } from './port.ts'
import { portMod, queueConfigReply, queueConfigRequest, tableMod } from './switch-config.ts'

const version13 = 4
const experimenterType = 4
const nicira = 0x2320
const onf = 0x4f4e4600

const u32pair = mapped(
  struct({ primary: u32, secondary: u32 }),
  ({ primary, secondary }): readonly [number, number] => [primary, secondary],
  ([primary, secondary]) => ({ primary, secondary }),
)

const groupMod = struct({
  command: choice(u16, { add: 0, modify: 1, delete: 2 }),
  type: groupType,
  _: pad(1),
  groupId: u32,
  buckets,
})

/** The versions of the bitmap, if there is one (§7.5.1). */
interface Hello {
  /** Of the header: the highest the sender speaks. */
  readonly version?: number
  readonly versions?: readonly number[]
}

const hello: Codec<Hello> = {
  read(r) {
    const value: { versions?: number[] } = {}
    while (r.size > 0) {
      const type = r.u16()
      const length = r.u16()
      const body = r.part(length - 4)
      if (type === 1 && body.size >= 4) {
        const bitmap = body.u32()
        value.versions = [...Array(32).keys()].filter((version) => (bitmap >>> version) & 1)
      }
      r.skip(Math.min(-length & 7, r.size))
    }
    return value
  },
  write(w, { versions }) {
    if (versions === undefined) return
    w.u16(1)
    w.u16(8)
    w.u32(versions.reduce((bitmap, version) => bitmap | (1 << version), 0) >>> 0)
  },
}

interface ErrorBody {
  readonly type: number
  /** For type 0xffff the experimenter's own number. */
  readonly code: number
  readonly experimenter?: number
  /** The beginning of the message that failed (at least 64 bytes of it), or text for hello-failed. */
  readonly data: Buffer
}

const errorBody: Codec<ErrorBody> = {
  read(r) {
    const type = r.u16()
    const code = r.u16()
    return type === 0xffff
      ? { type, code, experimenter: r.u32(), data: rest.read(r) }
      : { type, code, data: rest.read(r) }
  },
  write(w, { type, code, experimenter, data }) {
    u16.write(w, type)
    u16.write(w, code)
    if (type === 0xffff) u32.write(w, experimenter ?? 0)
    w.bytes(data)
  },
}

const nothing = struct({})
const echo = struct({ data: rest })
const config = struct({ flags: u16, missSendLen: u16 })
const async = struct({ packetInMask: u32pair, portStatusMask: u32pair, flowRemovedMask: u32pair })
const role = struct({ role: u32, _: pad(4), generationId: u64 })
const roleStatus = struct({
  role: u32,
  reason: u8,
  _: pad(3),
  generationId: u64,
  properties: optional(rest, Buffer.alloc(0)),
})

// biome-ignore format: one message a line, in columns
/** The messages that hold no others; those of type 4 are Nicira's or the ONF's, known by `subtype`. */
const flat = {
  hello:             { type: 0,  body: hello },
  error:             { type: 1,  body: errorBody },
  echoRequest:       { type: 2,  body: echo },
  echoReply:         { type: 3,  body: echo },
  featuresRequest:   { type: 5,  body: nothing },
  featuresReply:     { type: 6,  body: struct({ datapathId: u64, bufferCount: u32, tableCount: u8, auxiliaryId: u8, _: pad(2), capabilities: u32, reserved: u32 }) },
  getConfigRequest:  { type: 7,  body: nothing },
  getConfigReply:    { type: 8,  body: config },
  setConfig:         { type: 9,  body: config },
  packetIn:          { type: 10, body: packetIn },
  flowRemoved:       { type: 11, body: flowRemoved },
  portStatus:        { type: 12, body: struct({ reason: choice(u8, { add: 0, delete: 1, modify: 2 }), _: pad(7), port }) },
  packetOut:         { type: 13, body: packetOut },
  flowMod:           { type: 14, body: flowMod },
  groupMod:          { type: 15, body: groupMod },
  portMod:           { type: 16, body: portMod },
  tableMod:          { type: 17, body: tableMod },
  multipartRequest:  { type: 18, body: request },
  multipartReply:    { type: 19, body: reply },
  barrierRequest:    { type: 20, body: nothing },
  barrierReply:      { type: 21, body: nothing },
  queueGetConfigRequest: { type: 22, body: queueConfigRequest },
  queueGetConfigReply:   { type: 23, body: queueConfigReply },
  roleRequest:       { type: 24, body: role },
  roleReply:         { type: 25, body: role },
  getAsyncRequest:   { type: 26, body: nothing },
  getAsyncReply:     { type: 27, body: async },
  setAsync:          { type: 28, body: async },
  meterMod:          { type: 29, body: meterMod },
  setPacketInFormat: { type: 4,  subtype: 16, body: struct({ format: choice(u32, { standard: 0, nxtPacketIn: 1, nxtPacketIn2: 2 }) }) },
  setControllerId:   { type: 4,  subtype: 20, body: controllerId },
  tlvTableMod:       { type: 4,  subtype: 24, body: tlvTableMod },
  tlvTableRequest:   { type: 4,  subtype: 25, body: nothing },
  tlvTableReply:     { type: 4,  subtype: 26, body: tlvTableReply },
  resume:            { type: 4,  subtype: 28, body: packetIn2 },
  ctFlushZone:       { type: 4,  subtype: 29, body: zoneId },
  packetIn2:         { type: 4,  subtype: 30, body: packetIn2 },
  flowMonitorCancel: { type: 4,  vendor: onf, subtype: 1870, body: struct({ id: u32 }) },
  flowMonitorPaused: { type: 4,  vendor: onf, subtype: 1871, body: nothing },
  flowMonitorResumed:{ type: 4,  vendor: onf, subtype: 1872, body: nothing },
  roleStatus:        { type: 4,  vendor: onf, subtype: 1911, body: roleStatus },
  bundleControl:     { type: 4,  vendor: onf, subtype: 2300, body: bundleControl },
} as const
type Flat = typeof flat

/** Any message, read from all of its bytes; defined below its table. */
const anyMessage: Codec<Message> = {
  read: (r) => decode(rest.read(r)),
  write: (w, value) => w.bytes(encode(value)),
}

/** The messages, by the names that they have here. */
export const messageTable = {
  ...flat,
  bundleAdd: { type: 4, vendor: onf, subtype: 2301, body: bundleAdd(anyMessage) },
} as const

/** A message that is not in the table. */
export interface UnknownMessage {
  readonly kind: 'unknown'
  readonly xid: number
  readonly type: number
  readonly body: Buffer
}

/** A message of that kind. */
export type MessageOf<K extends Exclude<Message['kind'], 'unknown'>> = Extract<Message, { kind: K }>

interface Numbered<K> {
  readonly kind: K
  readonly xid: number
}

/** Any message. */
export type Message =
  | { [K in keyof Flat]: Numbered<K> & ValueOf<Flat[K]['body']> }[keyof Flat]
  | (Numbered<'bundleAdd'> & BundleAdd<Message>)
  | UnknownMessage

/** What the switch says of itself. */
export type Features = MessageOf<'featuresReply'>

interface Row {
  readonly type: number
  /** Whose message it is, if not Nicira's. */
  readonly vendor?: number
  readonly subtype?: number
  readonly body: Codec<unknown>
}
const rows = new Map(Object.entries(messageTable) as [string, Row][])
const keyOf = (type: number, vendor: number, subtype: number): string => `${type}:${vendor}:${subtype}`
const byNumber = new Map(
  [...rows].map(([kind, row]) => {
    const isForeign = row.subtype !== undefined
    return [keyOf(row.type, isForeign ? (row.vendor ?? nicira) : 0, row.subtype ?? 0), { kind, row }] as const
  }),
)

/** The bytes of a message. Throws `CodecError`, with the path, for what has none. */
export function encode(message: Message): Buffer {
  return withWriter((w) => {
    try {
      writeMessage(w, message)
    } catch (error) {
      throw within(message.kind, error)
    }
    return w.finish()
  })
}

function writeMessage(w: Writer, message: Message): void {
  const row = message.kind === 'unknown' ? undefined : rows.get(message.kind)
  if (row === undefined && message.kind !== 'unknown') throw new CodecError('there is no such message')
  w.u8(message.kind === 'hello' ? (message.version ?? version13) : version13)
  u8.write(w, message.kind === 'unknown' ? message.type : row!.type)
  w.u16(0)
  u32.write(w, message.xid)
  if (row?.subtype !== undefined) {
    w.u32(row.vendor ?? nicira)
    w.u32(row.subtype)
  }
  if (message.kind === 'unknown') w.bytes(message.body)
  else row!.body.write(w, message)
  w.setU16(2, w.size)
}

/** The message of exactly these bytes; it shares none of them. Throws `CodecError`. */
export function decode(bytes: Uint8Array): Message {
  const r = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const version = r.u8()
  const type = r.u8()
  const length = r.u16()
  const xid = r.u32()
  if (length !== bytes.byteLength)
    throw new CodecError(`the header says ${length} bytes, but there are ${bytes.byteLength}`)
  if (version !== version13 && type > 3) throw new CodecError(`version ${version} is not OpenFlow 1.3`)
  const known = byNumber.get(type === experimenterType ? foreignKey(r) : keyOf(type, 0, 0))
  if (known === undefined) return { kind: 'unknown', xid, type, body: rest.read(r) }
  try {
    if (known.row.subtype !== undefined) r.skip(8)
    const body = known.row.body.read(r) as object
    r.finish()
    return Object.assign(body, { kind: known.kind, xid }, type === 0 && { version }) as Message
  } catch (error) {
    throw within(known.kind, error)
  }
}

/** The key of an experimenter's message; of one without a number, a key that no message has. */
function foreignKey({ size, buffer, offset }: Reader): string {
  return size < 8 ? '' : keyOf(experimenterType, buffer.readUInt32BE(offset), buffer.readUInt32BE(offset + 4))
}
