/**
 * A packet-in of Nicira (NXT_PACKET_IN2, nicira-ext.h of Open vSwitch) read in place: where its parts stand in the
 * message, and no more until somebody asks. This is the one message that comes for every packet, so what the codec of
 * `packet-messages.ts` would make of it is left in the bytes; a test holds the two to be equal.
 *
 * Unlike any other decoded value it does not own its bytes: it is a window on what the switch sent. One window is moved
 * from message to message, so that a packet leaves no garbage behind.
 */

import { CodecError } from '../wire/codec.ts'
import { wordAt } from '../wire/word.ts'
import type { Match } from './match.ts'
import { decode, type MessageOf } from './messages.ts'

/** The header of an experimenter's message, up to its body; bytes. */
export const experimenterSize = 16
const propertyHeaderSize = 4
/** A property that holds properties begins at a multiple of 8 bytes. */
const nestedOffset = 8

const propertyTypes = { packet: 0, metadata: 6, userdata: 7, continuation: 8 } as const

/** The number of NXT_PACKET_IN2 (nicira-ext.h). */
const packetInHead = { type: 4, vendor: 0x2320, subtype: 30 } as const

/** Whether the message between `start` and `end` is such a one, as far as its header tells. */
export const isPacketIn = (bytes: Buffer, start = 0, end = bytes.length): boolean =>
  bytes[start + 1] === packetInHead.type &&
  end - start >= experimenterSize &&
  bytes.readUInt32BE(start + 8) === packetInHead.vendor &&
  bytes.readUInt32BE(start + 12) === packetInHead.subtype

/** Registers stand in packet-ins with class 1 and their number as the field (NXM_NX_REG0 to NXM_NX_REG15). */
const registerClass = 1
const registerSize = 4
const fieldHeaderSize = 4

/** Of the message that was read last. */
let lastSerial = 0

/** A packet that a controller action sent up. */
export class PacketIn {
  readonly kind = 'packetIn2'
  /** The message is what stands here between `start` and `end`. */
  bytes: Buffer
  start: number
  end: number
  /** No other message of the last four billion has it: neither window nor place tells two apart, which are used again. */
  serial = 0
  #packetAt = 0
  #packetEnd = 0
  #packet: Buffer | undefined
  #metadataAt = 0
  #metadataEnd = 0
  #userdataAt = 0
  #userdataEnd = 0
  #continuationAt = 0
  #continuationEnd = 0

  /** Reads a message of which `isPacketIn` holds. Throws `CodecError` if its properties do not fill it. */
  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.#read()
  }

  /** Reads another message in the place of this one. Throws as the constructor does. */
  moveTo(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.#packet = undefined
    this.#packetAt = this.#packetEnd = 0
    this.#metadataAt = this.#metadataEnd = 0
    this.#userdataAt = this.#userdataEnd = 0
    this.#continuationAt = this.#continuationEnd = 0
    this.#read()
  }

  #read(): void {
    const { bytes, start, end } = this
    lastSerial = (lastSerial + 1) | 0
    this.serial = lastSerial
    let at = start + experimenterSize
    while (at < end) {
      const size = at + propertyHeaderSize <= end ? wordAt(bytes, at + 2) : 0
      if (size < propertyHeaderSize || at + size > end)
        throw new CodecError(`a property has ${size} bytes, but ${end - at} are left`, [this.kind])
      this.#take(wordAt(bytes, at), at + propertyHeaderSize, at + size)
      at = Math.min(at + size + (-size & 7), end)
    }
  }

  get xid(): number {
    return this.bytes.readUInt32BE(this.start + 4)
  }

  /** Where the frame, as far as it was sent up, begins in `bytes`. */
  get packetStart(): number {
    return this.#packetAt
  }

  /** Where it ends. */
  get packetEnd(): number {
    return this.#packetEnd
  }

  /** The frame; the same object each time. */
  get packet(): Buffer {
    this.#packet ??= this.bytes.subarray(this.#packetAt, this.#packetEnd)
    return this.#packet
  }

  /** The `userdata` of the controller action, one character a byte. */
  get owner(): string {
    return this.bytes.toString('latin1', this.#userdataAt, this.#userdataEnd)
  }

  /** Whether `owner` is this, told without making a string. */
  isOf(owner: string): boolean {
    const at = this.#userdataAt
    if (this.#userdataEnd - at !== owner.length) return false
    for (let i = 0; i < owner.length; i++) if (this.bytes[at + i] !== owner.charCodeAt(i)) return false
    return true
  }

  /** Whether the packet waits in the switch for `resume`. */
  get isPaused(): boolean {
    return this.#continuationEnd > this.#continuationAt
  }

  /** What is in a register, 0 to 15; undefined if the switch did not send it, because it is 0. */
  register(number: number): number | undefined {
    const { bytes } = this
    const end = this.#metadataEnd
    for (let at = this.#metadataAt; at + fieldHeaderSize + registerSize <= end; ) {
      const size = bytes[at + 3]!
      const isIt = wordAt(bytes, at) === registerClass && bytes[at + 2] === number << 1
      if (isIt && size === registerSize) return bytes.readUInt32BE(at + fieldHeaderSize)
      at += fieldHeaderSize + size
    }
    return undefined
  }

  /** Registers, metadata and the like. Throws `CodecError` if they are not well-formed. */
  get metadata(): Match {
    return this.decoded().metadata
  }

  /** Everything, decoded. Throws `CodecError`. */
  decoded(): MessageOf<'packetIn2'> {
    return decode(this.bytes.subarray(this.start, this.end)) as MessageOf<'packetIn2'>
  }

  #take(type: number, start: number, end: number): void {
    switch (type) {
      case propertyTypes.packet:
        this.#packetAt = start
        this.#packetEnd = end
        return
      case propertyTypes.metadata:
        this.#metadataAt = start
        this.#metadataEnd = end
        return
      case propertyTypes.userdata:
        this.#userdataAt = start
        this.#userdataEnd = end
        return
      case propertyTypes.continuation:
        this.#continuationAt = start + nestedOffset - propertyHeaderSize
        this.#continuationEnd = end
    }
  }
}
