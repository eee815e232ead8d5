import { describe, expect, test } from 'vitest'
import { CodecError, Reader, Writer, within, withWriter } from '../../src/wire/bytes.ts'

describe('CodecError', () => {
  test('names the path from the outside in', () => {
    const error = within('flowMod', within('match', new CodecError('udpDst needs ipProto to be 17')))
    expect(error).toBeInstanceOf(CodecError)
    expect((error as CodecError).message).toBe('flowMod.match: udpDst needs ipProto to be 17')
    expect((error as CodecError).path).toEqual(['flowMod', 'match'])
    expect((error as CodecError).reason).toBe('udpDst needs ipProto to be 17')
  })

  test('leaves other errors alone', () => {
    const error = new RangeError('x')
    expect(within('a', error)).toBe(error)
  })
})

describe('Reader', () => {
  const reader = () => new Reader(Buffer.from('0102030405060708090a', 'hex'))

  test('reads big-endian numbers in order', () => {
    const r = reader()
    expect([r.u8(), r.u16(), r.u32()]).toEqual([1, 0x0203, 0x04050607])
    expect(r.size).toBe(3)
    expect(new Reader(Buffer.from('ffffffffffffffff', 'hex')).u64()).toBe(0xffff_ffff_ffff_ffffn)
  })

  test('gives copies', () => {
    const buffer = Buffer.from([1, 2, 3])
    const copy = new Reader(buffer).bytes(3)
    buffer.fill(0)
    expect([...copy]).toEqual([1, 2, 3])
  })

  test('reads a part within its bounds', () => {
    const r = reader()
    const part = r.part(2)
    expect(part.u16()).toBe(0x0102)
    expect(() => part.u8()).toThrow('needs 1 bytes, but 0 are left')
    expect(r.u8()).toBe(3)
  })

  test.each([
    ['u8', (r: Reader) => r.u8()],
    ['u16', (r: Reader) => r.u16()],
    ['u32', (r: Reader) => r.u32()],
    ['u64', (r: Reader) => r.u64()],
    ['bytes', (r: Reader) => r.bytes(1)],
    ['skip', (r: Reader) => r.skip(1)],
    ['part', (r: Reader) => r.part(1)],
    ['a negative size', (r: Reader) => r.part(-1)],
  ] as const)('throws past its end: %s', (_name, read) => {
    expect(() => read(new Reader(Buffer.alloc(0)))).toThrow(CodecError)
  })

  test('says what is left over', () => {
    expect(() => reader().finish()).toThrow('10 bytes left over')
  })
})

describe('Writer', () => {
  test('writes big-endian numbers in order', () => {
    const w = new Writer()
    w.u8(1)
    w.u16(0x0203)
    w.u32(0x04050607)
    w.u64(8n)
    w.bytes(Buffer.from([9]))
    w.zeros(2)
    expect(w.finish().toString('hex')).toBe('01020304050607' + '0000000000000008' + '09' + '0000')
  })

  test('grows where it must, at every kind of write', () => {
    for (const write of [
      (w: Writer) => w.u8(0xaa),
      (w: Writer) => w.u16(0xaaaa),
      (w: Writer) => w.u32(0xaaaa_aaaa),
      (w: Writer) => w.u64(0xaaaa_aaaa_aaaa_aaaan),
      (w: Writer) => w.bytes(Buffer.alloc(100, 0xaa)),
    ]) {
      const w = new Writer(1)
      write(w)
      write(w)
      expect(w.finish().every((byte) => byte === 0xaa)).toBe(true)
    }
  })

  test('puts a length in later', () => {
    const w = new Writer()
    w.u16(0)
    w.setU16(0, 0xffff)
    expect(w.finish().toString('hex')).toBe('ffff')
    expect(() => w.setU16(0, 0x10000)).toThrow('65536 bytes do not fit a 16-bit length')
  })
})

describe('a writer that is lent', () => {
  const written = (byte: number) =>
    withWriter((w) => {
      w.u8(byte)
      return w.finish()
    })

  test('gives bytes that later writers do not change', () => {
    const first = written(1)
    written(2)
    expect(first.toString('hex')).toBe('01')
  })

  test('is another one while it is lent', () => {
    const bytes = withWriter((w) => {
      w.u8(1)
      const other = written(2)
      w.u8(3)
      return [w.finish(), other]
    })
    expect(bytes.map((each) => each.toString('hex'))).toEqual(['0103', '02'])
  })

  test('begins anew after one that failed', () => {
    const failing = () =>
      withWriter((w) => {
        w.u8(1)
        throw new CodecError('no')
      })
    expect(failing).toThrow('no')
    expect(written(2).toString('hex')).toBe('02')
  })

  test('is not kept when it has grown beyond a message', () => {
    const grown = withWriter((w) => {
      w.zeros((1 << 16) + 1)
      return w
    })
    withWriter((w) => expect(w).not.toBe(grown))
  })
})
