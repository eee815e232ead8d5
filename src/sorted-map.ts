/**
 * An immutable map in order of its keys, made for large tables of which little changes at a time: a changed map shares
 * all but a few short leaves with the one before it, so that both the change and the search for what changed cost in
 * proportion to the change. It knows nothing of rows.
 *
 *     root  [ leaf | leaf | leaf | ... ]     each leaf has up to 64 keys in order; a leaf that is === holds the same
 *
 * At 10,000 keys a change copies one leaf and the root's 156 places: 3 us, where a copy of a `Map` takes 600 us.
 */

/** What keys may be: those of one map are all texts or all numbers. */
export type Key = string | number

/** Entries in order of their keys. */
interface Entries<V, K extends Key> {
  readonly keys: readonly K[]
  readonly values: readonly V[]
}

interface Leaf<V, K extends Key> {
  readonly keys: readonly K[]
  valueAt(place: number): V | undefined
}

const leafLength = 64

/** A `ReadonlyMap` in order of its keys (as `<` compares them: texts by UTF-16 code units). */
export class SortedMap<V, K extends Key = string> implements ReadonlyMap<K, V> {
  readonly size: number
  readonly #leaves: readonly Leaf<V, K>[]

  private constructor(leaves: readonly Leaf<V, K>[], size: number) {
    this.#leaves = leaves
    this.size = size
  }

  /** A map without keys. */
  static empty<V, K extends Key = string>(): SortedMap<V, K> {
    return new SortedMap<V, K>([], 0)
  }

  /** A map of these entries; of two with the same key, the last one counts. */
  static of<V, K extends Key = string>(entries: Iterable<readonly [K, V]>): SortedMap<V, K> {
    return SortedMap.empty<V, K>().with(new Map(entries))
  }

