/** A switch in memory as a session sees it: flow and group tables, refusals, barriers that a test can hold back. */

import type { Outgoing, SwitchLink } from '../../src/controller/messages.ts'
import { OpenFlowError } from '../../src/openflow/failure.ts'
import { FlowReply } from '../../src/openflow/flow-reply.ts'
import {
  encode,
  type Flow,
  flowIdentity,
  formatFlow,
  formatGroup,
  type Group,
  type TakeFlow,
} from '../../src/openflow/index.ts'

export class FakeLink {
  readonly flows = new Map<string, Flow>()
  readonly groups = new Map<number, Group>()
  /** Every message in order, in the words of ovs-ofctl; `|` for a barrier, `?` for a reading. */
  readonly told: string[] = []
  /** The reason for which a message is refused, by its text. */
  refuses: (text: string) => string | undefined = () => undefined
  closedBecause: string | undefined
  /** What a reading waits for at its end. */
  wait = async (): Promise<void> => {}
  readonly closed: Promise<string>
  #close: (reason: string) => void = () => {}
  #held: (() => void)[] | undefined
  #readings = 0

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#close = resolve
    })
  }

  /** The link as the controller takes it. */
  get link(): SwitchLink {
    return this as unknown as SwitchLink
  }

  /** Keeps barriers back from now on. */
  hold(): void {
    this.#held = []
  }

  /** Lets the barriers through that were kept back, and those to come. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const resolve of held) resolve()
  }

  send(...messages: Outgoing[]): void {
    for (const message of messages) this.told.push(message.kind)
  }

  async transact(messages: readonly Outgoing[]): Promise<(OpenFlowError | undefined)[]> {
    if (this.closedBecause !== undefined) throw new Error(this.closedBecause)
    const outcomes = messages.map((message) => {
      const text = textOf(message)
      this.told.push(text)
      const reason = this.refuses(text)
      if (reason !== undefined) return new OpenFlowError(reason, text)
      this.#execute(message)
      return undefined
    })
    this.told.push('|')
    if (this.#held !== undefined) await new Promise<void>((resolve) => this.#held!.push(resolve))
    if (this.closedBecause !== undefined) throw new Error(this.closedBecause)
    return outcomes
  }

  async stats(_request: object): Promise<unknown[]> {
    if (this.closedBecause !== undefined) throw new Error(this.closedBecause)
    return [...this.groups.values()]
  }

  /** Each reading finds other durations and counters. */
  async readFlows(_body: object, take: TakeFlow): Promise<void> {
    if (this.closedBecause !== undefined) throw new Error(this.closedBecause)
    this.told.push('?')
    this.#readings += 1
    const count = BigInt(this.#readings)
    const counters = {
      durationSec: this.#readings,
      durationNsec: 7,
      packetCount: count,
      byteCount: 60n * count,
    }
    const unset = { cookie: 0n, idleTimeout: 0, hardTimeout: 0, flags: 0 }
    for (const flow of this.flows.values()) {
      const parts = [{ ...unset, ...flow, ...counters }]
      const reply = encode({ kind: 'multipartReply', xid: 0, body: { kind: 'flow', parts } })
      new FlowReply(reply, 0, reply.length).visit(take)
    }
    await this.wait()
  }

  close(reason: string): void {
    this.closedBecause ??= reason
    this.#close(reason)
    this.release()
  }

  /** Puts a flow in as somebody else would. */
  put(flow: Flow): void {
    this.flows.set(flowIdentity(flow), flow)
  }

  #execute(message: Outgoing): void {
    if (message.kind === 'groupMod') {
      if (message.command === 'delete') this.groups.delete(message.groupId)
      else this.groups.set(message.groupId, message as unknown as Group)
    }
    if (message.kind !== 'flowMod') return
    const flow = message as unknown as Flow
    if (message.command === 'add') this.flows.set(flowIdentity(flow), flow)
    else
      for (const [identity, held] of this.flows) {
        const isNamed = message.command === 'delete' || identity === flowIdentity(flow)
        const { cookie = 0n, cookieMask = 0n } = message as { cookie?: bigint; cookieMask?: bigint }
        if (isNamed && ((held.cookie ?? 0n) & cookieMask) === (cookie & cookieMask))
          this.flows.delete(identity)
      }
  }
}

function textOf(message: Outgoing): string {
  if (message.kind === 'flowMod') {
    if (message.command === 'delete') return 'delete timed'
    const { cookie: _, ...flow } = message as unknown as Flow
    return `${message.command === 'add' ? 'add' : 'delete'} ${formatFlow(flow)}`
  }
  if (message.kind === 'ctFlushZone') return `empty zone ${message.zone}`
  if (message.kind === 'groupMod') return `${message.command} ${formatGroup(message as unknown as Group)}`
  return message.kind
}
