/**
 * Writes the message that answers a query (RFC 1035 §4.1, RFC 6891, RFC 7873): the question is the query's, bytes and
 * case; records are copied as they were prepared. It decides nothing.
 */

import { copyBytes } from '../../packet/index.ts'
import { setWord, wordAt } from '../../wire/word.ts'
import type { Reply } from './answer.ts'
import { edns, flags, headerSize, type Rcode, rcodes, types } from './codes.ts'
import { type RecordSet, recordAfter, recordEnd, soaPointers } from './message.ts'
import type { Query } from './question.ts'

/** What is the same in every reply of one application. */
export interface ReplyParts {
  /** The SOA record of `message.ts`. */
  readonly soa: Buffer
  /**
   * The server cookie for askers that have none yet; 8 to 32 bytes. Nobody verifies it: an asker that learnt the cookie
   * of the server behind us gets that one back, so that ours is never mistaken for a forger's (RFC 7873 §5.3).
   */
  readonly serverCookie: Buffer
  /** What tells this server from others (RFC 5001), for askers who want to know; none if it is empty. */
  readonly nsid: Buffer
}

/** The largest reply; bytes. */
export const replySizeLimit = edns.udpSize

/**
 * Writes the reply to `query`, read from `bytes`, into `into` from `start` on (at least `replySizeLimit` bytes); gives
 * its size. Several records begin with another one from query to query; those that do not fit are left out without TC,
 * because a retry over TCP would go past us (docs/architecture.md).
 */
export function writeReply(
  into: Buffer,
  start: number,
  bytes: Buffer,
  query: Query,
  reply: Reply,
  parts: ReplyParts,
): number {
  const rcode = rcodes[reply.rcode]
  const isAuthoritative = reply.records !== undefined || reply.soaSize > 0
  const copied = query.flags & flags.rd
  setWord(into, start, query.id)
  setWord(into, start + 2, flags.qr | (isAuthoritative ? flags.aa : 0) | copied | flags.ra | (rcode & 15))
  setWord(into, start + 4, query.nameSize === 0 ? 0 : 1)
  setWord(into, start + 6, 0)
  setWord(into, start + 8, reply.soaSize > 0 ? 1 : 0)
  setWord(into, start + 10, query.edns ? 1 : 0)
  let at = copyBytes(into, start + headerSize, bytes, query.start + headerSize, query.questionEnd)
  if (reply.records) {
    const limit = start + roomOf(query, reply, parts)
    at = writeRecords(into, at, reply.records, query.id, limit, start + 6)
  }
  if (reply.soaSize > 0) at = writeSoa(into, at, query, reply.soaSize, parts.soa)
  return (query.edns ? writeOpt(into, at, bytes, query, reply, parts) : at) - start
}

/** How far from the start of the message the answer section may reach. */
function roomOf(query: Query, reply: Reply, parts: ReplyParts): number {
  if (!query.edns) return edns.plainSize
  const limit = Math.min(Math.max(query.edns.udpSize, edns.plainSize), edns.udpSize)
  return limit - edns.optSize - optionsSizeOf(query, reply, parts)
}

/**
 * Copies records, as many as end before `limit`, and writes their count to `countAt`. Those that come first begin with
 * another one from turn to turn, and so do the others behind them.
 */
function writeRecords(
  into: Buffer,
  offset: number,
  set: RecordSet,
  turn: number,
  limit: number,
  countAt: number,
): number {
  const { bytes, start, count, preferred } = set
  const others = count - preferred
  let at = offset
  let sent = 0
  let next = 0
  let from = start
  for (; sent < count; sent++) {
    const index =
      sent < preferred ? (sent + turn) % preferred : preferred + ((sent - preferred + turn) % others)
    if (index !== next) from = recordAfter(bytes, start, index)
    const end = recordEnd(bytes, from)
    if (at + end - from > limit) break
    at = copyBytes(into, at, bytes, from, end)
    from = end
    next = index + 1
  }
  setWord(into, countAt, sent)
  return at
}

