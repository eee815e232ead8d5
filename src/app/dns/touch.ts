/**
 * Touches what several look-ups will touch, so that memory that no cache holds comes for all of them at once. A processor
 * goes a few hundred instructions ahead of a word that it waits for: so the loops that touch do nothing else, and where to
 * look was written down by the loops before. It finds nothing and decides nothing.
 */

import type { KeyReader } from './keys.ts'
import type { Scope } from './scope.ts'

/** A name that was read, and where it will be looked up. */
export interface Lookup {
  readonly scope: Scope | undefined
  readonly key: KeyReader
}

/** Of whoever looks nothing up. */
const nowhere = new Int32Array(1)

/** What touches; the places of one batch are written over those of the one before. */
export class Touch {
  /** Of each look-up, the words of its table. */
  readonly #words: Int32Array[] = []
  /** Where in them to look. */
  readonly #first: number[] = []
  readonly #last: number[] = []
  #count = 0
  /** Keeps the touching of words from being of no use. */
  touched = 0

  /** Touches the slots of the first `count` look-ups, then their entries. */
  all(lookups: readonly Lookup[], count: number): void {
    const [words, first, last] = [this.#words, this.#first, this.#last]
    for (let i = 0; i < count; i++) {
      const { scope, key } = lookups[i]!
      words[i] = scope?.names.parts.words ?? nowhere
      first[i] = scope?.names.slotPlace(key) ?? 0
    }
    let touched = 0
    for (let i = 0; i < count; i++) touched |= words[i]![first[i]!]!
    for (let i = 0; i < count; i++) {
      const { scope, key } = lookups[i]!
      const entry = scope?.names.likelyEntry(key) ?? 0
      first[i] = entry
      last[i] = scope?.names.likelyEnd(entry, key) ?? 0
    }
    for (let i = 0; i < count; i++) {
      const table = words[i]!
      touched |= table[first[i]!]! | table[last[i]!]!
    }
    this.touched = touched
    for (let i = count; i < this.#count; i++) words[i] = nowhere // names that may be old
    this.#count = count
  }
}
