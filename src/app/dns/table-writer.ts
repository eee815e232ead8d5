/**
 * From names as they are drafted to the packed table of `name-table.ts`, whole or, where little changed, as a copy with
 * other entries at its end. It knows no port and no rule of names.
 */

import { types } from './codes.ts'
import type { Draft, Drafts, Fact } from './drafts.ts'
import type { KeyReader } from './keys.ts'
import { recordSize, writeRecord } from './message.ts'
import {
  entryFlags,
  entryPlaces,
  goneEntry,
  maskOf,
  NameTable,
  slotOf,
  type TableParts,
} from './name-table.ts'

/** By the kinds of `name-table.ts`. */
const typesOfKinds: readonly number[] = [types.a, types.aaaa, types.ptr]

/** Slots are at most two thirds full when a table is made, and three quarters when it was changed. */
const slotsPerName = 1.5
const fullestSlots = 0.75
/** How many words a changed table may have for each word of the table that was made; and so many more. */
const mostGrown = 1.25
const mostGrownWords = 64

/** The table of these names. */
export function tableOf(drafts: Drafts, reader: KeyReader): NameTable {
  const slotCount = 2 ** Math.ceil(Math.log2(slotsPerName * drafts.size + 1))
  const words = new Int32Array(2 * slotCount + roomFor(drafts))
  const writer = new TableWriter(words, 2 * slotCount, { reader, slotCount, taken: 0, size: 0 })
  for (const [key, draft] of drafts) writer.put(key, draft)
  const { end, taken, size } = writer
  return new NameTable({ reader, words: words.slice(0, end), slotCount, taken, size, madeLength: end })
}

/**
 * The table without what ports that went away had contributed, and with what others contribute, copied. Undefined if it
 * must be made anew: because a name has other contributions besides, or because too much of the table is of no use.
 */
export function changedTable(before: NameTable, gone: Drafts, come: Drafts): NameTable | undefined {
  const { parts } = before
  const { slotCount, madeLength } = parts
  const length = parts.words.length + roomFor(come)
  const isTooLong = length > mostGrown * madeLength + mostGrownWords
  if (isTooLong || parts.taken + come.size > fullestSlots * slotCount) return undefined
  const words = new Int32Array(length)
  words.set(parts.words)
  const writer = new TableWriter(words, parts.words.length, parts)
  for (const [key, draft] of gone) if (!writer.change(key, draft, come.get(key))) return undefined
  for (const [key, draft] of come)
    if (!gone.has(key) && !writer.change(key, undefined, draft)) return undefined
  const { end, taken, size } = writer
  return new NameTable({ ...parts, words: words.subarray(0, end), taken, size })
}

/** How many words the entries of these names take at the most. */
function roomFor(drafts: Drafts): number {
  let room = 0
  for (const [key, { facts }] of drafts) {
    room += entryPlaces.key + wordsFor(key.length) + 2 * typesOfKinds.length
    for (const { data } of facts) room += wordsFor(recordSize(data))
  }
  return room
}

const wordsFor = (size: number): number => (size + 3) >> 2

/** Writes into the words of a table, whose slots and entries up to `end` are there already. */
class TableWriter {
  end: number
  taken: number
  size: number
  readonly #words: Int32Array
  readonly #bytes: Buffer
  readonly #reader: KeyReader
  readonly #slotMask: number

  constructor(
    words: Int32Array,
    end: number,
    { reader, slotCount, taken, size }: Pick<TableParts, 'reader' | 'slotCount' | 'taken' | 'size'>,
  ) {
    this.end = end
    this.taken = taken
    this.size = size
    this.#words = words
    this.#bytes = Buffer.from(words.buffer)
    this.#reader = reader
    this.#slotMask = maskOf(slotCount)
  }

  /** Adds a name that is not there. */
  put(key: string, draft: Draft): void {
    this.#write(this.#slotOf(key), draft)
  }

  /** Puts contributions in the place of others; false if the name has more than those. */
  change(key: string, gone: Draft | undefined, come: Draft | undefined): boolean {
    const words = this.#words
    const slot = this.#slotOf(key)
    const entry = words[slot + 1]!
    const head = words[entry]! // of no entry: the first slot's hash, and nothing depends on it
    const count = entry === 0 ? 0 : words[entry + entryPlaces.count]!
    const isApex = entry !== 0 && (head & entryFlags.isApex) !== 0
    if (count !== (gone?.count ?? 0)) {
      const isBare = head >> 16 === 0 && !gone?.facts.length && !come?.facts.length
      if (entry === 0 || !isBare) return false
      words[entry + entryPlaces.count] = count - (gone?.count ?? 0) + (come?.count ?? 0)
    } else if (come !== undefined) this.#write(slot, { ...come, isApex, isShort: come.isShort && !isApex })
    else if (isApex) this.#write(slot, { apexSize: key.length, isApex, isShort: false, count: 0, facts: [] })
    else this.#forget(slot)
    return true
  }

  #forget(slot: number): void {
    this.#words[slot + 1] = goneEntry
    this.size -= 1
  }

  #slotOf(key: string): number {
    this.#reader.readKey(key)
    return slotOf(this.#words, this.#slotMask, this.#reader)
  }

  /** Writes the entry of the name that was read last, at the end of the table. */
  #write(slot: number, { apexSize, isApex, isShort, count, facts }: Draft): void {
    const words = this.#words
    const { words: key, length, size, hash } = this.#reader
    if (words[slot + 1] === 0) {
      this.taken += 1
      this.size += 1
    }
    words[slot] = hash
    words[slot + 1] = this.end
    const sets = facts.length === 1 ? [facts] : typesOfKinds.map((type) => distinct(facts, type))
    const isSeveral = sets.some((set) => set.length > 1)
    let head = size | (apexSize << 8)
    if (isApex) head |= entryFlags.isApex
    if (isShort) head |= entryFlags.isShort
    if (isSeveral) head |= entryFlags.isSeveral
    words.set(key.subarray(0, length), this.end + entryPlaces.key)
    let at = this.end + entryPlaces.key + length
    for (const set of sets) {
      if (set.length === 0) continue
      head |= entryFlags.firstKind << typesOfKinds.indexOf(set[0]!.type)
      if (isSeveral) {
        words[at++] = set.length
        words[at++] = set.filter(({ isOwn }) => isOwn).length
      }
      let byte = 4 * at
      for (const fact of set) {
        writeRecord(this.#bytes, byte, fact)
        byte += recordSize(fact.data)
      }
      at = wordsFor(byte)
    }
    words[this.end] = head
    words[this.end + entryPlaces.count] = count
    this.end = at
  }
}

/**
 * The records of one type, each once, the preferred ones first; all get the lowest TTL among them (RFC 2181 §5.2).
 */
function distinct(facts: readonly Fact[], type: number): Fact[] {
  const all = facts.filter((fact) => fact.type === type)
  if (all.length < 2) return all
  const ttlSeconds = Math.min(...all.map((fact) => fact.ttlSeconds))
  const byData = new Map<string, Fact>()
  for (const isOwn of [true, false])
    for (const fact of all) {
      const data = Buffer.from(fact.data).toString('latin1')
      if (fact.isOwn === isOwn && !byData.has(data)) byData.set(data, { ...fact, ttlSeconds })
    }
  return [...byData.values()]
}
