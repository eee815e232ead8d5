/** The way of a query has not become much slower; measured in a process of its own, beside a loop that never changes. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fallen, kept } from '../../bench/micro/guard.ts'
import { buildMs, built } from '../support/build.ts'

const taken = (slower: number) =>
  Object.entries(kept).map(([name, ratio]) => ({ name, ns: 1, ratio: ratio * slower }))

test.each([
  ['as quick as before', 1, 0],
  ['a fifth slower', 1 / 0.8, 0],
  ['a third slower', 1 / 0.66, Object.keys(kept).length],
])('the guard knows what is %s', (_, slower, count) => {
  expect(fallen(taken(slower))).toHaveLength(count)
})

test('the guard takes what was not measured for fallen', () => {
  expect(fallen([])).toHaveLength(Object.keys(kept).length)
})

test('the way of a query keeps 70 % of its speed', { timeout: buildMs + 60_000 }, () => {
  const check = join(built('src', 'bench', 'test/support'), 'bench/micro/check.js')
  const { stdout, stderr, status } = spawnSync(process.execPath, [check], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout).not.toContain('fell')
  expect(status).toBe(0)
})
