/**
 * Reads ranges of keys page by page, all at the revision of the first page, so that the rows are those of one moment
 * although a gRPC message is limited to 4 MB (architecture.md 3). It does not know what a row is.
 */

import { type EtcdClient, EtcdRefusal, type KeyValue, type RangeResponse } from './etcd-client.ts'
import type { KeyRange } from './etcd-key.ts'

/** The moment that was read. */
export interface Moment {
  /** Tells one cluster from another. */
  readonly clusterId: string
  /** Counts the changes of the whole store. */
  readonly revision: number
}

/** The most rows of a page; a port has 1 to 2 kB. */
const pageRows = 500
const maxTries = 3

/** Gives every key of the ranges to `found`, in order, after `restart`; both anew if the moment was compacted away. */
export async function readRanges(
  client: EtcdClient,
  ranges: readonly KeyRange[],
  { restart, found }: { restart: () => void; found: (kv: KeyValue) => void },
): Promise<Moment> {
  for (let tries = 1; ; tries += 1) {
    restart()
    try {
      return await readOnce(client, ranges, found)
    } catch (error) {
      if (!isRefusal(error, 'compacted') || tries === maxTries) throw error
    }
  }
}

async function readOnce(
  client: EtcdClient,
  ranges: readonly KeyRange[],
  found: (kv: KeyValue) => void,
): Promise<Moment> {
  let moment: Moment | undefined
  for (const { key: start, range_end } of ranges)
    for (let key: Buffer | undefined = start; key; ) {
      const at: { revision?: number } = moment ? { revision: moment.revision } : {}
      const page: RangeResponse = await readPage(client, { key, range_end, ...at }, pageRows)
      moment ??= momentOf(page)
      for (const kv of page.kvs) found(kv)
      const last = page.kvs.at(-1)
      key = page.more && last ? Buffer.concat([last.key, Buffer.of(0)]) : undefined
    }
  return moment!
}

/** A page that is too large for a message is asked for again with half as many rows. */
async function readPage(
  client: EtcdClient,
  request: KeyRange & { revision?: number },
  limit: number,
): Promise<RangeResponse> {
  try {
    return await client.range({ ...request, limit })
  } catch (error) {
    if (!isRefusal(error, 'large') || limit === 1) throw error
    return readPage(client, request, Math.ceil(limit / 2))
  }
}

/** The moment of an answer. */
export function momentOf({ header }: Pick<RangeResponse, 'header'>): Moment {
  return { clusterId: header.cluster_id, revision: Number(header.revision) }
}

function isRefusal(error: unknown, kind: EtcdRefusal['kind']): boolean {
  return error instanceof EtcdRefusal && error.kind === kind
}
