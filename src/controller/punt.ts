/**
 * From a packet that the switch paused to what becomes of it: its owner by the userdata, its port by the register, the
 * owner's verdict, and the message that carries the verdict out. Every packet ends in one verdict and one counter. It
 * knows the contract of applications, not one of them, and keeps its fence: whatever an application does, the others
 * and the controller go on. Runs in the socket's data handler and never waits.
 */

import { type App, type Punt, selfCheckPort, type Verdict } from '../app/app.ts'
import type { LocalPort, View } from '../app/view.ts'
import { BugError } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Cell, Metrics } from '../metrics.ts'
import type { Clock } from '../openflow/index.ts'
import type { Writable } from '../wire/writable.ts'
import { createBypass } from './bypass.ts'
import { type PacketIn, probeSequenceOf, type SwitchLink, sourceKeyOf } from './messages.ts'

/** What an application may take for one packet; more is counted (docs/operations.md). */
const budgetMs = 1
/** After so many different words of one application its further words are counted as `other`. */
const maxReasons = 64
/** Seconds; the first is about what a decision takes. */
const latencyBounds = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5,
]
const quietMs = 200
/** No port has it: keys are counted up from 1. */
const noKey = 0
const maxDrainMs = 2000

/** Where verdicts go. */
export type PuntLink = Pick<
  SwitchLink,
  'output' | 'room' | 'outputRoom' | 'heardAtMs' | 'resume' | 'transact'
>

export interface PuntDesk {
  /** Lets applications foresee packets that are given to `packetIn` right after. Never throws. */
  foresee(messages: readonly PacketIn[]): void
  /** Decides one packet and sends what follows from it. Never throws. */
  packetIn(link: PuntLink, message: PacketIn): void
  /** The view to decide by from now on; with none every packet goes on. */
  setView(view: View | undefined): void
  /** Asks these from now on; their names are those of the applications that the desk was made with. */
  setApps(apps: readonly App[]): void
  /** Lets every packet go on from now on; resolves when none came for 200 ms, at the latest after 2 s. */
  drain(): Promise<void>
}

export interface PuntOptions {
  readonly apps: readonly App[]
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Told of every self-check that came back and was decided. */
  readonly selfChecked: (app: string, sequence: number) => void
}

