/**
 * Writes the message that answers a query (RFC 1035 §4.1, RFC 6891, RFC 7873): the question is the query's, bytes and
 * case; records are copied as they were prepared. It decides nothing.
 */

import { copyBytes } from '../../packet/index.ts'
import type { Reply } from './answer.ts'
import { edns, flags, headerSize, type Rcode, rcodes, types } from './codes.ts'
import { type RecordSet, soaPointers } from './message.ts'
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
 * Writes the reply to `query`, read from `bytes`, at the start of `into` (at least `replySizeLimit` bytes); gives its
 * size. Several records begin with another one from query to query; those that do not fit are left out without TC,
 * because a retry over TCP would go past us (docs/architecture.md).
 */
export function writeReply(
  into: Buffer,
  bytes: Buffer,
  query: Query,
  reply: Reply,
  parts: ReplyParts,
): number {
  const rcode = rcodes[reply.rcode]
  const isAuthoritative = reply.records !== undefined || reply.soaSize > 0
  const copied = query.flags & flags.rd
  into.writeUInt16BE(query.id, 0)
  into.writeUInt16BE(flags.qr | (isAuthoritative ? flags.aa : 0) | copied | flags.ra | (rcode & 15), 2)
  into.writeUInt16BE(query.key === '' ? 0 : 1, 4)
  into.writeUInt16BE(0, 6)
  into.writeUInt16BE(reply.soaSize > 0 ? 1 : 0, 8)
  into.writeUInt16BE(query.edns ? 1 : 0, 10)
  let at = copyBytes(into, headerSize, bytes, query.start + headerSize, query.questionEnd)
  if (reply.records) at = writeRecords(into, at, reply.records, query.id, roomOf(query, reply, parts))
  if (reply.soaSize > 0) at = writeSoa(into, at, query, reply.soaSize, parts.soa)
  return query.edns ? writeOpt(into, at, bytes, query, reply, parts) : at
}

/** Where the answer section must end. */
function roomOf(query: Query, reply: Reply, parts: ReplyParts): number {
  if (!query.edns) return edns.plainSize
  const limit = Math.min(Math.max(query.edns.udpSize, edns.plainSize), edns.udpSize)
  return limit - edns.optSize - optionsSizeOf(query, reply, parts)
}

/**
 * Copies records, as many as end before `limit`, and counts them in the header. Those that come first begin with another
 * one from turn to turn, and so do the others behind them.
 */
function writeRecords(into: Buffer, offset: number, set: RecordSet, turn: number, limit: number): number {
  const { bytes, ends, preferred } = set
  const others = ends.length - preferred
  let at = offset
  let count = 0
  for (; count < ends.length; count++) {
    const index =
      count < preferred ? (count + turn) % preferred : preferred + ((count - preferred + turn) % others)
    const from = index === 0 ? 0 : ends[index - 1]!
    const to = ends[index]!
    if (at + to - from > limit) break
    at = copyBytes(into, at, bytes, from, to)
  }
  into.writeUInt16BE(count, 6)
  return at
}

/** Copies the SOA record; its names become pointers to the last `soaSize` bytes of the question's name. */
function writeSoa(into: Buffer, at: number, query: Query, soaSize: number, soa: Buffer): number {
  const pointer = 0xc000 | (headerSize + query.key.length - soaSize)
  const end = copyBytes(into, at, soa, 0, soa.length)
  into.writeUInt16BE(pointer, at + soaPointers.owner)
  into.writeUInt16BE(pointer, at + soaPointers.primary)
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
  into.writeUInt16BE(types.opt, offset + 1)
  into.writeUInt16BE(edns.udpSize, offset + 3)
  into.writeUInt16BE((rcode >> 4) << 8, offset + 5) // the upper bits of the rcode; version 0
  into.writeUInt16BE(query.edns?.isDnssecOk ? edns.doBit : 0, offset + 7) // RFC 3225 §3
  into.writeUInt16BE(optionsSizeOf(query, reply, parts), offset + 9)
  let at = offset + edns.optSize
  if (!hasOptions(reply)) return at
  at = writeCookie(into, at, bytes, query, parts)
  if (nsidOptionSize(query, parts) > 0) {
    into.writeUInt16BE(edns.nsidCode, at)
    into.writeUInt16BE(parts.nsid.length, at + 2)
    at = copyBytes(into, at + 4, parts.nsid, 0, parts.nsid.length)
  }
  if (reply.extendedError === undefined) return at
  into.writeUInt16BE(edns.errorCode, at)
  into.writeUInt16BE(2, at + 2)
  into.writeUInt16BE(reply.extendedError, at + 4)
  return at + extendedErrorSize
}

const optionHeaderSize = 4
const extendedErrorSize = optionHeaderSize + 2

function writeCookie(into: Buffer, at: number, bytes: Buffer, query: Query, parts: ReplyParts): number {
  const size = cookieOptionSize(query, parts)
  if (size === 0) return at
  const { cookieOffset, cookieSize } = query.edns!
  const { serverCookie } = parts
  into.writeUInt16BE(edns.cookieCode, at)
  into.writeUInt16BE(size - optionHeaderSize, at + 2)
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
 * Writes the reply to a message that begins with a header at `start` of `bytes` but was not understood: a header alone,
 * with its id, opcode and, of a query, RD. Gives its size.
 */
export function writeError(into: Buffer, bytes: Buffer, start: number, rcode: Rcode): number {
  const word = bytes.readUInt16BE(start + 2)
  const opcode = word & flags.opcode
  into.fill(0, 0, headerSize)
  copyBytes(into, 0, bytes, start, start + 2)
  into.writeUInt16BE(flags.qr | opcode | (opcode === 0 ? word & flags.rd : 0) | rcodes[rcode], 2)
  return headerSize
}
