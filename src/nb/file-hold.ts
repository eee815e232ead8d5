/**
 * The file driver's hold: a lock file of its own that one process keeps for as long as it lives, and that others break
 * as soon as it has died. It knows nothing of rows.
 */

import { utimes } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hold } from './driver.ts'
import { LockedError, withLock } from './file-lock.ts'

/** How often somebody who waits looks again. */
const pauseMs = 500
/** A lock that nobody has touched for a minute is taken to be left behind, if its holder runs on another host. */
const touchMs = 15_000

/** Waits for the lock file at `path`, until `signal` is aborted, and keeps it; throws NorthboundError. */
export async function holdFile(path: string, signal: AbortSignal): Promise<Hold> {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await held(path)
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
      await sleep(pauseMs, undefined, { signal })
    }
  }
}

/** Resolves when the lock is held, and lets `withLock` go on until it is released. */
function held(path: string): Promise<Hold> {
  return new Promise((resolve, reject) => {
    const lost = new AbortController()
    const work = () =>
      new Promise<void>((end) => {
        const touch = () => {
          const now = new Date()
          utimes(path, now, now).catch((error: unknown) => lost.abort(error))
        }
        const timer = setInterval(touch, touchMs)
        const release = async () => {
          clearInterval(timer)
          end()
          await locked
        }
        resolve({ lost: lost.signal, release })
      })
    const locked = withLock(path, work, 0)
    locked.catch(reject)
  })
}
