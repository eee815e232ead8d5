/**
 * The flows of a switch that were decoded before: what each looks like (`FlowLook`), and its identity. A hash table in
 * arrays of which seven eighths are full: 20 bytes a flow. While the switch is read it notes which flows are there, so that
 * nothing else need be kept of those that are as they were believed to be. It knows no switch.
 */

import { digestFrom, digestWord } from './digest.ts'

/** What a flow looks like; `low` is never 0. */
export interface Look {
  readonly low: number
  readonly high: number
}

/** Room for so many more, and a 32nd of what is there, spares most of the tables that would be made for a few flows. */
const someFlows = 8

/** How the flow of a place was met in the reading that goes on. */
const met = { never: 0, seen: 1, decoded: 2 } as const
/** Of a flow: how it was met, and the words of its identity. */
type Holds = (how: number, low: number, high: number) => boolean

export class KnownFlows {
  /** The words of the identity of the known flow that was seen last. */
  low = 0
  high = 0
  /** Two words a place; the first is 0 where nothing stands. */
  #looks = new Int32Array(2)
  /** Two words a place. */
  #identities = new Int32Array(2)
  #met = new Uint8Array(1)
  #capacity = 0
  #count = 0
  #metCount = 0

  /** Sees to it that there is room for so many flows. */
  reserve(capacity: number): void {
    if (capacity > this.#capacity) this.#rebuild(capacity, () => true)
  }

  /** Notes that a flow of this look is there; false if it is not known. */
  see({ low, high }: Look): boolean {
    const place = this.#placeOf(low, high)
    if (this.#looks[2 * place] === 0) return false
    if (this.#met[place] === met.never) {
      this.#met[place] = met.seen
      this.#metCount += 1
    }
    this.low = this.#identities[2 * place]!
    this.high = this.#identities[2 * place + 1]!
    return true
  }

  /** Takes in a flow that is there and was decoded. */
  add({ low, high }: Look, identity: string): void {
    this.reserve(this.#count + 1)
    this.#put(low, high, met.decoded, digestWord(identity, 0), digestWord(identity, 4))
  }

  /** The identities of the flows that were not met. */
  missing(): Iterable<string> {
    return this.#isMissingSome ? this.#identitiesOf(met.never) : []
  }

  /** The identities of the flows that were decoded. */
  decoded(): Iterable<string> {
    return this.#identitiesOf(met.decoded)
  }

  /** Hands on the words of the identity of each flow that was met. */
  visitMet(visit: (low: number, high: number) => void): void {
    for (let place = 0; place < this.#met.length; place += 1)
      if (this.#met[place] !== met.never)
        visit(this.#identities[2 * place]!, this.#identities[2 * place + 1]!)
  }

  /**
   * Ends a reading. Known are, for the next one, the flows that were decoded, and of the others those whose looks are still
   * a proof: those that were seen and, if the reading was not whole, those that were not met under any look.
   */
  endReading(isWhole: boolean, isProof: (low: number, high: number) => boolean): void {
    const isSomeKept = !isWhole && this.#isMissingSome
    const changed = new Set(isSomeKept ? this.decoded() : [])
    const isStaying: Holds = (how, low, high) =>
      how === met.decoded ||
      (isProof(low, high) && (how === met.seen || (isSomeKept && !changed.has(digestFrom(low, high)))))
    const count = this.#countOf(isStaying)
    if (count < this.#count) this.#rebuild(count, isStaying)
    this.#met.fill(met.never)
    this.#metCount = 0
  }

  /** Whether a flow was not met. */
  get #isMissingSome(): boolean {
    return this.#metCount < this.#count
  }

  #countOf(holds: Holds): number {
    let count = 0
    for (let place = 0; place < this.#met.length; place += 1)
      if (
        this.#looks[2 * place] !== 0 &&
        holds(this.#met[place]!, this.#identities[2 * place]!, this.#identities[2 * place + 1]!)
      )
        count += 1
    return count
  }

  *#identitiesOf(wanted: number): Iterable<string> {
    for (let place = 0; place < this.#met.length; place += 1)
      if (this.#looks[2 * place] !== 0 && this.#met[place] === wanted)
        yield digestFrom(this.#identities[2 * place]!, this.#identities[2 * place + 1]!)
  }

  /** Makes the table anew, with room for so many flows and some more, of those of which that holds. */
  #rebuild(flowCount: number, holds: Holds): void {
    const [looks, identities, states] = [this.#looks, this.#identities, this.#met]
    const capacity = flowCount + (flowCount >> 5) + someFlows
    const placeCount = Math.ceil((capacity * 8) / 7) + 1
    this.#looks = new Int32Array(2 * placeCount)
    this.#identities = new Int32Array(2 * placeCount)
    this.#met = new Uint8Array(placeCount)
    this.#capacity = capacity
    this.#count = 0
    this.#metCount = 0
    for (let place = 0; place < states.length; place += 1) {
      const [low, high] = [identities[2 * place]!, identities[2 * place + 1]!]
      if (looks[2 * place] !== 0 && holds(states[place]!, low, high))
        this.#put(looks[2 * place]!, looks[2 * place + 1]!, states[place]!, low, high)
    }
  }

  /** Puts a flow where its look stands or would: how it was met, and the words of its identity. */
  #put(lookLow: number, lookHigh: number, how: number, low: number, high: number): void {
    const place = this.#placeOf(lookLow, lookHigh)
    if (this.#looks[2 * place] === 0) this.#count += 1
    if (how !== met.never && this.#met[place] === met.never) this.#metCount += 1
    this.#looks[2 * place] = lookLow
    this.#looks[2 * place + 1] = lookHigh
    this.#identities[2 * place] = low
    this.#identities[2 * place + 1] = high
    this.#met[place] = how
  }

  /** Where a look stands, or where it would. */
  #placeOf(low: number, high: number): number {
    const placeCount = this.#met.length
    let place = Math.floor(((low >>> 0) / 0x1_0000_0000) * placeCount)
    while (this.#looks[2 * place] !== 0) {
      if (this.#looks[2 * place] === low && this.#looks[2 * place + 1] === high) break
      place = place + 1 === placeCount ? 0 : place + 1
    }
    return place
  }
}
