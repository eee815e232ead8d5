/**
 * The names of one scope in one piece of memory, so that an answer touches two or three places that no cache holds: the
 * slot of the name, and the entry with its key and its records behind it. Nothing in it is an object, so a hundred thousand
 * names cost the collector nothing. Immutable; `table-writer.ts` makes it. It knows no port and no query.
 *
 *     slots    [ hash | entry ] ...    open addressing, linear probing; entry 0 is free, -1 was taken once
 *     entry    [ head | count | owner | key ... | A records | AAAA records | PTR records | owners ]    words of 32 bits
 *     head     bits 0-7 size of the key in bytes, 8-15 size of its apex, then the flags
 *     count    of contributions that the name follows from
 *     owner    the key of the port whose they are; if they are several ports', the owners' number and keys stand behind
 *     records  of one kind; in an entry with several of a kind their number and how many are preferred come first
 */

import type { KeyReader } from './keys.ts'
import { addressSizes, emptySet, type RecordSet, recordEnd } from './message.ts'

/** The kinds of records that a name may have, in the order in which they stand in an entry. */
export const kinds = { a: 0, aaaa: 1, ptr: 2 } as const

/** The flags of an entry's head. Of the kinds, the first one's; the next kind's is the next bit. */
export const entryFlags = {
  isApex: 1 << 16,
  isShort: 1 << 17,
  isSeveral: 1 << 18,
  firstKind: 1 << 19,
  isShared: 1 << 22,
} as const

/** Places in an entry, in words. */
export const entryPlaces = { head: 0, count: 1, owner: 2, key: 3 } as const

/** Of a slot whose entry is gone. */
export const goneEntry = -1

/** A name that exists in a scope, for people; without records it only holds other names (RFC 8020). */
export interface OwnedName {
  readonly a: RecordSet | undefined
  readonly aaaa: RecordSet | undefined
  readonly ptr: RecordSet | undefined
  /** Size in bytes of the part of the key that owns the SOA record of negative answers. */
  readonly apexSize: number
  /** The apex of a domain that is answered with authority. */
  readonly isApex: boolean
  /** Only a bare label, not a name under a domain. */
  readonly isShort: boolean
}

/** What a table is made of. */
export interface TableParts {
  readonly words: Int32Array
  /** How many names there are. */
  readonly size: number
  /** A power of two. */
  readonly slotCount: number
  /** How many slots are not free. */
  readonly taken: number
  /** How many words are those of entries that are no more. */
  readonly waste: number
}

/** Finds names by their bytes. An entry is a place in the table, a number above 0. */
export class NameTable implements Iterable<readonly [string, OwnedName]> {
  readonly parts: TableParts
  readonly #words: Int32Array
  readonly #bytes: Buffer
  readonly #slotMask: number

  constructor(parts: TableParts) {
    const { words, slotCount } = parts
    this.parts = parts
    this.#words = words
    this.#bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength)
    this.#slotMask = maskOf(slotCount)
  }

  /** The entry of the name that was read last; 0 if there is none. */
  find(key: KeyReader): number {
    return this.#words[slotOf(this.#words, this.#slotMask, key) + 1]!
  }

  /** The place of the slot where the search for a name begins. */
  slotPlace({ hash }: KeyReader): number {
    return hash & this.#slotMask
  }

  /** The entry that the search most likely ends at, of which nothing is looked at; 0 if there is none. */
  likelyEntry({ hash }: KeyReader): number {
    const words = this.#words
    for (let slot = hash & this.#slotMask; ; slot = (slot + 2) & this.#slotMask) {
      const entry = words[slot + 1]!
      if (entry === 0 || (words[slot] === hash && entry > 0)) return entry
    }
  }

