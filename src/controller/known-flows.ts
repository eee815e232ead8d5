/**
 * The flows of a switch that were decoded before: what each looks like (`FlowLook`), and its identity. A hash table in
 * arrays of which seven eighths are full: 20 bytes a flow. It is built anew when a reading has found something in it out of
 * date, or more than it has room for. It knows no switch.
 */

import { digestFrom, digestWord } from './digest.ts'

/** A flow that was decoded: its look, and its identity. */
export interface KnownFlow {
  readonly low: number
  readonly high: number
  readonly identity: string
}

export class KnownFlows {
  /** The words of the identity of the known flow that was seen last. */
  low = 0
  high = 0
  /** Two words a place; the first is 0 where nothing stands. */
  readonly #looks: Int32Array
  /** Two words a place. */
  readonly #identities: Int32Array
  readonly #isSeen: Uint8Array
  readonly #capacity: number
  readonly #placeCount: number
  #count = 0
  #seenCount = 0

  /** A table with room for so many flows. */
  constructor(capacity = 0) {
    this.#capacity = capacity
    this.#placeCount = Math.ceil((capacity * 8) / 7) + 1
    this.#looks = new Int32Array(2 * this.#placeCount)
    this.#identities = new Int32Array(2 * this.#placeCount)
    this.#isSeen = new Uint8Array(this.#placeCount)
  }

  /** Notes that a flow of this look is there; false if it is not known. */
  see({ low, high }: Pick<KnownFlow, 'low' | 'high'>): boolean {
    const place = this.#placeOf(low, high)
    if (this.#looks[2 * place] === 0) return false
    if (this.#isSeen[place] === 0) this.#seenCount += 1
    this.#isSeen[place] = 1
    this.low = this.#identities[2 * place]!
    this.high = this.#identities[2 * place + 1]!
    return true
  }

  /** The identities of the flows that were not seen, or of those that were. */
  *identities(isSeen: boolean): Iterable<string> {
    if (!isSeen && this.#seenCount === this.#count) return
    for (let place = 0; place < this.#placeCount; place += 1)
      if (this.#looks[2 * place] !== 0 && this.#isSeen[place] === Number(isSeen))
        yield this.#identityAt(place)
  }

  /**
   * What is known for the next reading: new flows, and of those that were known and whose looks are still a proof, the flows
   * that were seen and, if `isKept` says so, those that were not. It is this table if that has room and nothing has to go;
   * another one has room for `expected` flows, if those are more.
   */
  next(
    fresh: readonly KnownFlow[],
    isProof: (low: number, high: number) => boolean,
    isKept: (identity: string) => boolean,
    expected: number,
  ): KnownFlows {
    const isStaying = (place: number) =>
      isProof(this.#identities[2 * place]!, this.#identities[2 * place + 1]!) &&
      (this.#isSeen[place] === 1 || isKept(this.#identityAt(place)))
    let staying = 0
    for (let place = 0; place < this.#placeCount; place += 1)
      if (this.#looks[2 * place] !== 0 && isStaying(place)) staying += 1
    const size = staying + fresh.length
    const isFitting = staying === this.#count && size <= this.#capacity
    const next = isFitting ? this : new KnownFlows(Math.max(size, expected))
    if (isFitting) {
      this.#isSeen.fill(0)
      this.#seenCount = 0
    } else {
      for (let place = 0; place < this.#placeCount; place += 1) {
        const low = this.#looks[2 * place]!
        if (low !== 0 && isStaying(place))
          next.#put({ low, high: this.#looks[2 * place + 1]!, identity: this.#identityAt(place) })
      }
    }
    for (const flow of fresh) next.#put(flow)
    return next
  }

  #put({ low, high, identity }: KnownFlow): void {
    const place = this.#placeOf(low, high)
    if (this.#looks[2 * place] === 0) this.#count += 1
    this.#looks[2 * place] = low
    this.#looks[2 * place + 1] = high
    this.#identities[2 * place] = digestWord(identity, 0)
    this.#identities[2 * place + 1] = digestWord(identity, 4)
  }

  #identityAt(place: number): string {
    return digestFrom(this.#identities[2 * place]!, this.#identities[2 * place + 1]!)
  }

  /** Where a look stands, or where it would. */
  #placeOf(low: number, high: number): number {
    let place = Math.floor(((low >>> 0) / 0x1_0000_0000) * this.#placeCount)
    while (this.#looks[2 * place] !== 0) {
      if (this.#looks[2 * place] === low && this.#looks[2 * place + 1] === high) break
      place = place + 1 === this.#placeCount ? 0 : place + 1
    }
    return place
  }
}
