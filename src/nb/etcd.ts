/**
 * The northbound store in etcd: the keys, the JSON and the counters are Dragonflow's, so that its Neutron plugin and our
 * controllers share one store (dragonflow.md 6.1). Exclusive changes are transactions that compare what was read, with a
 * random pause after each one lost.
 */

import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Observable, Subject, takeUntil } from 'rxjs'
import { ConfigError, NorthboundError, reasonOf } from '../errors.ts'
import { counterTable, type Hold, type NbDriver, type NbEvent, type RawRow } from './driver.ts'
import { type EtcdConfig, etcdAccess } from './etcd-access.ts'
import { EtcdClient, type EtcdClientOptions } from './etcd-client.ts'
import { holdKey } from './etcd-hold.ts'
import { type KeySpace, keySpace } from './etcd-key.ts'
import { readRanges } from './etcd-read.ts'
import { type EtcdWatchOptions, watchEtcd } from './etcd-watch.ts'
import { nextCounter } from './unique-key.ts'

export interface EtcdDriverOptions extends EtcdClientOptions, EtcdWatchOptions {}

/**
 * Opens the store. Throws ConfigError for what a person must mend (credentials, certificates, hosts that are none); etcd
 * that cannot be reached is no reason not to open it, for it may come.
 */
export async function openEtcdDriver(config: EtcdConfig, options: EtcdDriverOptions = {}): Promise<NbDriver> {
  const client = clientOf(config, options)
  const keys = keySpace(config.remote_db_key_prefix ?? '')
  try {
    await client.range({ ...keys.ranges[0]!, limit: 1, keys_only: true })
  } catch (error) {
    if (!(error instanceof NorthboundError)) {
      client.close()
      throw error
    }
  }
  return new EtcdDriver(client, keys, options)
}

function clientOf(config: EtcdConfig, options: EtcdDriverOptions): EtcdClient {
  const access = etcdAccess(config)
  try {
    return new EtcdClient(access, options)
  } catch (error) {
    throw new ConfigError(
      `[df] remote_db_cert_file and remote_db_key_file cannot be used (${reasonOf(error)}): see that they fit`,
    )
  }
}

/** etcd takes 128 operations and 1.5 MB in a transaction unless told otherwise (--max-txn-ops, --max-request-bytes). */
const maxOperations = 100
const maxBatchSize = 1 << 20
const maxPauseMs = 50
/** How long a change may go on losing. */
const patienceMs = 10_000

class EtcdDriver implements NbDriver {
  readonly #client: EtcdClient
  readonly #keys: KeySpace
  readonly #options: EtcdDriverOptions
  readonly #closed = new Subject<void>()
  /** The changes of this process take turns, so that they do not lose against each other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(client: EtcdClient, keys: KeySpace, options: EtcdDriverOptions) {
    this.#client = client
    this.#keys = keys
    this.#options = options
  }

  watch(): Observable<NbEvent> {
    return watchEtcd(this.#client, this.#keys, this.#options).pipe(takeUntil(this.#closed))
  }

  async get(table: string, id: string): Promise<string | undefined> {
    const key = this.#keys.keyOf(table, id)
    const [found] = (await this.#client.range({ key })).kvs
    const row = found && this.#keys.rowOf(key, found.value)
    if (row?.problem) throw new NorthboundError(`${table} ${id}: ${row.problem}`)
    return row?.value
  }

  async list(table?: string): Promise<RawRow[]> {
    const ranges = table === undefined ? this.#keys.ranges : [this.#keys.rangeOf(table)]
    let rows: RawRow[] = []
    await readRanges(this.#client, ranges, {
      restart: () => {
        rows = []
      },
      found: ({ key, value }) =>
        rows.push(...[this.#keys.rowOf(key, value)].filter((row) => row !== undefined)),
    })
    return rows
  }

  put(table: string, id: string, value: string): Promise<void> {
    return this.putAll([{ table, id, value }])
  }

  async putAll(rows: readonly RawRow[]): Promise<void> {
    const values = new Map(
      rows.map(({ table, id, value }) => [this.#keys.keyOf(table, id).toString(), value]),
    )
    let batch: { request_put: { key: Buffer; value: Buffer } }[] = []
    let size = 0
    const write = async () => {
      if (batch.length > 0) await this.#client.write({ success: batch })
      batch = []
      size = 0
    }
    for (const [name, text] of values) {
      const key = Buffer.from(name)
      const value = Buffer.from(text)
      if (batch.length === maxOperations || size + key.length + value.length > maxBatchSize) await write()
      batch.push({ request_put: { key, value } })
      size += key.length + value.length
    }
    await write()
  }

  async create(table: string, id: string, value: string): Promise<void> {
    if (!(await this.#replaced(this.#keys.keyOf(table, id), undefined, value)))
      throw new NorthboundError(`${table} ${id} exists already: update it, or remove it first`)
  }

  change(
    table: string,
    id: string,
    next: (value: string | undefined) => string | undefined,
  ): Promise<string | undefined> {
    const result = this.#turn.then(() => this.#changed(table, id, next))
    this.#turn = result.catch(() => {})
    return result
  }

  async delete(table: string, id: string): Promise<boolean> {
    const { deleted } = await this.#client.deleteRange({ key: this.#keys.keyOf(table, id) })
    return deleted !== '0'
  }

  async allocateUniqueKey(table: string): Promise<number> {
    return Number(await this.change(counterTable, table, (stored) => nextCounter(table, stored)))
  }

  hold(table: string, id: string, signal: AbortSignal): Promise<Hold> {
    return holdKey(this.#client, this.#keys.keyOf(table, id), `${hostname()} ${process.pid}`, signal)
  }

  async close(): Promise<void> {
    this.#closed.next()
    this.#closed.complete()
    await this.#turn
    this.#client.close()
  }

  async #changed(
    table: string,
    id: string,
    next: (value: string | undefined) => string | undefined,
  ): Promise<string | undefined> {
    const key = this.#keys.keyOf(table, id)
    const deadline = performance.now() + patienceMs
    for (let lost = 0; performance.now() < deadline; lost += 1) {
      const before = await this.get(table, id)
      const after = next(before)
      if (after === undefined || (await this.#replaced(key, before, after))) return after
      const { random = Math.random } = this.#options
      await sleep(random() * Math.min(2 ** lost, maxPauseMs))
    }
    throw new NorthboundError(`${table} ${id} is being changed by others all the time: try again`)
  }

  /** Writes `after` if the key holds `before`, and says whether it did: Dragonflow's own transaction. */
  async #replaced(key: Buffer, before: string | undefined, after: string): Promise<boolean> {
    const { succeeded } = await this.#client.txn({
      compare: [
        before === undefined
          ? { key, target: 'Create', result: 'Equal', create_revision: 0 }
          : { key, target: 'Value', result: 'Equal', value: Buffer.from(before) },
      ],
      success: [{ request_put: { key, value: Buffer.from(after) } }],
    })
    return succeeded
  }
}
