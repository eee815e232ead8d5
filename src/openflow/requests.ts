/**
 * Which answer belongs to which question: replies, parts of replies, errors and barriers, joined by transaction id
 * (OF 1.3.5 §7.1, §7.3.8). It knows no socket, no clock and no state of the connection.
 */

import { CodecError } from '../wire/codec.ts'
import { errorName } from './errors.ts'
import { OpenFlowError, SessionClosedError } from './failure.ts'
import type { FlowReply, TakeFlow } from './flow-reply.ts'
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
  take(message: Message | FlowReply): void
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
      this.#wait(request, replyKind(request), reject, (reply) => {
        this.#waiting.delete(request.xid)
        resolve(reply as Message)
      })
    })
  }

  /** Resolves with all parts of the answer to a multipart request. */
  parts(request: MessageOf<'multipartRequest'>): Promise<Part[]> {
    const parts: Part[] = []
    return new Promise((resolve, reject) => {
      this.#wait(request, replyKind(request), reject, (message) => {
        const { flags = 0, body } = message as MessageOf<'multipartReply'>
        if (body.kind !== 'unknown') parts.push(...body.parts)
        if ((flags & moreFlag) !== 0) return
        this.#waiting.delete(request.xid)
        resolve(parts)
      })
    })
  }

  /** Hands on each flow of the answer to a flow request as it comes; resolves after the last one. Rejects if `take` throws. */
  flows(request: MessageOf<'multipartRequest'>, take: TakeFlow): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wait(request, 'flowReply', reject, (message) => {
        const reply = message as FlowReply
        try {
          reply.visit(take)
          if (!reply.isLast) return
          resolve()
        } catch (error) {
          reject(error as Error)
        }
        this.#waiting.delete(request.xid)
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

  /** Whether somebody waits for the flows of the reply with that xid. */
  wantsFlows(xid: number): boolean {
    return this.#waiting.get(xid)?.reply === 'flowReply'
  }

  /** Hands a reply to whoever waits for it; false if nobody does. */
  take(message: Message | FlowReply): boolean {
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

  #wait(request: Message, reply: string, reject: Waiting['reject'], take: Waiting['take']): void {
    this.#waiting.set(request.xid, { request, reply, reject, take })
  }
}

const replyKind = ({ kind }: Message): string => kind.replace(/Request$/, 'Reply')

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
