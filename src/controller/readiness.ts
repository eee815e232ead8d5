/**
 * Tells the log and the metrics when the controller becomes ready and when it ceases to be. The log gets at most one
 * line a minute of either; what changed meanwhile is counted, and the last line tells in the end how it is. It knows the
 * reasons as text, not what they mean.
 */

import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Clock } from '../openflow/index.ts'

const lookMs = 100

/** Looks at the reasons ten times a second; none means ready. The function it returns ends it. */
export function watchReadiness(
  reasons: () => readonly string[],
  { clock, log, metrics }: { clock: Clock; log: Logger; metrics: Metrics },
): () => void {
  const gauge = metrics.gauge('df_ready', '1 while the controller is ready')
  const limited = rateLimited(clock.now)
  let wasReady = false
  let isToldReady = false
  let untold = 0
  let cancel = () => {}
  const tell = (reasonsNow: readonly string[]) => {
    const suppressed = untold - 1
    untold = 0
    isToldReady = reasonsNow.length === 0
    if (isToldReady) log.info({ uptimeMs: Math.round(process.uptime() * 1000), suppressed }, 'ready')
    else log.warn({ reasons: reasonsNow, suppressed }, 'not ready any more')
  }
  const look = () => {
    cancel = clock.after(lookMs, look)
    const now = reasons()
    const isReady = now.length === 0
    if (isReady !== wasReady) {
      wasReady = isReady
      untold += 1
      gauge.set(isReady ? 1 : 0)
    }
    if (isReady !== isToldReady) limited(isReady ? 'ready' : 'not ready', () => tell(now))
  }
  look()
  return () => cancel()
}
