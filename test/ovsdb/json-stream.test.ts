import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { JsonStream } from '../../src/ovsdb/json-stream.ts'

const session = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/ovsdb/session.json'), 'utf8'))
const recorded = Buffer.from(session.bytes, 'base64')
const limit = 1 << 20

const pushed = (...chunks: (Buffer | string)[]) => {
  const stream = new JsonStream(limit)
  return chunks.flatMap((chunk) => stream.push(Buffer.from(chunk)))
}

describe('a recorded session', () => {
  const whole = pushed(recorded)

  test('holds its messages', () => {
    expect(whole.map((message) => (message as { id: unknown }).id)).toEqual([
      1,
      ...Array(11).fill(null),
      2,
      3,
      4,
      5,
      6,
      7,
    ])
    expect(recorded.toString()).toContain('Zürich 端口 🙂')
    // Told apart in another way: put between commas, the messages are one JSON list.
    expect(whole).toEqual(JSON.parse(`[${recorded.toString().replaceAll('}{', '},{')}]`))
  })

  test('gives the same messages byte by byte', () => {
    expect(pushed(...Array.from(recorded, (byte) => Buffer.from([byte])))).toEqual(whole)
  })

  test('gives the same messages cut in two anywhere', () => {
    for (let at = 0; at <= recorded.length; at += 7)
      expect(pushed(recorded.subarray(0, at), recorded.subarray(at)).length).toBe(whole.length)
  })

  test('gives the same messages in pieces of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 4 }), (sizes) => {
        const chunks: Buffer[] = []
        let at = 0
        for (let index = 0; at < recorded.length; index++) {
          const size = sizes[index % sizes.length] as number
          chunks.push(recorded.subarray(at, at + size))
          at += size
        }
        expect(pushed(...chunks)).toEqual(whole)
      }),
      { numRuns: 50 },
    )
  })
})

describe('messages', () => {
  test.each([
    ['braces and quotes in strings', '{"a":"}{\\"[","b":"\\\\"}', [{ a: '}{"[', b: '\\' }]],
    ['blanks between', ' \r\n\t{"a":1} \n {"b":2}\n', [{ a: 1 }, { b: 2 }]],
    ['nesting', '{"a":[{"b":[]},{}]}{}', [{ a: [{ b: [] }, {}] }, {}]],
    ['the beginning of one', '{"a":1}{"b"', [{ a: 1 }]],
    ['nothing', '', []],
  ])('%s', (_, text, messages) => {
    expect(pushed(text)).toEqual(messages)
    expect(pushed(...text)).toEqual(messages)
  })

  test.each([
    ['a list', '[1]', 'byte 0x5b between two messages'],
    ['a word', 'null', 'byte 0x6e between two messages'],
    ['a comma', '{},{}', 'byte 0x2c between two messages'],
    ['half a comment', '{a:1}', 'a message is not JSON, it begins with {a:1}'],
    ['a bracket for a brace', '{"a":1]', 'a message is not JSON, it begins with {"a":1]'],
    ['a control character', '{"a":"\n"}', 'a message is not JSON, it begins with {"a":"?"}'],
    [
      'bytes that are not UTF-8',
      Buffer.from('7b2261223a22ff227d', 'hex'),
      'a message is not JSON, it begins with {"a":"?"}',
    ],
    [
      'half a character',
      Buffer.from('7b2261223a22c3227d', 'hex'),
      'a message is not JSON, it begins with {"a":"?"}',
    ],
  ])('refuses %s', (_, text, message) => {
    expect(() => pushed(text)).toThrow(new ProtocolError(message))
  })

  test('refuses one that grows beyond the limit, before it is complete', () => {
    const stream = new JsonStream(100)
    expect(stream.push(Buffer.from(`{"a":"${'x'.repeat(92)}"}`))).toHaveLength(1)
    stream.push(Buffer.from('{"a":"'))
    for (let index = 0; index < 9; index++) stream.push(Buffer.from('0123456789'))
    expect(() => stream.push(Buffer.from('0123456789'))).toThrow('a message is larger than 100 bytes')
  })

  test('gives nothing but messages or a ProtocolError for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          for (const message of pushed(Buffer.concat([Buffer.from('{'), bytes])))
            expect(message).toBeTypeOf('object')
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
