/**
 * Bytes to values and back: a reader and a writer over one buffer, and the combinators that build a codec from smaller
 * ones. It knows no protocol. All numbers are big-endian. A failure is a `CodecError` that names the path to the field;
 * the path is put together only when something fails, so that a success costs nothing.
 */

/** Says that bytes are no value, or that a value has no bytes: `flowMod.match.udpDst: -1 is not a u16`. */
export class CodecError extends Error {
  readonly code = 'codec'
  /** What is wrong, without the path. */
  readonly reason: string
  /** Where it is wrong, from the outside in. */
  readonly path: readonly (string | number)[]

  constructor(reason: string, path: readonly (string | number)[] = []) {
    super(path.length === 0 ? reason : `${path.join('.')}: ${reason}`)
    this.name = 'CodecError'
    this.reason = reason
    this.path = path
  }
}

/** Gives back what to throw when `error` happened inside `key`: a `CodecError` with `key` before its path. */
export function within(key: string | number, error: unknown): unknown {
  if (!(error instanceof CodecError) || error.constructor !== CodecError) return error
  return new CodecError(error.reason, [key, ...error.path])
}

/** Reads a stretch of a buffer from front to back. Everything throws `CodecError` past its end. */
export class Reader {
  readonly buffer: Buffer
  readonly end: number
  offset: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer
    this.offset = start
    this.end = end
  }

  /** How many bytes are left. */
  get size(): number {
    return this.end - this.offset
  }

  u8(): number {
    return this.buffer[this.take(1)]!
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  u64(): bigint {
    return this.buffer.readBigUInt64BE(this.take(8))
  }

  /** A copy of the next `size` bytes. */
  bytes(size: number): Buffer {
    const at = this.take(size)
    return Buffer.from(this.buffer.subarray(at, at + size))
  }

  skip(size: number): void {
    this.take(size)
  }

  /** A reader of the next `size` bytes, which this one steps over. */
  part(size: number): Reader {
    const at = this.take(size)
    return new Reader(this.buffer, at, at + size)
  }

  /** Throws if anything is left. */
  finish(): void {
    if (this.offset !== this.end) throw new CodecError(`${this.size} bytes left over`)
  }

  private take(size: number): number {
    const at = this.offset
    if (size < 0 || at + size > this.end)
      throw new CodecError(`needs ${size} bytes, but ${this.end - at} are left`)
    this.offset = at + size
    return at
  }
}

/** Writes a buffer from front to back. */
export class Writer {
  size = 0
  private buffer: Buffer

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  u8(value: number): void {
    const at = this.room(1)
    this.buffer[at] = value
  }

  u16(value: number): void {
    const at = this.room(2)
    this.buffer.writeUInt16BE(value, at)
  }

  u32(value: number): void {
    const at = this.room(4)
    this.buffer.writeUInt32BE(value, at)
  }

  u64(value: bigint): void {
    const at = this.room(8)
    this.buffer.writeBigUInt64BE(value, at)
  }

  bytes(value: Uint8Array): void {
    const at = this.room(value.length)
    this.buffer.set(value, at)
  }

  zeros(size: number): void {
    const at = this.room(size)
    this.buffer.fill(0, at, at + size)
  }

  /** Puts a length in later, at an offset that was written before. Throws if it is not a u16. */
  setU16(at: number, value: number): void {
    if (value > 0xffff) throw new CodecError(`${value} bytes do not fit a 16-bit length`)
    this.buffer.writeUInt16BE(value, at)
  }

  /** What was written. The writer gives its buffer away: do not write on. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.size)
  }

  private room(size: number): number {
    const at = this.size
    if (at + size > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(at + size, this.buffer.length * 2))
      this.buffer.copy(larger, 0, 0, at)
      this.buffer = larger
    }
    this.size = at + size
    return at
  }
}

/** How a `T` stands in bytes. */
export interface Codec<T> {
  read(r: Reader): T
  write(w: Writer, value: T): void
}

/** The values of a codec. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never

/** The bytes of a value. Throws `CodecError` if it has none. */
export function encodeWith<T>(codec: Codec<T>, value: T): Buffer {
  const w = new Writer()
  codec.write(w, value)
  return w.finish()
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
        items.push(item.read(r))
        if (r.offset === before) throw new CodecError('an item without bytes')
      }
    } catch (error) {
      throw within(items.length, error)
    }
    return items
  },
  write(w, items) {
    let at = 0
    try {
      for (const item_ of items) {
        item.write(w, item_)
        at++
      }
    } catch (error) {
      throw within(at, error)
    }
  },
})
