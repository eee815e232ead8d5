/**
 * Reading and writing the files of the file driver: a row is read whole or not at all, and is written so that
 * a reader, or a machine that loses its power, sees the old text or the new one. It knows nothing of tables
 * and locks.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ControllerError, NorthboundError } from '../errors.ts'
import { draftPrefix } from './file-path.ts'

/** A row's file as it was found. */
export interface FoundFile {
  /** The text, or '' if there is a `problem`. */
  readonly value: string
  readonly problem?: string
  /** Differs when the file was replaced or written; see `isSettled`. 48 bits. */
  readonly stamp: number
  /** False if the file is so young that a further write could leave the stamp as it is. */
  readonly isSettled: boolean
}

/** The most that a row may hold, in bytes; etcd's own limit is near. */
const maxRowSize = 1 << 20
/** For so long, in ms, files are looked at in one turn of the event loop: packets may be waiting. */
const turnMs = 0.5
/** How many pieces of work the disk is asked for at a time. */
const workerCount = 8
/** Kernels stamp files in ticks of up to 10 ms. */
const settledAfterMs = 100
/** What the system says when a link, or a socket, is opened as a file. */
const noFile: ReadonlySet<string> = new Set(['ELOOP', 'ENXIO'])

/**
 * Reads a row's file at once, which takes a third of the time of doing it in the background; undefined if there is
 * none (or it is a directory, a link, a pipe, a socket). Throws the system's error.
 */
export function readRowFile(path: string): FoundFile | undefined {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const found = fstatSync(file, { bigint: true })
    if (!found.isFile()) return undefined
    const seen = { stamp: stampOf(found), isSettled: isSettled(found) }
    if (found.size > maxRowSize)
      return { ...seen, value: '', problem: `the file has ${found.size} bytes, a row at most ${maxRowSize}` }
    return { ...seen, ...textOf(readFileSync(file)) }
  } catch (error) {
    if (isMissing(error) || noFile.has(codeOf(error)!)) return undefined
    // Whatever may pass (no descriptors left, say) is not the row's fault.
    if (codeOf(error) !== 'EACCES') throw error
    return { value: '', problem: 'the file may not be read', stamp: 0, isSettled: false }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Odd numbers of 64 bits that nobody knows, so that two stamps are one by chance alone. */
const [a, b, c, d] = Array.from({ length: 4 }, () => randomBytes(8).readBigUInt64LE() | 1n) as Factors
type Factors = [bigint, bigint, bigint, bigint]

/** What changes when a file is replaced or written: 48 bits of it. */
export function stampOf({ ino, size, mtimeNs, ctimeNs }: Stamped): number {
  return Number(BigInt.asUintN(64, a * ino + b * size + c * mtimeNs + d * ctimeNs) >> 16n)
}

const isSettled = ({ ctimeMs }: { readonly ctimeMs: bigint }): boolean =>
  Date.now() - Number(ctimeMs) > settledAfterMs

type Stamped = Record<'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>

/** A folder at one moment. */
export interface FolderLook {
  /** Tells the folder from every other, also from one made later under its name and with its inode. */
  readonly identity: string
  /** Differs when a file came, went or was replaced; undefined if the folder is so young that it need not. 48 bits. */
  readonly stamp: number | undefined
}

/** Looks at a folder, not at its files. Rejects with the system's error. */
export async function lookAtFolder(folder: string): Promise<FolderLook> {
  const found = await stat(folder, { bigint: true })
  const identity = `${found.dev} ${found.ino} ${found.birthtimeNs}`
  return { identity, stamp: isSettled(found) ? stampOf(found) : undefined }
}

/**
 * Writes `text` to `path` by a draft beside it; the folder is made if it is missing, but not the one above.
 */
export async function writeRowFile(path: string, text: string): Promise<void> {
  const folder = dirname(path)
  const draft = join(folder, `${draftPrefix}${randomUUID()}`)
  if (await hasMadeFolder(folder)) await syncFolder(dirname(folder))
  try {
    await using file = await open(draft, 'wx', 0o644)
    await file.writeFile(text)
    await file.sync()
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/**
 * Makes a folder and those above it, where missing. Node's own recursion never ends below /proc, where none
 * can be made.
 */
export async function makeFolders(folder: string): Promise<void> {
  try {
    await hasMadeFolder(folder)
  } catch (error) {
    const above = dirname(folder)
    if (codeOf(error) !== 'ENOENT' || (await isThere(above))) throw error
    await makeFolders(above)
    await hasMadeFolder(folder)
  }
}

/** Makes sure that what was renamed into or removed from a folder stays so. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}

/** Whether an error says that there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}

/** What a person is told when the store at `root` fails; errors of the project pass unchanged. */
export function storeError(root: string, error: unknown): ControllerError {
  if (error instanceof ControllerError) return error
  const shown = `the northbound store ${root}`
  switch (codeOf(error)) {
    case 'ENOENT':
      return new NorthboundError(`${shown} does not exist: make it with 'df-db --nb-path ${root} init'`)
    case 'ENOTDIR':
      return new NorthboundError(`${shown} is not a directory: name another with --nb-path or [df] nb_path`)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new NorthboundError(`${shown} may not be read or written: run as its owner, or as root`, error)
    case 'ENOSPC':
    case 'EDQUOT':
      return new NorthboundError(`${shown} cannot be written: free some disk space`, error)
    default:
      return new NorthboundError(`${shown} cannot be used`, error)
  }
}

/** One after the other, and the event loop has a turn now and then. */
export async function inTurns<T>(items: Iterable<T>, each: (item: T) => void): Promise<void> {
  let startedAt = performance.now()
  for (const item of items) {
    if (performance.now() - startedAt > turnMs) {
      await setImmediate()
      startedAt = performance.now()
    }
    each(item)
  }
}

/** A few at a time: the disk is asked in parallel. */
export async function inParallel<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await each(item)
  }
  await Promise.all(Array.from({ length: workerCount }, worker))
}

function textOf(bytes: Buffer): { value: string; problem?: string } {
  try {
    return { value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { value: '', problem: 'the file is not UTF-8 text' }
  }
}

async function hasMadeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** The system's name for what is wrong, `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
