/**
 * An immutable map from identities to flows, packed: 31 bytes a flow, where a map of objects takes 135. A changed map shares
 * with the one before it what did not change, so that both the change and the search for what changed cost in proportion
 * to the change. It knows no switch.
 *
 *     map   [ leaf | leaf | leaf | ... ]    the identity, as a share of all there could be, tells the leaf
 *     leaf  [ words | parts ]               some 100 flows in no order: five words of each, and the part that makes it
 *
 *     word  0, 1  the identity
 *           2, 3  the content; in the highest byte the number of the owner
 *           4     the place in the part; in the lowest byte the table
 */

import type { Part } from '../app/app.ts'
import { BugError } from '../errors.ts'
import { digestFrom, digestWord } from './digest.ts'
import { digestSizes, HeldFlow } from './held-flow.ts'

interface Leaf {
  readonly words: Int32Array
  readonly parts: readonly Part[]
}

type Entry<F = HeldFlow> = readonly [identity: string, flow: F]
type Change = Entry<HeldFlow | undefined>

const wordCount = 5
const contentMask = 0x00ff_ffff
const ownerLimit = 256
/** A map whose leaves are longer or shorter on average is spread anew. */
const leafLength = { least: 48, fair: 128, most: 192 }

export class FlowMap {
  readonly size: number
  readonly #leaves: readonly Leaf[]
  /** The names of owners by their numbers. */
  readonly #owners: readonly string[]

  private constructor(leaves: readonly Leaf[], size: number, owners: readonly string[]) {
    this.#leaves = leaves
    this.size = size
    this.#owners = owners
  }

  /** A map without flows. */
  static readonly empty = new FlowMap([{ words: new Int32Array(0), parts: [] }], 0, [])

  get(identity: string): HeldFlow | undefined {
    const leaf = this.#leafOf(digestWord(identity, 0))
    const at = indexOf(leaf, digestWord(identity, 0), digestWord(identity, 4))
    return at < 0 ? undefined : this.#flowAt(leaf, at)
  }

  has(identity: string): boolean {
    return this.get(identity) !== undefined
  }

  /** Whether that very flow stands under an identity. */
  holds(identity: string, flow: HeldFlow): boolean {
    return isSame(this.get(identity), flow)
  }

