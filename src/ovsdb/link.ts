/**
 * The connection to the database over time: it is opened, its tables are loaded and kept up to date, and whenever it is
 * lost it is opened again. It knows the tables only as the monitor hands them on.
 *
 *   connecting --open--> loading --reply to monitor--> ready
 *   connecting, loading, ready --refused, lost, silent, malformed--> waiting --back-off over--> connecting
 *   every state --close()--> closed
 */

import type { Socket } from 'node:net'
import { ConnectionError, ProtocolError, reasonOf } from '../errors.ts'
import { type BackoffLimits, backoffMs } from './backoff.ts'
import { JsonRpc } from './jsonrpc.ts'
import { monitorRequests, updated } from './monitor.ts'
import { database, noRows, type Tables } from './schema.ts'
import { addressOf, connectFault, openSocket } from './socket.ts'

export interface LinkOptions {
  /** `unix:<path>` or `tcp:<host>:<port>`. */
  readonly target: string
  /** How long a connection, and a reply, may take. */
  readonly timeoutMs: number
  readonly echoIntervalMs: number
  readonly backoff: BackoffLimits
  /** The most bytes one message may have. */
  readonly limitSize: number
  /** 0 to 1; for the jitter of the back-off. */
  readonly random: () => number
}

export interface LinkHandlers {
  /** The tables, whole, after each connect and after each update. */
  tables(tables: Tables): void
  /** Not connected, and why; called for each attempt that failed. */
  lost(reason: string): void
}

type Phase =
  | { readonly kind: 'connecting'; readonly socket: Socket; readonly timer: NodeJS.Timeout }
  /** `early`: updates that came in one chunk with the reply to monitor. */
  | { readonly kind: 'loading'; readonly rpc: JsonRpc; readonly early: unknown[] }
  | { readonly kind: 'ready'; readonly rpc: JsonRpc; readonly tables: Tables; readonly since: number }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout; readonly reason: string }
  | { readonly kind: 'closed' }

/** A connection that keeps coming back. */
export class Link {
  readonly #options: LinkOptions
  readonly #handlers: LinkHandlers
  #phase: Phase = { kind: 'closed' }
  /** In a row. */
  #failures = 0

  /** Begins to connect. Throws `ConfigError` for a target that is none. */
  constructor(options: LinkOptions, handlers: LinkHandlers) {
    this.#options = options
    this.#handlers = handlers
    this.#connect()
  }

  /** A request on the connection as it is. Rejects with `ConnectionError` while there is none. */
  request(method: string, params: readonly unknown[]): Promise<unknown> {
    if (this.#phase.kind === 'ready') return this.#phase.rpc.request(method, params)
    const why =
      this.#phase.kind === 'waiting' ? this.#phase.reason : `${this.#options.target}: ${this.#phase.kind}`
    return Promise.reject(new ConnectionError(`no connection to the Open vSwitch database: ${why}`))
  }

  /** Ends the connection, or the attempts at one; no handler is called after that. */
  close(): void {
    const phase = this.#phase
    this.#phase = { kind: 'closed' }
    if ('timer' in phase) clearTimeout(phase.timer)
    if ('socket' in phase) phase.socket.destroy()
    if ('rpc' in phase) phase.rpc.close('closed by this side')
  }

  #connect(): void {
    const { target, timeoutMs } = this.#options
    const socket = openSocket(addressOf(target))
    const fail = (reason: string) => {
      if (this.#phase.kind !== 'connecting' || this.#phase.socket !== socket) return
      clearTimeout(this.#phase.timer)
      socket.destroy()
      this.#wait(`cannot connect to ${target}: ${reason}`)
    }
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs)
    this.#phase = { kind: 'connecting', socket, timer }
    socket.on('error', (error) => fail(connectFault(error)))
    socket.on('connect', () => {
      clearTimeout(timer)
      this.#load(socket)
    })
  }

  #load(socket: Socket): void {
    const { target, ...options } = this.#options
    const rpc = new JsonRpc(
      socket,
      { peer: target, ...options },
      {
        notified: (method, params) => this.#notified(method, params),
        closed: (reason) => {
          // Who does not answer the first question is often another server: ovs-vswitchd has a socket there, too.
          const doubt =
            this.#phase.kind === 'loading' ? ' (is that the socket of the database, db.sock?)' : ''
          this.#wait(`lost the connection to ${target}: ${reason.trim()}${doubt}`)
        },
      },
    )
    this.#phase = { kind: 'loading', rpc, early: [] }
    rpc
      .request('monitor', [database, null, monitorRequests()])
      .then((reply) => this.#loaded(rpc, reply))
      .catch((error) => rpc.close(reasonOf(error)))
  }

  #loaded(rpc: JsonRpc, reply: unknown): void {
    if (this.#phase.kind !== 'loading' || this.#phase.rpc !== rpc) return
    const tables = this.#phase.early.reduce<Tables>(updated, updated(noRows, reply))
    this.#ready(rpc, tables, performance.now())
  }

  #notified(method: string, params: readonly unknown[]): void {
    if (method !== 'update' || params.length !== 2)
      throw new ProtocolError(`an unknown notification: ${method}`)
    if (this.#phase.kind === 'loading') this.#phase.early.push(params[1])
    else if (this.#phase.kind === 'ready') {
      const { rpc, tables, since } = this.#phase
      this.#ready(rpc, updated(tables, params[1]), since)
    }
  }

  #ready(rpc: JsonRpc, tables: Tables, since: number): void {
    this.#phase = { kind: 'ready', rpc, tables, since }
    this.#handlers.tables(tables)
  }

  /** A connection that lasted is forgiven the failures before it; one that dies at once counts as one more. */
  #wait(reason: string): void {
    if (this.#phase.kind === 'closed') return
    const { backoff, random } = this.#options
    const hasLasted = this.#phase.kind === 'ready' && performance.now() - this.#phase.since > backoff.maxMs
    this.#failures = hasLasted ? 1 : this.#failures + 1
    const timer = setTimeout(() => this.#connect(), backoffMs(this.#failures, backoff, random))
    this.#phase = { kind: 'waiting', timer, reason }
    this.#handlers.lost(reason)
  }
}