  /**
   * The map after these changes, where undefined deletes; the map itself if nothing is different (`===`). Where it has the
   * same keys as `like`, it has them in common with it.
   */
  with(changes: ReadonlyMap<K, V | undefined>, like?: ReadonlyMap<K, unknown>): SortedMap<V, K> {
    const common = (own: readonly K[]) => (like instanceof SortedMap ? like.#keysAs(own) : undefined) ?? own
    const keys = [...changes.keys()].filter((key) => this.get(key) !== changes.get(key)).sort(ascending)
    if (keys.length === 0) return this
    const leaves: Leaf<V, K>[] = []
    let size = this.size
    let copied = 0
    for (let from = 0; from < keys.length; ) {
      const at = Math.max(this.#placeOf(keys[from]!), 0)
      const limit = this.#leaves[at + 1]?.keys[0]
      let to = from + 1
      while (to < keys.length && (limit === undefined || keys[to]! < limit)) to += 1
      for (; copied < at; copied += 1) leaves.push(this.#leaves[copied]!)
      const before = this.#leaves[at]
      const after = merged(before, keys.slice(from, to), changes)
      size += after.keys.length - (before?.keys.length ?? 0)
      leaves.push(...parts(after, common))
      copied = at + 1
      from = to
    }
    for (; copied < this.#leaves.length; copied += 1) leaves.push(this.#leaves[copied]!)
    return new SortedMap(leaves, size)
  }

  get(key: K): V | undefined {
    const leaf = this.#leaves[this.#placeOf(key)]
    return leaf?.valueAt(indexOf(leaf.keys, key))
  }

  /** The key as this map holds it, so that whoever keeps it needs no string of its own; undefined if it is not there. */
  keyOf(key: K): K | undefined {
    const leaf = this.#leaves[this.#placeOf(key)]
    return leaf?.keys[indexOf(leaf.keys, key)]
  }

  has(key: K): boolean {
    const leaf = this.#leaves[this.#placeOf(key)]
    return leaf !== undefined && indexOf(leaf.keys, key) >= 0
  }

  *entries(): MapIterator<[K, V]> {
    for (const leaf of this.#leaves)
      for (let i = 0; i < leaf.keys.length; i += 1) yield [leaf.keys[i]!, leaf.valueAt(i)!]
  }

  *keys(): MapIterator<K> {
    for (const { keys } of this.#leaves) yield* keys
  }

  *values(): MapIterator<V> {
    for (const [, value] of this) yield value
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(act: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) act(value, key, this)
  }

  /** The entries of each map that stand in leaves which the other has not, in order. */
  static unshared<V, K extends Key>(a: SortedMap<V, K>, b: SortedMap<V, K>): [Entries<V, K>, Entries<V, K>] {
    const [ofA, ofB] = [new Set(a.#leaves), new Set(b.#leaves)]
    return [
      joined(a.#leaves.filter((leaf) => !ofB.has(leaf))),
      joined(b.#leaves.filter((leaf) => !ofA.has(leaf))),
    ]
  }

  /** The keys of a leaf that are those. */
  #keysAs(keys: readonly K[]): readonly K[] | undefined {
    const own = this.#leaves[this.#placeOf(keys[0]!)]?.keys
    return own?.length === keys.length && own.every((key, at) => key === keys[at]) ? own : undefined
  }

  /** The place of the only leaf that may hold the key; -1 if the key comes before all. */
  #placeOf(key: K): number {
    let low = 0
    let high = this.#leaves.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#leaves[middle]!.keys[0]! <= key) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/**
 * The keys whose values differ (by default, are not `===`) between two maps, each once; quick if both are sorted maps and
 * share much.
 */
export function changedKeys<V, K extends Key>(
  a: ReadonlyMap<K, V>,
  b: ReadonlyMap<K, V>,
  isSame: (one: V, other: V) => boolean = (one, other) => one === other,
): Set<K> {
  const changed = new Set<K>()
  if (a === b) return changed
  if (a instanceof SortedMap && b instanceof SortedMap) {
    const [gone, come] = SortedMap.unshared<V, K>(a, b)
    for (let i = 0, j = 0; i < gone.keys.length || j < come.keys.length; ) {
      const before: K | undefined = gone.keys[i]
      const after: K | undefined = come.keys[j]
      const isGone = after === undefined || (before !== undefined && before < after)
      if (before === after) {
        if (!isSame(gone.values[i]!, come.values[j]!)) changed.add(before!)
        i += 1
        j += 1
      } else if (isGone) {
        changed.add(before!)
        i += 1
      } else {
        changed.add(after)
        j += 1
      }
    }
    return changed
  }
  for (const [key, value] of a) if (!b.has(key) || !isSame(value, b.get(key)!)) changed.add(key)
  for (const key of b.keys()) if (!a.has(key)) changed.add(key)
  return changed
}

function joined<V, K extends Key>(leaves: readonly Leaf<V, K>[]): Entries<V, K> {
  return {
    keys: leaves.flatMap(({ keys }) => keys),
    values: leaves.flatMap((leaf) => leaf.keys.map((_, at) => leaf.valueAt(at)!)),
  }
}

/** The entries of a leaf with the changes made; `keys` are theirs, in order. */
function merged<V, K extends Key>(
  leaf: Leaf<V, K> | undefined,
  keys: readonly K[],
  changes: ReadonlyMap<K, V | undefined>,
): Entries<V, K> {
  const old = leaf?.keys ?? []
  const made = { keys: [] as K[], values: [] as V[] }
  const put = (key: K, value: V | undefined) => {
    if (value === undefined) return
    made.keys.push(key)
    made.values.push(value)
  }
  let at = 0
  for (const key of keys) {
    for (; at < old.length && old[at]! < key; at += 1) put(old[at]!, leaf!.valueAt(at))
    const isOld = old[at] === key
    put(isOld ? old[at]! : key, changes.get(key))
    if (isOld) at += 1
  }
  for (; at < old.length; at += 1) put(old[at]!, leaf!.valueAt(at))
  return made
}

/** Entries as leaves of a fair length, with keys in common with others; nothing if there are none. */
function* parts<V, K extends Key>(
  { keys, values }: Entries<V, K>,
  common: (keys: readonly K[]) => readonly K[],
): Iterable<Leaf<V, K>> {
  if (keys.length === 0) return
  const count = Math.ceil(keys.length / leafLength)
  const length = Math.ceil(keys.length / count)
  for (let from = 0; from < keys.length; from += length)
    yield leafOf(common(keys.slice(from, from + length)), values.slice(from, from + length))
}

function leafOf<V, K extends Key>(keys: readonly K[], values: readonly V[]): Leaf<V, K> {
  const isNumbers = values.every((value) => typeof value === 'number')
  return isNumbers
    ? (new NumberLeaf(keys, values as readonly number[]) as Leaf<unknown, K> as Leaf<V, K>)
    : new ValueLeaf(keys, values)
}

class ValueLeaf<V, K extends Key> implements Leaf<V, K> {
  readonly keys: readonly K[]
  readonly #values: readonly V[]

  constructor(keys: readonly K[], values: readonly V[]) {
    this.keys = keys
    this.#values = values
  }

  valueAt(place: number): V | undefined {
    return this.#values[place]
  }
}

/**
 * A leaf of numbers, which are read by code of its own. V8 keeps them without an object for each, 16 bytes, in an array that
 * was made with nothing else in it; but once optimized code reads such arrays and others at one place, it turns each that it
 * meets into one of objects.
 */
class NumberLeaf<K extends Key> implements Leaf<number, K> {
  readonly keys: readonly K[]
  readonly #values: readonly number[]

  constructor(keys: readonly K[], values: readonly number[]) {
    this.keys = keys
    this.#values = Array.of(...values)
  }

  valueAt(place: number): number | undefined {
    return this.#values[place]
  }
}

/** The place of a key in a leaf; -1 if it is not there. */
function indexOf(keys: readonly Key[], key: Key): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return keys[low] === key ? low : -1
}

const ascending = (a: Key, b: Key) => (a < b ? -1 : 1)
