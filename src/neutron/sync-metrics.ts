/** What the feed counts (docs/neutron.md). Labels are words of ours, never what a server or a user wrote. */

import type { Metrics } from '../metrics.ts'
import type { Changes } from './changes.ts'
import { type Cloud, collectionNames } from './resources.ts'

export type SyncMetrics = ReturnType<typeof syncMetrics>

/** Declares the feed's metrics. */
export function syncMetrics(metrics: Metrics) {
  const prefix = 'df_neutron_sync'
  const reads = metrics.counter(
    `${prefix}_reads_total`,
    'Full reads (round) and reads after notifications (hint), by how they ended',
    ['kind', 'result'],
  )
  const bounds = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60]
  const seconds = {
    round: metrics.histogram(
      `${prefix}_read_seconds`,
      'How long a full read and the writing of its difference took',
      bounds,
    ),
    hint: metrics.histogram(`${prefix}_hint_seconds`, 'The same for a read after notifications', bounds),
  }
  const lastRead = metrics.gauge(
    `${prefix}_last_full_read_timestamp_seconds`,
    'When everything was last read and written',
  )
  const resources = metrics.gauge(`${prefix}_resources`, 'Resources that Neutron has', ['collection'])
  const written = metrics.counter(`${prefix}_rows_total`, 'Northbound rows written and removed', [
    'table',
    'change',
  ])
  const problems = metrics.gauge(`${prefix}_problems`, 'What of Neutron cannot be kept, by kind', ['kind'])
  const requests = metrics.counter(`${prefix}_requests_total`, 'Requests to Neutron by HTTP status', [
    'status',
  ])
  const hints = metrics.counter(
    `${prefix}_notifications_total`,
    'Notifications that were read, by what they are about',
    ['about'],
  )
  const holding = metrics.gauge(
    `${prefix}_is_working`,
    '1 in the process that feeds the region, 0 in those that wait',
  )
  const names = metrics.gauge(`${prefix}_has_dns_extension`, '1 if Neutron has its DNS extension')
  return {
    began: (kind: 'round' | 'hint') => {
      const beganMs = performance.now()
      return (result: 'ok' | 'failed') => {
        seconds[kind].observe((performance.now() - beganMs) / 1000)
        reads.inc({ kind, result })
        if (kind === 'round' && result === 'ok') lastRead.setToCurrentTime()
      }
    },
    stored: ({ writes, removals, problems: found }: Changes, cloud: Cloud, hasNames: boolean) => {
      for (const { table } of writes) written.inc({ table, change: 'written' })
      for (const { table } of removals) written.inc({ table, change: 'removed' })
      for (const collection of collectionNames) resources.set({ collection }, cloud[collection].size)
      problems.reset()
      for (const { kind } of found) problems.inc({ kind })
      names.set(hasNames ? 1 : 0)
    },
    answered: (status: string) => requests.inc({ status }),
    hinted: (event: string) => {
      const [about = ''] = event.split('.')
      hints.inc({
        about: /^(port|network|subnet|router|floatingip|security_group(_rule)?)$/.test(about)
          ? about
          : 'other',
      })
    },
    holds: (isHeld: boolean) => holding.set(isHeld ? 1 : 0),
  }
}
