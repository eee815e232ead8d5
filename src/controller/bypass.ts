/**
 * Rows that lead the packets of a port past an application that it asks too much: put in when the application's verdict
 * says so, outside of what is desired, and ended by their hard timeout alone. Nobody waits for them: until they are there
 * packets go on coming up, and go on.
 */

import type { App } from '../app/app.ts'
import type { LocalPort } from '../app/view.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Clock } from '../openflow/index.ts'
import { timedFlows } from './desired.ts'
import { addFlow, type SwitchLink } from './messages.ts'

/** Leads the packets of `port` past `app` for so many seconds. Throws `BugError` for a row that is not the application's. */
export type Bypass = (link: Pick<SwitchLink, 'transact'>, app: App, port: LocalPort, seconds: number) => void

/** Makes the function; what the switch refuses is counted and told. */
export function createBypass({
  clock,
  log,
  metrics,
}: {
  clock: Clock
  log: Logger
  metrics: Metrics
}): Bypass {
  const bypasses = metrics.counter(
    'df_bypasses_total',
    'Ports led past an application that they asked too much, by what the switch said',
    ['app', 'result'],
  )
  const limited = rateLimited(clock.now)
  /** Those on their way: packets that came up meanwhile ask for them again. */
  const pending = new Set<string>()
  return (link, app, port, seconds) => {
    const key = `${app.name} ${port.id}`
    if (pending.has(key)) return
    const rows = timedFlows(app, app.bypass?.(port) ?? [], seconds)
    if (rows.length === 0) return
    pending.add(key)
    link.transact(rows.map(addFlow)).then(
      (failures) => {
        pending.delete(key)
        const failure = failures.find((each) => each !== undefined)
        bypasses.inc({ app: app.name, result: failure === undefined ? 'installed' : 'refused' })
        if (failure !== undefined)
          limited(app.name, (suppressed) =>
            log.error(
              { app: app.name, port: port.id, suppressed, reason: failure.message },
              'the switch refused to lead a port past an application',
            ),
          )
      },
      () => void pending.delete(key), // the session is closing, and with it every packet of it
    )
  }
}
