/**
 * What is known of a frame before its name is looked up. Of several frames it is read in advance, and what their look-ups
 * will touch is touched in two rounds: memory that no cache holds then comes for all of them at once, in place of one
 * after the other (docs/decisions/0013-names-fetched-together.md). It decides nothing.
 */

import { emptyFrame, parseFrame, type UdpFrame, type Unparsed } from '../../packet/index.ts'
import type { Sight } from '../app.ts'
import type { View } from '../view.ts'
import { KeyReader } from './keys.ts'
import type { Names } from './names.ts'
import { emptyQuery, nameEnd, nameStart, type Query, readQuery, type Unread } from './question.ts'
import type { Scope } from './scope.ts'
import { Touch } from './touch.ts'

const packetless: Unread = 'message'

/** A frame, read as far as its bytes go. */
export interface Reading {
  readonly packet: UdpFrame | Unparsed
  readonly query: Query | Unread
  /** The names that the asker may ask for. */
  readonly scope: Scope | undefined
  /** Has read the name of a query that was understood. */
  readonly key: KeyReader
}

/** One after the other is read into the same place, so that a packet leaves no garbage behind. */
class Place implements Reading {
  /** Of what was read in advance, until it was asked for. */
  sight: Sight | undefined
  packet: UdpFrame | Unparsed = 'short'
  query: Query | Unread = packetless
  scope: Scope | undefined
  readonly key: KeyReader
  readonly #packet = emptyFrame()
  readonly #query = emptyQuery()

  constructor(secret: Buffer) {
    this.key = new KeyReader(secret)
  }

  read(sight: Sight, scope: Scope | undefined): this {
    const { bytes, start, end } = sight
    const packet = parseFrame(bytes, 'host', this.#packet, start, end)
    const query =
      typeof packet === 'string'
        ? packetless
        : readQuery(bytes, packet.payloadOffset, packet.payloadEnd, this.#query)
    if (typeof query !== 'string') this.key.read(bytes, nameStart(query), nameEnd(query))
    this.sight = sight
    this.packet = packet
    this.query = query
    this.scope = scope
    return this
  }

  /** Lets go of names that may be old. */
  clear(): void {
    this.sight = undefined
    this.scope = undefined
  }
}

/** Reads frames, now or in advance. */
export class FrameReader {
  readonly #secret: Buffer
  readonly #names: (view: View) => Names
  readonly #now: Place
  /** Frames that were read in advance, from `#next` to before `#count`. */
  readonly #foreseen: Place[] = []
  #next = 0
  #count = 0
  /** Whose names they were read with. */
  #view: View | undefined
  readonly #touch = new Touch()

  /** `secret` is that of the tables. */
  constructor(names: (view: View) => Names, secret: Buffer) {
    this.#names = names
    this.#secret = secret
    this.#now = new Place(secret)
  }

  /** What was read of a frame in advance with this view, else what is read now; valid until the next one. */
  read(sight: Sight, view: View): Reading {
    const count = this.#view === view ? this.#count : 0
    for (let i = this.#next; i < count; i++) {
      const place = this.#foreseen[i]!
      if (place.sight !== sight) continue
      this.#next = i + 1
      return place
    }
    return this.#now.read(sight, this.#names(view).scopeOf(sight.port))
  }

  /** Reads the first `count` frames, which `read` will be asked for with this view, in this order. */
  foresee(sights: readonly Sight[], count: number, view: View): void {
    const places = this.#foreseen
    const before = this.#count
    this.#next = 0
    this.#count = 0
    const names = this.#names(view)
    while (places.length < count) places.push(new Place(this.#secret))
    for (let i = count; i < before; i++) places[i]!.clear()
    for (let i = 0; i < count; i++) {
      const sight = sights[i]!
      places[i]!.read(sight, names.scopeOf(sight.port))
    }
    this.#touch.all(places, count)
    this.#count = count
    this.#view = view
  }
}
