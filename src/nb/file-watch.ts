/**
 * Watches the file driver's directory and tells what changed. The kernel's watches say where to look; because
 * they can overflow silently, its folders are looked at every few seconds as well, and each file every minute. It writes
 * nothing.
 *
 *   starting --first look--> watching         sends the snapshot
 *   watching --a change--> watching            sends the changes, if any, and `lost` while a file is written in half
 *   watching --the time for a look--> watching looks beside what else goes on, and marks what it finds changed
 *   starting, watching --no directory, or an empty one in its place--> lost    sends `lost`
 *   lost --the directory is back--> watching   sends what was missed, or the snapshot if there was none
 */

import { type FSWatcher, watch } from 'node:fs'
import { basename, join } from 'node:path'
import { Observable } from 'rxjs'
import { NorthboundError, reasonOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { NbEvent } from './driver.ts'
import { storeError } from './file-io.ts'
import {
  emptyListing,
  type Listing,
  partialListing,
  rowsOf,
  toldListing,
  type WholeLook,
  wholeListing,
} from './file-listing.ts'
import { FileLooks } from './file-look.ts'
import { isRowFile } from './file-path.ts'

/** What a watch may be told; everything has a default. */
export interface FileWatchOptions {
  readonly log?: Pick<Logger, 'warn'>
  /** Between two looks at the folders, for files that came, went or were replaced; 5 s. */
  readonly lookEveryMs?: number
  /** Between two looks at each file, for what was written into it; 60 s. */
  readonly fileLookEveryMs?: number
  /** How long no change must come before a batch is read; 20 ms. */
  readonly settleMs?: number
  /** Opens a watch on a folder; `fs.watch` unless a test wants a deaf one. */
  readonly watchFolder?: typeof watch
}

/**
 * Between two looks while the directory is lost or cannot be watched, so that a change is seen within a
 * second.
 */
const blindLookMs = 500
/** Looks may take one part in so many of the time (0.2 s at 20,000 rows): a large store is looked at less often. */
const lookShare = 20
const maxRestMs = 30_000
/** How long a batch waits for the changes to stop. */
const maxSettleMs = 100

/** The store in `root` as events; ends when the subscriber leaves. */
export function watchFiles(root: string, options: FileWatchOptions = {}): Observable<NbEvent> {
  return new Observable((subscriber) => {
    const watching = new FileWatch(root, options)
    watching.run((event) => subscriber.next(event)).catch((error: unknown) => subscriber.error(error))
    return () => watching.stop()
  })
}

class FileWatch {
  readonly #root: string
  readonly #options: FileWatchOptions
  readonly #watchers = new Map<string, { identity: string; watcher: FSWatcher }>()
  #listing: Listing = emptyListing
  #state: 'starting' | 'watching' | 'lost' = 'starting'
  #hasTold = false
  #isStopped = false
  #isBlind = false
  #hasWarned = false
  /** Files to look at, `<table>/<file name>`; the whole directory if `#isWhole`. */
  #marks = new Set<string>()
  #isWhole = true
  #markCount = 0
  #lookAt = 0
  /** When each file is due, beside the folders. */
  #lookAtFilesAt = 0
  #isLooking = false
  #wake: () => void = () => {}

  constructor(root: string, options: FileWatchOptions) {
    this.#root = root
    this.#options = options
  }

  async run(send: (event: NbEvent) => void): Promise<void> {
    while (!this.#isStopped) {
      await this.#tell(send)
      if (this.#isStopped) return
      await this.#untilWork()
    }
  }

  /** Looks once. A function of its own, since one that waits keeps what it had in its hands: the texts of all rows. */
  async #tell(send: (event: NbEvent) => void): Promise<void> {
    for (const event of await this.#look()) if (!this.#isStopped) send(event)
  }

  stop(): void {
    this.#isStopped = true
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
    this.#wake()
  }

  async #look(): Promise<readonly NbEvent[]> {
    const previous = this.#listing
    let next: Listing
    try {
      next = await this.#nextListing(previous)
    } catch (error) {
      const isNew = this.#state !== 'lost'
      this.#isWhole = true
      this.#state = 'lost'
      this.#lookAt = performance.now() + this.#everyMs()
      return isNew ? [{ kind: 'lost', error: storeError(this.#root, error) }] : []
    }
    const wasLost = this.#state === 'lost'
    this.#state = 'watching'
    this.#listing = toldListing(next)
    const { half } = next
    const events: NbEvent[] = []
    if (this.#hasTold) {
      const { changes } = next
      const isMended = wasLost || (half.size === 0 && previous.half.size > 0)
      if (changes.length > 0 || isMended) events.push({ kind: 'changes', changes })
    } else events.push({ kind: 'snapshot', rows: rowsOf(next) })
    this.#hasTold = true
    const isNew = half.size !== previous.half.size || events.length > 0
    if (half.size > 0 && isNew) events.push({ kind: 'lost', error: halfError(this.#root, half) })
    return events
  }

  async #nextListing(previous: Listing): Promise<Listing> {
    const marks = this.#marks
    this.#marks = new Set()
    if (!this.#isWhole) return partialListing(this.#root, previous, marks)
    this.#isWhole = false
    return this.#lookAtAll(previous, { marks })
  }

  async #lookAtAll(known: Listing, how: Omit<WholeLook, 'entered'>): Promise<Listing> {
    const startedAt = performance.now()
    this.#isBlind = false
    const entered = (folder: string, identity: string) => this.#watchFolder(folder, identity)
    const listing = await wholeListing(this.#root, known, { ...how, entered })
    for (const folder of this.#watchers.keys()) if (!listing.folders.has(folder)) this.#unwatch(folder)
    const { fileLookEveryMs = 60_000 } = this.#options
    const endedAt = performance.now()
    const restMs = Math.min((endedAt - startedAt) * lookShare, maxRestMs)
    this.#lookAt = endedAt + Math.max(this.#everyMs(), restMs)
    if (how.isThorough !== false) this.#lookAtFilesAt = endedAt + fileLookEveryMs
    return listing
  }

  /** Looks for what the kernel did not tell, while other changes go on being read. */
  async #lookBeside(): Promise<void> {
    this.#isLooking = true
    const before = this.#listing
    try {
      const isThorough = this.#isBlind || performance.now() >= this.#lookAtFilesAt
      const { folders, stamps, files } = await this.#lookAtAll(before, { isThorough })
      const changed = [...FileLooks.changed(before.files, files)]
      for (const path of changed) this.#marks.add(path)
      // Folders are known by their stamps when nothing in them is left to be read.
      const known = changed.length === 0 ? stamps : this.#listing.stamps
      if (folders.get(this.#root) !== before.folders.get(this.#root)) this.#isWhole = true
      else this.#listing = { ...this.#listing, folders, stamps: known }
    } catch {
      this.#isWhole = true // the look that follows tells what is wrong
    }
    this.#isLooking = false
    this.#wake()
  }

  #everyMs(): number {
    const { lookEveryMs = 5_000 } = this.#options
    return this.#isBlind || this.#state === 'lost' ? Math.min(blindLookMs, lookEveryMs) : lookEveryMs
  }

  #watchFolder(folder: string, identity: string): void {
    if (this.#isStopped || this.#watchers.get(folder)?.identity === identity) return
    this.#unwatch(folder)
    try {
      const watcher = (this.#options.watchFolder ?? watch)(folder)
      watcher.on('change', (_, name) => this.#mark(folder, name === null ? undefined : String(name)))
      watcher.on('error', () => this.#unwatch(folder))
      this.#watchers.set(folder, { identity, watcher })
    } catch (error) {
      this.#isBlind = true
      if (this.#hasWarned) return
      this.#hasWarned = true
      this.#options.log?.warn(
        `${folder} cannot be watched (${reasonOf(error)}): looking every ${blindLookMs} ms; raise fs.inotify.max_user_watches`,
      )
    }
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.watcher.close()
    this.#watchers.delete(folder)
  }

  #mark(folder: string, name: string | undefined): void {
    if (name?.startsWith('.')) return
    if (folder !== this.#root && name !== undefined && isRowFile(name))
      this.#marks.add(`${basename(folder)}/${name}`)
    else this.#isWhole = true
    this.#markCount += 1
    this.#wake()
  }

  /** Waits for a mark and then until no more come; begins a look at everything when it is time. */
  async #untilWork(): Promise<void> {
    const isMarked = () => this.#state !== 'lost' && (this.#isWhole || this.#marks.size > 0)
    while (!this.#isStopped) {
      const dueMs = this.#lookAt - performance.now()
      if (dueMs <= 0 && this.#state === 'lost') {
        this.#isWhole = true
        return
      }
      if (dueMs <= 0 && !this.#isLooking) void this.#lookBeside()
      if (isMarked()) break
      const isOver = () => isMarked() || !this.#isLooking
      await this.#sleep(this.#isLooking ? undefined : Math.max(dueMs, 0), isOver)
    }
    const { settleMs = 20 } = this.#options
    const latest = performance.now() + maxSettleMs
    for (let count = -1; count !== this.#markCount && performance.now() < latest; ) {
      count = this.#markCount
      await this.#sleep(settleMs, () => false)
    }
  }

  async #sleep(ms: number | undefined, isOver: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
      this.#wake = () => {
        if (!this.#isStopped && !isOver()) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function halfError(root: string, half: ReadonlySet<string>): NorthboundError {
  const [first = ''] = half
  const others = half.size > 1 ? ` and ${half.size - 1} more files are` : ' is'
  return new NorthboundError(
    `${join(root, first)}${others} written in half, the last whole row is used: write it elsewhere and rename it`,
  )
}
