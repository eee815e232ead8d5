/**
 * The packet-ins of one read of a connection, gathered until they are told of together. Their windows are used again, so
 * that a packet leaves no garbage behind.
 */

import { PacketIn } from './packet-in.ts'

/** How many are gathered at the most. */
const limit = 128

/** Those that nobody has been told of. */
export class PacketIns {
  /** So many of these, the first ones. */
  readonly #windows: PacketIn[] = []
  #count = 0

  /** The packet-in that would be gathered next, read in the place of one that was told of. Throws as `PacketIn` does. */
  read(bytes: Buffer, start: number, end: number): PacketIn {
    const used = this.#windows[this.#count]
    if (used === undefined) return new PacketIn(bytes, start, end)
    used.moveTo(bytes, start, end)
    return used
  }

  /** Gathers one; whether there is no room for another. */
  add(message: PacketIn): boolean {
    this.#windows[this.#count] = message
    this.#count += 1
    return this.#count === limit
  }

  /** The first so many of the list were gathered, and are told of now. */
  take(): { readonly messages: readonly PacketIn[]; readonly count: number } {
    const count = this.#count
    this.#count = 0
    return { messages: this.#windows, count }
  }
}
