/**
 * What the file driver remembers of the rows' files from one look at them to the next. A store has tens of thousands of
 * files: of each, 13 characters are kept, which take 32 bytes, and its name once for all tables that have such a file, as
 * those of ports and of their names do. It touches no file.
 *
 *     [ flags | stamp, 48 bits | digest, 48 bits ]    bytes as characters
 */

import { changedKeys, SortedMap } from '../sorted-map.ts'

/** A row's file at one moment. */
export interface FileLook {
  /** Differs when the file was replaced or written; 48 bits. */
  readonly stamp: number
  /** Of what the file says and of what is wrong with it; 48 bits. */
  readonly digest: number
  /** False if the file is so young that a further write could leave the stamp as it is. */
  readonly isSettled: boolean
  /** Whether the row is JSON. */
  readonly isWhole: boolean
  /** Whether the file is no whole JSON any more; the digest is then that of what it was before. */
  readonly isHalf: boolean
}

const flags = { isSettled: 1, isWhole: 2, isHalf: 4 } as const
const nothing = SortedMap.empty<string>()

/** The last looks at all files; immutable. */
export class FileLooks {
  readonly #tables: ReadonlyMap<string, SortedMap<string>>

  constructor(tables: ReadonlyMap<string, SortedMap<string>> = new Map()) {
    this.#tables = tables
  }

  get size(): number {
    let size = 0
    for (const looks of this.#tables.values()) size += looks.size
    return size
  }

  get(table: string, name: string): FileLook | undefined {
    const text = this.#tables.get(table)?.get(name)
    return text === undefined ? undefined : unpacked(text)
  }

  tables(): Iterable<string> {
    return this.#tables.keys()
  }

  /** The names of the files of a table. */
  names(table: string): Iterable<string> {
    return (this.#tables.get(table) ?? nothing).keys()
  }

  /** The looks after these changes, by table and name; undefined where there is no file any more. */
  with(changes: ReadonlyMap<string, ReadonlyMap<string, FileLook | undefined>>): FileLooks {
    const names = new Map<string, string>()
    const known = [...this.#tables.values()]
    const common = (name: string): string => {
      const kept = names.get(name) ?? keyIn(known, name) ?? name
      names.set(name, kept)
      return kept
    }
    const tables = new Map(this.#tables)
    for (const [table, looks] of changes) {
      const packs = Array.from(looks, ([name, look]) => [common(name), look && packed(look)] as const)
      tables.set(table, (tables.get(table) ?? nothing).with(new Map(packs)))
    }
    return new FileLooks(tables)
  }

  /** The files whose looks differ, each as `<table>/<file name>`. */
  static *changed(a: FileLooks, b: FileLooks): Iterable<string> {
    for (const table of new Set([...a.tables(), ...b.tables()]))
      for (const name of changedKeys(a.#tables.get(table) ?? nothing, b.#tables.get(table) ?? nothing))
        yield `${table}/${name}`
  }
}

function keyIn(tables: readonly SortedMap<string>[], name: string): string | undefined {
  for (const looks of tables) {
    const key = looks.keyOf(name)
    if (key !== undefined) return key
  }
  return undefined
}

function packed({ stamp, digest, isSettled, isWhole, isHalf }: FileLook): string {
  const bytes = Buffer.alloc(13)
  bytes[0] = (isSettled ? flags.isSettled : 0) | (isWhole ? flags.isWhole : 0) | (isHalf ? flags.isHalf : 0)
  bytes.writeUIntBE(stamp, 1, 6)
  bytes.writeUIntBE(digest, 7, 6)
  return bytes.toString('latin1')
}

function unpacked(text: string): FileLook {
  const bytes = Buffer.from(text, 'latin1')
  const has = (flag: number) => (bytes[0]! & flag) !== 0
  return {
    stamp: bytes.readUIntBE(1, 6),
    digest: bytes.readUIntBE(7, 6),
    isSettled: has(flags.isSettled),
    isWhole: has(flags.isWhole),
    isHalf: has(flags.isHalf),
  }
}
