/**
 * One JSON-RPC 1.0 connection to an OVSDB server (RFC 7047 §4): requests joined to their replies by id, notifications
 * handed on, echo answered and asked. It knows no table, and neither opens nor reopens its socket.
 */

import type { Duplex } from 'node:stream'
import { ConnectionError, ProtocolError, reasonOf } from '../errors.ts'
import { refusal } from './errors.ts'
import { JsonStream } from './json-stream.ts'

export interface JsonRpcOptions {
  /** For messages: where the other side is. */
  readonly peer: string
  /** After this long without a byte from the peer it is asked for an echo; after twice as long it counts as gone. */
  readonly echoIntervalMs: number
  /** How long a reply may take; then the peer counts as gone. */
  readonly timeoutMs: number
  /** The most bytes one message may have. */
  readonly limitSize: number
}

export interface JsonRpcHandlers {
  /** A notification. A `ProtocolError` thrown here closes the connection. */
  notified(method: string, params: readonly unknown[]): void
  /** Called once, with the reason, after every pending request was rejected. */
  closed(reason: string): void
}

interface Pending {
  readonly method: string
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

interface Message {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: unknown
}

/** A connection over an open socket. */
export class JsonRpc {
  readonly #socket: Duplex
  readonly #options: JsonRpcOptions
  readonly #handlers: JsonRpcHandlers
  readonly #stream: JsonStream
  readonly #pending = new Map<number, Pending>()
  readonly #echoTimer: NodeJS.Timeout
  #nextId = 1
  /** Intervals since the last byte of the peer. */
  #silence = 0
  #isOpen = true

  constructor(socket: Duplex, options: JsonRpcOptions, handlers: JsonRpcHandlers) {
    this.#socket = socket
    this.#options = options
    this.#handlers = handlers
    this.#stream = new JsonStream(options.limitSize)
    this.#echoTimer = setInterval(() => this.#listen(), options.echoIntervalMs)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error: Error) => this.close(error.message))
    socket.on('close', () => this.close('the peer closed the connection'))
  }

  /**
   * Asks and resolves with the result. Rejects with `OvsdbError` when the server refuses, with `ConnectionError` when the
   * connection is closed or closes before the reply.
   */
  request(method: string, params: readonly unknown[]): Promise<unknown> {
    const { peer, timeoutMs } = this.#options
    if (!this.#isOpen) return Promise.reject(new ConnectionError(`the connection to ${peer} is closed`))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const expired = () => this.close(`no reply to ${method} within ${timeoutMs} ms`)
      this.#pending.set(id, { method, resolve, reject, timer: setTimeout(expired, timeoutMs) })
      this.#write({ id, method, params })
    })
  }

  /** Closes at once; nothing is called or resolved after that, pending requests are rejected. */
  close(reason: string): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    clearInterval(this.#echoTimer)
    this.#socket.destroy()
    for (const { method, reject, timer } of this.#pending.values()) {
      clearTimeout(timer)
      reject(new ConnectionError(`${method}: the connection to ${this.#options.peer} was lost: ${reason}`))
    }
    this.#pending.clear()
    this.#handlers.closed(reason)
  }

  #write(message: object): void {
    this.#socket.write(JSON.stringify(message))
  }

  #read(chunk: Buffer): void {
    this.#silence = 0
    try {
      for (const message of this.#stream.push(chunk)) if (this.#isOpen) this.#receive(message)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.close(reasonOf(error))
    }
  }

  /** RFC 7047 §4 tells three kinds apart: a request has a method and an id, a notification a null id, a reply no method. */
  #receive({ id, method, params, result, error }: Message): void {
    if (method === undefined) this.#settle(id, result, error)
    else if (typeof method !== 'string' || !Array.isArray(params))
      throw new ProtocolError('a message whose method is no text or whose params are no list')
    else if (id === null || id === undefined) this.#handlers.notified(method, params)
    else if (method === 'echo') this.#write({ id, result: params, error: null })
    else this.#write({ id, result: null, error: { error: 'unknown method' } })
  }

  #settle(id: unknown, result: unknown, error: unknown): void {
    const pending = this.#pending.get(id as number)
    if (pending === undefined)
      throw new ProtocolError(`a reply to a request never made (id ${JSON.stringify(id)})`)
    const isRefused = error !== null && error !== undefined
    if (!isRefused && result === undefined)
      throw new ProtocolError(`a reply to ${pending.method} without a result`)
    this.#pending.delete(id as number)
    clearTimeout(pending.timer)
    if (isRefused) pending.reject(refusal(error, pending.method))
    else pending.resolve(result)
  }

  #listen(): void {
    const { echoIntervalMs } = this.#options
    this.#silence += 1
    if (this.#silence > 2) this.close(`no answer for ${this.#silence * echoIntervalMs} ms`)
    else if (this.#silence === 2) this.request('echo', []).catch(() => {}) // a lost connection is told by `closed`
  }
}