  /** The place of the last word of the first address of such an entry. */
  likelyEnd(entry: number, { length }: KeyReader): number {
    return Math.min(entry + entryPlaces.key + length + (addressSizes[kinds.a]! >> 2), this.#words.length) - 1
  }

  isApex(entry: number): boolean {
    return (this.#words[entry]! & entryFlags.isApex) !== 0
  }

  isShort(entry: number): boolean {
    return (this.#words[entry]! & entryFlags.isShort) !== 0
  }

  apexSize(entry: number): number {
    return (this.#words[entry]! >> 8) & 0xff
  }

  /** The records of a name, a window on the table: written to `into`. */
  records(entry: number, kind: number, into = emptySet()): RecordSet | undefined {
    const words = this.#words
    const head = words[entry]!
    if ((head & (entryFlags.firstKind << kind)) === 0) return undefined
    const at = setOf(words, entry, kind)
    const isSeveral = (head & entryFlags.isSeveral) !== 0
    into.bytes = this.#bytes
    into.start = 4 * (isSeveral ? at + 2 : at)
    into.count = isSeveral ? words[at]! : 1
    into.preferred = isSeveral ? words[at + 1]! : 1
    return into
  }

  /** An entry as a whole. */
  nameAt(entry: number): OwnedName {
    const [a, aaaa, ptr] = Object.values(kinds).map((kind) => this.records(entry, kind))
    return {
      ...{ a, aaaa, ptr },
      ...{ apexSize: this.apexSize(entry), isApex: this.isApex(entry), isShort: this.isShort(entry) },
    }
  }

  /** Every name with its key (`domain-name.ts`), in no order. */
  *[Symbol.iterator](): Iterator<readonly [string, OwnedName]> {
    for (let slot = 0; slot <= this.#slotMask; slot += 2) {
      const entry = this.#words[slot + 1]!
      if (entry > 0) yield [this.#keyAt(entry), this.nameAt(entry)]
    }
  }

  #keyAt(entry: number): string {
    const codes = Array.from({ length: this.#words[entry]! & 0xff }, (_, i) => {
      const word = this.#words[entry + entryPlaces.key + (i >> 2)]!
      return (word >> (8 * (i & 3))) & 0xff
    })
    return String.fromCharCode(...codes)
  }
}

/** Where the set of a kind begins in an entry, or would begin; those before it are of addresses. */
function setOf(words: Int32Array, entry: number, kind: number): number {
  const head = words[entry]!
  let at = entry + entryPlaces.key + (((head & 0xff) + 3) >> 2)
  for (let before = 0; before < kind; before++)
    if ((head & (entryFlags.firstKind << before)) !== 0) {
      const size = addressSizes[before]! >> 2
      at += (head & entryFlags.isSeveral) === 0 ? size : 2 + words[at]! * size
    }
  return at
}

/** Where the records of an entry end; `bytes` are those of the words. */
export function recordsEnd(words: Int32Array, bytes: Buffer, entry: number): number {
  const head = words[entry]!
  const at = setOf(words, entry, kinds.ptr)
  if ((head & (entryFlags.firstKind << kinds.ptr)) === 0) return at
  const isSeveral = (head & entryFlags.isSeveral) !== 0
  let byte = 4 * (isSeveral ? at + 2 : at)
  for (let left = isSeveral ? words[at]! : 1; left > 0; left--) byte = recordEnd(bytes, byte)
  return (byte + 3) >> 2
}

/** What cuts a hash down to the place of a slot's first word. */
export const maskOf = (slotCount: number): number => 2 * slotCount - 2

/** The place of the slot of the name that was read last: its own, else the free one where it would stand. */
export function slotOf(words: Int32Array, slotMask: number, reader: KeyReader): number {
  const { hash } = reader
  for (let slot = hash & slotMask; ; slot = (slot + 2) & slotMask) {
    const entry = words[slot + 1]!
    if (entry === 0 || (words[slot] === hash && entry > 0 && isKeyAt(words, entry, reader))) return slot
  }
}

function isKeyAt(words: Int32Array, entry: number, { words: key, length, size }: KeyReader): boolean {
  if ((words[entry]! & 0xff) !== size) return false
  for (let i = 0; i < length; i++) if (words[entry + entryPlaces.key + i] !== key[i]) return false
  return true
}
