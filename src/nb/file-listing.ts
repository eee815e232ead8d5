/**
 * What the file driver last saw of its directory, and how to look again: at all of it, reading only the files
 * whose stamp has changed, or at some files. It knows nothing of watches and timers.
 */

import { hash } from 'node:crypto'
import { type Dirent, lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NorthboundError } from '../errors.ts'
import { changedKeys, SortedMap } from '../sorted-map.ts'
import type { RawChange, RawRow } from './driver.ts'
import { type FoundFile, folderIdentity, inParallel, isMissing, readRowFile, stampOf } from './file-io.ts'
import { fileNameOf, idOf, isRowFile, isTableFolder } from './file-path.ts'

type RowFile = Pick<FoundFile, 'stamp' | 'isSettled'> & {
  /** Without its text once that was told: the texts of all rows would take more memory than all the rest here. */
  readonly row: RawRow
  /** Of the text and of what is wrong with it. */
  readonly digest: string
  /** Whether the row is JSON. */
  readonly isWhole: boolean
  /** Whether the file is no whole JSON any more; `row` is then what it was before. */
  readonly isHalf: boolean
}

/** The directory at one moment. */
export interface Listing {
  /** The identity of the root and of each table's folder, by path. */
  readonly folders: ReadonlyMap<string, string>
  /** The rows' files by path. */
  readonly files: SortedMap<RowFile>
  /** The paths of the files that are written in half; their last whole rows stand for them. */
  readonly half: ReadonlySet<string>
}

/** A directory that was never looked at. */
export const emptyListing: Listing = { folders: new Map(), files: SortedMap.empty(), half: new Set() }

/**
 * Looks at everything. `entered` is called with each folder before it is read, so that a watch can begin
 * first. Rejects with the system's error if the root is not there, and with NorthboundError if it was
 * replaced by an empty directory.
 */
export async function wholeListing(
  root: string,
  previous: Listing,
  entered: (folder: string, identity: string) => void = () => {},
): Promise<Listing> {
  const folders = new Map<string, string>()
  const changes = new Map<string, RowFile | undefined>()
  const gone = new Set(previous.files.keys())
  const enter = async (folder: string): Promise<Dirent[]> => {
    const identity = await folderIdentity(folder)
    folders.set(folder, identity)
    entered(folder, identity)
    return readdir(folder, { withFileTypes: true })
  }
  for (const entry of await enter(root)) {
    if (!entry.isDirectory() || !isTableFolder(entry.name)) continue
    const folder = join(root, entry.name)
    const entries = await enter(folder).catch(noneIfMissing)
    const names = entries.filter((file) => file.isFile() && isRowFile(file.name)).map((file) => file.name)
    await inParallel(names, async (name) => {
      const path = join(folder, name)
      const known = previous.files.get(path)
      const found = known && isUnchanged(path, known) ? known : rowFile(entry.name, path, name, known)
      if (found) gone.delete(path)
      if (found !== known) changes.set(path, found)
    })
  }
  for (const path of gone) changes.set(path, undefined)
  const files = previous.files.with(changes)
  const isReplaced = previous.folders.has(root) && previous.folders.get(root) !== folders.get(root)
  if (isReplaced && previous.files.size > 0 && files.size === 0)
    throw new NorthboundError(
      `the northbound store ${root} was replaced by an empty one: load its rows, or start again if none are wanted`,
    )
  return { folders, files, half: halfAfter(previous, changes) }
}

/** Looks at some files (`<table>/<file name>`); rejects if the root is no longer the same directory. */
export async function partialListing(
  root: string,
  previous: Listing,
  names: Iterable<string>,
): Promise<Listing> {
  const changes = new Map<string, RowFile | undefined>()
  await inParallel([...names], async (name) => {
    const [table = '', file = ''] = name.split('/')
    const path = join(root, table, file)
    changes.set(path, rowFile(table, path, file, previous.files.get(path)))
  })
  if (previous.folders.get(root) !== (await folderIdentity(root)))
    throw new NorthboundError(`the northbound store ${root} was replaced`)
  const files = previous.files.with(changes)
  return { folders: previous.folders, files, half: halfAfter(previous, changes) }
}

/** The rows of a listing in order of table and id. */
export function rowsOf(listing: Listing): RawRow[] {
  return [...listing.files.values()].map(({ row }) => row).sort(byKey)
}

/** What makes `previous` into `next`, in order of table and id. */
export function changesBetween(previous: Listing, next: Listing): RawChange[] {
  const changes: RawChange[] = []
  for (const path of changedKeys(previous.files, next.files)) {
    const [before, after] = [previous.files.get(path), next.files.get(path)]
    if (after === undefined) changes.push({ ...before!.row, value: undefined })
    else if (before?.digest !== after.digest) changes.push(after.row)
  }
  return changes.sort(byKey)
}

/** The listing when everything in it that was not in `previous` has been told. */
export function toldListing(previous: Listing, next: Listing): Listing {
  const files = new Map<string, RowFile>()
  for (const path of changedKeys(previous.files, next.files)) {
    const file = next.files.get(path)
    if (file !== undefined) files.set(path, { ...file, row: { ...file.row, value: '' } })
  }
  return { ...next, files: next.files.with(files) }
}

function halfAfter({ half }: Listing, changes: ReadonlyMap<string, RowFile | undefined>): Set<string> {
  const next = new Set(half)
  for (const [path, file] of changes)
    if (file?.isHalf) next.add(path)
    else next.delete(path)
  return next
}

/**
 * A file that was whole and is no JSON any more is being written by somebody who does not rename, or has been left so:
 * what it said before stands until it is whole again.
 */
function rowFile(table: string, path: string, name: string, known?: RowFile): RowFile | undefined {
  const found = readRowFile(path)
  if (!found) return undefined
  const id = idOf(name)
  const { stamp, isSettled } = found
  const problem = id === undefined ? misnamed(name) : found.problem
  const value = id === undefined ? '' : found.value
  const isWhole = isJson(value)
  if (id !== undefined && known?.isWhole && !isWhole) return { ...known, stamp, isSettled, isHalf: true }
  const digest = hash('sha1', `${problem ?? ''}\n${value}`, 'base64')
  const row = { table, id: id ?? name, value, ...(problem && { problem }) }
  return { stamp, isSettled, row, digest, isWhole, isHalf: false }
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

function misnamed(name: string): string {
  const id = name.slice(0, -'.json'.length)
  return `the file's name is not a percent-encoded id: ${JSON.stringify(id)} is kept in ${fileNameOf(id)}`
}

function isUnchanged(path: string, known: RowFile): boolean {
  if (!known.isSettled) return false
  try {
    return stampOf(lstatSync(path, { bigint: true })) === known.stamp
  } catch {
    return false
  }
}

function noneIfMissing(error: unknown): Dirent[] {
  if (isMissing(error)) return []
  throw error
}

function byKey(a: RawChange, b: RawChange): number {
  if (a.table !== b.table) return a.table < b.table ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
