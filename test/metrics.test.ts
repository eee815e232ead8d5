import { expect, test } from 'vitest'
import { createMetrics } from '../src/metrics.ts'

test('a metric declared again in the same words goes on counting', async () => {
  const metrics = createMetrics()
  for (let turn = 0; turn < 2; turn++) {
    metrics.counter('queries_total', 'Queries', ['verdict']).inc({ verdict: 'pass' })
    metrics.gauge('ready', 'Ready').inc()
    metrics.histogram('seconds', 'Seconds', [1, 2]).observe(1)
  }
  const text = await metrics.text()
  expect(text).toContain('queries_total{verdict="pass"} 2\n')
  expect(text).toContain('ready 2\n')
  expect(text).toContain('seconds_count 2\n')
})

test('in other words it is a mistake', () => {
  const metrics = createMetrics()
  metrics.counter('queries_total', 'Queries')
  expect(() => metrics.counter('queries_total', 'Other queries')).toThrow(/already been registered/)
  expect(() => metrics.gauge('queries_total', 'Queries')).toThrow(/already been registered/)
})
