/**
 * What the file driver remembers of the rows' files from one look at them to the next. A store has tens of thousands of
 * files: of each, one number is kept, and in place of its name the id of its row, once for all tables that have such a row, as
 * those of ports and of their names do, and for the rows themselves. It touches no file.
 *
 *     fingerprint, 48 bits | flags, 3 bits
 */

import { changedKeys, SortedMap } from '../sorted-map.ts'
import { fileOfKey, keyOfFile } from './file-path.ts'

/** A row's file at one moment. */
export interface FileLook {
  /**
   * What tells the file from itself after a change, 48 bits: of a settled one its stamp, which differs when it was replaced
   * or written; of a young one, which is read at each look, a digest of what it says and of what is wrong with it.
   */
  readonly fingerprint: number
  /** False if the file is so young that a further write could leave the stamp as it is. */
  readonly isSettled: boolean
  /** Whether the row is JSON, or was the last time before it was half. */
  readonly isWhole: boolean
  /** Whether the file is no whole JSON any more. */
  readonly isHalf: boolean
}

const flags = { isSettled: 1, isWhole: 2, isHalf: 4 } as const
const flagLimit = 8
const nothing = SortedMap.empty<number>()

/** The last looks at all files; immutable. */
export class FileLooks {
  /** Of each table, by what its files are known by (`file-path.ts`). */
  readonly #tables: ReadonlyMap<string, SortedMap<number>>

  constructor(tables: ReadonlyMap<string, SortedMap<number>> = new Map()) {
    this.#tables = tables
  }

  get size(): number {
    let size = 0
    for (const looks of this.#tables.values()) size += looks.size
    return size
  }

  get(table: string, name: string): FileLook | undefined {
    const look = this.#tables.get(table)?.get(keyOfFile(name))
    return look === undefined ? undefined : unpacked(look)
  }

  tables(): Iterable<string> {
    return this.#tables.keys()
  }

  /** The last looks at a table's files, by their names. */
  *of(table: string): Iterable<readonly [name: string, look: FileLook]> {
    for (const [key, look] of this.#tables.get(table) ?? nothing) yield [fileOfKey(key), unpacked(look)]
  }

  /** The id of a row, as the text that is kept here if there is such a file. */
  keptId(table: string, id: string): string {
    return this.#tables.get(table)?.keyOf(id) ?? id
  }

  /** The names of a table's files that are not among those, of which each stands there once. */
  *missing(table: string, names: readonly string[]): Iterable<string> {
    const looks = this.#tables.get(table) ?? nothing
    const known = names.reduce((count, name) => (looks.has(keyOfFile(name)) ? count + 1 : count), 0)
    if (known === looks.size) return // nearly always, and without a set of all names
    const present = new Set(names)
    for (const [name] of this.of(table)) if (!present.has(name)) yield name
  }

  /** The looks after these changes, by table and name; undefined where there is no file any more. */
  with(changes: ReadonlyMap<string, ReadonlyMap<string, FileLook | undefined>>): FileLooks {
    const keys = new Map<string, string>()
    const known = [...this.#tables.values()]
    const common = (name: string): string => {
      const key = keyOfFile(name)
      const kept = keys.get(key) ?? keyIn(known, key) ?? own(key)
      keys.set(kept, kept)
      return kept
    }
    const tables = new Map(this.#tables)
    for (const [table, looks] of changes) {
      const packs = Array.from(looks, ([name, look]) => [common(name), look && packed(look)] as const)
      const others = [...tables].flatMap(([other, its]) => (other === table ? [] : its))
      const [like] = others.sort((a, b) => b.size - a.size) // most likely the ports of these names, or the names of these ports
      tables.set(table, (tables.get(table) ?? nothing).with(new Map(packs), like))
    }
    return new FileLooks(tables)
  }

  /** The files whose looks differ, each as `<table>/<file name>`. */
  static *changed(a: FileLooks, b: FileLooks): Iterable<string> {
    for (const table of new Set([...a.tables(), ...b.tables()]))
      for (const key of changedKeys(a.#tables.get(table) ?? nothing, b.#tables.get(table) ?? nothing))
        yield `${table}/${fileOfKey(key)}`
  }
}

function keyIn(tables: readonly SortedMap<number>[], key: string): string | undefined {
  for (const looks of tables) {
    const kept = looks.keyOf(key)
    if (kept !== undefined) return kept
  }
  return undefined
}

/** The same text with memory of its own: what was cut out of a file's name holds all of it. */
const own = (key: string): string => Buffer.from(key, 'utf16le').toString('utf16le')

function packed({ fingerprint, isSettled, isWhole, isHalf }: FileLook): number {
  const its = (isSettled ? flags.isSettled : 0) | (isWhole ? flags.isWhole : 0) | (isHalf ? flags.isHalf : 0)
  return fingerprint * flagLimit + its
}

function unpacked(look: number): FileLook {
  const its = look % flagLimit
  return {
    fingerprint: (look - its) / flagLimit,
    isSettled: (its & flags.isSettled) !== 0,
    isWhole: (its & flags.isWhole) !== 0,
    isHalf: (its & flags.isHalf) !== 0,
  }
}
