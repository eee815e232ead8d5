/**
 * Records as bytes, prepared when the view changes. The only file that writes with dns-packet, and hides its habits: it writes
 * whole messages without compression, so a record is cut out of one and its owner becomes a pointer to the question.
 * Records of which there are hundreds of thousands are written without it, for it takes 2 us for each. It knows neither
 * ports nor queries.
 */

import { type Answer, encode } from 'dns-packet'
import { setWord, wordAt } from '../../wire/word.ts'
import type { Writable } from '../../wire/writable.ts'
import { headerSize, internet, types } from './codes.ts'

/**
 * Records of one owner and type, ready to be copied behind a question that names the owner: a window on bytes that hold
 * others, too, one record right behind the other.
 */
export interface RecordSet {
  readonly bytes: Buffer
  /** Where the first record begins. */
  readonly start: number
  /** How many records there are. */
  readonly count: number
  /** How many of them, from the first one on, come before the others in every reply. */
  readonly preferred: number
}

/** One to write to. */
export const emptySet = (): Writable<RecordSet> => ({ bytes: noBytes, start: 0, count: 0, preferred: 0 })
const noBytes = Buffer.alloc(0)

/** What a record says of a name that it does not know. */
export interface RecordData {
  readonly type: number
  readonly ttlSeconds: number
  /** An address, or the wire form of a name. */
  readonly data: Buffer
}

/** The compression pointer (RFC 1035 §4.1.4) to the name of the question. */
const toQuestion = 0xc000 | headerSize

/** Where the data and their size stand in a record whose owner is a pointer. */
const dataOffset = 12
const dataSizeOffset = 10

/** The size in bytes of an A and of an AAAA record; other records have sizes of their own. */
export const addressSizes: readonly number[] = [dataOffset + 4, dataOffset + 16]

/** Where the pointers stand in the record of `soaRecord`. */
export const soaPointers = { owner: 0, primary: dataOffset } as const

/** The size of a record with so much data; bytes. */
export const recordSize = ({ length }: Buffer): number => dataOffset + length

/** Writes a record of the name in the question. */
export function writeRecord(into: Buffer, at: number, { type, ttlSeconds, data }: RecordData): void {
  setWord(into, at, toQuestion)
  setWord(into, at + 2, type)
  setWord(into, at + 4, internet)
  into.writeUInt32BE(ttlSeconds, at + 6)
  setWord(into, at + dataSizeOffset, data.length)
  into.set(data, at + dataOffset)
}

/** Where the record ends that begins at `at`. */
export const recordEnd = (bytes: Buffer, at: number): number =>
  at + dataOffset + wordAt(bytes, at + dataSizeOffset)

/** Where the record begins that is `index` records behind the one at `at`; all are of one type. */
export function recordAfter(bytes: Buffer, at: number, index: number): number {
  if (wordAt(bytes, at + 2) !== types.ptr) return at + index * (recordEnd(bytes, at) - at)
  let found = at
  for (let i = 0; i < index; i++) found = recordEnd(bytes, found)
  return found
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
export const setOf = (record: Buffer): RecordSet => ({ bytes: record, start: 0, count: 1, preferred: 1 })

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
