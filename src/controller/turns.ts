/**
 * Packets on their way through the desk. One after the other is written to the same place, so that a packet leaves no
 * garbage behind; those that came together are known in advance. It asks no application and decides nothing.
 */

import { type App, type Punt, type Room, selfCheckPort } from '../app/app.ts'
import type { LocalPort } from '../app/view.ts'
import { type PacketIn, sourceKeyOf } from './messages.ts'

/** No port has it: keys are counted up from 1. */
const noKey = 0
const nothing = Buffer.alloc(0)

/** A packet that the switch paused. */
class PausedPunt implements Punt {
  port: LocalPort = selfCheckPort
  bytes: Buffer = nothing
  start = 0
  end = 0
  atMs = 0
  room: Room | undefined
  registers: PacketIn | undefined
  serial = 0

  moveTo(message: PacketIn): void {
    this.serial = message.serial
    this.bytes = message.bytes
    this.start = message.packetStart
    this.end = message.packetEnd
    this.registers = message
  }

  isOf({ serial }: PacketIn): boolean {
    return this.serial === serial
  }

  get frame(): Buffer {
    return this.registers?.packet ?? nothing
  }
}

/** Whose packet it is. */
export class Turn {
  /** Undefined if nobody owns it. */
  app: App | undefined
  /** Undefined if it is none of the view. */
  port: LocalPort | undefined
  readonly punt = new PausedPunt()
}

/** The turns of one desk. */
export class Turns {
  #apps: readonly App[]
  #ports: ReadonlyMap<number, LocalPort> = new Map()
  readonly #now = new Turn()
  /** Of which those from `#next` to before `#count` were foreseen and not taken. */
  readonly #foreseen: Turn[] = []
  #next = 0
  #count = 0
  /** Those of one application, while it is told of them. */
  readonly #punts: Punt[] = []

  /** The applications that packets may belong to. */
  constructor(apps: readonly App[]) {
    this.#apps = apps
  }

  setApps(apps: readonly App[]): void {
    this.#apps = apps
    this.#count = 0
  }

  /** The ports that packets may come from, by their keys. */
  setPorts(ports: readonly LocalPort[]): void {
    this.#ports = new Map(ports.map((port) => [port.key, port]))
    this.#count = 0
  }

  /** Finds out whose the first `count` packets are, before `of` is asked for them. */
  foresee(messages: readonly PacketIn[], count: number): void {
    const turns = this.#foreseen
    while (turns.length < count) turns.push(new Turn())
    for (let i = 0; i < count; i++) this.#prepare(turns[i]!, messages[i]!)
    this.#next = 0
    this.#count = count
  }

  /** Tells of the punts of an application that were foreseen: they are the first ones of the list. */
  foreseenBy(app: App, tell: (punts: readonly Punt[], count: number) => void): void {
    let count = 0
    for (let i = 0; i < this.#count; i++) {
      const turn = this.#foreseen[i]!
      if (turn.app === app && turn.port !== undefined) this.#punts[count++] = turn.punt
    }
    tell(this.#punts, count)
  }

  /** What is known of a packet since it was foreseen, else now. */
  of(message: PacketIn): Turn {
    for (let i = this.#next; i < this.#count; i++) {
      const turn = this.#foreseen[i]!
      if (!turn.punt.isOf(message)) continue
      this.#next = i + 1
      return turn
    }
    return this.#prepare(this.#now, message)
  }

  #prepare(turn: Turn, message: PacketIn): Turn {
    const key = sourceKeyOf(message) ?? noKey
    turn.app = ownerOf(message, this.#apps)
    turn.port = key === selfCheckPort.key ? selfCheckPort : this.#ports.get(key)
    if (turn.port !== undefined) turn.punt.port = turn.port
    turn.punt.moveTo(message)
    return turn
  }
}

function ownerOf(message: PacketIn, apps: readonly App[]): App | undefined {
  for (const app of apps) if (message.isOf(app.name)) return app
  return undefined
}
