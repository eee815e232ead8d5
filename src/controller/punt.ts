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
import { type PacketIn, probeSequenceOf, type SwitchLink } from './messages.ts'
import { Turns } from './turns.ts'

/** What an application may take for one packet; more is counted (docs/operations.md). */
const budgetMs = 1
/** After so many different words of one application its further words are counted as `other`. */
const maxReasons = 64
/** Seconds; the first is about what a decision takes. */
const latencyBounds = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5,
]
const quietMs = 200
const maxDrainMs = 2000

/** Where verdicts go. */
export type PuntLink = Pick<
  SwitchLink,
  'output' | 'room' | 'outputRoom' | 'heardAtMs' | 'resume' | 'transact'
>

export interface PuntDesk {
  /** Lets applications foresee the first `count` packets, which are given to `packetIn` right after. Never throws. */
  foresee(messages: readonly PacketIn[], count: number): void
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
  const turns = new Turns(deciders)
  /**
   * Of the last packet, which reads the clock once: it was begun when the one before had ended. Kept here, because a time that
   * is handed on is an object.
   */
  const times = { startedAt: Number.NEGATIVE_INFINITY, endedAt: Number.NEGATIVE_INFINITY }
  let isDraining = false

  /** Decides a packet; gives the application that was asked. */
  function take(link: PuntLink, message: PacketIn): App | undefined {
    const { app, port, punt } = turns.of(message)
    if (app === undefined) return pass(link, message, 'host', 'unknown_owner')
    if (isDraining) return pass(link, message, app.name, 'stopping')
    if (view === undefined) return pass(link, message, app.name, 'no_view')
    if (port === undefined) return pass(link, message, app.name, 'unknown_port')
    // The fence: an application that throws, or whose verdict is none, costs its packet and nothing else.
    try {
      punt.atMs = times.startedAt
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
    try {
      turns.foreseenBy(app, (punts, count) => app.foresee!(punts, count, view))
    } catch (error) {
      limited(app.name, (suppressed) =>
        log.error({ app: app.name, suppressed, err: error }, 'an application failed to foresee packets'),
      )
    }
  }

  return {
    foresee(messages, count) {
      if (view === undefined || isDraining) return
      turns.foresee(messages, count)
      for (const app of deciders) if (app.foresee) foreseeFor(app, view)
    },
    packetIn(link, message) {
      times.startedAt = Math.max(link.heardAtMs, times.endedAt)
      const asked = take(link, message)
      times.endedAt = clock.now()
      if (asked === undefined) return
      latency.observe((times.endedAt - link.heardAtMs) / 1000)
      if (times.endedAt - times.startedAt > budgetMs) overruns.inc({ app: asked.name })
    },
    setView(next) {
      if (next?.localPorts !== view?.localPorts) turns.setPorts(next?.localPorts ?? [])
      view = next
    },
    setApps(next) {
      deciders = decidersOf(next)
      turns.setApps(deciders)
    },
    drain() {
      isDraining = true
      const deadline = clock.now() + maxDrainMs
      times.endedAt = Math.max(times.endedAt, clock.now())
      return new Promise((resolve) => {
        /** What the last packet was when the time was up. */
        let lastAtMs: number | undefined
        const look = () => {
          const quietAt = times.endedAt + quietMs
          const now = clock.now()
          const isUp = now >= quietAt
          // Packets may have waited for as long as nothing ran: they are read before the second look.
          if ((isUp && lastAtMs === times.endedAt) || now >= deadline) return resolve()
          lastAtMs = isUp ? times.endedAt : undefined
          clock.after(Math.max(Math.min(quietAt, deadline) - now, 0), look)
        }
        look()
      })
    },
  }
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
