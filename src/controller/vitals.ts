/**
 * What monitoring reads of the controller's sources and of its process; everything is looked up when somebody asks, and
 * nothing on the way of a packet. It knows the moments that others keep, and changes nothing.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Metrics } from '../metrics.ts'
import { tableNames } from '../nb/index.ts'
import type { Clock } from '../openflow/index.ts'
import type { Moment } from './status.ts'

/** Declares what is read of the northbound store and of the switch's database; `now` is kept up to date by others. */
export function exposeSources(now: Moment, { clock, metrics }: { clock: Clock; metrics: Metrics }): void {
  const startedAt = clock.now()
  metrics.readings('df_nb_rows', 'Northbound rows that count, by table', 'table', () =>
    Object.fromEntries(tableNames.map((table) => [table, now.reading.northbound?.[table].size ?? 0])),
  )
  metrics.reading('df_nb_rejected_rows', 'Northbound rows that do not count', () => {
    return now.reading.northbound?.rejected.length ?? 0
  })
  metrics.reading(
    'df_nb_sync_age_seconds',
    'For how long changes of the northbound store have not been seen; 0 while it is followed',
    () => {
      const { northbound, lostAt } = now.reading
      const since = lostAt ?? (northbound === undefined ? startedAt : undefined)
      return since === undefined ? 0 : (clock.now() - since) / 1000
    },
  )
  metrics.reading('df_view_version', 'The version of the view', () => now.view?.version ?? 0)
  metrics.reading('df_ovsdb_connected', '1 while the database of the switch is connected', () =>
    now.ovsdb?.isConnected ? 1 : 0,
  )
  metrics.readings(
    'df_ovs_packet_ins_total',
    'Packets for the controller since the switch connected, as the switch tells it, by what it did with them',
    'result',
    () => {
      const { direct, queued, dropped } = now.ovsdb?.packetIns ?? {}
      return { direct: direct ?? 0, queued: queued ?? 0, dropped: dropped ?? 0 }
    },
  )
  metrics.reading('df_ovs_packet_in_backlog', 'Packets that wait in the switch for the controller', () => {
    return now.ovsdb?.packetIns.backlog ?? 0
  })
}

/** How often the event loop is looked at; milliseconds. */
const lookMs = 10

/** Declares what is read of this process. The function it returns ends the watch on the event loop. */
export function exposeProcess(metrics: Metrics): () => void {
  const delays = monitorEventLoopDelay({ resolution: lookMs })
  delays.enable()
  metrics.readings(
    'df_event_loop_lag_seconds',
    'How late the event loop was since somebody asked last, by percentile; 100 is the worst',
    'percentile',
    () => {
      const lag = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - lookMs / 1000) || 0
      const lags = {
        '50': lag(delays.percentile(50)),
        '99': lag(delays.percentile(99)),
        '100': lag(delays.max),
      }
      delays.reset()
      return lags
    },
  )
  metrics.reading('process_resident_memory_bytes', 'Resident memory size in bytes', () => {
    return process.memoryUsage.rss()
  })
  metrics.reading('process_cpu_seconds_total', 'User and system CPU time spent in seconds', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  metrics.reading(
    'process_start_time_seconds',
    'Start time of the process since the Unix epoch in seconds',
    () => {
      return performance.timeOrigin / 1000
    },
  )
  return () => delays.disable()
}
