import { getHeapStatistics } from 'node:v8'
import { expect, test } from 'vitest'
import { collectGarbage, createNewObjectCollector } from '../src/heap.ts'

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

test('what was received and is of no use any more is given back with the new objects', () => {
  const collectNewObjects = createNewObjectCollector()
  const received = () => process.memoryUsage().arrayBuffers
  const mostWhileReceiving = () => {
    const chunks = Array.from({ length: 128 }, () => Buffer.allocUnsafeSlow(1 << 16))
    return chunks.length > 0 ? received() : 0
  }
  collectNewObjects()
  const before = received()
  const most = mostWhileReceiving()
  for (let turn = 0; turn < 3; turn += 1) collectNewObjects() // of what was used just now, the second one
  expect(most - before).toBeGreaterThan(7 * 2 ** 20)
  expect(most - received()).toBeGreaterThan((most - before) / 2)
})
