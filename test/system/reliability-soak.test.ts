/**
 * Rows change fifty times a second while VMs of both tenants ask (docs/reliability.md): no answer is wrong, and the
 * controller's memory does not grow. A minute; with DF_LONG ten.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { buildMs } from '../support/build.ts'
import { Churn } from '../support/churn.ts'
import { steadyQuestions, Truth, tallyOf } from '../support/load.ts'
import { milliseconds, Site } from '../support/site.ts'

vi.setConfig({ testTimeout: 900_000 })

const seconds = process.env.DF_LONG ? 600 : 60

let site: Site

beforeAll(async () => {
  site = await Site.start('rel-k')
}, buildMs)
afterAll(() => site?.close())

test('fifty changed rows a second', async () => {
  const truth = new Truth()
  const churn = await Churn.create(site.plan, site.store, truth)
  const load = await site.startLoad(truth, [...steadyQuestions(truth), ...churn.questions])
  const { pid } = site.process('controller')
  const resident: number[] = []
  churn.start(50)
  for (let second = 0; second < seconds; second += 1) {
    await sleep(1000)
    resident.push(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)
  }
  const changes = await churn.stop()
  const outcomes = await site.stopLoad(load, 1000)
  const stale = outcomes.map(({ staleMs }) => staleMs).sort((a, b) => a - b)
  const [first, second] = [
    resident.slice(seconds / 2, (seconds * 3) / 4),
    resident.slice((seconds * 3) / 4),
  ].map(mean)
  const perMinute = slopeOf(resident.slice(seconds / 2)) * 60
  site.tell(
    `${seconds} s of changes`,
    [pid],
    outcomes,
    [
      `${changes} changes`,
      `oldest answer ${milliseconds(stale.at(-1)!)} behind its row`,
      `resident ${Math.round(resident.at(-1)!)} MB, in the second half ${perMinute.toFixed(1)} MB a minute`,
    ].join('; '),
  )
  for (const kind of ['outside', 'local'] as const) {
    const { sent, right } = tallyOf(outcomes, kind)
    expect([kind, right]).toEqual([kind, sent])
  }
  expect(changes).toBeGreaterThan((seconds * 50) / (2 * site.slowness))
  expect(second! / first!).toBeLessThan(1.1)
})

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Of the line through values at 0, 1, 2, by least squares. */
function slopeOf(values: readonly number[]): number {
  const [x, y] = [(values.length - 1) / 2, mean(values)]
  const above = values.reduce((sum, value, at) => sum + (at - x) * (value - y), 0)
  return above / values.reduce((sum, _, at) => sum + (at - x) ** 2, 0)
}
