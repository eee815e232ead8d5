/**
 * Cuts the byte stream of an OpenFlow connection into messages by the length in their header (OF 1.3.5 §7.1). It knows
 * the eight bytes of the header and nothing of sockets or of what a message says.
 */

const headerSize = 8
/** What the length in a header can say; bytes. */
export const messageSizeLimit = 0xffff
const protocolVersion = 0x04
const helloType = 0

/** The version that a message states; 4 is OpenFlow 1.3. */
export const versionOf = (frame: Buffer): number => frame[0]!

/** The type of a message (OF 1.3.5 §7.1.1). */
export const typeOf = (frame: Buffer): number => frame[1]!

/** The transaction id of a message. */
export const xidOf = (frame: Buffer): number => frame.readUInt32BE(4)

/** Takes the message between `start` and `end` of bytes that are somebody else's. */
export type TakeMessage = (bytes: Buffer, start: number, end: number) => void

/** The splitter of one stream. */
export class Framing {
  /** Why the stream cannot be read on: its last header is not one of OpenFlow 1.3. Nothing comes out after that. */
  fault: string | undefined
  /** A message whose end has not come: so much of it, and the size it shall have; that of a header until this is complete. */
  #partial = Buffer.allocUnsafeSlow(messageSizeLimit)
  #filled = 0
  #size = headerSize
  /** Where the next such message goes, while the last one may still be read. */
  #other = Buffer.allocUnsafeSlow(messageSizeLimit)

  /**
   * Takes the next bytes, however they were split, and gives away the messages that they complete, oldest first; these stand
   * until the next call. A message that lies whole in the chunk is given away where it stands.
   */
  push(chunk: Buffer, take: TakeMessage): void {
    let offset = 0
    while (offset < chunk.length && this.fault === undefined) {
      if (this.#filled === 0 && chunk.length - offset >= headerSize) {
        const size = this.#sizeOf(chunk, offset)
        if (size === undefined) break
        if (chunk.length - offset >= size) {
          take(chunk, offset, offset + size)
          offset += size
          continue
        }
      }
      offset += this.#gather(chunk, offset, take)
    }
  }

  /** Adds to the partial message and returns how many bytes it took. */
  #gather(chunk: Buffer, offset: number, take: TakeMessage): number {
    const taken = chunk.copy(this.#partial, this.#filled, offset, offset + this.#size - this.#filled)
    this.#filled += taken
    if (this.#filled === headerSize) this.#size = this.#sizeOf(this.#partial, 0) ?? headerSize
    if (this.#filled === this.#size && this.fault === undefined) this.#give(take)
    return taken
  }

  /** Gives the partial message away, which is complete. */
  #give(take: TakeMessage): void {
    const whole = this.#partial
    const size = this.#size
    this.#partial = this.#other
    this.#other = whole
    this.#filled = 0
    this.#size = headerSize
    take(whole, 0, size)
  }

  /** The size that a header states, or undefined with the fault set. HELLO alone may be of any version (§6.3.1). */
  #sizeOf(bytes: Buffer, offset: number): number | undefined {
    const version = bytes[offset]!
    const type = bytes[offset + 1]!
    const size = (bytes[offset + 2]! << 8) | bytes[offset + 3]!
    if (version !== protocolVersion && type !== helloType)
      this.fault = `a message of type ${type} has version ${version}, not ${protocolVersion} (OpenFlow 1.3)`
    else if (size < headerSize)
      this.fault = `a message of type ${type} states a size of ${size} bytes, less than its header's ${headerSize}`
    return this.fault === undefined ? size : undefined
  }
}
