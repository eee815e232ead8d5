/**
 * What the file driver last saw of its directory, and how to look again: at all of it, reading only the files
 * whose stamp has changed, or at some files. A path is `<table>/<file name>`. It knows nothing of watches and timers.
 */

import { lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NorthboundError } from '../errors.ts'
import { digestOf } from './digest.ts'
import type { RawChange, RawRow } from './driver.ts'
import { inTurns, isMissing, lookAtFolder, readRowFile, stampOf } from './file-io.ts'
import { type FileLook, FileLooks } from './file-look.ts'
import { fileNameOf, idOf, isRowFile, isTableFolder } from './file-path.ts'

/** The directory at one moment. */
export interface Listing {
  /** The identity of the root and of each table's folder, by the folder. */
  readonly folders: ReadonlyMap<string, string>
  /** What differs when a file has come or gone, of each folder that is not too young; of the folders whose names `files` has. */
  readonly stamps: ReadonlyMap<string, number>
  readonly files: FileLooks
  /** The paths of the files that are written in half; their last whole rows stand for them. */
  readonly half: ReadonlySet<string>
  /** What this look has found to be different. Whoever has told it forgets it: texts would take most of all memory. */
  readonly changes: readonly RawChange[]
}

/** A directory that was never looked at. */
export const emptyListing: Listing = {
  ...{ folders: new Map(), stamps: new Map(), files: new FileLooks(), half: new Set(), changes: [] },
}

/** How to look at everything; everything has a default. */
export interface WholeLook {
  /** The files that are read whatever their stamps say. */
  readonly marks?: ReadonlySet<string>
  /** Called with each folder before it is read, so that a watch can begin first. */
  readonly entered?: (folder: string, identity: string) => void
  /**
   * Whether files are looked at also where none has come, gone or been replaced: what was written into a file itself is not
   * seen without. True by default.
   */
  readonly isThorough?: boolean
}

/**
 * Looks at everything. Rejects with the system's error if the root is not there, and with NorthboundError if it was
 * replaced by an empty directory.
 */
export async function wholeListing(
  root: string,
  previous: Listing,
  { marks = new Set(), entered, isThorough = true }: WholeLook = {},
): Promise<Listing> {
  const folders = new Map<string, string>()
  const stamps = new Map<string, number>()
  const look = new Look(root, previous)
  /** Tells whether no file has come, gone or been replaced. */
  const enter = async (folder: string): Promise<boolean> => {
    const { identity, stamp } = await lookAtFolder(folder)
    folders.set(folder, identity)
    if (stamp !== undefined) stamps.set(folder, stamp)
    entered?.(folder, identity)
    const isSame = previous.folders.get(folder) === identity
    return isSame && stamp !== undefined && previous.stamps.get(folder) === stamp
  }
  await enter(root)
  const entries = await readdir(root, { withFileTypes: true })
  const tables = entries.filter((entry) => entry.isDirectory() && isTableFolder(entry.name))
  const present = new Set(tables.map(({ name }) => name))
  /** The names of the files in a table's folder; undefined if they are those that were there before. */
  const namesIn = async (table: string): Promise<string[] | undefined> => {
    const folder = join(root, table)
    if (await enter(folder)) return undefined
    // Without their types, which take an object each: what is no file is found out when it is read.
    return (await readdir(folder)).filter(isRowFile)
  }
  for (const table of new Set([...present, ...previous.files.tables()])) {
    const names = present.has(table) ? await namesIn(table).catch(noneIfMissing) : []
    const lookAt = (name: string, known: FileLook | undefined) => {
      if (marks.has(`${table}/${name}`) || !look.isUnchanged(table, name, known)) look.read(table, name)
    }
    if (names === undefined) {
      if (isThorough) await inTurns(previous.files.of(table), ([name, known]) => lookAt(name, known))
    } else {
      await inTurns(names, (name) => lookAt(name, previous.files.get(table, name)))
      for (const name of previous.files.missing(table, names)) look.miss(table, name)
    }
  }
  const listing = look.listing(folders, stamps)
  const isReplaced = previous.folders.has(root) && previous.folders.get(root) !== folders.get(root)
  if (isReplaced && previous.files.size > 0 && listing.files.size === 0)
    throw new NorthboundError(
      `the northbound store ${root} was replaced by an empty one: load its rows, or start again if none are wanted`,
    )
  return listing
}

