/**
 * From a name to what it is found by: its bytes in wire form, lower-cased, four to a word, and a hash of them. The hash is
 * HalfSipHash-1-3 (Aumasson and Bernstein, 2012; Linux hashes its tables with it), keyed with a secret of the process: a
 * tenant who chooses names cannot choose which of them collide. It knows no names that exist.
 */

/** A name has at most 255 bytes (RFC 1035 §2.3.4). */
const wordLimit = 64
const highBits = 0x8080_8080 | 0

/** Reads one name after the other; its fields tell of the one read last. */
export class KeyReader {
  /** The name, lower-cased; its first byte is the lowest of the first word. The last word is filled up with zeros. */
  readonly words = new Int32Array(wordLimit)
  /** How many words there are. */
  length = 0
  /** How many bytes. */
  size = 0
  hash = 0
  readonly #text = Buffer.alloc(4 * wordLimit)
  readonly #low: number
  readonly #high: number

  /** `secret` has 8 bytes. */
  constructor(secret: Buffer) {
    this.#low = secret.readInt32LE(0)
    this.#high = secret.readInt32LE(4)
  }

  /** Reads the name in wire form between `start` and `end`, at most 255 bytes. */
  read(bytes: Uint8Array, start: number, end: number): void {
    const { words } = this
    const size = end - start
    const whole = size >> 2
    let at = start
    let v0 = this.#low
    let v1 = this.#high
    let v2 = 0x6c79_6765 ^ v0
    let v3 = 0x7465_6462 ^ v1
    // A round for each whole word, one for the rest with the size in its highest byte, and three for nothing. Reading and
    // hashing in one loop overlap: 50 ns for 36 bytes, where one after the other takes 80 ns (Node 20.20).
    for (let i = 0; i < whole + 4; i++) {
      let block = 0
      if (i < whole) {
        block = lowerCase(
          bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24),
        )
        words[i] = block
        at += 4
      } else if (i === whole) {
        let rest = 0
        for (let shift = 0; at < end; shift += 8) rest |= bytes[at++]! << shift
        rest = lowerCase(rest)
        words[i] = rest
        block = rest | (size << 24)
      } else if (i === whole + 1) v2 ^= 0xff
      v3 ^= block
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= block
    }
    this.size = size
    this.length = (size + 3) >> 2
    this.hash = v1 ^ v3
  }

  /** Reads a key of `domain-name.ts`. */
  readKey(key: string): void {
    this.#text.write(key, 'latin1')
    this.read(this.#text, 0, key.length)
  }
}

/** Of four bytes at once, ASCII alone: adding to their lower 7 bits brings up the highest bit from 'A' to 'Z'. */
function lowerCase(word: number): number {
  const low = word & 0x7f7f_7f7f
  const isUpper = ((low + 0x3f3f_3f3f) | 0) ^ ((low + 0x2525_2525) | 0)
  return word | ((isUpper & ~word & highBits) >>> 2)
}