  /** The identities that are not among those whose words `visit` hands on. */
  *missing(visit: (see: (low: number, high: number) => void) => void): Iterable<string> {
    const seen = this.#leaves.map(({ parts }) => new Uint8Array(parts.length))
    visit((low, high) => {
      const number = leafNumber(low, this.#leaves.length)
      const at = indexOf(this.#leaves[number]!, low, high)
      if (at >= 0) seen[number]![at] = 1
    })
    for (const [number, leaf] of this.#leaves.entries())
      for (const [at, isSeen] of seen[number]!.entries()) if (isSeen === 0) yield identityAt(leaf, at)
  }

  *[Symbol.iterator](): Iterator<Entry> {
    for (const leaf of this.#leaves)
      for (let at = 0; at < leaf.parts.length; at += 1) yield [identityAt(leaf, at), this.#flowAt(leaf, at)]
  }

  /** The map after these changes, one an identity, where undefined deletes; the map itself if nothing is different (`===`). */
  with(changes: Iterable<Change>): FlowMap {
    let { size } = this
    const different: Change[] = []
    for (const [identity, flow] of changes) {
      const before = this.get(identity)
      if (isSame(before, flow)) continue
      different.push([identity, flow])
      size += (flow === undefined ? 0 : 1) - (before === undefined ? 0 : 1)
    }
    if (different.length === 0) return this
    const leaves = [...this.#spreadOver(leafCountFor(size, this.#leaves.length))]
    const owners = ownersAfter(this.#owners, different)
    const byLeaf = new Map<number, Change[]>()
    for (const change of different) {
      const number = leafNumber(digestWord(change[0], 0), leaves.length)
      const its = byLeaf.get(number)
      if (its) its.push(change)
      else byLeaf.set(number, [change])
    }
    for (const [number, its] of byLeaf) leaves[number] = leafAfter(leaves[number]!, its, owners)
    return new FlowMap(leaves, size, owners)
  }

  /** Whether two maps hold flows that do not do the same under the identity with these words (`digest.ts`). */
  static isChanged(a: FlowMap, b: FlowMap, low: number, high: number): boolean {
    const [one, other] = [a.#leafOf(low), b.#leafOf(low)]
    if (one === other) return false
    const at = indexOf(one, low, high)
    return at < 0 ? indexOf(other, low, high) >= 0 : !hasSame(other, one, at)
  }

  /** The identities under which two maps hold flows that do not do the same; quick if they share much. */
  static changed(a: FlowMap, b: FlowMap): Set<string> {
    const changed = new Set<string>()
    const leaves = a.#spreadOver(b.#leaves.length)
    for (const [number, after] of b.#leaves.entries()) {
      const before = leaves[number]!
      if (before === after) continue
      for (const [one, other] of [
        [before, after],
        [after, before],
      ] as const)
        for (let at = 0; at < one.parts.length; at += 1)
          if (!hasSame(other, one, at)) changed.add(identityAt(one, at))
    }
    return changed
  }

  #leafOf(low: number): Leaf {
    return this.#leaves[leafNumber(low, this.#leaves.length)]!
  }

  /** The same flows in so many leaves. */
  #spreadOver(count: number): readonly Leaf[] {
    if (count === this.#leaves.length) return this.#leaves
    const members = Array.from({ length: count }, (): [leaf: Leaf, at: number][] => [])
    for (const leaf of this.#leaves)
      for (let at = 0; at < leaf.parts.length; at += 1)
        members[leafNumber(leaf.words[wordCount * at]!, count)]!.push([leaf, at])
    return members.map((its) => {
      const leaf = new LeafWriter(its.length)
      for (const [from, at] of its) leaf.copy(from, at)
      return leaf
    })
  }

  #flowAt({ words, parts }: Leaf, at: number): HeldFlow {
    const first = wordCount * at
    const [low, high, place] = [words[first + 2]!, words[first + 3]!, words[first + 4]!]
    const content = digestFrom(low, high).slice(0, digestSizes.content)
    return new HeldFlow(this.#owners[high >>> 24]!, parts[at]!, place >>> 8, place & 0xff, content)
  }
}

/** A leaf of a known length, filled from its beginning. */
class LeafWriter implements Leaf {
  readonly words: Int32Array
  readonly parts: Part[]
  #length = 0

  constructor(length: number) {
    this.words = new Int32Array(wordCount * length)
    this.parts = new Array<Part>(length)
  }

  copy({ words, parts }: Leaf, at: number): void {
    const to = wordCount * this.#length
    for (let word = 0; word < wordCount; word += 1) this.words[to + word] = words[wordCount * at + word]!
    this.parts[this.#length++] = parts[at]!
  }

  put(identity: string, { part, place, tableId, content }: HeldFlow, ownerNumber: number): void {
    const to = wordCount * this.#length
    this.words[to] = digestWord(identity, 0)
    this.words[to + 1] = digestWord(identity, 4)
    this.words[to + 2] = digestWord(content, 0)
    this.words[to + 3] = digestWord(content, 4) | (ownerNumber << 24)
    this.words[to + 4] = (place << 8) | tableId
    this.parts[this.#length++] = part
  }
}

function leafAfter(before: Leaf, changes: readonly Change[], owners: readonly string[]): Leaf {
  const gone = new Set(
    changes.map(([identity]) => indexOf(before, digestWord(identity, 0), digestWord(identity, 4))),
  )
  const come = changes.filter((change): change is Entry => change[1] !== undefined)
  gone.delete(-1)
  const leaf = new LeafWriter(before.parts.length - gone.size + come.length)
  for (let at = 0; at < before.parts.length; at += 1) if (!gone.has(at)) leaf.copy(before, at)
  for (const [identity, flow] of come) leaf.put(identity, flow, owners.indexOf(flow.owner))
  return leaf
}

/** The owners and those of these flows, of which new ones get the next numbers. */
function ownersAfter(before: readonly string[], changes: readonly Change[]): readonly string[] {
  const names = new Set(before)
  for (const [, flow] of changes) if (flow !== undefined) names.add(flow.owner)
  if (names.size > ownerLimit) throw new BugError(`more than ${ownerLimit} applications want flows`)
  return names.size === before.length ? before : [...names]
}

const leafNumber = (word: number, leafCount: number): number =>
  Math.floor(((word >>> 0) / 0x1_0000_0000) * leafCount)

function leafCountFor(size: number, before: number): number {
  const isFair = size >= leafLength.least * before && size <= leafLength.most * before
  return isFair ? before : Math.max(1, Math.ceil(size / leafLength.fair))
}

/** Where an identity stands in a leaf; -1 if it is not there. */
function indexOf({ words }: Leaf, low: number, high: number): number {
  for (let first = 0; first < words.length; first += wordCount)
    if (words[first] === low && words[first + 1] === high) return first / wordCount
  return -1
}

const identityAt = ({ words }: Leaf, at: number): string =>
  digestFrom(words[wordCount * at]!, words[wordCount * at + 1]!)

/** Whether a leaf has the flow at a place of another one, and it does the same. */
function hasSame(leaf: Leaf, { words }: Leaf, at: number): boolean {
  const first = wordCount * at
  const its = wordCount * indexOf(leaf, words[first]!, words[first + 1]!)
  if (its < 0) return false
  return (
    leaf.words[its + 2] === words[first + 2] &&
    ((leaf.words[its + 3]! ^ words[first + 3]!) & contentMask) === 0
  )
}

function isSame(one: HeldFlow | undefined, other: HeldFlow | undefined): boolean {
  return (
    one?.part === other?.part &&
    one?.place === other?.place &&
    one?.owner === other?.owner &&
    one?.content === other?.content
  )
}
