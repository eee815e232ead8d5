/**
 * A bounded reader of one DNS query (RFC 1035 §4.1, RFC 6891), in place and without exceptions. It accepts exactly the
 * queries this application wholly understands; everything else is a word that says why the packet goes on untouched.
 * It knows no names and decides nothing.
 */

import { edns, flags, headerSize, internet, types } from './codes.ts'

/** A query that was wholly understood; offsets count from the start of the buffer it was read from. */
export interface Query {
  readonly id: number
  /** The header's second word. */
  readonly flags: number
  /** The name asked for: its wire form with the root, lower-cased (RFC 4343), one character a byte. */
  readonly key: string
  readonly type: number
  /** Where the message begins, and where its question ends. */
  readonly start: number
  readonly questionEnd: number
  readonly edns: Edns | undefined
}

/** What the query's OPT record says. */
export interface Edns {
  /** The largest reply that the asker takes; bytes. */
  readonly udpSize: number
  readonly version: number
  readonly isDnssecOk: boolean
  /** The first COOKIE option: where it stands and its size in bytes; without one the size is 0. */
  readonly cookieOffset: number
  readonly cookieSize: number
  readonly isCookieValid: boolean
  /** Whether the server's id is asked for (RFC 5001). */
  readonly wantsNsid: boolean
}

/** Why a message is not a query that we understand. */
export type Unread =
  /** Cut off, or bytes left over. */
  | 'message'
  /** A reply, which nobody may answer. */
  | 'response'
  /** Another opcode than QUERY. */
  | 'opcode'
  /** Not one question and nothing else but additional records. */
  | 'counts'
  /** A name with a pointer, an unknown label type, more than 255 bytes, or bytes no host name has. */
  | 'name'
  /** Another class than IN. */
  | 'class'
  /** An additional record that is no OPT (TSIG and SIG(0) among them), more than one, or a broken OPT. */
  | 'additional'

const nameSizeLimit = 255
const labelSizeLimit = 63

/** Reads the query in `bytes` from `start` to `end`. Allocates the result and its key, nothing the packet can size. */
export function readQuery(bytes: Buffer, start: number, end: number): Query | Unread {
  if (end - start < headerSize) return 'message'
  const word = wordAt(bytes, start + 2)
  if ((word & flags.qr) !== 0) return 'response'
  if ((word & flags.opcode) !== 0) return 'opcode'
  const additionalCount = wordAt(bytes, start + 10)
  if (wordAt(bytes, start + 4) !== 1 || wordAt(bytes, start + 6) !== 0 || wordAt(bytes, start + 8) !== 0)
    return 'counts'
  const nameOffset = start + headerSize
  const nameEnd = endOfName(bytes, nameOffset, end)
  if (nameEnd === 0) return 'name'
  const questionEnd = nameEnd + 4
  if (questionEnd > end) return 'message'
  if (wordAt(bytes, nameEnd + 2) !== internet) return 'class'
  let options: Edns | undefined
  if (additionalCount > 0) {
    const opt = additionalCount === 1 ? readOpt(bytes, questionEnd, end) : 'additional'
    if (typeof opt === 'string') return opt
    options = opt
  } else if (questionEnd !== end) return 'message'
  return {
    id: wordAt(bytes, start),
    flags: word,
    key: bytes.toString('latin1', nameOffset, nameEnd).toLowerCase(), // sizes of labels are below 'A'
    type: wordAt(bytes, nameEnd),
    start,
    questionEnd,
    edns: options,
  }
}

/** The offset behind a name of plain labels, 0 if it is anything else. */
function endOfName(bytes: Buffer, offset: number, end: number): number {
  const limit = Math.min(end, offset + nameSizeLimit)
  let at = offset
  while (at < limit) {
    const size = bytes[at]!
    if (size === 0) return at + 1
    if (size > labelSizeLimit || at + size >= limit) return 0
    for (let i = at + 1; i <= at + size; i++) if (!isNameByte(bytes[i]!)) return 0
    at += size + 1
  }
  return 0
}

/** Reads the OPT record (RFC 6891 §6.1.2) that must fill the rest of the message. */
function readOpt(bytes: Buffer, offset: number, end: number): Edns | Unread {
  if (offset + edns.optSize > end) return 'message'
  if (bytes[offset] !== 0 || wordAt(bytes, offset + 1) !== types.opt) return 'additional'
  const optionsOffset = offset + edns.optSize
  if (optionsOffset + wordAt(bytes, offset + 9) !== end) return 'message'
  let cookieOffset = 0
  let cookieSize = 0
  let wantsNsid = false
  let at = optionsOffset
  while (at < end) {
    if (at + 4 > end) return 'additional'
    const next = at + 4 + wordAt(bytes, at + 2)
    if (next > end) return 'additional'
    const code = wordAt(bytes, at)
    if (code === edns.nsidCode) wantsNsid = true
    // Of several cookies the first one counts (RFC 7873 §5.2).
    if (code === edns.cookieCode && cookieOffset === 0) {
      cookieOffset = at + 4
      cookieSize = next - cookieOffset
    }
    at = next
  }
  return {
    udpSize: wordAt(bytes, offset + 3),
    version: bytes[offset + 6]!,
    isDnssecOk: (wordAt(bytes, offset + 7) & edns.doBit) !== 0,
    cookieOffset,
    cookieSize,
    // A client cookie alone, or with a server cookie of 8 to 32 bytes (RFC 7873 §4).
    isCookieValid: cookieOffset === 0 || cookieSize === 8 || (cookieSize >= 16 && cookieSize <= 40),
    wantsNsid,
  }
}

/** Letters, digits, hyphen and underscore (RFC 952, RFC 1123 §2.1, RFC 8552). */
function isNameByte(byte: number): boolean {
  if (byte >= 0x61 && byte <= 0x7a) return true
  if (byte >= 0x41 && byte <= 0x5a) return true
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f
}

const wordAt = (bytes: Buffer, offset: number): number => (bytes[offset]! << 8) | bytes[offset + 1]!