/** Looks at the files at some paths; rejects if the root is no longer the same directory. */
export async function partialListing(
  root: string,
  previous: Listing,
  paths: Iterable<string>,
): Promise<Listing> {
  const look = new Look(root, previous)
  await inTurns(paths, (path) => {
    const [table = '', name = ''] = path.split('/')
    look.read(table, name)
  })
  if (previous.folders.get(root) !== (await lookAtFolder(root)).identity)
    throw new NorthboundError(`the northbound store ${root} was replaced`)
  return look.listing(previous.folders, previous.stamps)
}

/** The rows that a look has found, if nothing was looked at before: all of them. */
export const rowsOf = ({ changes }: Listing): RawRow[] =>
  changes.filter((change): change is RawRow => change.value !== undefined)

/** The listing when its changes have been told. */
export const toldListing = (listing: Listing): Listing => ({ ...listing, changes: [] })

/** A look at files one by one. */
class Look {
  readonly #root: string
  readonly #previous: Listing
  readonly #half: Set<string>
  readonly #looks = new Map<string, Map<string, FileLook | undefined>>()
  readonly #changes: RawChange[] = []

  constructor(root: string, previous: Listing) {
    this.#root = root
    this.#previous = previous
    this.#half = new Set(previous.half)
  }

  /** Whether a file is as it was known. */
  isUnchanged(table: string, name: string, known: FileLook | undefined): boolean {
    if (!known?.isSettled) return false
    try {
      return stampOf(lstatSync(`${this.#root}/${table}/${name}`, { bigint: true })) === known.fingerprint
    } catch {
      return false
    }
  }

  /**
   * A file that was whole and is no JSON any more is being written by somebody who does not rename, or has been left so:
   * what it said before stands until it is whole again.
   */
  read(table: string, name: string): void {
    const found = readRowFile(join(this.#root, table, name))
    if (!found) {
      this.miss(table, name)
      return
    }
    const known = this.#previous.files.get(table, name)
    const row = rowOf(table, name, found)
    const isWhole = isJson(row.value)
    const isHalf = known?.isWhole === true && !isWhole
    const fingerprint = (isSettled: boolean) => (isSettled ? found.stamp : digestOf(row))
    const isSame = known?.isHalf === false && known.fingerprint === fingerprint(known.isSettled)
    if (!isHalf && !isSame) this.#changes.push(row)
    if (isHalf) this.#half.add(`${table}/${name}`)
    else this.#half.delete(`${table}/${name}`)
    const { isSettled } = found
    const look = { fingerprint: fingerprint(isSettled), isSettled, isWhole: isWhole || isHalf, isHalf }
    this.#see(table, name, look)
  }

  /** There is no such file. */
  miss(table: string, name: string): void {
    const isGone = this.#previous.files.get(table, name) !== undefined
    if (isGone) this.#changes.push({ table, id: idOf(name) ?? name, value: undefined })
    this.#half.delete(`${table}/${name}`)
    this.#see(table, name, undefined)
  }

  listing(folders: Listing['folders'], stamps: Listing['stamps']): Listing {
    const files = this.#previous.files.with(this.#looks)
    const changes = this.#changes.map((change) => ({ ...change, id: files.keptId(change.table, change.id) }))
    return { folders, stamps, files, half: this.#half, changes: changes.sort(byKey) }
  }

  #see(table: string, name: string, look: FileLook | undefined): void {
    const looks = this.#looks.get(table) ?? new Map()
    this.#looks.set(table, looks.set(name, look))
  }
}

/** What a file says, as a row. */
function rowOf(table: string, name: string, { value, problem }: Pick<RawRow, 'value' | 'problem'>): RawRow {
  const id = idOf(name)
  if (id === undefined) return { table, id: name, value: '', problem: misnamed(name) }
  return { table, id, value, ...(problem && { problem }) }
}

function misnamed(name: string): string {
  const id = name.slice(0, -'.json'.length)
  return `the file's name is not a percent-encoded id: ${JSON.stringify(id)} is kept in ${fileNameOf(id)}`
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

function noneIfMissing(error: unknown): string[] {
  if (isMissing(error)) return []
  throw error
}

function byKey(a: RawChange, b: RawChange): number {
  if (a.table !== b.table) return a.table < b.table ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
