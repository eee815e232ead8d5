/**
 * Flows that need not be made again: a view shares what did not change with the view before it, so that what was made of
 * one port alone may be kept for as long as the port's object lives; and flows that need not be kept, since they can be
 * made again of what they were made of. It does not know what a flow says.
 *
 * Measured: 200 local of 1,000 known ports make 8,600 flows, of which each costs 45 us to make and check. Without this
 * a renamed port would cost a node of that size 0.4 s of CPU.
 */

import type { Flow } from '../openflow/index.ts'
import type { Part } from './app.ts'

/**
 * Gives what was made before under that name if every part is the same (`===`), else makes it, perhaps out of what was
 * there before.
 */
export type Cell<T> = (name: string, parts: readonly unknown[], make: (before: T | undefined) => T) => T

/**
 * Cells that last from one turn to the next: the function it returns begins a turn, and what was not asked for in a turn
 * is forgotten with the next one. What is made must follow from the parts alone.
 */
export function createCells<T>(): () => Cell<T> {
  type Kept = { readonly parts: readonly unknown[]; readonly value: T }
  let last = new Map<string, Kept>()
  return () => {
    const before = last
    const now = new Map<string, Kept>()
    last = now
    return (name, parts, make) => {
      const known = before.get(name)
      const isSame =
        known?.parts.length === parts.length && parts.every((part, index) => part === known.parts[index])
      // The copy has no room for more, which a list that was spread together has for 17 parts.
      const kept = isSame ? known : { parts: parts.slice(), value: make(known?.value) }
      now.set(name, kept)
      return kept.value
    }
  }
}

/** Gives what was made before for that object and key, else makes it. */
export type Memo<T> = (owner: object, key: string, make: () => T) => T

/** A memo of its own, for few keys an object. What is made must follow from the object and the key alone. */
export function createMemo<T>(): Memo<T> {
  /** A list, because a `Map` for each object takes 200 bytes and most have one key. */
  type Kept = { readonly key: string; readonly value: T; readonly next: Kept | undefined }
  const lists = new WeakMap<object, Kept>()
  return (owner, key, make) => {
    const first = lists.get(owner)
    for (let kept = first; kept !== undefined; kept = kept.next) if (kept.key === key) return kept.value
    const value = make()
    lists.set(owner, { key, value, next: first })
    return value
  }
}

/**
 * The flows of a subject as a part: made each time they are asked for, from the subject and one more fact alone, best
 * a number, which takes no memory of its own.
 */
export function partOf<S, T>(subject: S, fact: T, make: (subject: S, fact: T) => Iterable<Flow>): MadePart {
  return new MadePart(subject, fact, make as (subject: unknown, fact: unknown) => Iterable<Flow>)
}

/** A class, because an object with a function of its own takes five times the memory. */
class MadePart implements Part {
  readonly subject: unknown
  readonly #fact: unknown
  readonly #make: (subject: unknown, fact: unknown) => Iterable<Flow>

  constructor(subject: unknown, fact: unknown, make: (subject: unknown, fact: unknown) => Iterable<Flow>) {
    this.subject = subject
    this.#fact = fact
    this.#make = make
  }

  isSame(other: MadePart | undefined): boolean {
    if (other === undefined || this.#make !== other.#make) return false
    return this.subject === other.subject && this.#fact === other.#fact
  }

  [Symbol.iterator](): Iterator<Flow> {
    return this.#make(this.subject, this.#fact)[Symbol.iterator]()
  }
}

/** Parts in their order, each of another subject. */
export type Parts = readonly MadePart[]

/** These parts, of which those that were there before are the same objects (`===`), and the list too if all of them are. */
export function keptParts(before: Parts, now: Parts): Parts {
  if (before.length === now.length && now.every((part, index) => part.isSame(before[index]))) return before
  const known = new Map(before.map((part) => [part.subject, part]))
  return now.map((part) => {
    const old = known.get(part.subject)
    return part.isSame(old) ? old! : part
  })
}

/** Makes the function that gives a list of parts as it was the last time as far as it is the same (`keptParts`). */
export function createParts(): (now: Parts) => Parts {
  let last: Parts = []
  return (now) => {
    last = keptParts(last, now)
    return last
  }
}
