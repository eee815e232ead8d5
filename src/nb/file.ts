/**
 * The embedded northbound store: a directory with one file per row, `<root>/<table>/<id,
 * percent-encoded>.json`, that holds the same text as etcd would. Every change is made under one lock file
 * and appears at once (architecture.md 2).
 */

import { access, readdir, rm, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Observable, Subject, takeUntil } from 'rxjs'
import { ConfigError, NorthboundError } from '../errors.ts'
import { counterTable, type Hold, type NbDriver, type NbEvent, type RawRow } from './driver.ts'
import { holdFile } from './file-hold.ts'
import {
  codeOf,
  inParallel,
  isMissing,
  makeFolders,
  readRowFile,
  storeError,
  syncFolder,
  writeRowFile,
} from './file-io.ts'
import { emptyListing, rowsOf, wholeListing } from './file-listing.ts'
import { sweepLockFiles, withLock } from './file-lock.ts'
import { draftPrefix, fileNameOf, folderOf, isTableFolder } from './file-path.ts'
import { type FileWatchOptions, watchFiles } from './file-watch.ts'
import { nextCounter } from './unique-key.ts'

export interface FileDriverOptions extends FileWatchOptions {
  /** Makes the directory if it is missing. */
  readonly createMissing?: boolean
}

/**
 * Opens the store in directory `root`; throws NorthboundError if it is missing, no directory or not readable,
 * ConfigError if it has no name.
 */
export async function openFileDriver(root: string, options: FileDriverOptions = {}): Promise<NbDriver> {
  if (root === '')
    throw new ConfigError('the northbound store needs a directory: set --nb-path or [df] nb_path')
  try {
    if (options.createMissing) await makeFolders(root)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw storeError(root, error)
    throw new NorthboundError(`the northbound store ${root} cannot be made there: name another directory`)
  }
  try {
    await readdir(root)
  } catch (error) {
    throw storeError(root, error)
  }
  return new FileDriver(root, options)
}

class FileDriver implements NbDriver {
  readonly #root: string
  readonly #lock: string
  readonly #options: FileDriverOptions
  readonly #closed = new Subject<void>()
  /** The changes of this process take turns, so that they do not wait for each other at the lock file. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(root: string, options: FileDriverOptions) {
    this.#root = root
    this.#lock = join(root, '.lock')
    this.#options = options
  }

  watch(): Observable<NbEvent> {
    return watchFiles(this.#root, this.#options).pipe(takeUntil(this.#closed))
  }

  async get(table: string, id: string): Promise<string | undefined> {
    const path = this.#pathOf(table, id)
    try {
      const found = readRowFile(path)
      if (found?.problem) throw new NorthboundError(`${path}: ${found.problem}`)
      if (!found) await access(this.#root)
      return found?.value
    } catch (error) {
      throw storeError(this.#root, error)
    }
  }

  async list(table?: string): Promise<RawRow[]> {
    if (table !== undefined) folderOf(this.#root, table)
    try {
      const rows = rowsOf(await wholeListing(this.#root, emptyListing))
      return table === undefined ? rows : rows.filter((row) => row.table === table)
    } catch (error) {
      throw storeError(this.#root, error)
    }
  }

  put(table: string, id: string, value: string): Promise<void> {
    return this.putAll([{ table, id, value }])
  }

  async putAll(rows: readonly RawRow[]): Promise<void> {
    const files = new Map(rows.map(({ table, id, value }) => [this.#pathOf(table, id), value]))
    await this.#exclusively(async () => {
      await inParallel([...files], ([path, value]) => writeRowFile(path, value))
      for (const folder of new Set([...files.keys()].map(dirname))) await syncFolder(folder)
    })
  }

  async create(table: string, id: string, value: string): Promise<void> {
    await this.change(table, id, (before) => {
      if (before === undefined) return value
      throw new NorthboundError(`${table} ${id} exists already: update it, or remove it first`)
    })
  }

  change(
    table: string,
    id: string,
    next: (value: string | undefined) => string | undefined,
  ): Promise<string | undefined> {
    const path = this.#pathOf(table, id)
    return this.#exclusively(async () => {
      const value = next(await this.get(table, id))
      if (value === undefined) return undefined
      await writeRowFile(path, value)
      await syncFolder(dirname(path))
      return value
    })
  }

  delete(table: string, id: string): Promise<boolean> {
    const path = this.#pathOf(table, id)
    return this.#exclusively(async () => {
      try {
        await unlink(path)
      } catch (error) {
        if (isMissing(error)) return false
        throw error
      }
      await syncFolder(dirname(path))
      return true
    })
  }

  async allocateUniqueKey(table: string): Promise<number> {
    return Number(await this.change(counterTable, table, (stored) => nextCounter(table, stored)))
  }

  hold(table: string, id: string, signal: AbortSignal): Promise<Hold> {
    folderOf(this.#root, table)
    return holdFile(join(this.#root, `.hold-${fileNameOf(`${table}/${id}`)}`), signal)
  }

  async close(): Promise<void> {
    this.#closed.next()
    this.#closed.complete()
    await this.#turn
  }

  #pathOf(table: string, id: string): string {
    return join(folderOf(this.#root, table), fileNameOf(id))
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const locked = async () => {
      try {
        return await withLock(this.#lock, async (isBroken) => {
          if (isBroken) await this.#sweep()
          return work()
        })
      } catch (error) {
        throw storeError(this.#root, error)
      }
    }
    const result = this.#turn.then(locked)
    this.#turn = result.catch(() => {})
    return result
  }

  /** Removes what a writer that died has left; nobody else writes while the lock is held. */
  async #sweep(): Promise<void> {
    await sweepLockFiles(this.#lock)
    for (const entry of await readdir(this.#root, { withFileTypes: true })) {
      if (!entry.isDirectory() || !isTableFolder(entry.name)) continue
      const folder = join(this.#root, entry.name)
      for (const name of await readdir(folder))
        if (name.startsWith(draftPrefix)) await rm(join(folder, name), { force: true })
    }
  }
}
