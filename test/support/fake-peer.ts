/**
 * The other end of an OpenFlow connection: a switch that says hello, tells its features and ports, keeps flows and groups
 * and answers barriers. Packets it only records; a self-check comes back as a punt while `decides` says so.
 */

import { connect, type Socket } from 'node:net'
import { Framing } from '../../src/openflow/framing.ts'
import {
  decode,
  encode,
  type Flow,
  flowIdentity,
  type Group,
  type Match,
  type Message,
  type MessageOf,
  type Outgoing,
} from '../../src/openflow/index.ts'

export class FakePeer {
  readonly flows = new Map<string, Flow>()
  readonly groups = new Map<number, Group>()
  /** What was said to it, in order: kinds, for flow-mods with command and table. */
  readonly told: string[] = []
  /** The last of each kind. */
  readonly last = new Map<string, Message>()
  /** Names of its ports by number. */
  ports = new Map<number, string>()
  /** Whether a self-check's packet finds its way up. */
  checks = true
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #framing = new Framing()
  #xid = 1000

  constructor(path: string, ports: readonly [number, string][], flows: readonly Flow[] = []) {
    this.ports = new Map(ports)
    for (const flow of flows) this.flows.set(flowIdentity(flow), flow)
    this.#socket = connect(path)
    this.closed = new Promise((resolve) => this.#socket.once('close', () => resolve()))
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk) => {
      this.#framing.push(chunk, (bytes, start, end) => this.#take(decode(bytes.subarray(start, end))))
    })
    this.#say({ kind: 'hello', version: 4, versions: [4] })
  }

  /** Sends a paused packet of that port up to that application. */
  punt(userdata: string, reg6: number, packet = Buffer.from('a frame')): void {
    this.#punt(userdata, { reg6 }, packet)
  }

  /** Tells that a port has come or gone. */
  setPort(reason: 'add' | 'delete', portNo: number, name: string): void {
    if (reason === 'add') this.ports.set(portNo, name)
    else this.ports.delete(portNo)
    this.#say({ kind: 'portStatus', reason, port: portOf(portNo, name) })
  }

  end(): void {
    this.#socket.destroy()
  }

  #punt(userdata: string, metadata: Match, packet: Buffer): void {
    const body = { packet, tableId: 33, cookie: 0n, reason: 1, metadata, userdata: Buffer.from(userdata) }
    this.#say({ kind: 'packetIn2', ...body, continuation: Buffer.from('the state') } as Outgoing)
  }

  #say(message: Outgoing, xid = ++this.#xid): void {
    this.#socket.write(encode({ ...message, xid } as Message))
  }

  #take(message: Message): void {
    this.told.push(message.kind === 'flowMod' ? `${message.command} ${message.tableId}` : message.kind)
    this.last.set(message.kind, message)
    const { xid } = message
    switch (message.kind) {
      case 'featuresRequest': {
        const numbers = { bufferCount: 0, tableCount: 254, auxiliaryId: 0, capabilities: 0, reserved: 0 }
        this.#say({ kind: 'featuresReply', datapathId: 0xabcn, ...numbers }, xid)
        return
      }
      case 'echoRequest':
        this.#say({ kind: 'echoReply', data: message.data }, xid)
        return
      case 'barrierRequest':
        this.#say({ kind: 'barrierReply' }, xid)
        return
      case 'multipartRequest':
        this.#say({ kind: 'multipartReply', body: this.#partsOf(message.body.kind) } as Outgoing, xid)
        return
      case 'flowMod':
        this.#change(message)
        return
      case 'groupMod':
        if (message.command === 'delete') this.groups.delete(message.groupId)
        else this.groups.set(message.groupId, message)
        return
      case 'packetOut':
        if (this.checks && message.actions.length > 1) this.#comeBack(message)
    }
  }

  #comeBack({ actions, data }: MessageOf<'packetOut'>): void {
    const fields = actions.flatMap((action) => (action.kind === 'setField' ? [action.field] : []))
    this.#punt('dns', Object.assign({}, ...fields), data)
  }

  #partsOf(kind: string): object {
    if (kind === 'portDesc')
      return { kind, parts: [...this.ports].map(([portNo, name]) => portOf(portNo, name)) }
    if (kind === 'groupDesc') return { kind, parts: [...this.groups.values()] }
    const counters = { durationSec: 0, durationNsec: 0, packetCount: 0n, byteCount: 0n }
    const rest = { idleTimeout: 0, hardTimeout: 0, flags: 0, cookie: 0n, ...counters }
    return { kind: 'flow', parts: [...this.flows.values()].map((flow) => ({ ...rest, ...flow })) }
  }

  #change(flow: MessageOf<'flowMod'>): void {
    const identity = flowIdentity(flow)
    if (flow.command === 'add') this.flows.set(identity, flow)
    if (flow.command === 'deleteStrict') this.flows.delete(identity)
  }
}

function portOf(portNo: number, name: string): MessageOf<'portStatus'>['port'] {
  const speeds = {
    config: 0,
    state: 0,
    curr: 0,
    advertised: 0,
    supported: 0,
    peer: 0,
    currSpeed: 0,
    maxSpeed: 0,
  }
  return { portNo, name, hwAddr: '02:00:00:00:00:01', ...speeds }
}
