/**
 * What a session with a switch offers, whom it tells what, and where its bytes go. Types alone; `session.ts` keeps them.
 */

import type { OpenFlowError } from './failure.ts'
import type { TakeFlow } from './flow-reply.ts'
import type { Features, Message } from './messages.ts'
import type { MultipartRequest, PartOf } from './multipart.ts'
import type { PacketIn } from './packet-in.ts'
import type { Outcomes } from './requests.ts'

/** A message without its transaction id, which the session gives. */
export type Outgoing = Message extends infer M ? (M extends Message ? Omit<M, 'xid'> : never) : never

type Kind = Message['kind']
export type ReplyKind<K> = K extends `${infer Word}Request` ? Extract<`${Word}Reply`, Kind> : K
/** A step of a bundle is answered by a message of its own kind. */
export type Request = Extract<Outgoing, { kind: `${string}Request` | 'bundleControl' }>
export type KnownMultipart = Exclude<MultipartRequest, { kind: 'unknown' }>
export type FlowRequest = Omit<Extract<MultipartRequest, { kind: 'flow' }>, 'kind'>

/** A connected switch. */
export interface Session {
  readonly features: Features
  /** Sends messages in one write; nothing tells whether they arrive. Does nothing on a closed session. */
  send(...messages: Outgoing[]): void
  /** Sends a frame out of a port, as from the controller. Throws `CodecError` for a frame that does not fit a message. */
  output(port: number, frame: Buffer): void
  /** Where the frame of `outputRoom` is to be written: 1,514 bytes, until the session is used again. */
  readonly room: { readonly bytes: Buffer; readonly at: number }
  /** Sends the first `size` bytes of `room` out of a port. Throws `CodecError` for a size that it has not. */
  outputRoom(port: number, size: number): void
  /** Lets a paused packet go on as it came (NXT_RESUME). */
  resume(packet: PacketIn): void
  /** The reply to a request. Rejects with `OpenFlowError` if the switch refuses it, else with `SessionClosedError`. */
  request<R extends Request>(message: R): Promise<Extract<Message, { kind: ReplyKind<R['kind']> }>>
  /** All parts of the answer to a multipart request. Rejects as `request` does. */
  stats<R extends KnownMultipart>(body: R): Promise<PartOf<R['kind']>[]>
  /**
   * The flows of the switch, each handed on as it comes and where it stands (`FlowLook`, `decodeFlow`): a table may be long.
   * Rejects as `request` does, and if `take` throws.
   */
  readFlows(body: FlowRequest, take: TakeFlow): Promise<void>
  /**
   * Sends messages with a barrier behind them; resolves when the switch has done them all, with the error of each, or
   * undefined. Rejects with `SessionClosedError`; nobody knows then which were done.
   */
  transact(messages: readonly Outgoing[]): Promise<Outcomes>
  /** Ends the session after what was sent before. */
  close(reason: string): void
  /** Why the session ended. */
  readonly closed: Promise<string>
  /** When the switch said something last, in milliseconds of the session's clock. */
  readonly heardAtMs: number
  readonly counts: Readonly<Counts>
}

/** What a session has seen. */
export interface Counts {
  /** Packets that a controller action sent up. */
  packetIns: number
  /** Errors that no request waits for. */
  errors: number
  /** Messages of a type that we do not know. */
  unknown: number
}

/** Who is told what happens; called while the switch's bytes are read, so nothing here may wait. */
export interface SessionHandlers {
  connected(session: Session): void
  /**
   * Several packets that came together, the first `count` of these, before each of them is given to `packetIn`: what they
   * need can be made ready.
   */
  foresee?(session: Session, messages: readonly PacketIn[], count: number): void
  /** A packet, which is valid until this returns: the next one takes its place. */
  packetIn(session: Session, message: PacketIn): void
  /** Whatever else the switch says unasked: port status, removed flows, messages that we do not know. */
  message(session: Session, message: Message): void
  /** An error that no request waits for, such as that of a message given to `send`. */
  error?(session: Session, error: OpenFlowError): void
  /** A connection that never became a session, and why. */
  rejected(reason: string): void
}

/** Where a session's bytes go. */
export interface Link {
  /** Tells whether the bytes have left, so that their memory may be written to again. */
  write(bytes: Buffer): boolean
  /** Ends the connection after what was written. */
  end(): void
}
