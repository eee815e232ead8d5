/**
 * What a session wants to send, gathered until it leaves in one write. Messages are written one behind the other into a
 * block, which is used again once its bytes have left; a block whose bytes wait is given away, and its rest used on. It
 * knows the two messages that answer a packet-in (OF 1.3.5 §7.3.7, NXT_RESUME of nicira-ext.h), because these are written for every packet; the others come
 * as bytes.
 */

import { CodecError } from '../wire/codec.ts'
import { messageSizeLimit } from './framing.ts'
import { experimenterSize } from './packet-in.ts'

const blockSize = 1 << 16
const noBuffer = 0xffff_ffff
const fromController = 0xffff_fffd
const openFlow13 = 4
const packetOutType = 13
const packetOutSize = 24
const outputSize = 16
const frameOffset = packetOutSize + outputSize
const resumeSubtype = 28

/** How many bytes there are for a frame where `room` says. */
const roomSize = 1514

/** Where the bytes go, a block at a time; tells whether they have left, so that their memory may be written to again. */
export type Write = (bytes: Buffer) => boolean

export class Outbox {
  readonly #write: Write
  #block: Buffer = Buffer.allocUnsafeSlow(blockSize)
  /** The same bytes: what writes a word at once, without the checks of a Buffer's own methods. */
  #words = new DataView(this.#block.buffer)
  #from = 0
  #to = 0
  readonly #room = { bytes: this.#block, at: 0 }

  constructor(write: Write) {
    this.#write = write
  }

  /** A message. */
  add(message: Buffer): void {
    this.#reserve(message.length)
    this.#to += message.copy(this.#block, this.#to)
  }

  /**
   * OFPT_PACKET_OUT that outputs a frame to a port, as from the controller; the frame is copied. Throws `CodecError` for
   * a frame that is none or that does not fit a message.
   */
  addPacketOut(xid: number, port: number, frame: Buffer): void {
    if (!Buffer.isBuffer(frame)) throw new CodecError('is no Buffer', ['packetOut', 'data'])
    if (frameOffset + frame.length > messageSizeLimit)
      throw new CodecError(`${frame.length} bytes are more than fit a message`, ['packetOut', 'data'])
    this.#reserve(frameOffset + frame.length)
    frame.copy(this.#block, this.#to + frameOffset)
    this.#finishPacketOut(xid, port, frame.length)
  }

  /** Where the frame of the next `addRoom` is to be written: 1,514 bytes, until something is added. The same object each time. */
  get room(): { readonly bytes: Buffer; readonly at: number } {
    this.#reserve(frameOffset + roomSize)
    this.#room.bytes = this.#block
    this.#room.at = this.#to + frameOffset
    return this.#room
  }

  /** OFPT_PACKET_OUT as above, with the first `size` bytes of `room`. Throws `CodecError` if it has not so many. */
  addRoom(xid: number, port: number, size: number): void {
    if (!(size >= 0 && size <= roomSize))
      throw new CodecError(`${size} is no number of bytes from 0 to ${roomSize}`, ['packetOut', 'data'])
    this.#finishPacketOut(xid, port, size)
  }

  /** Writes what stands before a frame of `frameSize` bytes that is already there. */
  #finishPacketOut(xid: number, port: number, frameSize: number): void {
    const words = this.#words
    const at = this.#to
    const size = frameOffset + frameSize
    words.setUint32(at, (openFlow13 << 24) | (packetOutType << 16) | size)
    words.setUint32(at + 4, xid)
    words.setUint32(at + 8, noBuffer)
    words.setUint32(at + 12, fromController)
    words.setUint32(at + 16, outputSize << 16)
    words.setUint32(at + 20, 0)
    words.setUint32(at + 24, outputSize) // OFPAT_OUTPUT is 0
    words.setUint32(at + 28, port)
    words.setUint32(at + 32, 0)
    words.setUint32(at + 36, 0)
    this.#to = at + size
  }

  /** NXT_RESUME of the packet-in between `start` and `end`: the same properties, sent back. */
  addResume(xid: number, bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    const at = this.#to
    this.#to += bytes.copy(this.#block, at, start, end)
    this.#words.setUint32(at + 4, xid)
    this.#words.setUint32(at + experimenterSize - 4, resumeSubtype)
  }

  /** Writes what has been gathered, if anything has. */
  flush(): void {
    if (this.#to === this.#from) return
    const ready = this.#block.subarray(this.#from, this.#to)
    if (this.#write(ready)) this.#to = this.#from
    else this.#from = this.#to
  }

  /** Makes room for a message; a block holds any. A block whose bytes have all left is used again. */
  #reserve(size: number): void {
    if (this.#to + size <= blockSize) return
    this.flush()
    if (this.#to + size <= blockSize) return
    this.#block = Buffer.allocUnsafeSlow(blockSize)
    this.#words = new DataView(this.#block.buffer)
    this.#from = 0
    this.#to = 0
  }
}
