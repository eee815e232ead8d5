/**
 * A switch in memory: the values of src/openflow, executed as Open vSwitch executes them. What it does not know it
 * refuses with an error, and so it does with two flows of one priority that both match and disagree, which OpenFlow
 * leaves undefined. test/system runs the same rows on Open vSwitch, so that this one is held to the real thing.
 */

import {
  type Action,
  type Bucket,
  type Flow,
  formatFlow,
  type Group,
  type Match,
  type Place,
  ports,
} from '../../src/openflow/index.ts'
import { ipv4Bytes, ipv6Bytes, macBytes } from '../../src/wire/address.ts'
import { Packet } from './packet.ts'

/** A frame that left the switch. */
export interface Sent {
  readonly port: number
  readonly frame: Buffer
  /** What the packet was told of a tunnel, if anything. */
  readonly tunnel?: Tunnel
}

/** Match fields of tunnels, as numbers. */
export type Tunnel = Readonly<Record<string, bigint>>

/** A packet at the controller; `resume` needs it whole. */
export interface Paused {
  readonly tableId: number
  readonly userdata: Buffer
  readonly frame: Buffer
  /** Registers, metadata and in_port. */
  readonly metadata: Readonly<Record<string, bigint>>
  readonly state: State
}

/** A packet on its way: what is still to be done with it stands in `work`. */
interface State {
  packet: Packet
  registers: Map<string, bigint>
  work: Step[]
  tableId: number
}

type Step =
  | { readonly kind: 'table'; readonly tableId: number }
  | { readonly kind: 'restore'; readonly packet: Packet; readonly registers: Map<string, bigint> }
  | { readonly kind: 'inPort'; readonly port: bigint }
  | Action

const maxSteps = 4096

export class FakeSwitch {
  flows: readonly Flow[] = []
  groups: readonly Group[] = []
  /** What `watch_port:CONTROLLER` sees. */
  isControllerAlive = true
  /** Packets that a controller action sent up, oldest first. */
  readonly punts: Paused[] = []

  /** A frame comes in, out of a tunnel perhaps; returns what leaves. */
  receive(port: number, frame: Uint8Array, tunnel: Tunnel = {}): Sent[] {
    const state = stateOf(port, frame, [{ kind: 'table', tableId: 0 }])
    for (const [field, value] of Object.entries(tunnel)) state.registers.set(field, value)
    return this.#run(state)
  }

  /** OFPT_PACKET_OUT. */
  packetOut(actions: readonly Action[], frame: Uint8Array, inPort: number = ports.controller): Sent[] {
    return this.#run(stateOf(inPort, frame, [...actions]))
  }

  /** NXT_RESUME: the packet goes on where it stood. */
  resume({ state }: Paused): Sent[] {
    return this.#run({
      ...state,
      packet: state.packet.copy(),
      registers: new Map(state.registers),
      work: [...state.work],
    })
  }

  #run(state: State): Sent[] {
    const sent: Sent[] = []
    for (let steps = 0; state.work.length > 0; steps++) {
      if (steps > maxSteps) throw new Error('the packet goes round and round')
      const step = state.work.shift()!
      if (step.kind === 'controller' && step.pause) {
        this.#punt(state, step.userdata)
        return sent
      }
      this.#step(state, step, sent)
    }
    return sent
  }

  #step(state: State, step: Step, sent: Sent[]): void {
    switch (step.kind) {
      case 'table':
        state.tableId = step.tableId
        state.work.unshift(...this.#stepsOf(state))
        break
      case 'restore':
        state.packet = step.packet
        state.registers = step.registers
        break
      case 'inPort':
        state.registers.set('inPort', step.port)
        break
      case 'resubmit':
        resubmitted(state, step)
        break
      case 'output':
        this.#output(state, step.port, sent)
        break
      case 'group':
        state.work.unshift(...this.#bucketsOf(state, step.groupId))
        break
      case 'controller':
        this.#punt({ ...state, work: [] }, step.userdata)
        break
      default:
        change(state, step)
    }
  }

  #stepsOf(state: State): Step[] {
    const matching = this.flows.filter((flow) => flow.tableId === state.tableId && isMatch(state, flow.match))
    const highest = Math.max(...matching.map((flow) => flow.priority))
    const [flow, ...others] = matching.filter(({ priority }) => priority === highest)
    if (flow === undefined) return [] // table miss: dropped
    for (const other of others)
      if (textOf(other.instructions) !== textOf(flow.instructions))
        throw new Error(`undefined which of these wins: ${formatFlow(flow)} and ${formatFlow(other)}`)
    return flow.instructions.flatMap((instruction): Step[] => {
      if (instruction.kind === 'applyActions') return [...instruction.actions]
      if (instruction.kind === 'gotoTable') return [{ kind: 'table', tableId: instruction.tableId }]
      throw new Error(`the fake switch knows no instruction ${instruction.kind}`)
    })
  }

  /** Each bucket works on a packet of its own; afterwards the packet is what it was (OF 1.3.5 §5.6.1). */
  #bucketsOf(state: State, groupId: number): Step[] {
    const group = this.groups.find((candidate) => candidate.groupId === groupId)
    if (group === undefined) throw new Error(`no group ${groupId}`)
    if (group.type === 'select') throw new Error('the fake switch has no groups of type select')
    const live = group.buckets.filter((bucket) => this.#isLive(bucket))
    const buckets = group.type === 'fastFailover' ? live.slice(0, 1) : group.buckets
    return buckets.flatMap(({ actions }): Step[] => [
      ...actions,
      { kind: 'restore', packet: state.packet.copy(), registers: new Map(state.registers) },
    ])
  }

  /** A bucket that watches a group lives with any bucket of that group (OF 1.3.5 §6.5). */
  #isLive({ watchPort, watchGroup }: Bucket): boolean {
    if (watchPort === ports.controller) return this.isControllerAlive
    const watched = this.groups.find((group) => group.groupId === watchGroup)
    return watchGroup === undefined || (watched?.buckets.some((bucket) => this.#isLive(bucket)) ?? false)
  }

  #output(state: State, port: number, sent: Sent[]): void {
    const inPort = Number(state.registers.get('inPort'))
    const fields = [...state.registers].filter(([field]) => isTunnelField(field))
    const left = {
      frame: state.packet.frame,
      ...(fields.length > 0 && { tunnel: Object.fromEntries(fields) }),
    }
    if (port === ports.controller) this.#punt({ ...state, work: [] }, Buffer.alloc(0))
    else if (port === ports.inPort) sent.push({ port: inPort, ...left })
    else if (port > 0xffffff00) throw new Error(`the fake switch knows no port ${port}`)
    else if (port !== inPort) sent.push({ port, ...left })
  }

  #punt(state: State, userdata: Buffer): void {
    const { packet, registers, work, tableId } = state
    this.punts.push({
      tableId,
      userdata,
      frame: packet.frame,
      metadata: Object.fromEntries(registers),
      state: { packet: packet.copy(), registers: new Map(registers), work: [...work], tableId },
    })
  }
}

