/**
 * From a packet that the switch paused to what becomes of it: its owner by the userdata, its port by the register, the
 * owner's verdict, and the message that carries the verdict out. Every packet ends in one verdict and one counter. It
 * knows the contract of applications, not one of them, and keeps its fence: whatever an application does, the others
 * and the controller go on. Runs in the socket's data handler and never waits.
 */

import { type App, selfCheckPort, type Verdict } from '../app/app.ts'
import type { LocalPort, View } from '../app/view.ts'
import { BugError } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Cell, Metrics } from '../metrics.ts'
import type { Clock } from '../openflow/index.ts'
import { createBypass } from './bypass.ts'
import { type PacketIn, probeSequenceOf, type SwitchLink, sourceKeyOf } from './messages.ts'

/** What an application may take for one packet; more is counted (docs/operations.md). */
const budgetMs = 1
/** After so many different words of one application its further words are counted as `other`. */
const maxReasons = 64
const quietMs = 200
const maxDrainMs = 2000

/** Where verdicts go. */
export type PuntLink = Pick<SwitchLink, 'output' | 'resume' | 'transact'>

export interface PuntDesk {
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
  const bypass = createBypass({ clock, log, metrics })
  const limited = rateLimited(clock.now)
  let owners = decidersOf(apps)
  let view: View | undefined
  let ports: ReadonlyMap<number, LocalPort> = new Map()
  let lastPuntAt = Number.NEGATIVE_INFINITY
  let isDraining = false

  /** The fence: an application that throws, or whose verdict is none, costs its packet and nothing else. */
  function fenced(
    app: App,
    port: LocalPort,
    carryOut: () => void,
    fail: (verdict: App['onFailure']) => void,
  ): void {
    const startedAt = clock.now()
    try {
      carryOut()
    } catch (error) {
      limited(app.name, (suppressed) =>
        log.error(
          { app: app.name, port: port.id, suppressed, err: error },
          'an application failed on a packet',
        ),
      )
      fail(app.onFailure)
    }
    if (clock.now() - startedAt > budgetMs) overruns.inc({ app: app.name })
  }

  function decide(link: PuntLink, message: PacketIn, app: App, port: LocalPort, now: View): void {
    const carryOut = () => {
      const verdict = app.packetIn!({ port, frame: message.packet }, now)
      switch (verdict.kind) {
        case 'pass':
          if (verdict.bypassSeconds !== undefined) bypass(link, app, port, verdict.bypassSeconds)
          return pass(link, message, app.name, verdict.why)
        case 'reply':
          link.output(port.ofport, verdict.frame) // throws CodecError for a frame that is none
          return count(app.name, 'reply', verdict.why)
        case 'drop':
          return count(app.name, 'drop', verdict.why)
      }
      throw new BugError(`no verdict: ${JSON.stringify(verdict satisfies never)}`)
    }
    fenced(app, port, carryOut, (verdict) => {
      if (verdict === 'pass') pass(link, message, app.name, 'failed')
      else count(app.name, 'drop', 'failed')
    })
  }

  /** A self-check is decided like any packet, but nothing becomes of it. */
  function check(message: PacketIn, app: App, now: View): void {
    const carryOut = () => {
      const { kind, why } = app.packetIn!({ port: selfCheckPort, frame: message.packet }, now)
      count(app.name, kind, `self_check_${why}`)
      selfChecked(app.name, probeSequenceOf(message))
    }
    fenced(app, selfCheckPort, carryOut, (verdict) => count(app.name, verdict, 'self_check_failed'))
  }

  function pass(link: PuntLink, message: PacketIn, owner: string, why: string): void {
    count(owner, 'pass', why)
    if (message.isPaused) link.resume(message)
  }

  return {
    packetIn(link, message) {
      lastPuntAt = clock.now()
      const app = owners.get(message.owner)
      if (app === undefined) return pass(link, message, 'host', 'unknown_owner')
      if (isDraining) return pass(link, message, app.name, 'stopping')
      if (view === undefined) return pass(link, message, app.name, 'no_view')
      const key = sourceKeyOf(message)
      if (key === selfCheckPort.key) return check(message, app, view)
      const port = key === undefined ? undefined : ports.get(key)
      if (port === undefined) return pass(link, message, app.name, 'unknown_port')
      decide(link, message, app, port, view)
    },
    setView(next) {
      if (next?.localPorts !== view?.localPorts)
        ports = new Map(next?.localPorts.map((port) => [port.key, port]) ?? [])
      view = next
    },
    setApps(next) {
      owners = decidersOf(next)
    },
    drain() {
      isDraining = true
      const deadline = clock.now() + maxDrainMs
      lastPuntAt = Math.max(lastPuntAt, clock.now())
      return new Promise((resolve) => {
        const look = () => {
          const quietAt = lastPuntAt + quietMs
          const now = clock.now()
          if (now >= quietAt || now >= deadline) resolve()
          else clock.after(Math.min(quietAt, deadline) - now, look)
        }
        look()
      })
    },
  }
}

function decidersOf(apps: readonly App[]): ReadonlyMap<string, App> {
  return new Map(apps.filter((app) => app.packetIn).map((app) => [app.name, app]))
}

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
  return (app: string, verdict: Verdict['kind'], why: string): void => {
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

/** The lines of one application's counter, by verdict and by word. */
type Words = Record<Verdict['kind'], Map<string, Cell>>
