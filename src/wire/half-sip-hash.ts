/**
 * HalfSipHash-1-3 with 64 bits (Aumasson and Bernstein, 2012): a hash of bytes that nobody can aim at who does not know its
 * secret. It takes its bytes in stretches of whole words and knows no protocol. Names of DNS are hashed to 32 bits in the
 * loop that reads them (`app/dns/keys.ts`), which is quicker for so few bytes.
 */

/** Hashes one value after the other; `low` and `high` tell of the one hashed last. */
export class HalfSipHash {
  low = 0
  high = 0
  readonly #key0: number
  readonly #key1: number
  #v0 = 0
  #v1 = 0
  #v2 = 0
  #v3 = 0
  #size = 0

  /** `secret` has 8 bytes. */
  constructor(secret: Buffer) {
    this.#key0 = secret.readInt32LE(0)
    this.#key1 = secret.readInt32LE(4)
  }

  /** Forgets what was added. */
  begin(): void {
    this.#v0 = this.#key0
    this.#v1 = this.#key1 ^ 0xee
    this.#v2 = 0x6c79_6765 ^ this.#key0
    this.#v3 = 0x7465_6462 ^ this.#key1
    this.#size = 0
  }

  /** Adds the bytes between `start` and `end`, a multiple of four: 0.13 us for 136 bytes (Node 20.20). */
  add(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += 4)
      this.#absorb(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    this.#size += end - start
  }

  /** Sets `low` and `high`. */
  end(): void {
    this.#absorb((this.#size & 0xff) << 24)
    this.#v2 ^= 0xee
    this.low = this.#word()
    this.#v1 ^= 0xdd
    this.high = this.#word()
  }

  #word(): number {
    for (let round = 0; round < 3; round++) this.#round()
    return this.#v1 ^ this.#v3
  }

  #absorb(word: number): void {
    this.#v3 ^= word
    this.#round()
    this.#v0 ^= word
  }

  #round(): void {
    let v0 = (this.#v0 + this.#v1) | 0
    let v1 = ((this.#v1 << 5) | (this.#v1 >>> 27)) ^ v0
    let v2 = (this.#v2 + this.#v3) | 0
    let v3 = ((this.#v3 << 8) | (this.#v3 >>> 24)) ^ v2
    v0 = (((v0 << 16) | (v0 >>> 16)) + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
  }
}
