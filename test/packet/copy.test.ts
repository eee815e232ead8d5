import { expect, test } from 'vitest'
import { copyBytes } from '../../src/packet/index.ts'

test.each([0, 1, 14, 40, 41, 100])('copies %i bytes and nothing else', (size) => {
  const from = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const into = Buffer.alloc(256, 0xee)
  expect(copyBytes(into, 7, from, 3, 3 + size)).toBe(7 + size)
  expect(into).toEqual(
    Buffer.concat([Buffer.alloc(7, 0xee), from.subarray(3, 3 + size), Buffer.alloc(249 - size, 0xee)]),
  )
})