/** Copies the SOA record; its names become pointers to the last `soaSize` bytes of the question's name. */
function writeSoa(into: Buffer, at: number, query: Query, soaSize: number, soa: Buffer): number {
  const pointer = 0xc000 | (headerSize + query.nameSize - soaSize)
  const end = copyBytes(into, at, soa, 0, soa.length)
  setWord(into, at + soaPointers.owner, pointer)
  setWord(into, at + soaPointers.primary, pointer)
  return end
}

function writeOpt(
  into: Buffer,
  offset: number,
  bytes: Buffer,
  query: Query,
  reply: Reply,
  parts: ReplyParts,
): number {
  const rcode = rcodes[reply.rcode]
  into[offset] = 0
  setWord(into, offset + 1, types.opt)
  setWord(into, offset + 3, edns.udpSize)
  setWord(into, offset + 5, (rcode >> 4) << 8) // the upper bits of the rcode; version 0
  setWord(into, offset + 7, query.edns?.isDnssecOk ? edns.doBit : 0) // RFC 3225 §3
  setWord(into, offset + 9, optionsSizeOf(query, reply, parts))
  let at = offset + edns.optSize
  if (!hasOptions(reply)) return at
  at = writeCookie(into, at, bytes, query, parts)
  if (nsidOptionSize(query, parts) > 0) {
    setWord(into, at, edns.nsidCode)
    setWord(into, at + 2, parts.nsid.length)
    at = copyBytes(into, at + 4, parts.nsid, 0, parts.nsid.length)
  }
  if (reply.extendedError === undefined) return at
  setWord(into, at, edns.errorCode)
  setWord(into, at + 2, 2)
  setWord(into, at + 4, reply.extendedError)
  return at + extendedErrorSize
}

const optionHeaderSize = 4
const extendedErrorSize = optionHeaderSize + 2

function writeCookie(into: Buffer, at: number, bytes: Buffer, query: Query, parts: ReplyParts): number {
  const size = cookieOptionSize(query, parts)
  if (size === 0) return at
  const { cookieOffset, cookieSize } = query.edns!
  const { serverCookie } = parts
  setWord(into, at, edns.cookieCode)
  setWord(into, at + 2, size - optionHeaderSize)
  const end = copyBytes(into, at + optionHeaderSize, bytes, cookieOffset, cookieOffset + cookieSize)
  return cookieSize === edns.clientCookieSize
    ? copyBytes(into, end, serverCookie, 0, serverCookie.length)
    : end
}

/** A query that was not understood to its end gets an OPT record without options. */
const hasOptions = ({ rcode }: Reply): boolean => rcode !== 'FORMERR' && rcode !== 'BADVERS'

function optionsSizeOf(query: Query, reply: Reply, parts: ReplyParts): number {
  if (!hasOptions(reply)) return 0
  const error = reply.extendedError === undefined ? 0 : extendedErrorSize
  return cookieOptionSize(query, parts) + nsidOptionSize(query, parts) + error
}

function nsidOptionSize({ edns: asked }: Query, { nsid }: ReplyParts): number {
  return asked?.wantsNsid && nsid.length > 0 ? optionHeaderSize + nsid.length : 0
}

/** The client's cookie with a server cookie behind it: its own if it has one. */
function cookieOptionSize({ edns: asked }: Query, { serverCookie }: ReplyParts): number {
  if (!asked || asked.cookieSize === 0) return 0
  return (
    optionHeaderSize +
    asked.cookieSize +
    (asked.cookieSize === edns.clientCookieSize ? serverCookie.length : 0)
  )
}

/**
 * Writes, from `at` on, the reply to a message that begins with a header at `start` of `bytes` but was not understood: a
 * header alone, with its id, opcode and, of a query, RD. Gives its size.
 */
export function writeError(into: Buffer, at: number, bytes: Buffer, start: number, rcode: Rcode): number {
  const word = wordAt(bytes, start + 2)
  const opcode = word & flags.opcode
  setWord(into, at, wordAt(bytes, start))
  setWord(into, at + 2, flags.qr | opcode | (opcode === 0 ? word & flags.rd : 0) | rcodes[rcode])
  into.fill(0, at + 4, at + headerSize)
  return headerSize
}