const stateOf = (port: number, frame: Uint8Array, work: Step[]): State => ({
  packet: new Packet(frame),
  registers: new Map([['inPort', BigInt(port)]]),
  work,
  tableId: 0,
})

/** A resubmit with another in_port looks that one up, and has the old one back afterwards. */
function resubmitted(state: State, { tableId, inPort }: { tableId?: number; inPort?: number }): void {
  state.work.unshift({ kind: 'table', tableId: tableId ?? state.tableId })
  if (inPort === undefined || inPort === ports.inPort) return
  const before = state.registers.get('inPort')!
  state.registers.set('inPort', BigInt(inPort))
  state.work.splice(1, 0, { kind: 'inPort', port: before })
}

/** An action that changes the packet or its registers. */
function change(state: State, action: Action): void {
  switch (action.kind) {
    case 'setField':
      for (const [field, wanted] of Object.entries(action.field)) {
        const { value, mask } = comparedBits(wanted)
        write(state, field, (read(state, field) & ~mask) | (value & mask))
      }
      break
    case 'load':
      writeBits(state, action.to, action.bits, action.value)
      break
    case 'move': {
      const { field, offset } = action.from
      writeBits(state, action.to, action.bits, read(state, field) >> BigInt(offset))
      break
    }
    case 'setTtl':
      state.packet.set('nwTtl', BigInt(action.ttl))
      break
    case 'decTtl': {
      const ttl = state.packet.get('nwTtl')
      if (ttl > 1n) state.packet.set('nwTtl', ttl - 1n)
      else state.work = [] // OF 1.3.5 §7.2.5: the packet is not valid any more
      break
    }
    case 'checkPktLarger':
      writeBits(state, action.to, 1, state.packet.frame.length > action.packetLength ? 1n : 0n)
      break
    case 'pushVlan':
      state.packet.pushVlan()
      break
    case 'popVlan':
      state.packet.popVlan()
      break
    default:
      throw new Error(`the fake switch knows no action ${action.kind}`)
  }
}

const isTunnelField = (field: string) => /^tun(nelId|Ipv[46](Src|Dst))$/.test(field)
const isRegister = (field: string) => isTunnelField(field) || /^(reg\d+|metadata|inPort|pktMark)$/.test(field)

const read = ({ packet, registers }: State, field: string): bigint =>
  isRegister(field) ? (registers.get(field) ?? 0n) : packet.get(field)

function write({ packet, registers }: State, field: string, value: bigint): void {
  if (isRegister(field)) registers.set(field, value)
  else packet.set(field, value)
}

function writeBits(state: State, { field, offset }: Place, bits: number, value: bigint): void {
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(offset)
  write(state, field, (read(state, field) & ~mask) | ((value << BigInt(offset)) & mask))
}

const isMatch = (state: State, match: Match) =>
  Object.entries(match).every(([field, wanted]) => {
    const { value, mask } = comparedBits(wanted)
    return (read(state, field) & mask) === (value & mask)
  })

const everyBit = (1n << 128n) - 1n

function comparedBits(wanted: unknown): { value: bigint; mask: bigint } {
  const isMasked = typeof wanted === 'object' && wanted !== null && 'mask' in wanted && 'value' in wanted
  return isMasked
    ? { value: bitsOf(wanted.value), mask: bitsOf(wanted.mask) }
    : { value: bitsOf(wanted), mask: everyBit }
}

function bitsOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return BigInt(value)
  const text = String(value)
  const isMac = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)
  const bytes = isMac ? macBytes(text) : text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text)
  return BigInt(`0x${bytes.toString('hex')}`)
}

const textOf = (instructions: Flow['instructions']) =>
  JSON.stringify(instructions, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
