/**
 * The whole way from a frame to a verdict (docs/architecture.md): one function for the data path and, with a recorder of
 * its reasons, for people. It counts nothing and asks nobody.
 */

import { randomBytes } from 'node:crypto'
import { answer, parseFrame } from '../../packet/index.ts'
import type { Verdict } from '../app.ts'
import type { Port, View } from '../view.ts'
import { decide, type Note } from './answer.ts'
import type { Rcode } from './codes.ts'
import { nsRecord, setOf, soaRecord } from './message.ts'
import { createNames, type Names } from './names.ts'
import type { NameRules } from './port-names.ts'
import { readQuery } from './question.ts'
import { replySizeLimit, writeReply } from './reply.ts'

/** What decides; one for each loaded application. */
export interface Decider {
  /**
   * What becomes of a frame that the switch took from `port`; `note` hears every step. The frame is not changed, and a
   * reply's frame is a new buffer.
   */
  readonly decide: (frame: Buffer, port: Port, view: View, note?: Note) => Verdict
  /** What each local port may ask for, and the rows that cannot be served. */
  readonly names: (view: View) => Names
}

/** How it decides: the names, and how many seconds others may remember that there is none. */
export interface DecisionRules extends NameRules {
  readonly negativeTtlSeconds: number
}

const domainPort = 53

/** Makes what decides by these rules; `replied` hears the code of every reply, but not of one that is only explained. */
export function createDecider(rules: DecisionRules, replied: (rcode: Rcode) => void = () => {}): Decider {
  const names = createNames(rules)
  const soa = soaRecord(rules.negativeTtlSeconds)
  const apexRecords = { soa: setOf(soa), ns: setOf(nsRecord(rules.ttlSeconds)) }
  const parts = { soa, serverCookie: randomBytes(8) }
  const message = Buffer.alloc(replySizeLimit)

  const decideFrame = (frame: Buffer, port: Port, view: View, note?: Note): Verdict => {
    const packet = parseFrame(frame)
    if (typeof packet === 'string') {
      note?.('the frame is not wholly understood')
      return pass(packet, note)
    }
    if (packet.destinationPort !== domainPort) return pass('port', note)
    const query = readQuery(frame, packet.payloadOffset, packet.payloadEnd)
    if (typeof query === 'string') {
      note?.('the message is not a query that is wholly understood')
      return pass(query, note)
    }
    const decision = decide(query, names(view).scopeOf(port), apexRecords, note)
    if (decision.kind === 'pass') return pass(decision.why, note)
    const size = writeReply(message, frame, query, decision, parts)
    if (note === undefined) replied(decision.rcode)
    note?.(`it is answered: ${decision.rcode}, ${size} bytes`)
    return { kind: 'reply', frame: answer(frame, packet, message, size), why: decision.why }
  }
  return { decide: decideFrame, names }
}

function pass(why: string, note: Note | undefined): Verdict {
  note?.(`it goes on untouched (${why})`)
  return { kind: 'pass', why }
}
