/** Messages and records in the words of `dig`, for people: read back by dns-packet, not by what wrote them. */

import { type DecodedPacket, decode } from 'dns-packet'
import { headerSize } from './codes.ts'
import type { RecordSet } from './message.ts'

/** A reply in the words of `dig`. */
export interface ReplyText {
  /** `NOERROR`, `NXDOMAIN` … */
  readonly status: string
  readonly flags: readonly string[]
  /** Records as lines of a zone file. */
  readonly answer: readonly string[]
  readonly authority: readonly string[]
}

/** One record without its owner. */
export interface RecordText {
  readonly type: string
  /** Seconds. */
  readonly ttl: number
  readonly data: string
}

const flagNames = ['qr', 'aa', 'tc', 'rd', 'ra', 'ad', 'cd'] as const

/** The text of a whole DNS message that this application wrote; to a query without EDNS, so that the header has all. */
export function replyText(message: Buffer): ReplyText {
  const decoded = decode(message)
  const has = decoded as unknown as Readonly<Record<string, boolean>>
  const lines = (section: DecodedPacket['answers']) =>
    section!.map((one) => {
      const { name, type, ttl, data } = { ...recordOf(one), name: one.name }
      return `${name}. ${ttl} IN ${type} ${data}`
    })
  return {
    status: (decoded as unknown as { rcode: string }).rcode,
    flags: flagNames.filter((name) => name === 'qr' || has[`flag_${name}`]),
    answer: lines(decoded.answers),
    authority: lines(decoded.authorities),
  }
}

/** The records of a prepared set, whoever owns them. */
export function recordTexts({ bytes, start, count }: RecordSet): RecordText[] {
  const header = Buffer.alloc(headerSize + 5) // the root asks, so that the owners' pointer finds a name
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(count, 6)
  return decode(Buffer.concat([header, bytes.subarray(start)])).answers!.map(recordOf)
}

function recordOf(answer: object): RecordText {
  const { type, ttl = 0, data } = answer as { type: string; ttl?: number; data?: unknown }
  return { type, ttl, data: dataText(data) }
}

function dataText(data: unknown): string {
  if (typeof data !== 'object' || data === null) return String(data)
  const { mname, rname, serial, refresh, retry, expire, minimum } = data as Record<string, unknown>
  return `${mname}. ${rname}. ${serial} ${refresh} ${retry} ${expire} ${minimum}`
}
