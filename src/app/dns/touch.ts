/**
 * Touches what several look-ups will touch, so that memory that no cache holds comes for all of them at once. A processor
 * goes a few hundred instructions ahead of a word that it waits for: so each round computes nothing but where the words are
 * that it touches, and that was written down by the round before. It finds nothing and decides nothing.
 */

import type { KeyReader } from './keys.ts'
import type { NameTable } from './name-table.ts'

/** The look-ups of one batch. */
export class Touch {
  readonly #tables: NameTable[] = []
  readonly #keys: KeyReader[] = []
  readonly #words: Int32Array[] = []
  /** Where in the words of a table to look. */
  readonly #first: number[] = []
  readonly #last: number[] = []
  #count = 0
  /** Keeps the touching of words from being of no use. */
  touched = 0

  /** Adds the look-up of a name that was read in that table. */
  add(table: NameTable, key: KeyReader): void {
    const i = this.#count++
    this.#tables[i] = table
    this.#keys[i] = key
    this.#words[i] = table.words
    this.#first[i] = table.slotPlace(key)
  }

  /** Touches the slots of all look-ups that were added, then their entries; then there is none. */
  all(): void {
    const count = this.#count
    this.#count = 0
    const [words, first, last] = [this.#words, this.#first, this.#last]
    let touched = 0
    for (let i = 0; i < count; i++) touched |= words[i]![first[i]!]!
    for (let i = 0; i < count; i++) {
      const table = this.#tables[i]!
      const key = this.#keys[i]!
      const entry = table.likelyEntry(key)
      first[i] = entry
      last[i] = table.likelyEnd(entry, key)
    }
    for (let i = 0; i < count; i++) {
      const table = words[i]!
      touched |= table[first[i]!]! | table[last[i]!]!
    }
    this.touched = touched
  }
}
