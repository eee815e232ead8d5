/**
 * The etcd driver's hold: a key under a lease that is renewed for as long as the process lives, and that etcd removes
 * when it is not (etcd's `clientv3/concurrency` does the same). It knows nothing of rows.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { NorthboundError } from '../errors.ts'
import type { Hold } from './driver.ts'
import type { EtcdClient } from './etcd-client.ts'

/** How long etcd keeps the key of a process that says nothing any more. */
const lifeSeconds = 10
const lifeMs = 1000 * lifeSeconds
/** How often the lease is renewed, and how often somebody who waits looks again. */
const pauseMs = 2_000

/** Waits until nobody has `key`, until `signal` is aborted, and keeps it; throws NorthboundError. */
export async function holdKey(
  client: EtcdClient,
  key: Buffer,
  value: string,
  signal: AbortSignal,
): Promise<Hold> {
  for (;;) {
    signal.throwIfAborted()
    if ((await client.range({ key, keys_only: true })).kvs.length === 0) {
      const grantedMs = performance.now()
      const lease = await client.grantLease(lifeSeconds)
      const { succeeded } = await client.txn({
        compare: [{ key, target: 'Create', result: 'Equal', create_revision: 0 }],
        success: [{ request_put: { key, value: Buffer.from(value), lease } }],
      })
      if (succeeded) return renewed(client, lease, grantedMs)
      await client.revokeLease(lease)
    }
    await sleep(pauseMs, undefined, { signal })
  }
}

/** Renews the lease, which runs from `grantedMs` on, and gives it up before etcd does. */
function renewed(client: EtcdClient, lease: string, grantedMs: number): Hold {
  const lost = new AbortController()
  let lastMs = grantedMs
  const lose = (why: string) => {
    clearInterval(timer)
    lost.abort(new NorthboundError(why))
  }
  const renew = async () => {
    const beganMs = performance.now()
    if (beganMs - lastMs > lifeMs - pauseMs) return lose('etcd could not be asked to renew the lease')
    try {
      if (!(await client.renewLease(lease))) return lose('etcd has ended the lease')
      lastMs = beganMs
    } catch {
      // Another host may take it next time; until the lease is over it is ours.
    }
  }
  const timer = setInterval(renew, pauseMs)
  const release = async () => {
    clearInterval(timer)
    await client.revokeLease(lease)
  }
  return { lost: lost.signal, release }
}
