/**
 * Bytes to values and back: the combinators that build a codec from smaller ones. It knows no protocol. All numbers are
 * big-endian. A failure is a `CodecError` that names the path to the field.
 */

import { CodecError, Reader, type Writer, within, withWriter } from './bytes.ts'

export { CodecError, inside, Reader, type Writer, within, withWriter } from './bytes.ts'

/** How a `T` stands in bytes. */
export interface Codec<T> {
  read(r: Reader): T
  write(w: Writer, value: T): void
}

/** The values of a codec. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never

/** The bytes of a value. Throws `CodecError` if it has none. */
export function encodeWith<T>(codec: Codec<T>, value: T): Buffer {
  return withWriter((w) => {
    codec.write(w, value)
    return w.finish()
  })
}

/** The value of exactly these bytes. Throws `CodecError` if they are none, or if bytes are left over. */
export function decodeWith<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const r = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const value = codec.read(r)
  r.finish()
  return value
}

const uint = (bits: 8 | 16 | 32, max: number): Codec<number> => {
  const method = `u${bits}` as const
  return {
    read: (r) => r[method](),
    write: (w, value) => {
      if (!Number.isInteger(value) || value < 0 || value > max)
        throw new CodecError(`${value} is not a u${bits}`)
      w[method](value)
    },
  }
}

export const u8 = uint(8, 0xff)
export const u16 = uint(16, 0xffff)
export const u32 = uint(32, 0xffff_ffff)

export const u64: Codec<bigint> = {
  read: (r) => r.u64(),
  write: (w, value) => {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value)
      throw new CodecError(`${value} is not a u64`)
    w.u64(value)
  },
}

export const u128: Codec<bigint> = {
  read: (r) => (r.u64() << 64n) | r.u64(),
  write: (w, value) => {
    if (typeof value !== 'bigint' || BigInt.asUintN(128, value) !== value)
      throw new CodecError(`${value} is not a u128`)
    w.u64(value >> 64n)
    w.u64(BigInt.asUintN(64, value))
  },
}

/** That many bytes without meaning: skipped, written as zeros. */
export const pad = (size: number): Codec<undefined> => ({
  read: (r) => {
    r.skip(size)
    return undefined
  },
  write: (w) => w.zeros(size),
})

/** Exactly that many bytes. */
export const bytes = (size: number): Codec<Buffer> => ({
  read: (r) => r.bytes(size),
  write: (w, value) => {
    if (value.length !== size) throw new CodecError(`has ${value.length} bytes, not ${size}`)
    w.bytes(value)
  },
})

/** All the bytes that are left. */
export const rest: Codec<Buffer> = {
  read: (r) => r.bytes(r.size),
  write: (w, value) => w.bytes(value),
}

/** ASCII text in a field of fixed size, filled up with zeros. */
export const text = (size: number): Codec<string> => ({
  read: (r) => {
    const field = r.bytes(size)
    const end = field.indexOf(0)
    return field.toString('latin1', 0, end === -1 ? size : end)
  },
  write: (w, value) => {
    const field = Buffer.from(value, 'latin1')
    if (field.length > size) throw new CodecError(`'${value}' has more than ${size} bytes`)
    w.bytes(field)
    w.zeros(size - field.length)
  },
})

/** A number on the wire that is a word in the value; a number without a word is a `CodecError`. */
export function choice<const W extends Record<string, number>>(
  number: Codec<number>,
  words: W,
): Codec<keyof W & string> {
  const byNumber = new Map(Object.entries(words).map(([word, value]) => [value, word as keyof W & string]))
  return {
    read: (r) => {
      const value = number.read(r)
      const word = byNumber.get(value)
      if (word === undefined) throw new CodecError(`${value} is none of ${Object.values(words).join(', ')}`)
      return word
    },
    write: (w, word) => {
      const value = words[word]
      if (value === undefined) throw new CodecError(`'${word}' is none of ${Object.keys(words).join(', ')}`)
      number.write(w, value)
    },
  }
}

/** The same bytes for another form of the value. */
export const mapped = <A, B>(codec: Codec<A>, from: (a: A) => B, to: (b: B) => A): Codec<B> => ({
  read: (r) => from(codec.read(r)),
  write: (w, value) => codec.write(w, to(value)),
})

/** A codec of a struct's field that may be left out of the value: then `fallback` is written. */
export interface Optional<T> extends Codec<T> {
  readonly fallback: T
}

/** Lets a field of a struct be left out of the value: then `fallback` is written. It is always there when read. */
export const optional = <T>(codec: Codec<T>, fallback: T): Optional<T> => ({
  read: (r) => codec.read(r),
  write: (w, value) => codec.write(w, value === undefined ? fallback : value),
  fallback,
})

// biome-ignore lint/suspicious/noExplicitAny: the value type of each field is inferred from it, never used as any
type Shape = Record<string, Codec<any>>
type Visible<K> = K extends `_${string}` ? never : K

/** The value of a struct: fields named `_…` are layout, `optional` ones may be left out. */
export type StructOf<S extends Shape> = {
  readonly [K in keyof S as S[K] extends Optional<unknown> ? never : Visible<K>]: ValueOf<S[K]>
} & {
  // biome-ignore lint/suspicious/noExplicitAny: matches every optional field
  readonly [K in keyof S as S[K] extends Optional<any> ? Visible<K> : never]?: ValueOf<S[K]>
}

/** Fields one after the other. */
export function struct<const S extends Shape>(shape: S): Codec<StructOf<S>> {
  const entries = Object.entries(shape).map(([name, codec]) => ({ name, codec, isShown: name[0] !== '_' }))
  return {
    read(r) {
      const value: Record<string, unknown> = {}
      let at = ''
      try {
        for (const { name, codec, isShown } of entries) {
          at = name
          const part = codec.read(r)
          if (isShown) value[name] = part
        }
      } catch (error) {
        throw within(at, error)
      }
      return value as StructOf<S>
    },
    write(w, value) {
      let at = ''
      try {
        for (const { name, codec } of entries) {
          at = name
          codec.write(w, (value as Record<string, unknown>)[name])
        }
      } catch (error) {
        throw within(at, error)
      }
    },
  }
}

/** Items one after the other, to the end of what is left. */
export const list = <T>(item: Codec<T>): Codec<readonly T[]> => ({
  read(r) {
    const items: T[] = []
    try {
      while (r.size > 0) {
        const before = r.offset
        const one = item.read(r)
        if (r.offset === before) throw new CodecError('an item without bytes')
        items.push(one)
      }
    } catch (error) {
      throw within(items.length, error)
    }
    return items
  },
  write(w, items) {
    let at = 0
    try {
      for (const one of items) {
        item.write(w, one)
        at++
      }
    } catch (error) {
      throw within(at, error)
    }
  },
})
