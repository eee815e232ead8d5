/**
 * One switch: hello, features, echo both ways, replies and errors joined to their requests (OF 1.3.5 §6.1 to §6.3). It
 * is given bytes and gives bytes; it knows no socket, no flow and no application.
 *
 *     hello ----HELLO with a common version----> features ----FEATURES_REPLY----> connected
 *       |  sends SET_PACKET_IN_FORMAT and          |                                 |
 *       |  FEATURES_REQUEST, in this order         |                                 |
 *       |                                          |                                 |
 *       +- no common version                       +- an error                       +- nothing heard for a period
 *       +- any other message                       +- not done in two periods        |  after our ECHO_REQUEST
 *       +- not done in two periods                 |                                 |
 *       v                                          v                                 v
 *     closed <------- malformed message, end of the connection, close(): from every state
 *
 * The packet-in format comes before everything else because the first message after HELLO may already make a group with
 * `watch_port:CONTROLLER` live, and a packet paused for a connection of the old format is lost. What the switch sends
 * while we wait for its features is handed on, in order, once they are here.
 */

import { CodecError } from '../wire/codec.ts'
import type { Clock } from './clock.ts'
import { SessionClosedError } from './failure.ts'
import { FlowReply, isFlowReply, type TakeFlow } from './flow-reply.ts'
import { Framing } from './framing.ts'
import { disagreement, hello } from './hello.ts'
import { decode, encode, type Features, type Message, type MessageOf } from './messages.ts'
import type { PartOf } from './multipart.ts'
import { Outbox } from './outbox.ts'
import { isPacketIn, PacketIn } from './packet-in.ts'
import { PacketIns } from './packet-ins.ts'
import { errorOf, type Outcomes, Requests } from './requests.ts'
import type {
  Counts,
  FlowRequest,
  KnownMultipart,
  Link,
  Outgoing,
  ReplyKind,
  Request,
  Session,
  SessionHandlers,
} from './session-contract.ts'

/** What a switch says; its packet-ins, and flows that somebody waits for, are read in place. */
type Received = Exclude<Message, { kind: 'packetIn2' }> | PacketIn | FlowReply

/** A session as its connection drives it. */
export class SwitchSession implements Session {
  readonly closed: Promise<string>
  readonly counts: Counts = { packetIns: 0, errors: 0, unknown: 0 }
  readonly #link: Link
  readonly #handlers: SessionHandlers
  readonly #clock: Clock
  readonly #periodMs: number
  readonly #framing = new Framing()
  readonly #requests = new Requests()
  #state: 'hello' | 'features' | 'connected' | 'closed' = 'hello'
  #features: Features | undefined
  /** What the switch sent before its features. */
  #early: Received[] = []
  /** Of the current chunk. */
  readonly #packetIns = new PacketIns()
  #lastXid = 0
  /** Flushed when the current chunk has been read. */
  readonly #outbox: Outbox
  #isReading = false
  #heardAtMs: number
  #isProbed = false
  #stopTimer = () => {}
  #tellClosed: (reason: string) => void = () => {}

