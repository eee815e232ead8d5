/**
 * What applications say to local ports unasked (`App.beacons`): at once when it is new or has changed, some more times
 * soon after that, then at random intervals. Nothing is sent while the switch is away, nor by a view from before that:
 * its numbers of ports may be others' now. It knows neither the frames nor the applications; it sees a link and a clock.
 *
 *                want: new, or changed                        sent, the 1st to 3rd time
 *       (none) ------------------------> due at once ------------------------------------> due within 16 s
 *         ^                                  ^                                                   |
 *         | want: gone, its end sent         | want: changed (not within 3 s of the last one)    | sent, the 4th time
 *         +----------------------------------+<------------------------------- due in the beacon's own interval
 *
 * The pauses are those of router advertisements (RFC 4861 §10), which are what this is for.
 */

import type { App, Beacon } from '../app/app.ts'
import type { LocalPort, View } from '../app/view.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Clock } from '../openflow/index.ts'
import type { SwitchLink } from './messages.ts'

const leastPauseMs = 3000
/** How often a new one is said soon again, and how soon. */
const initial = { times: 3, pauseMs: 16_000 }
/** So many ports are served in one turn, and so long is the pause before the next: 400 ports a second. */
const turn = { ports: 20, pauseMs: 50 }

export interface BeaconsOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** A number from 0 up to 1. */
  readonly random?: () => number
}

type BeaconLink = Pick<SwitchLink, 'output'>

export interface Beacons {
  /** Says from now on what these applications want said at this view. Never throws: one that fails goes on as before. */
  want(apps: readonly App[], view: View): void
  /** Sends over this link. */
  grant(link: BeaconLink): void
  /** Stops: the link is gone, and with it what was known of the switch's ports. */
  revoke(): void
}

/** One that is said; times are those of the clock. */
interface Entry {
  readonly app: string
  readonly port: LocalPort
  /** Undefined if only what is due is still to be said. */
  readonly beacon: Beacon | undefined
  /** What is to be said before it. */
  readonly ends: readonly Buffer[]
  readonly times: number
  readonly sentAt: number
  readonly dueAt: number
}

/** Makes the place; it is silent until it has a link and a view. */
export function createBeacons({ clock, log, metrics, random = Math.random }: BeaconsOptions): Beacons {
  const sent = metrics.counter('df_beacons_total', 'Frames said to ports unasked, by result', [
    'app',
    'result',
  ])
  const limited = rateLimited(clock.now)
  let entries = new Map<string, Entry>()
  let link: BeaconLink | undefined
  let isKnown = false
  let cancel = () => {}

  function schedule(notBefore = 0): void {
    cancel()
    cancel = () => {}
    if (link === undefined || !isKnown || entries.size === 0) return
    let dueAt = Number.POSITIVE_INFINITY
    for (const entry of entries.values()) dueAt = Math.min(dueAt, entry.dueAt)
    cancel = clock.after(Math.max(0, dueAt - clock.now(), notBefore), serve)
  }

  function serve(): void {
    const due = [...entries].filter(([, { dueAt }]) => dueAt <= clock.now())
    for (const [key, entry] of due.slice(0, turn.ports)) {
      const after = said(entry)
      if (after === undefined) entries.delete(key)
      else entries.set(key, after)
    }
    schedule(due.length > turn.ports ? turn.pauseMs : 0)
  }

  /** Says what is due and gives what remains to be said. */
  function said({ app, port, beacon, ends, times }: Entry): Entry | undefined {
    for (const frame of beacon === undefined ? ends : [...ends, beacon.frame]) output(app, port, frame)
    if (beacon === undefined) return undefined
    const { least, most } = beacon.everySeconds
    const intervalMs = 1000 * (least + random() * (most - least))
    const pauseMs = times < initial.times ? Math.min(initial.pauseMs, intervalMs) : intervalMs
    const now = clock.now()
    return { app, port, beacon, ends: [], times: times + 1, sentAt: now, dueAt: now + pauseMs }
  }

  function output(app: string, port: LocalPort, frame: Buffer): void {
    try {
      link!.output(port.ofport, frame)
      sent.inc({ app, result: 'sent' })
    } catch (error) {
      fail(app, error)
    }
  }

  function fail(app: string, error: unknown): void {
    sent.inc({ app, result: 'failed' })
    limited(app, (suppressed) =>
      log.error({ app, suppressed, err: error }, 'an application failed on what it says unasked'),
    )
  }

  function beaconsOf(app: App, view: View): readonly Beacon[] {
    try {
      return [...(app.beacons?.(view) ?? [])]
    } catch (error) {
      fail(app.name, error)
      const ports = new Set(view.localPorts)
      const before = [...entries.values()].filter((entry) => entry.app === app.name)
      return before.flatMap(({ beacon }) => (beacon !== undefined && ports.has(beacon.port) ? beacon : []))
    }
  }

  function entryAfter(before: Entry | undefined, app: string, beacon: Beacon): Entry {
    if (before?.beacon === beacon) return before
    const { port } = beacon
    const end = before?.beacon?.endFor?.(beacon)
    const ends = end === undefined ? (before?.ends ?? []) : [...before!.ends, end]
    const sentAt = before?.sentAt ?? Number.NEGATIVE_INFINITY
    return { app, port, beacon, ends, times: 0, sentAt, dueAt: Math.max(clock.now(), sentAt + leastPauseMs) }
  }

  /** What remains to be said to a port that nobody has a beacon for any more. */
  function lastWords({ app, beacon, ends, times, sentAt }: Entry, port: LocalPort): Entry | undefined {
    const end = beacon?.endFor?.(undefined)
    const all = end === undefined ? ends : [...ends, end]
    if (all.length === 0) return undefined
    return { app, port, beacon: undefined, ends: all, times, sentAt, dueAt: clock.now() }
  }

  return {
    want(apps, view) {
      const wanted = new Map<string, Entry>()
      for (const app of apps)
        for (const beacon of beaconsOf(app, view)) {
          const key = keyOf(app.name, beacon.port)
          wanted.set(key, entryAfter(entries.get(key), app.name, beacon))
        }
      const local = new Map(view.localPorts.map((port) => [port.id, port]))
      for (const [key, entry] of entries) {
        const port = wanted.has(key) ? undefined : local.get(entry.port.id)
        const last = port && lastWords(entry, port)
        if (last !== undefined) wanted.set(key, last)
      }
      entries = wanted
      isKnown = true
      schedule()
    },
    grant(over) {
      if (link === over) return
      link = over
      schedule()
    },
    revoke() {
      link = undefined
      isKnown = false
      schedule()
    },
  }
}

const keyOf = (app: string, { id }: LocalPort): string => `${app} ${id}`
