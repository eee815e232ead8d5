import { getHeapStatistics } from 'node:v8'
import { expect, test } from 'vitest'
import { collectGarbage } from '../src/heap.ts'

test('what nobody has any more is gone when the collection has ended, and its pages are given back', async () => {
  const { total_heap_size: before } = getHeapStatistics()
  let kept: unknown = Array.from({ length: 200_000 }, (_, index) => ({ name: `a${index}`, index }))
  const { total_heap_size: most } = getHeapStatistics()
  expect(kept).toHaveLength(200_000)
  kept = undefined
  await collectGarbage()
  const { total_heap_size: after } = getHeapStatistics()
  expect(most - before).toBeGreaterThan(8 * 2 ** 20)
  expect(most - after).toBeGreaterThan((most - before) / 2)
})
