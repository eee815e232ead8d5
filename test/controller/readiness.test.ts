import { expect, test } from 'vitest'
import { watchReadiness } from '../../src/controller/readiness.ts'
import type { Logger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { manualClock } from '../support/clock.ts'

test('becoming ready and ceasing to be is logged and measured, and nothing in between', async () => {
  const clock = manualClock()
  const metrics = createMetrics()
  const lines: string[] = []
  const log = {
    info: (_: object, text: string) => lines.push(text),
    warn: ({ reasons }: { reasons: string[] }, text: string) => lines.push(`${text}: ${reasons}`),
  } as unknown as Logger
  let reasons = ['no switch']
  const end = watchReadiness(() => reasons, { clock, log, metrics })
  await clock.advance(1000)
  expect(lines).toEqual([])
  reasons = []
  await clock.advance(100)
  await clock.advance(1000)
  expect(lines).toEqual(['ready'])
  expect(await metrics.text()).toContain('df_ready 1')
  reasons = ['no lease']
  await clock.advance(100)
  expect(lines).toEqual(['ready', 'not ready any more: no lease'])
  expect(await metrics.text()).toContain('df_ready 0')
  end()
  reasons = []
  await clock.advance(1000)
  expect(lines).toHaveLength(2)
})

test('the last line tells how it is, however often it changed meanwhile', async () => {
  const clock = manualClock()
  const lines: string[] = []
  const log = {
    info: (_: object, text: string) => lines.push(text),
    warn: ({ suppressed }: { suppressed: number }, text: string) => lines.push(`${text} ${suppressed}`),
  } as unknown as Logger
  let reasons: string[] = []
  watchReadiness(() => reasons, { clock, log, metrics: createMetrics() })
  for (const next of [['no switch'], [], ['no switch'], [], ['no switch'], []]) {
    reasons = next
    await clock.advance(1000)
  }
  expect(lines).toEqual(['ready', 'not ready any more 0'])
  await clock.advance(60_000)
  expect(lines).toEqual(['ready', 'not ready any more 0', 'ready'])
  reasons = ['no switch']
  await clock.advance(1000)
  expect(lines.slice(3)).toEqual(['not ready any more 0'])
})
