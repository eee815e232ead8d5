import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checksum, checksumOf, fold, replaced, sum } from '../../src/wire/checksum.ts'

const seed = 20
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('checksums that others computed', () => {
  // The first is the example of RFC 1071 §3: its sum is ddf2. The others are headers of captured packets (tcpdump).
  test.each([
    ['RFC 1071', '0001 f203 f4f5 f6f7', 0x220d],
    ['an IPv4 header', '4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7', 0xb861],
    ['ICMP echo', '0800 0000 0000 0000', 0xf7ff],
    ['no bytes', '', 0xffff],
    ['an odd byte counts as the upper half', '01', 0xfeff],
  ])('%s', (_name, bytes, expected) => {
    expect(checksum(hex(bytes))).toBe(expected)
  })

  test('a header with its checksum sums to all ones', () => {
    expect(sum(hex('4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7'), 0, 20)).toBe(0xffff)
  })
})

describe('laws', () => {
  const words = fc.uint8Array({ maxLength: 512 })

  test('pieces that begin at even distances add up in any order', () => {
    fc.assert(
      fc.property(words, fc.nat(256), (bytes, half) => {
        const cut = Math.min(half * 2, bytes.length - (bytes.length % 2))
        const whole = checksum(bytes)
        const head = sum(bytes, 0, cut)
        expect(checksumOf(sum(bytes, cut, bytes.length, head))).toBe(whole)
        expect(checksumOf(head + sum(bytes, cut, bytes.length))).toBe(whole)
      }),
      { seed },
    )
  })

  test('a word can be replaced without the rest (RFC 1624)', () => {
    fc.assert(
      fc.property(words, fc.nat(255), fc.integer({ min: 0, max: 0xffff }), (bytes, at, after) => {
        fc.pre(bytes.length >= 4)
        const buffer = Buffer.from(bytes)
        const offset = (at * 2) % (bytes.length - (bytes.length % 2))
        const before = buffer.readUInt16BE(offset)
        const total = sum(buffer, 0, buffer.length)
        buffer.writeUInt16BE(after, offset)
        const again = sum(buffer, 0, buffer.length)
        // All zeros and all ones are the same number in ones' complement.
        expect(replaced(total, before, after) % 0xffff).toBe(again % 0xffff)
      }),
      { seed },
    )
  })

  test('64 KiB of ones are exact', () => {
    const bytes = Buffer.alloc(0x10000, 0xff)
    expect(checksum(bytes)).toBe(0)
    expect(fold(0xffff * 0x8000)).toBe(0xffff)
  })
})
