import { expect, test } from 'vitest'
import { createMetrics } from '../src/metrics.ts'

test('a metric declared again in the same words goes on counting', async () => {
  const metrics = createMetrics()
  for (let turn = 0; turn < 2; turn++) {
    metrics.counter('queries_total', 'Queries', ['verdict']).inc({ verdict: 'pass' })
    metrics.gauge('ready', 'Ready').inc()
    metrics.histogram('seconds', 'Seconds', [1, 2]).observe(turn * 1.5)
  }
  const text = await metrics.text()
  expect(text).toContain('queries_total{verdict="pass"} 2\n')
  expect(text).toContain('ready 2\n')
  expect(text).toContain(`# TYPE seconds histogram
seconds_bucket{le="1"} 1
seconds_bucket{le="2"} 2
seconds_bucket{le="+Inf"} 2
seconds_sum 1.5
seconds_count 2
`)
})

test('a tally is counted by hand and read when somebody asks', async () => {
  const metrics = createMetrics()
  const packets = () => metrics.tally('packets_total', 'Packets', ['tenant', 'verdict'])
  packets()({ tenant: 'red', verdict: 'pass' }).count += 2
  packets()({ tenant: 'blue', verdict: 'pass' }).count += 1
  packets()({ verdict: 'pass', tenant: 'red' }).count += 1
  const lines = async () =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('packets_total'))
  const expected = [
    'packets_total{tenant="red",verdict="pass"} 3',
    'packets_total{tenant="blue",verdict="pass"} 1',
  ]
  expect(await lines()).toEqual(expected)
  expect(await lines()).toEqual(expected)
})

test('in other words it is a mistake', () => {
  const metrics = createMetrics()
  metrics.counter('queries_total', 'Queries')
  expect(() => metrics.counter('queries_total', 'Other queries')).toThrow(/already been registered/)
  expect(() => metrics.gauge('queries_total', 'Queries')).toThrow(/already been registered/)
})

test('a reading is taken when somebody asks, by whoever declared it last', async () => {
  const metrics = createMetrics()
  let ports = 1
  metrics.reading('ports', 'Ports', () => ports)
  ports = 2
  expect(await metrics.text()).toContain('ports 2\n')
  metrics.reading('ports', 'Ports', () => 10 * ports)
  expect(await metrics.text()).toContain('ports 20\n')
})

test('a reading may have a line for each word, and be a counter', async () => {
  const metrics = createMetrics()
  let packets: Record<string, number> = { sent: 1, dropped: 2 }
  metrics.readings('packets_total', 'Packets', 'result', () => packets)
  packets = { sent: 5 }
  const text = await metrics.text()
  expect(text).toContain('# TYPE packets_total counter\npackets_total{result="sent"} 5\n')
  expect(text).not.toContain('dropped')
})

test('words are counted by hand', async () => {
  const metrics = createMetrics()
  for (const word of ['a', 'b', 'a']) metrics.words('words_total', 'Words', 'word')(word).count += 1
  expect(await metrics.text()).toContain('words_total{word="a"} 2\nwords_total{word="b"} 1\n')
})
