import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HalfSipHash } from '../../src/wire/half-sip-hash.ts'

const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 0xff))
const secret = bytes.subarray(0, 8)

/** Little-endian, as the reference implementation writes it. */
function hashOf(...stretches: (readonly [from: number, to: number])[]): string {
  const hash = new HalfSipHash(secret)
  hash.begin()
  for (const [from, to] of stretches) hash.add(bytes, from, to)
  hash.end()
  const out = Buffer.alloc(8)
  out.writeInt32LE(hash.low, 0)
  out.writeInt32LE(hash.high, 4)
  return out.toString('hex')
}

/** By halfsiphash.c of github.com/veorq/SipHash (f26d35e), built with cROUNDS=1 and dROUNDS=3, of the bytes 0, 1, 2 ... */
test.each([
  [0, '76a5d0212320f72a'],
  [4, 'eb24dba0718cae05'],
  [8, '3dcda8311dec7a5f'],
  [12, '5577cc5cb3e73f93'],
  [32, '166eee0fc184b8f1'],
  [64, '0ae13b4da064d6b0'],
  [300, 'e0635f25a3b2aba1'],
])('the hash of %i bytes is that of the reference implementation', (size, expected) => {
  expect(hashOf([0, size])).toBe(expected)
})

test('stretches are hashed as if they stood together', () => {
  const cut = fc.integer({ min: 0, max: 75 }).map((words) => 4 * words)
  fc.assert(
    fc.property(cut, cut, (a, b) => {
      const [first, second] = [Math.min(a, b), Math.max(a, b)]
      expect(hashOf([0, first], [first, second], [second, 300])).toBe('e0635f25a3b2aba1')
    }),
  )
})
