import { expect, test } from 'vitest'
import { backoffMs } from '../../src/ovsdb/backoff.ts'

test.each([
  [1, 0, 100],
  [2, 0, 200],
  [3, 0, 400],
  [7, 0, 5000],
  [2000, 0, 5000],
  [1, 1, 50],
  [7, 0.5, 3750],
])('after %d failures, chance %d: %d ms', (failures, chance, ms) => {
  expect(backoffMs(failures, { minMs: 100, maxMs: 5000 }, () => chance)).toBe(ms)
})
