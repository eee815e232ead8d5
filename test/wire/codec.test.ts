import { describe, expect, test } from 'vitest'
import {
  bytes,
  type Codec,
  CodecError,
  choice,
  decodeWith,
  encodeWith,
  list,
  mapped,
  optional,
  pad,
  rest,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  u128,
} from '../../src/wire/codec.ts'

const hex = (text_: string) => Buffer.from(text_, 'hex')
function thrownBy(run: () => unknown): CodecError {
  try {
    run()
  } catch (error) {
    if (error instanceof CodecError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const point = struct({ x: u8, _: pad(1), y: u16 })
const words = choice(u8, { add: 0, delete: 3 })

describe('a value and its bytes', () => {
  test.each<[string, Codec<never>, unknown, string]>([
    ['u8', u8 as Codec<never>, 255, 'ff'],
    ['u16', u16 as Codec<never>, 256, '0100'],
    ['u32', u32 as Codec<never>, 0xffff_ffff, 'ffffffff'],
    ['u64', u64 as Codec<never>, 2n ** 63n, '8000000000000000'],
    ['u128', u128 as Codec<never>, 2n ** 127n + 5n, `8${'0'.repeat(30)}5`],
    ['bytes', bytes(2) as Codec<never>, hex('abcd'), 'abcd'],
    ['rest', rest as Codec<never>, hex('abcdef'), 'abcdef'],
    ['text that fills its field', text(3) as Codec<never>, 'abc', '616263'],
    ['text that is shorter', text(3) as Codec<never>, 'a', '610000'],
    ['a word', words as Codec<never>, 'delete', '03'],
    ['a struct with layout', point as Codec<never>, { x: 1, y: 2 }, '01000002'],
    [
      'a list',
      list(point) as Codec<never>,
      [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
      '0100000203000004',
    ],
    ['an empty list', list(u8) as Codec<never>, [], ''],
    ['another form', mapped(u8, (n) => `${n}`, Number) as Codec<never>, '7', '07'],
  ])('%s', (_name, codec, value, expected) => {
    expect(encodeWith(codec, value as never).toString('hex')).toBe(expected)
    expect(decodeWith(codec, hex(expected))).toEqual(value)
  })

  test('a part that is left out becomes its fallback', () => {
    const codec = struct({ a: u8, b: optional(u16, 0xffff) })
    expect(encodeWith(codec, { a: 1 }).toString('hex')).toBe('01ffff')
    expect(decodeWith(codec, hex('01ffff'))).toEqual({ a: 1, b: 0xffff })
  })
})

describe('a value without bytes', () => {
  test.each<[Codec<never>, unknown, string]>([
    [u8 as Codec<never>, 256, '256 is not a u8'],
    [u8 as Codec<never>, -1, '-1 is not a u8'],
    [u16 as Codec<never>, 1.5, '1.5 is not a u16'],
    [u32 as Codec<never>, Number.NaN, 'NaN is not a u32'],
    [u32 as Codec<never>, undefined, 'undefined is not a u32'],
    [u64 as Codec<never>, 2n ** 64n, '18446744073709551616 is not a u64'],
    [u64 as Codec<never>, -1n, '-1 is not a u64'],
    [u64 as Codec<never>, 1, '1 is not a u64'],
    [u128 as Codec<never>, 2n ** 128n, `${2n ** 128n} is not a u128`],
    [bytes(2) as Codec<never>, hex('00'), 'has 1 bytes, not 2'],
    [text(2) as Codec<never>, 'abc', "'abc' has more than 2 bytes"],
    [words as Codec<never>, 'modify', "'modify' is none of add, delete"],
    [point as Codec<never>, { x: 1, y: 0x10000 }, 'y: 65536 is not a u16'],
    [
      list(point) as Codec<never>,
      [
        { x: 1, y: 2 },
        { x: 999, y: 4 },
      ],
      '1.x: 999 is not a u8',
    ],
    [struct({ at: list(point) }) as Codec<never>, { at: [{ x: -1, y: 0 }] }, 'at.0.x: -1 is not a u8'],
  ])('%#: %j', (codec, value, reason) => {
    expect(thrownBy(() => encodeWith(codec, value as never)).message).toBe(reason)
  })
})

describe('bytes without a value', () => {
  test.each<[string, Codec<unknown>, string, string]>([
    ['too few', point, '0100', 'y: needs 2 bytes, but 0 are left'],
    ['too many', point, '0100000299', '1 bytes left over'],
    ['half an item', list(u16), '000100', '1: needs 2 bytes, but 1 are left'],
    ['no such word', words, '01', '1 is none of 0, 3'],
    ['an item that takes no bytes', list(struct({})), '00', '0: an item without bytes'],
  ])('%s', (_name, codec, from, reason) => {
    expect(thrownBy(() => decodeWith(codec, hex(from))).message).toBe(reason)
  })
})

test('a decoded value owns its bytes', () => {
  const from = hex('abcd')
  const value = decodeWith(rest, from)
  from.fill(0)
  expect(value.toString('hex')).toBe('abcd')
})
