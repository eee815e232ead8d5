/**
 * The whole way from a frame to a verdict (docs/architecture.md): one function for the data path and, with a recorder of
 * its reasons, for people. It counts nothing and asks nobody.
 */

import { randomBytes } from 'node:crypto'
import { headersSize, type UdpFrame, type Unparsed, writeAnswer } from '../../packet/index.ts'
import type { Writable } from '../../wire/writable.ts'
import type { App, Room, Sight, Verdict } from '../app.ts'
import type { View } from '../view.ts'
import { createDecide, type Note } from './answer.ts'
import { headerSize, type Rcode } from './codes.ts'
import { nsRecord, setOf, soaRecord } from './message.ts'
import { createNames, type Names } from './names.ts'
import { createOwnAddresses, errorFor } from './own-address.ts'
import type { NameRules } from './port-names.ts'
import type { Unread } from './question.ts'
import { FrameReader } from './reading.ts'
import { replySizeLimit, writeError, writeReply } from './reply.ts'

/** What could be read of a packet. */
export interface Read {
  /** The IP version; 0 if the frame was not understood. */
  readonly family: UdpFrame['family'] | 0
  /** The type of the question; -1 if none was understood. */
  readonly type: number
  /** Why it is no query that is wholly understood. */
  readonly unread: Unparsed | Unread | undefined
}

/** A verdict with what its packet was, for those who count. */
export type Judgement = Exclude<Verdict, { kind: 'drop' }> & Read & { readonly rcode: Rcode | undefined }

/** What decides; one for each loaded application. */
export interface Decider {
  /**
   * What becomes of a frame that the switch took from a port; `note` hears every step. The frame is not changed. A reply
   * is `written` to `room` or, without one, a new buffer. What it says of a reply in a room is valid until the next frame.
   */
  readonly decide: (sight: Sight, view: View, note?: Note, room?: Room) => Judgement
  /** Told of frames that `decide` will be asked of with this view (`App.foresee`). */
  readonly foresee: NonNullable<App['foresee']>
  /** What each local port may ask for, and the rows that cannot be served. */
  readonly names: (view: View) => Names
}

/** How it decides: the names, and how many seconds others may remember that there is none. */
export interface DecisionRules extends NameRules {
  readonly negativeTtlSeconds: number
  /** The server id for those who ask for it (RFC 5001); empty for none. */
  readonly nsid: string
}

const domainPort = 53
const none = -1
/** Nothing could be read of it, or nobody looked. */
export const nothingRead: Read = { family: 0, type: none, unread: undefined }

/** Makes what decides by these rules. */
export function createDecider(rules: DecisionRules): Decider {
  const secret = randomBytes(8)
  const names = createNames(rules, secret)
  const reader = new FrameReader(names, secret)
  const isToOwnAddress = createOwnAddresses()
  const soa = soaRecord(rules.negativeTtlSeconds)
  const decide = createDecide({ soa: setOf(soa), ns: setOf(nsRecord(rules.ttlSeconds)) })
  const parts = { soa, serverCookie: randomBytes(8), nsid: Buffer.from(rules.nsid) }

  const written: Writable<Judgement & { readonly kind: 'written' }> = {
    ...{ kind: 'written', size: 0, why: '', rcode: undefined, ...nothingRead },
  }
  const decideFrame = (sight: Sight, view: View, note?: Note, room?: Room): Judgement => {
    const { packet, query, scope, key } = reader.read(sight, view)
    if (typeof packet === 'string') {
      note?.('the frame is not wholly understood')
      return pass(packet, { ...nothingRead, unread: packet }, note)
    }
    const { family, payloadOffset: start, payloadEnd: end } = packet
    if (packet.destinationPort !== domainPort) return pass('port', { ...nothingRead, family }, note)
    const isQuery = typeof query !== 'string'
    const read = isQuery
      ? { family, type: query.type, unread: undefined }
      : { family, type: none, unread: query }
    const first = isQuery ? decide(query, sight.bytes, scope, key, note) : unread(query, note)
    const isForUs = first.kind === 'pass' && end - start >= headerSize && isToOwnAddress(view, sight, packet)
    if (isForUs) note?.('the server asked is an address of the cloud itself, and nothing listens there')
    const decision = isForUs ? (errorFor(query) ?? first) : first
    if (decision.kind === 'pass') return pass(decision.why, read, note)
    const { rcode, why } = decision
    const messageOffset = headersSize(packet)
    const { bytes, at } = room ?? { bytes: Buffer.allocUnsafe(messageOffset + replySizeLimit), at: 0 }
    const messageSize = isQuery
      ? writeReply(bytes, at + messageOffset, sight.bytes, query, decision, parts)
      : writeError(bytes, at + messageOffset, sight.bytes, start, rcode)
    const size = writeAnswer(bytes, at, sight.bytes, packet, messageSize)
    note?.(`it is answered: ${rcode}, ${messageSize} bytes`)
    if (room === undefined) return { kind: 'reply', frame: bytes.subarray(0, size), why, rcode, ...read }
    written.size = size
    written.why = why
    written.rcode = rcode
    written.family = family
    written.type = read.type
    written.unread = read.unread
    return written
  }
  return { decide: decideFrame, foresee: (sights, count, view) => reader.foresee(sights, count, view), names }
}

function unread(why: Unread, note: Note | undefined) {
  note?.('the message is not a query that is wholly understood')
  return { kind: 'pass', why } as const
}

function pass(why: string, { family, type, unread }: Read, note: Note | undefined): Judgement {
  note?.(`it goes on untouched (${why})`)
  return { kind: 'pass', why, rcode: undefined, family, type, unread }
}
