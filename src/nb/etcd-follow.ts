/**
 * One watch stream of etcd, from a position until it ends: a watcher for each range of keys, events put into batches,
 * and signs of life. It keeps the position up to date; what happens after the end is `etcd-watch.ts`.
 */

import { NorthboundError } from '../errors.ts'
import type { RawChange } from './driver.ts'
import {
  type EtcdClient,
  EtcdRefusal,
  type KeyValue,
  type WatchResponse,
  type WatchStream,
} from './etcd-client.ts'
import type { KeySpace } from './etcd-key.ts'
import { type Moment, momentOf } from './etcd-read.ts'

/** What the last event left: which store it was, how far it was read, and how many rows there were. */
export interface Position extends Moment {
  /** By range: the first revision that has not been seen. */
  readonly nextRevisions: readonly number[]
  /** The row that was written last: if etcd had it so at that revision, it is the same store. */
  readonly anchor: KeyValue | undefined
  readonly rowCount: number
}

/** What a stream tells while it lives. */
export interface FollowingListener {
  readonly probeEveryMs: number
  changed(changes: readonly RawChange[]): void
  /** Every watcher runs, and what was missed has come. */
  settled(): void
}

/** How long after the last watcher was made what was missed has come: etcd looks for those behind every 100 ms. */
const settleMs = 300
const creationMs = 5_000

/** A watch stream. */
export class Following {
  readonly #client: EtcdClient
  readonly #keys: KeySpace
  readonly #listener: FollowingListener
  readonly #ended: Promise<never>
  readonly #timers = new Set<NodeJS.Timeout>()
  /** By the watcher's id. */
  readonly #rangeOf = new Map<string, number>()
  /** By range: what a progress notice said. It counts with the next one, when nothing can be under way any more. */
  readonly #progress = new Map<number, number>()
  #position: Position
  #pending: RawChange[] = []
  #stream: WatchStream | undefined
  #end: (reason: unknown) => void = () => {}
  #isOver = false
  #isSettled = false

  constructor(client: EtcdClient, keys: KeySpace, position: Position, listener: FollowingListener) {
    this.#client = client
    this.#keys = keys
    this.#position = position
    this.#listener = listener
    this.#ended = new Promise((_, reject) => {
      this.#end = reject
    })
    this.#ended.catch(() => {}) // until `run` waits for it
  }

  /** How far it has come. */
  get position(): Position {
    return this.#position
  }

  /** Whether it has lived: every watcher ran. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Rejects when the stream ends, with why. */
  async run(): Promise<never> {
    try {
      this.#stream = await this.#client.watch({
        response: (response) => this.#take(response),
        ended: (error) => this.#end(error),
      })
      if (this.#isOver) {
        this.#stream.cancel()
        return await this.#ended
      }
      for (const [index, range] of this.#keys.ranges.entries())
        this.#stream.request({
          create_request: {
            ...range,
            start_revision: this.#position.nextRevisions[index]!,
            progress_notify: true,
            fragment: true,
          },
        })
      this.#after(creationMs, () => this.#failIf(this.#rangeOf.size < this.#keys.ranges.length))
      this.#probeLater()
      return await this.#ended
    } finally {
      this.stop()
    }
  }

  stop(): void {
    if (this.#isOver) return
    this.#flush()
    this.#isOver = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#stream?.cancel()
    this.#end(new NorthboundError('stopped'))
  }

  #take(response: WatchResponse): void {
    const { created, canceled, watch_id } = response
    if (canceled) this.#refused(response)
    // Watchers are made in the order of their requests.
    else if (created) this.#made(watch_id)
    else {
      const index = this.#rangeOf.get(watch_id)
      if (index !== undefined) this.#advance(index, response)
    }
  }

  #refused({ compact_revision, cancel_reason }: WatchResponse): void {
    const host = this.#client.host
    // Nothing to resume from any more: the next turn reads anew.
    this.#position = { ...this.#position, anchor: undefined }
    if (Number(compact_revision) > 0)
      this.#end(new EtcdRefusal('compacted', `etcd at ${host} is compacted up to ${compact_revision}`))
    else this.#end(new NorthboundError(`etcd at ${host} has ended the watch: ${cancel_reason}`))
  }

  #made(watchId: string): void {
    this.#rangeOf.set(watchId, this.#rangeOf.size)
    if (this.#rangeOf.size < this.#keys.ranges.length) return
    this.#after(settleMs, () => {
      this.#flush()
      this.#isSettled = true
      this.#listener.settled()
    })
  }

  #advance(index: number, { header, events, fragment }: WatchResponse): void {
    let { anchor, rowCount } = this.#position
    for (const { type, kv } of events) {
      const isDeletion = type === 'Delete'
      const row = this.#keys.rowOf(kv.key, kv.value)
      if (!isDeletion) anchor = kv
      else if (anchor?.key.equals(kv.key)) anchor = undefined
      if (!row) continue
      if (isDeletion || kv.version === '1') rowCount += isDeletion ? -1 : 1
      this.#pend(isDeletion ? { table: row.table, id: row.id, value: undefined } : row)
    }
    const last = Number(events.at(-1)?.kv.mod_revision ?? 0)
    const seen = events.length > 0 ? last + (fragment ? 0 : 1) : this.#noticed(index, Number(header.revision))
    const nextRevisions = this.#position.nextRevisions.map((next, at) =>
      at === index ? Math.max(next, seen) : next,
    )
    const revision = Math.max(this.#position.revision, last)
    this.#position = { ...this.#position, nextRevisions, revision, anchor, rowCount }
  }

  #noticed(index: number, revision: number): number {
    const before = this.#progress.get(index) ?? 0
    this.#progress.set(index, revision + 1)
    return before
  }

  /** What comes in one turn of the event loop becomes one batch. */
  #pend(change: RawChange): void {
    this.#pending.push(change)
    if (this.#pending.length === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const changes = this.#pending
    this.#pending = []
    if (changes.length > 0 && !this.#isOver) this.#listener.changed(changes)
  }

  #probeLater(): void {
    this.#after(this.#listener.probeEveryMs, () => {
      this.#probed().catch(this.#end)
    })
  }

  async #probed(): Promise<void> {
    const { clusterId, revision } = momentOf(await this.#stream!.probe(this.#keys.ranges[0]!.key))
    this.#failIf(clusterId !== this.#position.clusterId || revision < this.#position.revision)
    if (!this.#isOver) this.#probeLater()
  }

  #failIf(isWrong: boolean): void {
    if (isWrong) this.#end(new NorthboundError(`etcd at ${this.#client.host} does not follow the watch`))
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      act()
    }, ms)
    this.#timers.add(timer)
  }
}
