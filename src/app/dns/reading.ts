/**
 * What is known of a frame before its name is looked up. Of several frames it is read in advance, and what their look-ups
 * will touch is touched in two rounds: memory that no cache holds then comes for all of them at once, in place of one
 * after the other (docs/decisions/0013-names-fetched-together.md). It decides nothing.
 */

import { parseFrame, type UdpFrame, type Unparsed } from '../../packet/index.ts'
import type { Sight } from '../app.ts'
import type { Port, View } from '../view.ts'
import { KeyReader } from './keys.ts'
import type { Names } from './names.ts'
import { nameEnd, nameStart, type Query, readQuery, type Unread } from './question.ts'
import type { Scope } from './scope.ts'

/** A frame, read as far as its bytes go. */
export interface Reading {
  readonly frame: Buffer
  readonly packet: UdpFrame | Unparsed
  readonly query: Query | Unread
  /** The names that the asker may ask for. */
  readonly scope: Scope | undefined
  /** Has read the name of a query that was understood. */
  readonly key: KeyReader
}

/** Reads frames, now or in advance. */
export class FrameReader {
  readonly #secret: Buffer
  readonly #names: (view: View) => Names
  readonly #key: KeyReader
  /** Of the frames that were read in advance. */
  readonly #keys: KeyReader[] = []
  #readings: readonly Reading[] = []
  #next = 0
  /** Keeps the touching of words from being of no use. */
  touched = 0

  /** `secret` is that of the tables. */
  constructor(names: (view: View) => Names, secret: Buffer) {
    this.#names = names
    this.#secret = secret
    this.#key = new KeyReader(secret)
  }

  /** What was read of a frame in advance, else what is read now; valid until the next one. */
  read(frame: Buffer, port: Port, view: View): Reading {
    const readings = this.#readings
    for (let i = this.#next; i < readings.length; i++) {
      const reading = readings[i]!
      if (reading.frame !== frame) continue
      this.#next = i + 1
      return reading
    }
    return this.#reading(frame, this.#names(view).scopeOf(port), this.#key)
  }

  /** Reads frames that `read` will be asked for with this view, in this order. */
  foresee(sights: readonly Sight[], view: View): void {
    const names = this.#names(view)
    while (this.#keys.length < sights.length) this.#keys.push(new KeyReader(this.#secret))
    const readings = sights.map(({ frame, port }, i) =>
      this.#reading(frame, names.scopeOf(port), this.#keys[i]!),
    )
    let touched = 0
    for (const { scope, key } of readings) if (scope !== undefined) touched |= scope.names.slotWord(key)
    for (const { scope, key } of readings) if (scope !== undefined) touched |= scope.names.entryWord(key)
    this.touched = touched
    this.#readings = readings
    this.#next = 0
  }

  #reading(frame: Buffer, scope: Scope | undefined, key: KeyReader): Reading {
    const packet = parseFrame(frame)
    const query =
      typeof packet === 'string' ? packetless : readQuery(frame, packet.payloadOffset, packet.payloadEnd)
    if (typeof query !== 'string') key.read(frame, nameStart(query), nameEnd(query))
    return { frame, packet, query, scope, key }
  }
}

const packetless: Unread = 'message'
