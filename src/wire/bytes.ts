/**
 * A reader and a writer over one buffer, big-endian, and the error of both. They know neither codecs nor protocols; the
 * path of an error is put together only when something fails, so that a success costs nothing.
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

/** What `run` gives; a `CodecError` that it throws gets `key` before its path. */
export function inside<T>(key: string | number, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw within(key, error)
  }
}

/** How deeply parts may stand in parts: no protocol needs more, and hostile bytes shall not exhaust the stack. */
const maxDepth = 100

/** Reads a stretch of a buffer from front to back. Everything throws `CodecError` past its end. */
export class Reader {
  readonly buffer: Buffer
  readonly end: number
  offset: number
  /** How many parts this one stands in. */
  readonly depth: number

  constructor(buffer: Buffer, start = 0, end = buffer.length, depth = 0) {
    this.buffer = buffer
    this.offset = start
    this.end = end
    this.depth = depth
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

  /** A reader of the next `size` bytes, which this one steps over. Throws if it would be the 101st in another. */
  part(size: number): Reader {
    if (this.depth === maxDepth) throw new CodecError(`more than ${maxDepth} parts in one another`)
    const at = this.take(size)
    return new Reader(this.buffer, at, at + size, this.depth + 1)
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

/** Room that most messages fit into; bytes. */
const usualCapacity = 2048
/** A writer that has grown beyond it is not lent again; bytes. */
const lentCapacity = 1 << 16

const idle: Writer[] = []

/**
 * Lends a writer to `use`, who may lend another meanwhile. Nearly all that is written is a few bytes of a value, and a
 * start writes a million of them.
 */
export function withWriter<T>(use: (w: Writer) => T): T {
  const w = idle.pop() ?? new Writer()
  w.size = 0
  try {
    return use(w)
  } finally {
    if (w.capacity <= lentCapacity) idle.push(w)
  }
}

/** Writes a buffer from front to back. */
export class Writer {
  size = 0
  private buffer: Buffer

  constructor(capacity = usualCapacity) {
    this.buffer = Buffer.allocUnsafeSlow(capacity)
  }

  /** How many bytes it has room for without growing. */
  get capacity(): number {
    return this.buffer.length
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

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.size))
  }

  private room(size: number): number {
    const at = this.size
    if (at + size > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(at + size, this.buffer.length * 2))
      this.buffer.copy(larger, 0, 0, at)
      this.buffer = larger
    }
    this.size = at + size
    return at
  }
}
