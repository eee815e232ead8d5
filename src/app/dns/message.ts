/**
 * Records as bytes, prepared when the view changes. The only file that writes with dns-packet, and hides its habits: it writes
 * whole messages without compression, so a record is cut out of one and its owner becomes a pointer to the question.
 * It knows neither ports nor queries.
 */

import { type Answer, encode } from 'dns-packet'
import { headerSize } from './codes.ts'

/**
 * Records of one owner and type, ready to be copied behind a question that names the owner. There may be hundreds of
 * thousands of them, so their bytes are characters of one string: a Buffer takes 130 bytes more, and three places in
 * memory that are read one after the other.
 */
export interface RecordSet {
  /** The bytes of the records, one character each. */
  readonly records: string
  /** Where each record ends in `records`. */
  readonly ends: readonly number[]
  /** How many of them, from the first one on, come before the others in every reply. */
  readonly preferred: number
}

/** The compression pointer (RFC 1035 §4.1.4) to the name of the question. */
const toQuestion = 0xc000 | headerSize

/** Where the TTL and the data stand in a record whose owner is a pointer. */
const ttlOffset = 6
const dataOffset = 12

/** Where the pointers stand in the record of `soaRecord`. */
export const soaPointers = { owner: 0, primary: dataOffset } as const

/** An A or AAAA record of the name in the question; `ip` is valid text, the TTL in seconds. */
export function addressRecord(ip: string, ttl: number): Buffer {
  return record({ type: ip.includes(':') ? 'AAAA' : 'A', name: '.', ttl, data: ip })
}

/** A PTR record of the name in the question; `target` is a valid host name. */
export function pointerRecord(target: string, ttl: number): Buffer {
  return record({ type: 'PTR', name: '.', ttl, data: target })
}

/**
 * The SOA record after RFC 6303 §3: owner and primary server are the zone itself, both as pointers to the question.
 * `soaPointers` says where to put other pointers.
 */
export function soaRecord(ttl: number): Buffer {
  const timers = { serial: 1, refresh: 3600, retry: 1200, expire: 604_800, minimum: ttl }
  const data = { mname: '.', rname: 'nobody.invalid', ...timers }
  return withPointer(record({ type: 'SOA', name: '.', ttl, data }))
}

/** The NS record of a zone that the question names: its server is the zone itself. */
export function nsRecord(ttl: number): Buffer {
  return withPointer(record({ type: 'NS', name: '.', ttl, data: '.' }))
}

/** One record as a set. */
export const setOf = (record: Buffer): RecordSet => ({
  records: record.toString('latin1'),
  ends: addressEnds[record.length] ?? [record.length],
  preferred: 1,
})

/** What nearly all sets have: one A or one AAAA record. */
const addressEnds: Readonly<Record<number, readonly number[]>> = { 16: [16], 28: [28] }

/**
 * Joins records of one type, each once; all get the lowest TTL among them (RFC 2181 §5.2). They are sets of one, and at
 * least one; the `preferred` ones come first in every reply.
 */
export function joined(preferred: readonly RecordSet[], others: readonly RecordSet[] = []): RecordSet {
  const sets = [...preferred, ...others]
  if (sets.length === 1) return sets[0]!
  const dataOf = ({ records }: RecordSet) => records.slice(dataOffset)
  const byData = new Map(sets.map((set) => [dataOf(set), set]))
  const ttl = Math.min(...sets.map(({ records }) => Buffer.from(records, 'latin1').readUInt32BE(ttlOffset)))
  const all = Array.from(byData.values(), ({ records }) => Buffer.from(records, 'latin1'))
  const ends: number[] = []
  let end = 0
  for (const record of all) {
    record.writeUInt32BE(ttl, ttlOffset)
    end += record.length
    ends.push(end)
  }
  const first = new Set(preferred.map(dataOf))
  return { records: Buffer.concat(all).toString('latin1'), ends, preferred: first.size }
}

function record(answer: Answer): Buffer {
  const message = encode({ type: 'response', answers: [answer] })
  const made = Buffer.allocUnsafe(message.length - headerSize + 1) // a root label becomes a pointer
  made.writeUInt16BE(toQuestion, 0)
  message.copy(made, 2, headerSize + 1)
  return made
}

/** The record with the root name at the start of its data replaced by a pointer. */
function withPointer(made: Buffer): Buffer {
  const before = made.subarray(0, dataOffset)
  const pointing = Buffer.concat([before, Buffer.alloc(2), made.subarray(dataOffset + 1)])
  pointing.writeUInt16BE(made.readUInt16BE(dataOffset - 2) + 1, dataOffset - 2)
  pointing.writeUInt16BE(toQuestion, dataOffset)
  return pointing
}
