/**
 * The one switch that is attached at a time: its session, its own ports and the reconciler of its flows. A new session
 * takes the place of an older one; with the session goes everything that was learnt from it. It knows no northbound row.
 */

import { BehaviorSubject, type Observable } from 'rxjs'
import { reasonOf } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Clock, Message, Session, SessionHandlers } from '../openflow/index.ts'
import type { SwitchPort } from '../ovsdb/index.ts'
import type { Beacons } from './beacons.ts'
import type { HeldLease } from './lease.ts'
import type { Scope } from './mirror.ts'
import type { PuntDesk } from './punt.ts'
import { type Reconciler, reconcilerMetrics, startReconciler } from './reconcile.ts'

/** An attached switch. */
export interface Attachment {
  readonly session: Session
  readonly reconciler: Reconciler
  /** The names of the switch's ports by their numbers, as the switch itself tells them; undefined until it has. */
  readonly portNames: PortNames | undefined
}

/** Names of ports by number. */
export type PortNames = ReadonlyMap<number, string>

export interface Attachments {
  readonly handlers: SessionHandlers
  /** The attached switch, at once and whenever it or its ports change. */
  readonly current: Observable<Attachment | undefined>
  readonly value: Attachment | undefined
  /** Why the last connection was refused, if none was better since. */
  readonly refusedBecause: string | undefined
}

export interface AttachmentOptions {
  readonly desk: PuntDesk
  readonly leases: Iterable<HeldLease>
  readonly beacons: Pick<Beacons, 'grant' | 'revoke'>
  readonly scope: Scope
  /** The datapath id that the database tells, 16 hexadecimal digits; undefined while it is not known. */
  readonly datapathId: () => string | undefined
  /** Called once, and waited for, before the first lease is granted. */
  readonly settle?: (() => Promise<void>) | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** A port's name has 16 bytes with its zero (OF 1.3.5 §7.2.1); Open vSwitch cuts longer ones. */
const nameSize = 15

type PortStatus = Extract<Message, { kind: 'portStatus' }>

/** Makes the place where a switch attaches. */
export function createAttachments(options: AttachmentOptions): Attachments {
  const { desk, leases, beacons, clock, log, metrics } = options
  const current = new BehaviorSubject<Attachment | undefined>(undefined)
  const connected = metrics.gauge('df_of_connected', '1 while the switch is connected')
  const packetIns = metrics.tally('df_of_packet_ins_total', 'Packets that the switch has sent up')({})
  const sessions = metrics.counter('df_of_sessions_total', 'Sessions with the switch', ['result'])
  const counters = reconcilerMetrics(metrics)
  const limited = rateLimited(clock.now)
  let refusedBecause: string | undefined
  let settling: Promise<void> | undefined
  /** Changes of ports that came before the answer that they belong behind was taken in: both may come in one read. */
  let early: PortStatus[] = []

  function attach(session: Session): void {
    current.value?.session.close('the switch connected again')
    detach()
    refusedBecause = undefined
    early = []
    const reconciler = startReconciler({
      link: session,
      scope: options.scope,
      clock,
      log,
      metrics: counters,
      settled: () => {
        settling ??= options.settle?.() ?? Promise.resolve()
        void settling.then(() => grant(session))
      },
    })
    current.next({ session, reconciler, portNames: undefined })
    connected.set(1)
    sessions.inc({ result: 'connected' })
    log.info({ datapathId: idOf(session) }, 'the switch is connected')
    void session.closed.then((reason) => {
      log.warn({ reason }, 'the switch is disconnected')
      if (current.value?.session === session) detach()
    })
    session.stats({ kind: 'portDesc' }).then(
      (ports) => {
        const names: PortNames = new Map(ports.map(({ portNo, name }) => [portNo, name]))
        update(session, early.reduce(withPort, names))
      },
      (error: unknown) => session.close(`cannot read the switch's ports: ${reasonOf(error)}`),
    )
  }

  function grant(session: Session): void {
    if (current.value?.session !== session) return
    for (const lease of leases) lease.grant(session)
    beacons.grant(session)
  }

  function detach(): void {
    desk.setView(undefined)
    for (const lease of leases) lease.revoke()
    beacons.revoke()
    connected.set(0)
    if (current.value !== undefined) current.next(undefined)
  }

  function update(session: Session, portNames: PortNames): void {
    const held = current.value
    if (held?.session === session) current.next({ ...held, portNames })
  }

  function refuse(result: 'rejected' | 'other_switch', reason: string): void {
    sessions.inc({ result })
    if (current.value === undefined) refusedBecause = reason
    limited(result, (suppressed) => log.warn({ reason, suppressed }, 'a connection was refused'))
  }

  return {
    get refusedBecause() {
      return refusedBecause
    },
    current: current.asObservable(),
    get value() {
      return current.value
    },
    handlers: {
      connected(session) {
        const expected = options.datapathId()
        if (expected === undefined || expected === idOf(session)) return attach(session)
        const reason = `datapath ${idOf(session)} is not the integration bridge, which is ${expected}`
        refuse('other_switch', reason)
        session.close(reason)
      },
      foresee(session, messages, count) {
        if (current.value?.session === session) desk.foresee(messages, count)
      },
      packetIn(session, message) {
        packetIns.count += 1
        if (current.value?.session === session) desk.packetIn(session, message)
      },
      message(session, message) {
        if (message.kind !== 'portStatus')
          limited(message.kind, () => log.debug({ kind: message.kind }, 'a message that nobody waits for'))
        else if (current.value?.session !== session) return
        else if (current.value.portNames === undefined) early.push(message)
        else update(session, withPort(current.value.portNames, message))
      },
      error(_session, error) {
        limited(error.reason, (suppressed) =>
          log.warn({ reason: error.message, suppressed }, 'the switch refused'),
        )
      },
      rejected: (reason) => refuse('rejected', reason),
    },
  }
}

/**
 * The database's ports without the numbers that the switch does not confirm: after a restart of the switch the database
 * still tells the old ones for a moment, and a number must never lead to another tenant's port.
 */
export function confirmedPorts(ports: readonly SwitchPort[], portNames: PortNames): readonly SwitchPort[] {
  return ports.filter(
    ({ name, ofport }) => ofport !== undefined && portNames.get(ofport) === name.slice(0, nameSize),
  )
}

function withPort(names: PortNames, { reason, port }: PortStatus): PortNames {
  const next = new Map(names)
  if (reason === 'delete') next.delete(port.portNo)
  else next.set(port.portNo, port.name)
  return next
}

const idOf = ({ features }: Session) => features.datapathId.toString(16).padStart(16, '0')