  constructor(
    link: Link,
    handlers: SessionHandlers,
    options: { readonly clock: Clock; readonly inactivityProbeMs: number },
  ) {
    this.#link = link
    this.#outbox = new Outbox((bytes) => link.write(bytes))
    this.#handlers = handlers
    this.#clock = options.clock
    this.#periodMs = options.inactivityProbeMs
    this.#heardAtMs = options.clock.now()
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve
    })
  }

  get features(): Features {
    if (this.#features === undefined) throw new Error('the switch has not told its features yet')
    return this.#features
  }

  get heardAtMs(): number {
    return this.#heardAtMs
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Says hello. */
  start(): void {
    this.send(hello)
    this.#stopTimer = this.#clock.after(2 * this.#periodMs, () => {
      const missing = this.#state === 'hello' ? 'HELLO' : 'FEATURES_REPLY'
      this.close(`no ${missing} from the switch within ${2 * this.#periodMs} ms`)
    })
  }

  /**
   * Takes what the switch sent, whose memory is written to again afterwards; whatever is sent meanwhile leaves in one write
   * at the end.
   */
  receive(chunk: Buffer): void {
    if (this.isClosed) return
    this.#heardAtMs = this.#clock.now()
    this.#isProbed = false
    this.#isReading = true
    try {
      this.#framing.push(chunk, this.#take)
      this.#deliver()
      if (this.#framing.fault !== undefined) this.close(`malformed message: ${this.#framing.fault}`)
    } finally {
      this.#isReading = false
      this.#outbox.flush()
    }
  }

  send(...messages: Outgoing[]): void {
    if (this.isClosed) return
    this.#write(messages.map((message) => encode(this.#numbered(message))))
  }

  output(port: number, frame: Buffer): void {
    if (this.isClosed) return
    this.#outbox.addPacketOut(this.#nextXid(), port, frame)
    this.#settle()
  }

  get room() {
    return this.#outbox.room
  }

  outputRoom(port: number, size: number): void {
    if (this.isClosed) return
    this.#outbox.addRoom(this.#nextXid(), port, size)
    this.#settle()
  }

  resume({ bytes, start, end }: PacketIn): void {
    if (this.isClosed) return
    this.#outbox.addResume(this.#nextXid(), bytes, start, end)
    this.#settle()
  }

  request<R extends Request>(message: R): Promise<Extract<Message, { kind: ReplyKind<R['kind']> }>> {
    return this.#ask([message], ([request]) => this.#requests.reply(request!)) as never
  }

  stats<R extends KnownMultipart>(body: R): Promise<PartOf<R['kind']>[]> {
    const message = { kind: 'multipartRequest', body } as const
    return this.#ask([message], ([request]) => this.#requests.parts(request as never)) as never
  }

  readFlows(body: FlowRequest, take: TakeFlow): Promise<void> {
    const message = { kind: 'multipartRequest', body: { kind: 'flow', ...body } } as const
    return this.#ask([message], ([request]) => this.#requests.flows(request as never, take))
  }

  transact(messages: readonly Outgoing[]): Promise<Outcomes> {
    return this.#ask([...messages, { kind: 'barrierRequest' }], (numbered) =>
      this.#requests.transaction(numbered.slice(0, -1), numbered.at(-1) as MessageOf<'barrierRequest'>),
    )
  }

  close(reason: string): void {
    if (this.isClosed) return
    const wasConnected = this.#state === 'connected'
    this.#outbox.flush()
    this.#state = 'closed'
    this.#stopTimer()
    this.#link.end()
    this.#requests.close(reason)
    this.#tellClosed(reason)
    if (!wasConnected) this.#handlers.rejected(reason)
  }

  /** Sends messages once `wait` has noted who waits for their answers. */
  async #ask<T>(messages: readonly Outgoing[], wait: (numbered: Message[]) => Promise<T>): Promise<T> {
    if (this.#state === 'closed') throw new SessionClosedError(await this.closed)
    const numbered = messages.map((message) => this.#numbered(message))
    const encoded = numbered.map(encode)
    const answer = wait(numbered)
    this.#write(encoded)
    return answer
  }

  #numbered(message: Outgoing): Message {
    return Object.assign({}, message, { xid: this.#nextXid() }) as Message // no spread, as in `placeOf`
  }

  #nextXid(): number {
    this.#lastXid = (this.#lastXid + 1) >>> 0
    return this.#lastXid
  }

  #write(encoded: readonly Buffer[]): void {
    for (const bytes of encoded) this.#outbox.add(bytes)
    this.#settle()
  }

  /** Sends what was gathered, unless more may follow while a chunk is read. */
  #settle(): void {
    if (!this.#isReading) this.#outbox.flush()
  }

  readonly #take = (bytes: Buffer, start: number, end: number): void => {
    const message = this.isClosed ? undefined : this.#decoded(bytes, start, end)
    if (message === undefined) return
    if (this.#state === 'hello') this.#negotiate(message)
    else if (message.kind === 'echoRequest') this.#write([encode({ ...message, kind: 'echoReply' })])
    else if (this.#state === 'features') this.#introduce(message)
    else this.#dispatch(message)
  }

  #decoded(bytes: Buffer, start: number, end: number): Received | undefined {
    try {
      if (isPacketIn(bytes, start, end)) return this.#packetIn(bytes, start, end)
      if (isFlowReply(bytes, start, end) && this.#requests.wantsFlows(bytes.readUInt32BE(start + 4)))
        return new FlowReply(bytes, start, end)
      return decode(bytes.subarray(start, end)) as Received
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      this.#deliver()
      this.close(`malformed message: ${error.message}`)
      return undefined
    }
  }

  /** One that comes before the features must stay, and its bytes do not. */
  #packetIn(bytes: Buffer, start: number, end: number): PacketIn {
    if (this.#state !== 'connected') return new PacketIn(Buffer.from(bytes.subarray(start, end)))
    return this.#packetIns.read(bytes, start, end)
  }

  #negotiate(message: Received): void {
    const fault = disagreement(message)
    if (fault === undefined) {
      this.#state = 'features'
      this.send({ kind: 'setPacketInFormat', format: 'nxtPacketIn2' }, { kind: 'featuresRequest' })
      return
    }
    if (fault.error) this.#write([fault.error])
    this.close(fault.reason)
  }

  #introduce(message: Received): void {
    if (message.kind === 'error') {
      this.close(errorOf(message, undefined).message)
    } else if (message.kind === 'featuresReply') {
      this.#state = 'connected'
      this.#features = message
      this.#stopTimer()
      this.#watch(this.#periodMs)
      this.#handlers.connected(this)
      const early = this.#early
      this.#early = []
      for (const each of early) if (!this.isClosed) this.#dispatch(each)
    } else {
      this.#early.push(message)
    }
  }

  #dispatch(message: Received): void {
    if (message.kind === 'packetIn2') {
      this.counts.packetIns += 1
      if (this.#packetIns.add(message)) this.#deliver()
      return
    }
    this.#deliver()
    if (message.kind === 'error') {
      const error = this.#requests.refuse(message)
      if (error === undefined) return
      this.counts.errors += 1
      this.#handlers.error?.(this, error)
    } else if (
      !this.#requests.take(message) &&
      message.kind !== 'echoReply' &&
      message.kind !== 'flowReply'
    ) {
      if (message.kind === 'unknown') this.counts.unknown += 1
      this.#handlers.message(this, message)
    }
  }

  /** Tells of the packet-ins that were gathered. */
  #deliver(): void {
    const { messages, count } = this.#packetIns.take()
    if (count > 1) this.#handlers.foresee?.(this, messages, count)
    for (let i = 0; i < count && !this.isClosed; i++) this.#handlers.packetIn(this, messages[i]!)
  }

  /** Looks after the connection again in `delayMs`. Whatever the switch says is a sign of life. */
  #watch(delayMs: number): void {
    this.#stopTimer = this.#clock.after(delayMs, () => {
      const silentMs = this.#clock.now() - this.#heardAtMs
      if (this.#isProbed) return this.close(`the switch has said nothing for ${Math.round(silentMs)} ms`)
      if (silentMs < this.#periodMs) return this.#watch(this.#periodMs - silentMs)
      this.#isProbed = true
      this.send({ kind: 'echoRequest', data: Buffer.alloc(0) })
      this.#watch(this.#periodMs)
    })
  }
}
