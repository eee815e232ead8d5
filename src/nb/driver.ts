/**
 * The one interface behind which a northbound store lies, whatever holds it (files, etcd): keys
 * `/<table>/<id>`, values as text. A driver knows nothing of what the text means; counters are rows of the
 * table `unique_key`.
 */

import type { Observable } from 'rxjs'

/** The table that holds the counters: `/unique_key/<table>` is the last key given out, in decimal. */
export const counterTable = 'unique_key'

/** A stored value under `/<table>/<id>`. */
export interface RawRow {
  readonly table: string
  readonly id: string
  readonly value: string
  /** Why the value could not be read, if so; `value` is then empty. */
  readonly problem?: string
}

/** A row that was written, or deleted if `value` is undefined. */
export interface RawChange {
  readonly table: string
  readonly id: string
  readonly value: string | undefined
  readonly problem?: string
}

/**
 * What a watch tells: first a snapshot, then changes; after `lost` the driver recovers and sends a new
 * snapshot, or, if it can tell what it missed, changes (none if nothing).
 */
export type NbEvent =
  | { readonly kind: 'snapshot'; readonly rows: readonly RawRow[] }
  | { readonly kind: 'changes'; readonly changes: readonly RawChange[] }
  | { readonly kind: 'lost'; readonly error: Error }

/** Something that one process alone holds. */
export interface Hold {
  /** Aborted when the store has taken it away: somebody else may hold it from then on. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

/** A northbound store. Methods throw NorthboundError if the store cannot be read or written. */
export interface NbDriver {
  /**
   * The whole store, then every change, in batches; each subscription is a watch of its own and ends with
   * `close`.
   */
  watch(): Observable<NbEvent>
  /** The value of a row, or undefined if there is none. */
  get(table: string, id: string): Promise<string | undefined>
  /** The rows of a table, or of all tables with the counters, in order of table and id. */
  list(table?: string): Promise<RawRow[]>
  /** Writes a row, whether it exists or not. */
  put(table: string, id: string, value: string): Promise<void>
  /** Writes many rows; quicker than one by one, but not all at one moment. */
  putAll(rows: readonly RawRow[]): Promise<void>
  /** Writes a new row; throws NorthboundError if it exists. */
  create(table: string, id: string, value: string): Promise<void>
  /**
   * Replaces the value of a row by what `next` makes of it, so that no other change comes between. A row that
   * does not exist is given as undefined; nothing is written if undefined is returned. Resolves to what
   * `next` returned.
   */
  change(
    table: string,
    id: string,
    next: (value: string | undefined) => string | undefined,
  ): Promise<string | undefined>
  /** Deletes a row; resolves to whether there was one. */
  delete(table: string, id: string): Promise<boolean>
  /** The next unique_key of a table, from 1; never the same twice, whoever else asks. */
  allocateUniqueKey(table: string): Promise<number>
  /**
   * Waits until no other process holds this name, or rejects when `signal` is aborted; a process that dies loses what it
   * holds (files: at once; etcd: within 10 s). Nothing that others read is changed by it.
   */
  hold(table: string, id: string, signal: AbortSignal): Promise<Hold>
  /** Ends all watches. */
  close(): Promise<void>
}
