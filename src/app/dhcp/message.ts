/**
 * Messages of DHCP for IPv4 (RFC 2131 §2, RFC 2132): a client's bytes to what a decision needs, and a reply to bytes. What
 * a client sends is read without exceptions; whatever is odd is a word that says why. It knows neither ports nor leases.
 */

import { ipv4, mac } from '../../wire/address.ts'
import {
  bytes,
  decodeWith,
  encodeWith,
  pad,
  rest,
  struct,
  u8,
  u16,
  u32,
  type ValueOf,
} from '../../wire/codec.ts'
import { ethernet, magicCookie, operations, options, replyTypes, requestTypes, sizes } from './codes.ts'

/** The fixed part and the options behind it (RFC 2131 figure 1). */
const message = struct({
  op: u8,
  hardwareType: u8,
  hardwareSize: u8,
  _hops: pad(1),
  xid: u32,
  _secs: pad(2),
  flags: u16,
  ciaddr: ipv4,
  yiaddr: ipv4,
  siaddr: ipv4,
  giaddr: ipv4,
  chaddr: mac,
  _chaddr: pad(10),
  sname: bytes(sizes.sname),
  file: bytes(sizes.file),
  cookie: u32,
  options: rest,
})

/** A client's message, as far as it can be read. */
export interface Request
  extends Pick<ValueOf<typeof message>, 'xid' | 'flags' | 'ciaddr' | 'giaddr' | 'chaddr'> {
  readonly type: keyof typeof requestTypes
  readonly requestedAddress: string | undefined
  readonly serverIdentifier: string | undefined
  /** The options that the client would like; none if it does not say. */
  readonly parameters: ReadonlySet<number>
  /** The largest IP packet that the client takes; bytes. */
  readonly maxMessageSize: number
  /** These options go back as they came, if they came (RFC 6842, RFC 3046 §2.2). */
  readonly clientIdentifier: readonly Option[]
  readonly relayAgent: readonly Option[]
}

/** An option and its bytes, of any number. */
export type Option = readonly [code: number, value: Buffer]

/** Why a message is not understood, as a metric label. */
export type Unread =
  /** Shorter than the fixed part. */
  | 'message_size'
  /** No client's message (RFC 951 §3). */
  | 'operation'
  /** Not Ethernet. */
  | 'hardware'
  /** BOOTP without DHCP. */
  | 'bootp'
  /** Options that do not fit in the message, or are of another size than they have. */
  | 'options'
  /** A type that clients do not send. */
  | 'type'

/** A server's message. */
export interface Reply extends Pick<ValueOf<typeof message>, 'ciaddr' | 'yiaddr' | 'siaddr' | 'flags'> {
  readonly type: keyof typeof replyTypes
  /** At most 64 and 128 bytes. */
  readonly sname: Buffer
  readonly file: Buffer
  /** In order of importance: those that do not fit behind the ones before them are left out. */
  readonly options: readonly Option[]
}

const typeOf: ReadonlyMap<number, keyof typeof requestTypes> = new Map(
  Object.entries(requestTypes).map(([word, number]) => [number, word as keyof typeof requestTypes]),
)

/** Where options stand besides their own place, by the bit of option 52 (RFC 2132 §9.3). */
const overloads = [
  ['file', 1],
  ['sname', 2],
] as const

/** Reads the bytes that came to a server; never throws. */
export function readRequest(payload: Uint8Array): Request | Unread {
  if (payload.length < sizes.header) return 'message_size'
  const fixed = decodeWith(message, payload)
  if (fixed.op !== operations.request) return 'operation'
  if (fixed.hardwareType !== ethernet.type || fixed.hardwareSize !== ethernet.size) return 'hardware'
  if (fixed.cookie !== magicCookie) return 'bootp'
  const found = new Map<number, Buffer>()
  if (!gather(fixed.options, found)) return 'options'
  const overload = found.get(options.overload)?.[0] ?? 0
  for (const [field, bit] of overloads) if (overload & bit && !gather(fixed[field], found)) return 'options'
  return requestOf(fixed, found)
}

