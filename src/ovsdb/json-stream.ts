/**
 * Cuts a byte stream into JSON objects. OVSDB puts nothing between two messages (RFC 7047 §4), so the end of one is where
 * its braces close. It knows no method and no socket.
 */

import { ProtocolError } from '../errors.ts'

// biome-ignore format: columns
const byte = {
  quote: 0x22, backslash: 0x5c,
  openBrace: 0x7b, closeBrace: 0x7d, openBracket: 0x5b, closeBracket: 0x5d,
} as const
/** Tab, line feed, carriage return and space (RFC 8259 §2). */
const blanks: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20])

/** Collects chunks, split anywhere, into whole messages. */
export class JsonStream {
  readonly #limitSize: number
  #parts: Buffer[] = []
  /** Bytes in `#parts`. */
  #size = 0
  #depth = 0
  #isInString = false
  #isEscaped = false

  /** `limitSize` is the most bytes that one message may have. */
  constructor(limitSize: number) {
    this.#limitSize = limitSize
  }

  /** The messages that this chunk completes. Throws `ProtocolError`; the stream is of no use after that. */
  push(chunk: Buffer): object[] {
    const messages: object[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const value = chunk[at] as number
      if (this.#depth === 0) {
        start = at
        if (blanks.has(value)) start = at + 1
        else if (value === byte.openBrace) this.#depth = 1
        else throw new ProtocolError(`byte 0x${value.toString(16).padStart(2, '0')} between two messages`)
      } else if (this.#isClosing(value)) {
        this.#keep(chunk.subarray(start, at + 1))
        messages.push(this.#take())
        start = at + 1
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start))
    return messages
  }

  /** Moves on by one byte inside a message; says whether the byte is the message's last. Never inside a character:
   * the bytes of a multibyte one are all above 0x7f. */
  #isClosing(value: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (value === byte.backslash) this.#isEscaped = true
      else if (value === byte.quote) this.#isInString = false
    } else if (value === byte.quote) this.#isInString = true
    else if (value === byte.openBrace || value === byte.openBracket) this.#depth += 1
    else if (value === byte.closeBrace || value === byte.closeBracket) this.#depth -= 1
    return this.#depth === 0
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#size += part.length
    if (this.#size > this.#limitSize)
      throw new ProtocolError(`a message is larger than ${this.#limitSize} bytes`)
  }

  #take(): object {
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    this.#size = 0
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    } catch (error) {
      const beginning = bytes.toString('latin1', 0, 60).replace(/[^ -~]/g, '?')
      throw new ProtocolError(`a message is not JSON, it begins with ${beginning}`, error)
    }
  }
}
