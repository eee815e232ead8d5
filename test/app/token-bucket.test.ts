import { expect, test } from 'vitest'
import { createTokenBuckets } from '../../src/app/token-bucket.ts'

const [red, blue] = [{ name: 'red' }, { name: 'blue' }]

test('holds a second of packets, and no more however long nobody asks', () => {
  const take = createTokenBuckets(3)
  for (const atMs of [0, 60_000])
    expect([1, 2, 3, 4].map(() => take(red, atMs))).toEqual([true, true, true, false])
})

test('gives again what a second brings, also to who never stops asking', () => {
  const take = createTokenBuckets(4)
  const given = Array.from({ length: 10_000 }, (_, atMs) => take(red, atMs)).filter((isGiven) => isGiven)
  expect(given).toHaveLength(4 + 4 * 10 - 1)
})

test('each owner has its own', () => {
  const take = createTokenBuckets(1)
  expect([take(red, 0), take(red, 0), take(blue, 0), take(blue, 0)]).toEqual([true, false, true, false])
})
