/**
 * Follows the rows in etcd: all of them at one revision, then every change from the next revision on. After a cut it goes
 * on where it was, if etcd still has that past and is still the same store (architecture.md 3). It writes nothing.
 *
 *   reading --every page--> following           sends the snapshot
 *   following --the stream ends, no sign of life--> resuming
 *   following --the past was compacted away--> reading
 *   resuming --the same store--> following      sends what was missed
 *   resuming --another store, or an older one--> reading
 *   reading, resuming --no host answers, or an empty store in place of one with rows--> lost    sends `lost`
 *   lost --a pause--> resuming, or reading if nothing was read yet
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { Observable } from 'rxjs'
import { type ControllerError, NorthboundError } from '../errors.ts'
import type { NbEvent, RawRow } from './driver.ts'
import { type EtcdClient, EtcdRefusal, type KeyValue } from './etcd-client.ts'
import { Following, type Position } from './etcd-follow.ts'
import type { KeySpace } from './etcd-key.ts'
import { momentOf, readRanges } from './etcd-read.ts'

/** What a watch may be told; everything has a default. */
export interface EtcdWatchOptions {
  /** Between two signs of life asked of the watch's host; 5 s. */
  readonly probeEveryMs?: number
  /** Before the first new try after a failure, doubled each time up to four times as much; 500 ms. */
  readonly retryMs?: number
  /** From 0 up to 1; `Math.random`. */
  readonly random?: () => number
}

/** The rows of the store as events; ends when the subscriber leaves. */
export function watchEtcd(
  client: EtcdClient,
  keys: KeySpace,
  options: EtcdWatchOptions = {},
): Observable<NbEvent> {
  return new Observable((subscriber) => {
    const watching = new EtcdWatch(client, keys, options)
    watching.run((event) => subscriber.next(event)).catch((error: unknown) => subscriber.error(error))
    return () => watching.stop()
  })
}

class EtcdWatch {
  readonly #client: EtcdClient
  readonly #keys: KeySpace
  readonly #options: EtcdWatchOptions
  readonly #stopped = new AbortController()
  #position: Position | undefined
  #following: Following | undefined
  /** What the subscriber was told of the loss, until it is over. */
  #toldLoss: string | undefined
  #failures = 0

  constructor(client: EtcdClient, keys: KeySpace, options: EtcdWatchOptions) {
    this.#client = client
    this.#keys = keys
    this.#options = options
  }

  async run(send: (event: NbEvent) => void): Promise<void> {
    while (!this.#isStopped) {
      try {
        if (!(await this.#canResume())) await this.#sendSnapshot(send)
        if (this.#isStopped) return
        await this.#follow(send)
      } catch (error) {
        if (this.#isStopped) return
        await this.#afterFailure(error as ControllerError, send)
      }
    }
  }

  /** Apart from `run`, which would keep the rows for as long as it follows: a third of the controller's memory. */
  async #sendSnapshot(send: (event: NbEvent) => void): Promise<void> {
    const rows = await this.#read()
    if (this.#isStopped) return
    this.#toldLoss = undefined
    send({ kind: 'snapshot', rows })
  }

  stop(): void {
    this.#stopped.abort()
    this.#following?.stop()
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  /** Asks for the row that was written last as it was then; if that is compacted away, as it is now. */
  async #canResume(): Promise<boolean> {
    if (!this.#position?.anchor) return false
    const { anchor, clusterId, revision } = this.#position
    const then = { key: anchor.key, revision: anchor.mod_revision }
    const answer = await this.#client.range(then).catch((error: unknown) => {
      if (error instanceof EtcdRefusal) return this.#client.range({ key: anchor.key })
      throw error
    })
    const [found] = answer.kvs
    const now = momentOf(answer)
    return (
      now.clusterId === clusterId &&
      now.revision >= revision &&
      found?.mod_revision === anchor.mod_revision &&
      found.create_revision === anchor.create_revision &&
      found.value.equals(anchor.value)
    )
  }

  async #read(): Promise<RawRow[]> {
    let rows: RawRow[] = []
    let anchor: KeyValue | undefined
    const moment = await readRanges(this.#client, this.#keys.ranges, {
      restart: () => {
        rows = []
        anchor = undefined
      },
      found: (kv) => {
        const row = this.#keys.rowOf(kv.key, kv.value)
        if (row) rows.push(row)
        if (Number(kv.mod_revision) > Number(anchor?.mod_revision ?? 0)) anchor = kv
      },
    })
    const before = this.#position
    const isReplaced = before && (before.clusterId !== moment.clusterId || before.revision > moment.revision)
    if (isReplaced && before.rowCount > 0 && rows.length === 0)
      throw new NorthboundError(
        `the northbound store in etcd at ${this.#client.host} was replaced by an empty one: load its rows, or start again if none are wanted`,
      )
    const nextRevisions = this.#keys.ranges.map(() => moment.revision + 1)
    this.#position = { ...moment, nextRevisions, anchor, rowCount: rows.length }
    return rows
  }

  /** Sends changes until the stream ends; rejects with why. */
  async #follow(send: (event: NbEvent) => void): Promise<void> {
    const following = new Following(this.#client, this.#keys, this.#position!, {
      probeEveryMs: this.#options.probeEveryMs ?? 5_000,
      changed: (changes) => {
        this.#toldLoss = undefined
        send({ kind: 'changes', changes })
      },
      settled: () => {
        this.#failures = 0
        if (this.#toldLoss === undefined) return
        this.#toldLoss = undefined
        send({ kind: 'changes', changes: [] })
      },
    })
    this.#following = following
    try {
      await following.run()
    } finally {
      this.#position = following.position
    }
  }

  /** A stream that ends after it has lived, or for want of its past, is replaced at once, and nobody need know. */
  async #afterFailure(error: ControllerError, send: (event: NbEvent) => void): Promise<void> {
    const hasLived = this.#following?.isSettled === true
    this.#following = undefined
    if (hasLived || (error instanceof EtcdRefusal && error.kind === 'compacted')) return
    if (this.#toldLoss !== error.message) send({ kind: 'lost', error })
    this.#toldLoss = error.message
    const { retryMs = 500, random = Math.random } = this.#options
    const pauseMs = Math.min(retryMs * 2 ** this.#failures, retryMs * 4) * (0.5 + random() / 2)
    this.#failures += 1
    await sleep(pauseMs, undefined, { signal: this.#stopped.signal, ref: true }).catch(() => {})
  }
}
