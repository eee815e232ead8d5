/**
 * Makes the packed tables of `name-table.ts`: out of nothing, or out of a table, of which it works on a copy. It takes the
 * contributions of one port after the other, so that nothing but the table grows with the number of names; what several
 * ports contribute to, it cannot tell apart in the table, and asks for as a whole. It knows ports by their keys alone, and
 * no rule of names.
 */

import { types } from './codes.ts'
import { type Draft, emptyDraft, type Fact } from './drafts.ts'
import type { KeyReader } from './keys.ts'
import { recordSize, writeRecord } from './message.ts'
import { entryFlags, entryPlaces, goneEntry, maskOf, NameTable, recordsEnd, slotOf } from './name-table.ts'

/** By the kinds of `name-table.ts`. */
const typesOfKinds: readonly number[] = [types.a, types.aaaa, types.ptr]

/** Slots are between three eighths and three quarters full; twice as many stay if names went. */
const fullestSlots = 0.75
const fewestSlots = 8
/** A part of a table that entries which are no more may take, and some words besides. */
const mostWaste = 0.25
const someWords = 256

/** Nearly every table is made in so many words, which are used again for the next one. */
const workWords = 1 << 14
const idle: Int32Array[] = []

/** At least so many words, all 0. */
function workspace(length: number): Int32Array {
  const words = length <= workWords ? idle.pop() : undefined
  return words?.fill(0) ?? new Int32Array(Math.max(length, workWords))
}

function release(words: Int32Array): void {
  if (words.length === workWords) idle.push(words)
}

const slotCountFor = (names: number): number =>
  Math.max(fewestSlots, 2 ** Math.ceil(Math.log2(names / fullestSlots + 1)))

/** Writes one table. */
export class TableWriter {
  readonly #reader: KeyReader
  #words: Int32Array
  #bytes: Buffer
  #slotCount: number
  /** The end of the last entry. */
  #end: number
  #size: number
  /** How many slots are not free. */
  #taken: number
  /** How many words are those of entries that are no more. */
  #waste: number

  /** Begins with what a table holds. */
  constructor(reader: KeyReader, before?: NameTable) {
    this.#reader = reader
    const { words, slotCount, size, taken, waste } = before?.parts ?? emptyParts
    this.#words = workspace(words.length + someWords)
    this.#words.set(words)
    this.#bytes = Buffer.from(this.#words.buffer)
    this.#end = words.length
    this.#slotCount = slotCount
    this.#size = size
    this.#taken = taken
    this.#waste = waste
  }

