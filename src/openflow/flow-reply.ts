/**
 * A reply to a flow request (`struct ofp_flow_stats`, OpenFlow 1.3.5 §7.3.5.2) read in place: where each flow stands in it
 * and what it looks like, and its value when somebody asks. For whoever reads long tables again and again, of which
 * mostly nothing has changed: the codec takes 6 us for a flow, looking at it 0.2. A test holds the two to be equal.
 */

import { CodecError, decodeWith } from '../wire/codec.ts'
import { HalfSipHash } from '../wire/half-sip-hash.ts'
import { wordAt } from '../wire/word.ts'
import { type FlowStats, flowStats, moreFlag } from './multipart.ts'

/** Takes the flow between `start` and `end` of bytes that are somebody else's. */
export type TakeFlow = (bytes: Buffer, start: number, end: number) => void

const head = { type: 19, multipartType: 1 } as const
/** Where the flows begin in a message. */
const bodyAt = 16
/** Where things stand in a flow: the duration is in front of the priority, the counters are behind the cookie. */
const places = { duration: 4, priority: 12, packetCount: 32, match: 48 } as const
const leastSize = places.match + 8

/** Whether the message between `start` and `end` is such a reply, as far as its header tells. */
export const isFlowReply = (bytes: Buffer, start: number, end: number): boolean =>
  bytes[start + 1] === head.type && end - start >= bodyAt && wordAt(bytes, start + 8) === head.multipartType

/** The answer to a flow request, or a piece of it: a window on what the switch sent. */
export class FlowReply {
  readonly kind = 'flowReply'
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number

  /** Of a message of which `isFlowReply` holds. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  get xid(): number {
    return this.#bytes.readUInt32BE(this.#start + 4)
  }

  get isLast(): boolean {
    return (wordAt(this.#bytes, this.#start + 10) & moreFlag) === 0
  }

  /** Hands on each flow. Throws `CodecError` if they do not fill the message. */
  visit(take: TakeFlow): void {
    for (let at = this.#start + bodyAt; at < this.#end; ) {
      const left = this.#end - at
      const size = left >= leastSize ? wordAt(this.#bytes, at) : 0
      if (size < leastSize || size > left || size % 8 > 0)
        throw new CodecError(`a flow has ${size} bytes, but ${left} are left`, [this.kind])
      take(this.#bytes, at, at + size)
      at += size
    }
  }
}

/** The flow that was handed on between `start` and `end`. Throws `CodecError`. */
export const decodeFlow = (bytes: Buffer, start: number, end: number): FlowStats =>
  decodeWith(flowStats, bytes.subarray(start, end))

/**
 * What a flow looks like but for its duration and its counters, in 64 bits; its fields tell of the flow read last. Who does
 * not know the secret cannot make two flows that look the same.
 */
export class FlowLook {
  /** Never 0. */
  low = 0
  high = 0
  readonly #hash: HalfSipHash

  /** `secret` has 8 bytes. */
  constructor(secret: Buffer) {
    this.#hash = new HalfSipHash(secret)
  }

  /** Reads a flow that was handed on. */
  read(bytes: Buffer, start: number, end: number): void {
    const hash = this.#hash
    hash.begin()
    hash.add(bytes, start, start + places.duration)
    hash.add(bytes, start + places.priority, start + places.packetCount)
    hash.add(bytes, start + places.match, end)
    hash.end()
    this.low = hash.low || 1
    this.high = hash.high
  }
}
