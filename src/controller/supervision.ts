/**
 * What the service manager is told of the controller's life, and when. It knows neither the socket nor the controller;
 * the reasons why that is not ready are text to it.
 *
 *       starting ------------------> serving <----------------> reloading
 *          |         no reason          |         SIGHUP
 *          +------------> stopping <----+
 *                SIGTERM
 *
 * starting   EXTEND_TIMEOUT_USEC: a start that waits (for the store, for the switch) goes on, one that hangs is ended.
 * serving    from the first moment without a reason on (READY=1), whatever the reasons are later: STATUS tells them.
 * any        WATCHDOG=1 for self-checks decided since the last one, or while there is none that could be.
 */

import type { Clock } from '../openflow/index.ts'
import type { Notifier } from './notify.ts'

/** What is supervised. */
export interface Supervised {
  /** Why it is not ready; none means that it is. */
  reasons(): readonly string[]
  /** When it last proved that packets are decided, on the same clock; now, if nothing is there to be proven. */
  provenAt(): number
}

export interface Supervision {
  /** Does a reload between the two messages that frame it. */
  reload(work: () => Promise<void>): Promise<void>
  /** Tells that the end has begun, and nothing after it. */
  stopping(): void
}

const lookMs = 1000
/** How much longer a start may take than it has, told at every look. */
const extensionUsec = 30_000_000

/** Starts telling; without anybody to tell it does nothing but what it is asked to. */
export function supervise(
  notifier: Notifier | undefined,
  { reasons, provenAt }: Supervised,
  clock: Clock,
): Supervision {
  if (notifier === undefined) return { reload: (work) => work(), stopping() {} }
  const { tell, watchdogMs } = notifier
  const everyMs = Math.min(lookMs, watchdogMs === undefined ? lookMs : watchdogMs / 2)
  let told = { isServing: false, status: '', proofAt: Number.NEGATIVE_INFINITY }
  let isReloaded = false
  let isStopping = false
  let cancel = () => {}

  /** Tells what has changed since it was last told, and signs of life. What could not be told is told at the next look. */
  function look(): void {
    cancel()
    cancel = clock.after(everyMs, look)
    const why = reasons()
    const now = {
      isServing: told.isServing || why.length === 0,
      status: why.length === 0 ? 'ready' : `not ready: ${why.join('; ')}`,
      proofAt: provenAt(),
    }
    const news: string[] = []
    if (isReloaded || now.isServing !== told.isServing) news.push('READY=1')
    if (!now.isServing) news.push(`EXTEND_TIMEOUT_USEC=${extensionUsec}`)
    if (now.status !== told.status) news.push(`STATUS=${now.status}`)
    if (watchdogMs !== undefined && now.proofAt > told.proofAt) news.push('WATCHDOG=1')
    if (news.length === 0 || !tell(...news)) return
    told = now
    isReloaded = false
  }

  look()
  return {
    async reload(work) {
      if (!told.isServing || isStopping) return work() // READY=1 would say more than that this is over
      tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
      await work()
      if (isStopping) return
      isReloaded = true
      look()
    },
    stopping() {
      cancel()
      isStopping = true
      tell('STOPPING=1', 'STATUS=stopping: packets on their way are let go on')
    },
  }
}
