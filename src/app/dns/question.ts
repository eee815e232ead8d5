/**
 * A bounded reader of one DNS query (RFC 1035 §4.1, RFC 6891), in place and without exceptions. It accepts exactly the
 * queries this application wholly understands; everything else is a word that says why the packet goes on untouched.
 * It knows no names and decides nothing.
 */

import { wordAt } from '../../wire/word.ts'
import type { Writable } from '../../wire/writable.ts'
import { edns, flags, headerSize, types } from './codes.ts'
import { keyIn } from './domain-name.ts'

/** A query that was wholly understood; offsets count from the start of the buffer it was read from. */
export interface Query {
  readonly id: number
  /** The header's second word. */
  readonly flags: number
  /** The size of the name asked for in bytes, the root included; 0 if there is no question. It follows the header. */
  readonly nameSize: number
  /** -1 if there is no question, and so is the class. */
  readonly type: number
  readonly class: number
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
  /** Neither one question nor, with a cookie, none; or answers. */
  | 'counts'
  /** A name with a pointer, an unknown label type, no end, or more than 255 bytes. */
  | 'name'
  /** An additional record that is no OPT (TSIG and SIG(0) among them), more than one, or a broken OPT. */
  | 'additional'

/** Where the name of a query begins in its bytes. */
export const nameStart = ({ start }: Query): number => start + headerSize

/** Where it ends. */
export const nameEnd = (query: Query): number => nameStart(query) + query.nameSize

/** The key (`domain-name.ts`) of the name asked for, of a query that was read from these bytes; empty if there is none. */
export const askedKey = (query: Query, bytes: Buffer): string =>
  keyIn(bytes, nameStart(query), nameEnd(query))

const nameSizeLimit = 255
const labelSizeLimit = 63

/** One to write to. */
export const emptyQuery = (): Writable<Query> => ({
  ...{ id: 0, flags: 0, nameSize: 0, type: -1, class: -1, start: 0, questionEnd: 0, edns: undefined },
})

/**
 * Reads the query in `bytes` from `start` to `end` and writes it to `into`. Allocates what its OPT record says, nothing that
 * the packet can size.
 */
export function readQuery(bytes: Buffer, start: number, end: number, into = emptyQuery()): Query | Unread {
  if (end - start < headerSize) return 'message'
  const word = wordAt(bytes, start + 2)
  if ((word & flags.qr) !== 0) return 'response'
  if ((word & flags.opcode) !== 0) return 'opcode'
  const questionCount = wordAt(bytes, start + 4)
  if (questionCount > 1 || wordAt(bytes, start + 6) !== 0 || wordAt(bytes, start + 8) !== 0) return 'counts'
  const nameOffset = start + headerSize
  const nameEnd = questionCount === 0 ? nameOffset : endOfName(bytes, nameOffset, end)
  if (nameEnd === 0) return 'name'
  const questionEnd = nameEnd + 4 * questionCount // type and class
  if (questionEnd > end) return 'message'
  const additionalCount = wordAt(bytes, start + 10)
  let options: Edns | undefined
  if (additionalCount > 0) {
    const opt = additionalCount === 1 ? readOpt(bytes, questionEnd, end) : 'additional'
    if (typeof opt === 'string') return opt
    options = opt
  } else if (questionEnd !== end) return 'message'
  if (questionCount === 0 && !options?.cookieOffset) return 'counts'
  into.id = wordAt(bytes, start)
  into.flags = word
  into.nameSize = nameEnd - nameOffset
  into.type = questionCount === 0 ? -1 : wordAt(bytes, nameEnd)
  into.class = questionCount === 0 ? -1 : wordAt(bytes, nameEnd + 2)
  into.start = start
  into.questionEnd = questionEnd
  into.edns = options
  return into
}

/** The offset behind a name of plain labels, 0 if it is anything else. */
function endOfName(bytes: Buffer, offset: number, end: number): number {
  const limit = Math.min(end, offset + nameSizeLimit)
  let at = offset
  while (at < limit) {
    const size = bytes[at]!
    if (size === 0) return at + 1
    if (size > labelSizeLimit || at + size >= limit) return 0
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