/** Makes the desk that decides the punts of these applications. */
export function createPuntDesk({ apps, clock, log, metrics, selfChecked }: PuntOptions): PuntDesk {
  const count = verdictCounter([...apps, { name: 'host' }], metrics)
  const overruns = metrics.counter('df_punt_overruns_total', 'Packets whose decision took more than 1 ms', [
    'app',
  ])
  const latency = metrics.histogram(
    'df_punt_seconds',
    'From reading a packet to carrying out its verdict, the wait for others in the same read included',
    latencyBounds,
  )
  const bypass = createBypass({ clock, log, metrics })
  const limited = rateLimited(clock.now)
  let deciders = decidersOf(apps)
  let view: View | undefined
  let ports: ReadonlyMap<number, LocalPort> = new Map()
  const now: Turn = { app: undefined, port: undefined, punt: emptyPunt() }
  /** Packets that were foreseen, of which those from `next` to before `count` have not been taken. */
  const foreseen = { turns: [] as Turn[], next: 0, count: 0 }
  /** When the last packet was done with: a packet reads the clock once. */
  const done = { atMs: Number.NEGATIVE_INFINITY }
  let isDraining = false

  /** Finds out whose packet it is. */
  function prepare(turn: Turn, message: PacketIn): Turn {
    const key = sourceKeyOf(message) ?? noKey
    turn.app = ownerOf(message, deciders)
    turn.port = key === selfCheckPort.key ? selfCheckPort : ports.get(key)
    if (turn.port !== undefined) turn.punt.port = turn.port
    turn.punt.frame = message.packet
    turn.punt.registers = message
    return turn
  }

  /** What is known of a packet since it was foreseen, else now. */
  function turnOf(message: PacketIn): Turn {
    const { packet } = message
    for (let i = foreseen.next; i < foreseen.count; i++) {
      const turn = foreseen.turns[i]!
      if (turn.punt.frame !== packet) continue
      foreseen.next = i + 1
      return turn
    }
    return prepare(now, message)
  }

  /** Decides a packet; gives the application that was asked. */
  function take(link: PuntLink, message: PacketIn, atMs: number): App | undefined {
    const { app, port, punt } = turnOf(message)
    if (app === undefined) return pass(link, message, 'host', 'unknown_owner')
    if (isDraining) return pass(link, message, app.name, 'stopping')
    if (view === undefined) return pass(link, message, app.name, 'no_view')
    if (port === undefined) return pass(link, message, app.name, 'unknown_port')
    // The fence: an application that throws, or whose verdict is none, costs its packet and nothing else.
    try {
      punt.atMs = atMs
      punt.room = link.room
      const verdict = app.packetIn!(punt, view)
      if (port === selfCheckPort) check(message, app, verdict)
      else carryOut(link, message, app, port, verdict)
    } catch (error) {
      fail(link, message, app, port, error)
    }
    return app
  }

  function carryOut(link: PuntLink, message: PacketIn, app: App, port: LocalPort, verdict: Verdict): void {
    const { why } = verdict
    switch (verdict.kind) {
      case 'written':
        link.outputRoom(port.ofport, verdict.size) // throws CodecError for a size that is none
        count(app.name, 'reply', why)
        return
      case 'reply':
        link.output(port.ofport, verdict.frame) // throws CodecError for a frame that is none
        count(app.name, 'reply', why)
        return
      case 'pass':
        if (verdict.bypassSeconds !== undefined) bypass(link, app, port, verdict.bypassSeconds)
        pass(link, message, app.name, why)
        return
      case 'drop':
        if (verdict.bypassSeconds !== undefined) bypass(link, app, port, verdict.bypassSeconds)
        count(app.name, 'drop', why)
        return
    }
    throw new BugError(`no verdict: ${JSON.stringify(verdict satisfies never)}`)
  }

  /** A self-check is decided like any packet, but nothing becomes of it. */
  function check(message: PacketIn, app: App, { kind, why }: Verdict): void {
    count(app.name, kind === 'written' ? 'reply' : kind, `self_check_${why}`)
    selfChecked(app.name, probeSequenceOf(message))
  }

  function fail(link: PuntLink, message: PacketIn, app: App, port: LocalPort, error: unknown): void {
    limited(app.name, (suppressed) =>
      log.error(
        { app: app.name, port: port.id, suppressed, err: error },
        'an application failed on a packet',
      ),
    )
    if (port === selfCheckPort) count(app.name, app.onFailure, 'self_check_failed')
    else if (app.onFailure === 'pass') pass(link, message, app.name, 'failed')
    else count(app.name, 'drop', 'failed')
  }

  function pass(link: PuntLink, message: PacketIn, owner: string, why: string): undefined {
    count(owner, 'pass', why)
    if (message.isPaused) link.resume(message)
  }

  function foreseeFor(app: App, view: View): void {
    const punts: Punt[] = []
    for (let i = 0; i < foreseen.count; i++) {
      const turn = foreseen.turns[i]!
      if (turn.app === app && turn.port !== undefined) punts.push(turn.punt)
    }
    try {
      app.foresee!(punts, view)
    } catch (error) {
      limited(app.name, (suppressed) =>
        log.error({ app: app.name, suppressed, err: error }, 'an application failed to foresee packets'),
      )
    }
  }

  return {
    foresee(messages) {
      foreseen.next = 0
      foreseen.count = 0
      if (view === undefined || isDraining) return
      const { turns } = foreseen
      while (turns.length < messages.length)
        turns.push({ app: undefined, port: undefined, punt: emptyPunt() })
      for (const message of messages) prepare(turns[foreseen.count++]!, message)
      for (const app of deciders) if (app.foresee) foreseeFor(app, view)
    },
    packetIn(link, message) {
      const startedAt = Math.max(link.heardAtMs, done.atMs)
      const asked = take(link, message, startedAt)
      const endedAt = clock.now()
      done.atMs = endedAt
      if (asked === undefined) return
      latency.observe((endedAt - link.heardAtMs) / 1000)
      if (endedAt - startedAt > budgetMs) overruns.inc({ app: asked.name })
    },
    setView(next) {
      if (next?.localPorts !== view?.localPorts)
        ports = new Map(next?.localPorts.map((port) => [port.key, port]) ?? [])
      view = next
      foreseen.count = 0
    },
    setApps(next) {
      deciders = decidersOf(next)
      foreseen.count = 0
    },
    drain() {
      isDraining = true
      const deadline = clock.now() + maxDrainMs
      done.atMs = Math.max(done.atMs, clock.now())
      return new Promise((resolve) => {
        const look = () => {
          const quietAt = done.atMs + quietMs
          const now = clock.now()
          if (now >= quietAt || now >= deadline) resolve()
          else clock.after(Math.min(quietAt, deadline) - now, look)
        }
        look()
      })
    },
  }
}

/** A packet on its way through the desk; one after the other is written to the same turn, and leaves no garbage behind. */
interface Turn {
  /** Undefined if nobody owns it. */
  app: App | undefined
  /** Undefined if it is none of the view. */
  port: LocalPort | undefined
  readonly punt: Writable<Punt>
}

const emptyPunt = (): Writable<Punt> => ({ port: selfCheckPort, frame: Buffer.alloc(0), atMs: 0 })

function ownerOf(message: PacketIn, deciders: readonly App[]): App | undefined {
  for (const app of deciders) if (message.isOf(app.name)) return app
  return undefined
}

const decidersOf = (apps: readonly App[]): readonly App[] => apps.filter((app) => app.packetIn)

/** Counts verdicts. */
function verdictCounter(apps: readonly { readonly name: string }[], metrics: Metrics) {
  const punts = metrics.tally('df_punts_total', 'Packets sent up, by owner, verdict and reason', [
    'app',
    'verdict',
    'why',
  ])
  const kept = new Map(
    apps.map(({ name }) => [name, { pass: new Map(), reply: new Map(), drop: new Map() } as Words]),
  )
  return (app: string, verdict: Kind, why: string): void => {
    const words = kept.get(app)!
    let cell = words[verdict].get(why)
    if (cell === undefined) {
      const isRoom = words.pass.size + words.reply.size + words.drop.size < maxReasons
      cell = punts({ app, verdict, why: isRoom ? why : 'other' })
      if (isRoom) words[verdict].set(why, cell)
    }
    cell.count += 1
  }
}

/** How a reply came to be written is nobody's concern. */
type Kind = Exclude<Verdict['kind'], 'written'>

/** The lines of one application's counter, by verdict and by word. */
type Words = Record<Kind, Map<string, Cell>>
