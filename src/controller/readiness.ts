/**
 * Tells the log and the metrics when the controller becomes ready and when it ceases to be. It knows the reasons as
 * text, not what they mean.
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
  let cancel = () => {}
  const look = () => {
    cancel = clock.after(lookMs, look)
    const now = reasons()
    const isReady = now.length === 0
    if (isReady === wasReady) return
    wasReady = isReady
    gauge.set(isReady ? 1 : 0)
    if (isReady) limited('ready', () => log.info({ uptimeMs: Math.round(process.uptime() * 1000) }, 'ready'))
    else limited('not ready', (suppressed) => log.warn({ reasons: now, suppressed }, 'not ready any more'))
  }
  look()
  return () => cancel()
}
