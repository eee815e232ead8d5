import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOf } from '../../../src/app/dns/domain-name.ts'
import { KeyReader } from '../../../src/app/dns/keys.ts'

/** What a reader holds of the bytes between `start` and `end`. */
function read(reader: KeyReader, bytes: Buffer, start = 0, end = bytes.length) {
  reader.read(bytes, start, end)
  const { size, length, hash, words } = reader
  return { size, hash, words: [...words.subarray(0, length)] }
}

const secret = Buffer.from('a secret')
const wire = (name: string) => Buffer.from(keyOf(name), 'latin1')

/** Lower-cased by Node, four bytes to a word. */
const wordsOf = (bytes: Buffer) => {
  const text = [...bytes.toString('latin1')].map((char) => (char < '\x80' ? char.toLowerCase() : char))
  const padded = Buffer.concat([Buffer.from(text.join(''), 'latin1'), Buffer.alloc(3)])
  return Array.from({ length: (bytes.length + 3) >> 2 }, (_, i) => padded.readInt32LE(4 * i))
}

test('the words are the bytes in lower case, whatever stands around them and came before', () => {
  const reader = new KeyReader(secret)
  const name = fc.uint8Array({ minLength: 1, maxLength: 255 })
  fc.assert(
    fc.property(name, fc.nat(20), (name, at) => {
      const bytes = Buffer.concat([Buffer.alloc(at, 0x41), name, Buffer.alloc(3, 0x41)])
      const { size, hash, words } = read(reader, bytes, at, at + name.length)
      expect([size, words]).toEqual([name.length, wordsOf(Buffer.from(name))])
      expect(read(reader, Buffer.from(name)).hash).toBe(hash)
    }),
    { numRuns: 5000 },
  )
})

/** hsiphash with the key 00 to 07 of no byte, 00, 00 01 and so on: lib/test_siphash.c of Linux, for 32-bit machines. */
const hashesOfLinux = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
  0xc839caed, 0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6, 0x16658a7c, 0xd0257b04,
]

test.each(hashesOfLinux.map((hash, size) => [size, hash]))(
  'the hash of %i bytes is that of Linux',
  (size, hash) => {
    const bytes = Buffer.from([...hashesOfLinux.keys()])
    expect(read(new KeyReader(bytes.subarray(0, 8)), bytes, 0, size).hash >>> 0).toBe(hash)
  },
)

test('a name is read the same in any case', () => {
  const reader = new KeyReader(secret)
  const upper = Buffer.from(wire('web.red.example.org'))
  upper.write('WEB', 1)
  expect(read(reader, upper)).toEqual(read(reader, wire('web.red.example.org')))
})

test('another secret makes another hash', () => {
  const hashes = [1, 2].map((byte) => read(new KeyReader(Buffer.alloc(8, byte)), wire('web')).hash)
  expect(hashes[0]).not.toBe(hashes[1])
})
