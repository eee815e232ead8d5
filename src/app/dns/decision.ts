/**
 * The whole way from a frame to a verdict (docs/architecture.md): one function for the data path and, with a recorder of
 * its reasons, for people. It counts nothing and asks nobody.
 */

import { randomBytes } from 'node:crypto'
import { answer, parseFrame, type UdpFrame, type Unparsed } from '../../packet/index.ts'
import type { Verdict } from '../app.ts'
import type { Port, View } from '../view.ts'
import { decide, type Note, type Reply } from './answer.ts'
import { extendedErrors, headerSize, type Rcode } from './codes.ts'
import { nsRecord, setOf, soaRecord } from './message.ts'
import { createNames, type Names } from './names.ts'
import type { NameRules } from './port-names.ts'
import { readQuery, type Unread } from './question.ts'
import { replySizeLimit, writeRefusal, writeReply } from './reply.ts'
import { createSilence } from './silent.ts'

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
   * What becomes of a frame that the switch took from `port`; `note` hears every step. The frame is not changed, and a
   * reply's frame is a new buffer.
   */
  readonly decide: (frame: Buffer, port: Port, view: View, note?: Note) => Judgement
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
const nothingRead: Read = { family: 0, type: none, unread: undefined }

/** Makes what decides by these rules. */
export function createDecider(rules: DecisionRules): Decider {
  const names = createNames(rules)
  const soa = soaRecord(rules.negativeTtlSeconds)
  const apexRecords = { soa: setOf(soa), ns: setOf(nsRecord(rules.ttlSeconds)) }
  const parts = { soa, serverCookie: randomBytes(8), nsid: Buffer.from(rules.nsid) }
  const isSilent = createSilence()
  const message = Buffer.alloc(replySizeLimit)

  const decideFrame = (frame: Buffer, port: Port, view: View, note?: Note): Judgement => {
    const packet = parseFrame(frame)
    if (typeof packet === 'string') {
      note?.('the frame is not wholly understood')
      return pass(packet, { ...nothingRead, unread: packet }, note)
    }
    const { family } = packet
    if (packet.destinationPort !== domainPort) return pass('port', { ...nothingRead, family }, note)
    const query = readQuery(frame, packet.payloadOffset, packet.payloadEnd)
    if (typeof query === 'string') {
      note?.('the message is not a query that is wholly understood')
      const read = { family, type: none, unread: query }
      const rcode = rcodeFor(query)
      const size = packet.payloadEnd - packet.payloadOffset
      if (rcode === undefined || size < headerSize || !isForCloud(frame, packet, port, view, note))
        return pass(query, read, note)
      const written = writeRefusal(message, frame, packet.payloadOffset, rcode)
      return reply(frame, packet, written, { rcode, why: whyOf[rcode] }, read, note)
    }
    const read = { family, type: query.type, unread: undefined }
    const decision = decide(query, names(view).scopeOf(port), apexRecords, note)
    if (decision.kind === 'pass' && !isForCloud(frame, packet, port, view, note))
      return pass(decision.why, read, note)
    const answered = decision.kind === 'pass' ? refused : decision
    return reply(frame, packet, writeReply(message, frame, query, answered, parts), answered, read, note)
  }

  /** Whether the packet goes to an address of the cloud itself, where nobody would answer it. */
  function isForCloud(
    frame: Buffer,
    { udpOffset, family }: UdpFrame,
    port: Port,
    view: View,
    note?: Note,
  ): boolean {
    const size = family === 4 ? 4 : 16
    const isOurs = isSilent(view, port.networkId, frame.toString('latin1', udpOffset - size, udpOffset))
    if (isOurs)
      note?.('the server that is asked is an address of the cloud itself, and nothing else listens there')
    return isOurs
  }

  function reply(
    frame: Buffer,
    packet: UdpFrame,
    size: number,
    { rcode, why }: Pick<Reply, 'rcode' | 'why'>,
    { family, type, unread }: Read,
    note: Note | undefined,
  ): Judgement {
    note?.(`it is answered: ${rcode}, ${size} bytes`)
    return { kind: 'reply', frame: answer(frame, packet, message, size), why, rcode, family, type, unread }
  }
  return { decide: decideFrame, names }
}

/** What an address of the cloud says to a query that it has no answer to (RFC 8914 §4.21). */
const refused: Reply = {
  kind: 'reply',
  why: 'refused',
  rcode: 'REFUSED',
  records: undefined,
  soaSize: 0,
  extendedError: extendedErrors.notAuthoritative,
}

const whyOf = { FORMERR: 'formerr', NOTIMP: 'notimp', REFUSED: 'refused' } as const

/** What an address of the cloud says to a message that is no query; nothing to a response (RFC 1035 §7.3). */
function rcodeFor(unread: Unread): keyof typeof whyOf | undefined {
  if (unread === 'response') return undefined
  if (unread === 'opcode') return 'NOTIMP'
  return unread === 'class' ? 'REFUSED' : 'FORMERR'
}

function pass(why: string, { family, type, unread }: Read, note: Note | undefined): Judgement {
  note?.(`it goes on untouched (${why})`)
  return { kind: 'pass', why, rcode: undefined, family, type, unread }
}