  /** Adds contributions; false if the name has others, so that it must be put as a whole. */
  add(key: string, draft: Draft): boolean {
    const entry = this.#entryOf(key)
    const count = this.#countOf(entry)
    const isMore = count > 0
    if (isMore && (draft.facts.length > 0 || !this.#isBare(entry))) return false
    if (isMore) this.#words[entry + entryPlaces.count] = count + draft.count
    else this.put(key, draft)
    return true
  }

  /** Takes contributions away; false if the name has others, so that it must be put as a whole. */
  remove(key: string, { count, facts }: Draft): boolean {
    const entry = this.#entryOf(key)
    const left = this.#countOf(entry) - count
    if (left > 0 && (facts.length > 0 || !this.#isBare(entry))) return false
    if (left > 0) this.#words[entry + entryPlaces.count] = left
    else this.put(key, undefined)
    return true
  }

  /** Writes a name as a whole: all that is contributed to it. A domain with authority stays one. */
  put(key: string, draft: Draft | undefined): void {
    const entry = this.#entryOf(key)
    const isApex = draft?.isApex || (entry > 0 && this.#isApex(entry))
    if (draft !== undefined || isApex) this.#write(entry, draft ?? emptyDraft(key.length, false), isApex)
    else if (entry > 0) {
      this.#words[this.#slot() + 1] = goneEntry
      this.#waste += this.#sizeOf(entry)
      this.#size -= 1
    }
  }

  /** The keys of the ports that contribute to a name; undefined if it only holds other names, which nobody counts. */
  ownersOf(key: string): readonly number[] | undefined {
    const words = this.#words
    const entry = this.#entryOf(key)
    if (this.#isBare(entry)) return undefined
    if ((words[entry]! & entryFlags.isShared) === 0) return [words[entry + entryPlaces.owner]! >>> 0]
    const at = recordsEnd(words, this.#bytes, entry)
    return Array.from(words.subarray(at + 1, at + 1 + words[at]!), (owner) => owner >>> 0)
  }

  /** The table; the writer is not used again. */
  table(): NameTable {
    const slotCount = slotCountFor(this.#size)
    const isWasteful = this.#waste > mostWaste * (this.#end - 2 * this.#slotCount) + someWords
    if (isWasteful || this.#slotCount > 2 * slotCount) this.#rewrite(slotCount)
    const isLong = this.#words.length > (1 + mostWaste) * this.#end
    const isKept = !isLong && this.#words.length !== workWords
    const words = isKept ? this.#words.subarray(0, this.#end) : this.#words.slice(0, this.#end)
    if (!isKept) release(this.#words)
    const [size, taken, waste] = [this.#size, this.#taken, this.#waste]
    return new NameTable({ words, size, slotCount: this.#slotCount, taken, waste })
  }

  /** The entry of a name, at most 0 if there is none; the reader holds the name from then on. */
  #entryOf(key: string): number {
    this.#reader.readKey(key)
    return this.#words[this.#slot() + 1]!
  }

  #slot(): number {
    return slotOf(this.#words, maskOf(this.#slotCount), this.#reader)
  }

  #countOf(entry: number): number {
    return entry > 0 ? this.#words[entry + entryPlaces.count]! : 0
  }

  #isApex(entry: number): boolean {
    return (this.#words[entry]! & entryFlags.isApex) !== 0
  }

  /** Whether a name only holds other names. */
  #isBare(entry: number): boolean {
    return this.#words[entry]! >> 16 === 0
  }

  #sizeOf(entry: number): number {
    const end = recordsEnd(this.#words, this.#bytes, entry)
    const isShared = (this.#words[entry]! & entryFlags.isShared) !== 0
    return (isShared ? end + 1 + this.#words[end]! : end) - entry
  }

  /** Writes the entry of the name that was read last, in the place of another one if there is one. */
  #write(before: number, { apexSize, isShort, count, facts, owners }: Draft, isApex: boolean): void {
    const { words: key, length, size, hash } = this.#reader
    if (before > 0) this.#waste += this.#sizeOf(before)
    else this.#take()
    this.#reserve(entryPlaces.key + length + roomFor(facts) + 1 + owners.length)
    const words = this.#words
    const slot = this.#slot()
    words[slot] = hash
    words[slot + 1] = this.#end
    const sets = facts.length === 1 ? [facts] : typesOfKinds.map((type) => distinct(facts, type))
    const isSeveral = sets.some((set) => set.length > 1)
    let head = size | (apexSize << 8)
    if (isApex) head |= entryFlags.isApex
    else if (isShort) head |= entryFlags.isShort
    if (isSeveral) head |= entryFlags.isSeveral
    let at = this.#end + entryPlaces.key
    for (let i = 0; i < length; i++) words[at++] = key[i]!
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
    // A name that only holds others has a count alone.
    if (owners.length > 1 && head >> 16 !== 0) {
      head |= entryFlags.isShared
      words[at++] = owners.length
      words.set(owners, at)
      at += owners.length
    }
    words[this.#end] = head
    words[this.#end + entryPlaces.count] = count
    words[this.#end + entryPlaces.owner] = owners[0] ?? 0
    this.#end = at
  }

  /** Takes a slot for one name more. */
  #take(): void {
    if (this.#taken + 1 > fullestSlots * this.#slotCount)
      this.#rewrite(slotCountFor((1 + mostWaste) * this.#size))
    this.#taken += 1
    this.#size += 1
  }

  /** Sees to it that so many words can be written; those are 0. */
  #reserve(length: number): void {
    if (this.#end + length <= this.#words.length) return
    const more = workspace(Math.ceil(1.5 * (this.#end + length)))
    more.set(this.#words.subarray(0, this.#end))
    this.#workIn(more)
  }

  #workIn(words: Int32Array): void {
    release(this.#words)
    this.#words = words
    this.#bytes = Buffer.from(words.buffer)
  }

  /** Leaves out what is gone. */
  #rewrite(slotCount: number): void {
    const before = this.#words
    const length = 2 * slotCount + this.#end - 2 * this.#slotCount - this.#waste
    const kept = workspace(Math.ceil(1.5 * length))
    const mask = maskOf(slotCount)
    let end = 2 * slotCount
    for (let from = 0; from < 2 * this.#slotCount; from += 2) {
      const entry = before[from + 1]!
      if (entry <= 0) continue
      let slot = before[from]! & mask
      while (kept[slot + 1] !== 0) slot = (slot + 2) & mask
      kept[slot] = before[from]!
      kept[slot + 1] = end
      const next = entry + this.#sizeOf(entry)
      for (let at = entry; at < next; at++) kept[end++] = before[at]!
    }
    this.#slotCount = slotCount
    this.#taken = this.#size
    this.#waste = 0
    this.#end = end
    this.#workIn(kept)
  }
}

const emptyParts = {
  ...{ words: new Int32Array(2 * fewestSlots), slotCount: fewestSlots },
  ...{ size: 0, taken: 0, waste: 0 },
}

/** How many words records take at the most. */
function roomFor(facts: readonly Fact[]): number {
  let room = 2 * typesOfKinds.length
  for (const { data } of facts) room += wordsFor(recordSize(data))
  return room
}

const wordsFor = (size: number): number => (size + 3) >> 2

/**
 * The records of one type, each once, the preferred ones first; all get the lowest TTL among them (RFC 2181 §5.2).
 */
function distinct(facts: readonly Fact[], type: number): readonly Fact[] {
  const all = facts.filter((fact) => fact.type === type)
  if (all.length < 2) return all
  const ttlSeconds = Math.min(...all.map((fact) => fact.ttlSeconds))
  const byData = new Map<string, Fact>()
  for (const isOwn of [true, false])
    for (const fact of all) {
      const data = fact.data.toString('latin1')
      if (fact.isOwn === isOwn && !byData.has(data)) byData.set(data, { ...fact, ttlSeconds })
    }
  return [...byData.values()]
}
