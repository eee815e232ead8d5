/**
 * Which answer belongs to which question: replies, parts of replies, errors and barriers, joined by transaction id
 * (OF 1.3.5 §7.1, §7.3.8). It knows no socket, no clock and no state of the connection.
 */

import { CodecError } from '../wire/codec.ts'
import { errorName } from './errors.ts'
import { OpenFlowError, SessionClosedError } from './failure.ts'
import { formatMessage } from './format.ts'
import { decode, type Message, type MessageOf } from './messages.ts'
import { moreFlag, type Part } from './multipart.ts'

/** What became of each message of a transaction, in its order: undefined is success. */
export type Outcomes = (OpenFlowError | undefined)[]

/** Somebody who waits for a reply. */
interface Waiting {
  readonly request: Message
  /** The kind of the reply; others with this xid are the switch's own. */
  readonly reply: string
  take(message: Message): void
  reject(error: Error): void
}

/** Messages with consecutive xids whose barrier is on its way. */
interface Transaction {
  readonly messages: readonly Message[]
  readonly firstXid: number
  readonly outcomes: Outcomes
}

/** The questions of one session that are still open. */
export class Requests {
  readonly #waiting = new Map<number, Waiting>()
  readonly #transactions = new Set<Transaction>()

  /** Resolves with the reply to a request (`echoRequest`, `echoReply`); rejects with the error that the switch sends. */
  reply(request: Message): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.#wait(request, reject, (reply) => {
        this.#waiting.delete(request.xid)
        resolve(reply)
      })
    })
  }

  /** Hands on each part of the answer to a multipart request; resolves when the last reply of it has come. */
  parts(request: MessageOf<'multipartRequest'>, take: (part: Part) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wait(request, reject, (message) => {
        const { flags = 0, body } = message as MessageOf<'multipartReply'>
        try {
          if (body.kind !== 'unknown') for (const part of body.parts) take(part)
        } catch (error) {
          this.#waiting.delete(request.xid)
          reject(error as Error)
        }
        if ((flags & moreFlag) !== 0) return
        this.#waiting.delete(request.xid)
        resolve()
      })
    })
  }

  /** Resolves when the barrier behind these messages, whose xids run up to it, is answered. */
  async transaction(messages: readonly Message[], barrier: MessageOf<'barrierRequest'>): Promise<Outcomes> {
    const firstXid = barrier.xid - messages.length
    const transaction = { messages, firstXid, outcomes: messages.map(() => undefined) }
    this.#transactions.add(transaction)
    try {
      await this.reply(barrier)
      return transaction.outcomes
    } finally {
      this.#transactions.delete(transaction)
    }
  }

  /** Hands a reply to whoever waits for it; false if nobody does. */
  take(message: Message): boolean {
    const waiting = this.#waiting.get(message.xid)
    if (waiting?.reply !== message.kind) return false
    waiting.take(message)
    return true
  }

  /** Hands an error to whoever sent the message that it refuses; returns it if nobody is there. */
  refuse(message: MessageOf<'error'>): OpenFlowError | undefined {
    const waiting = this.#waiting.get(message.xid)
    if (waiting !== undefined) {
      this.#waiting.delete(message.xid)
      waiting.reject(errorOf(message, waiting.request))
      return undefined
    }
    for (const { messages, firstXid, outcomes } of this.#transactions) {
      const index = (message.xid - firstXid) >>> 0
      if (index >= messages.length) continue
      outcomes[index] ??= errorOf(message, messages[index]!)
      return undefined
    }
    return errorOf(message, undefined)
  }

  /** Rejects everybody who waits, and forgets them. */
  close(reason: string): void {
    const everybody = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of everybody) reject(new SessionClosedError(reason))
  }

  #wait(request: Message, reject: (error: Error) => void, take: (reply: Message) => void): void {
    this.#waiting.set(request.xid, {
      request,
      reply: request.kind.replace(/Request$/, 'Reply'),
      take,
      reject,
    })
  }
}

/** An error as it is thrown; what it refuses is `refused`, or what the switch sent back of it (at least 64 bytes). */
export function errorOf(message: MessageOf<'error'>, refused: Message | undefined): OpenFlowError {
  return new OpenFlowError(errorName(message), refused === undefined ? quoted(message) : lineOf(refused))
}

function quoted({ xid, data }: MessageOf<'error'>): string {
  try {
    return lineOf(decode(data))
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    const what = data.length < 2 ? 'a message' : `a message of type ${data[1]}`
    return `${what} (xid=0x${xid.toString(16)})`
  }
}

/** What carries a packet is printed with that packet below it. */
const lineOf = (message: Message) => formatMessage(message).split('\n', 1)[0]!