function requestOf(
  { xid, flags, ciaddr, giaddr, chaddr }: ValueOf<typeof message>,
  found: ReadonlyMap<number, Buffer>,
): Request | Unread {
  const kind = found.get(options.messageType)
  if (kind === undefined) return 'bootp'
  const type = typeOf.get(kind[0]!)
  if (type === undefined) return 'type'
  for (const [code, size] of fixedSizes) if ((found.get(code)?.length ?? size) !== size) return 'options'
  const addressIn = (code: number) => {
    const value = found.get(code)
    return value && decodeWith(ipv4, value)
  }
  const whole = (code: number): Option[] => {
    const value = found.get(code)
    return value ? [[code, value]] : []
  }
  return {
    ...{ type, xid, flags, ciaddr, giaddr, chaddr },
    requestedAddress: addressIn(options.requestedAddress),
    serverIdentifier: addressIn(options.serverIdentifier),
    parameters: new Set(found.get(options.parameterRequestList)),
    maxMessageSize: Math.max(found.get(options.maxMessageSize)?.readUInt16BE() ?? 0, sizes.packet),
    clientIdentifier: whole(options.clientIdentifier),
    relayAgent: whole(options.relayAgentInformation),
  }
}

/** The sizes of the options that are read. */
const fixedSizes = [
  [options.messageType, 1],
  [options.requestedAddress, 4],
  [options.serverIdentifier, 4],
  [options.maxMessageSize, 2],
] as const

/** Puts the options of an area to those found before; one that comes again goes on (RFC 3396 §5). False if one is cut. */
function gather(area: Buffer, found: Map<number, Buffer>): boolean {
  for (let at = 0; at < area.length && area[at] !== options.end; ) {
    const code = area[at]!
    const start = at + 2
    const end = code === options.pad ? at + 1 : start + (area[at + 1] ?? area.length)
    if (end > area.length) return false
    if (code !== options.pad)
      found.set(code, Buffer.concat([found.get(code) ?? Buffer.alloc(0), area.subarray(start, end)]))
    at = end
  }
  return true
}

/**
 * The bytes of a reply to a client's message, at most `maxSize`; `leftOut` is told of each option that does not fit.
 * Short messages are filled up for old clients.
 */
export function writeReply(
  { xid, giaddr, chaddr }: Request,
  { type, sname, file, options: wanted, ...fields }: Reply,
  maxSize: number,
  leftOut: (code: number) => void,
): Buffer {
  const parts = [optionBytes([options.messageType, Buffer.from([replyTypes[type]])])]
  let size = sizes.header + parts[0]!.length + 1
  for (const option of wanted) {
    const part = optionBytes(option)
    if (size + part.length > maxSize) {
      leftOut(option[0])
      continue
    }
    parts.push(part)
    size += part.length
  }
  const padding = Buffer.alloc(Math.max(sizes.smallest - size, 0), options.pad)
  return encodeWith(message, {
    ...{ op: operations.reply, hardwareType: ethernet.type, hardwareSize: ethernet.size },
    ...{ xid, giaddr, chaddr, ...fields, cookie: magicCookie },
    sname: filled(sname, sizes.sname),
    file: filled(file, sizes.file),
    options: Buffer.concat([...parts, Buffer.from([options.end]), padding]),
  })
}

const filled = (value: Buffer, size: number) => Buffer.concat([value, Buffer.alloc(size)]).subarray(0, size)

/** The most bytes that one occurrence of an option holds; more go on in the next (RFC 3396 §5). */
const pieceSize = 255

function optionBytes([code, value]: Option): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < value.length; at += pieceSize) {
    const piece = value.subarray(at, at + pieceSize)
    pieces.push(Buffer.from([code, piece.length]), piece)
  }
  return Buffer.concat(pieces)
}
