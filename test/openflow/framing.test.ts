import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Framing, typeOf, versionOf, xidOf } from '../../src/openflow/framing.ts'
import { recordedSession } from '../support/recorded.ts'

const recorded = recordedSession().map(({ frame }) => frame)
const stream = Buffer.concat(recorded)
const pushed = (framing: Framing, chunk: Buffer): Buffer[] => {
  const frames: Buffer[] = []
  framing.push(chunk, (bytes, start, end) => frames.push(bytes.subarray(start, end)))
  return frames
}
const hexOf = (frames: readonly Buffer[]) => frames.map((frame) => frame.toString('hex'))
const expected = hexOf(recorded)

function framesOf(...chunks: Buffer[]): string[] {
  const framing = new Framing()
  const frames = chunks.flatMap((chunk) => hexOf(pushed(framing, chunk)))
  expect(framing.fault).toBeUndefined()
  return frames
}

describe('what Open vSwitch sent', () => {
  test('comes out message by message', () => {
    expect(framesOf(stream)).toEqual(expected)
    expect(recorded.map(typeOf)).toEqual([0, 6, 19, 3, 19, 1, 21, 4, 12, 2])
    expect(recorded.map(versionOf)).toEqual([6, 4, 4, 4, 4, 4, 4, 4, 4, 4])
    expect(recorded.map(xidOf)).toEqual([1, 3, 4, 5, 6, 7, 8, 0, 0, 0])
  })

  test('is the same however it is split in two', () => {
    for (let at = 0; at <= stream.length; at++)
      expect(framesOf(stream.subarray(0, at), stream.subarray(at))).toEqual(expected)
  })

  test.each([1, 2, 3, 7, 8, 9, 64])('is the same in chunks of %i bytes', (size) => {
    const count = Math.ceil(stream.length / size)
    const chunks = Array.from({ length: count }, (_, i) => stream.subarray(i * size, (i + 1) * size))
    expect(framesOf(...chunks)).toEqual(expected)
  })

  test('is the same in any chunks', () => {
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 40 })
    fc.assert(
      fc.property(cuts, (unsorted) => {
        const ends = [...unsorted.sort((a, b) => a - b), stream.length]
        const chunks = ends.map((end, index) => stream.subarray(ends[index - 1] ?? 0, end))
        expect(framesOf(...chunks)).toEqual(expected)
      }),
    )
  })

  test('stays as it is given until the next chunk, and its memory is used again', () => {
    const half = Math.floor(recorded[0]!.length / 2)
    const shifted = Buffer.concat([stream.subarray(half), stream.subarray(0, half)])
    const framing = new Framing()
    pushed(framing, stream.subarray(0, half))
    const places = new Set<ArrayBufferLike>()
    for (let turn = 0; turn < 6; turn += 1) {
      const frames = pushed(framing, shifted)
      expect(hexOf(frames)).toEqual(expected)
      places.add(frames[0]!.buffer)
    }
    expect(places.size).toBe(2)
  })

  test('is a slice of the chunk where a message lies whole in it', () => {
    const frames = pushed(new Framing(), stream)
    expect(frames.every((frame) => frame.buffer === stream.buffer)).toBe(true)
  })

  test('is complete only with its last byte', () => {
    const framing = new Framing()
    expect(pushed(framing, stream.subarray(0, -1))).toHaveLength(recorded.length - 1)
    expect(hexOf(pushed(framing, stream.subarray(-1)))).toEqual(expected.slice(-1))
  })
})

test('the largest message has 65535 bytes', () => {
  const large = Buffer.alloc(0xffff)
  large.set([4, 3, 0xff, 0xff])
  expect(framesOf(large.subarray(0, 5), large.subarray(5, 60_000), large.subarray(60_000))).toEqual(
    hexOf([large]),
  )
})

describe('a header that is none of OpenFlow 1.3', () => {
  const good = '0402000800000000'
  // biome-ignore format: one row a line
  test.each([
    ['the version of OpenFlow 1.0',   '0102000800000000', 'a message of type 2 has version 1, not 4 (OpenFlow 1.3)'],
    ['a later version',               '0606000800000000', 'a message of type 6 has version 6, not 4 (OpenFlow 1.3)'],
    ['a size less than the header',   '0402000700000000', 'a message of type 2 states a size of 7 bytes, less than its header\'s 8'],
    ['a size of nothing',             '0402000000000000', 'a message of type 2 states a size of 0 bytes, less than its header\'s 8'],
    ['a HELLO of any version that is too short', '0600000400000000', 'a message of type 0 states a size of 4 bytes, less than its header\'s 8'],
    ['HTTP',                          '474554202f204854', 'a message of type 69 has version 71, not 4 (OpenFlow 1.3)'],
  ])('%s ends the stream, however it is split', (_, bad, fault) => {
    const bytes = Buffer.from(good + bad + good, 'hex')
    for (let at = 0; at <= bytes.length; at++) {
      const framing = new Framing()
      const frames = [bytes.subarray(0, at), bytes.subarray(at), Buffer.from(good, 'hex')].flatMap((chunk) =>
        pushed(framing, chunk),
      )
      expect(hexOf(frames)).toEqual([good])
      expect(framing.fault).toBe(fault)
    }
  })
})
