/**
 * The life of the controller: what the northbound store, the switch's database and the switch tell is joined into a
 * view, the view into flows, the flows into the switch. It knows the contract of applications, not one of them; and
 * nothing of configuration files, which `local-controller.ts` has read.
 *
 * Start: listen, so that a switch that is already told of us finds us; then see to the bridge; then wait for the store's
 * first whole reading and the switch. Stop: the leased rows first, then every packet that still comes goes on, then the
 * session. What is in the switch stays there and forwards.
 */

import { auditTime, combineLatest, filter, map, type Observable, scan, tap } from 'rxjs'
import type { App } from '../app/app.ts'
import { foreignGroupIds, tableIdsOf } from '../app/extension.ts'
import { groups, tables } from '../app/pipeline.ts'
import type { View } from '../app/view.ts'
import { ConfigError, reasonOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { emptyNorthbound, type NbEvent, type Northbound, northboundAfter } from '../nb/index.ts'
import { type Clock, type Listener, listen } from '../openflow/index.ts'
import type { ControllerSettings, OvsdbClient, OvsdbState } from '../ovsdb/index.ts'
import { type Attachment, type Attachments, confirmedPorts, createAttachments } from './attachment.ts'
import { createBeacons } from './beacons.ts'
import { keepBridge, type PatchPorts } from './bridge.ts'
import { watchDatabaseLoss } from './database-loss.ts'
import { createCollector } from './desired.ts'
import { createLeases } from './leases.ts'
import { createPuntDesk, type PuntDesk } from './punt.ts'
import { watchReadiness } from './readiness.ts'
import type { Registration } from './registration.ts'
import { type Moment, type Parts, type Reading, reasonsOf, type Status, statusOf } from './status.ts'
import { createTopology } from './topology.ts'
import { exposeSources } from './vitals.ts'

export interface ControllerOptions {
  /** The chassis id of this node. */
  readonly host: string
  readonly apps: readonly App[]
  readonly northbound: Observable<NbEvent>
  readonly ovsdb: OvsdbClient
  /** The node's own row; undefined if it has none to write. */
  readonly registration?: Registration | undefined
  /** Where the switch finds us, and what its bridge shall be like. */
  readonly settings: ControllerSettings
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Called once, when the first wishes are in the switch and no lease is held yet: time for what no packet should wait for. */
  readonly settle?: () => Promise<void>
}

export interface Controller {
  /** What it is doing; cheap enough to be asked every second. */
  status(): Status
  /**
   * When the least lively of the leases was last proven by its self-check, on the clock given; now, if none is asked for.
   * A switch over which no self-check has ever come back does not count: to start anew would not mend it.
   */
  provenAt(): number
  /**
   * Asks an application (`dns`) what a person wants to know (`explain`). Throws `ConfigError` if there is no such
   * question or no view yet, and what the application throws.
   */
  inspect(app: string, inspection: string, request: Readonly<Record<string, unknown>>): unknown
  /**
   * Goes on with these applications, which are the same ones made anew, or the same values. Only what they want
   * differently changes in the switch; a lease that stays the same is kept. Their bridges and tunnels are those of the
   * start.
   * Rejects with `BugError`, before anything has changed, if a lease is wrong.
   */
  setApps(apps: readonly App[]): Promise<void>
  /** Ends its work as the header says; resolves when the session is closed. Store and database are the caller's. */
  stop(): Promise<void>
}

const withdrawalMs = 1000
const nothingRead: Reading = { northbound: undefined, lostBecause: undefined, lostAt: undefined }

const foreignTableIdsOf = ({ extension }: App) => (extension === undefined ? [] : tableIdsOf(extension))

/** Starts a controller. Throws `ConfigError` if it cannot listen, `BugError` if an application's lease is wrong. */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { apps, ovsdb, settings, clock, log, metrics } = options
  const collector = createCollector(apps, { log, metrics, clock })
  const leases = createLeases(apps, options)
  let currentApps = apps
  const desk = createPuntDesk({
    apps,
    clock,
    log,
    metrics,
    selfChecked(name, sequence) {
      const isSuspended = currentApps.some((app) => app.name === name && app.suspendedBecause !== undefined)
      if (isSuspended)
        void leases.release(currentApps).then(following.wishAnew) // it wants nothing any more: its rows go
      else leases.decided(name, sequence)
    },
  })
  const now: Moment = {
    reading: nothingRead,
    ovsdb: undefined,
    view: undefined,
    desiredFlows: 0,
    isStopping: false,
  }
  exposeSources(now, options)
  const beacons = createBeacons(options)
  const attachments = createAttachments({
    desk,
    leases,
    beacons,
    scope: {
      tableIds: new Set([...Object.values(tables).map(({ id }) => id), ...apps.flatMap(foreignTableIdsOf)]),
      groupIds: new Set([...Object.values(groups).map(({ id }) => id), ...foreignGroupIds]),
    },
    datapathId: () => now.ovsdb?.bridge?.datapathId,
    settle: options.settle,
    clock,
    log,
    metrics,
  })
  const listener = await listenForSwitch(options, attachments)
  const keeper = keepBridge({
    ovsdb,
    settings,
    bridges: new Map(apps.flatMap((app) => [...(app.bridges ?? [])])),
    tunnels: apps.find(({ tunnels }) => tunnels !== undefined)?.tunnels,
    isAttached: attachments.current.pipe(map((attached) => attached !== undefined)),
    clock,
    log,
  })
  const parts: Parts = {
    get apps() {
      return currentApps
    },
    attachments,
    beacons,
    collector,
    keeper,
    leases,
    registration: options.registration,
    now,
  }
  const following = follow(options, parts, desk)
  const endWatches = [
    watchReadiness(() => [...reasonsOf(parts)], { clock, log, metrics }),
    watchDatabaseLoss(ovsdb, leases, { clock }),
  ]
  async function setApps(next: readonly App[]): Promise<void> {
    await leases.release(next)
    if (now.isStopping) return
    currentApps = next
    collector.setApps(next)
    desk.setApps(next)
    leases.adopt(next)
    following.wishAnew()
  }
  return {
    status: () => statusOf(parts),
    provenAt: () => Math.min(clock.now(), ...Array.from(leases, (lease) => lease.provenAt ?? clock.now())),
    inspect(name, inspection, request) {
      const ask = currentApps.find((app) => app.name === name)?.inspect?.[inspection]
      if (ask === undefined)
        throw new ConfigError(`the application ${name} is not loaded here, see apps_list`)
      if (now.view === undefined)
        throw new ConfigError('the controller has read no northbound rows yet: its status says why')
      return ask(request, now.view)
    },
    setApps,
    async stop() {
      now.isStopping = true
      for (const end of endWatches) end()
      following.end()
      keeper.close()
      options.registration?.close()
      beacons.revoke()
      const patience = new Promise<void>((resolve) => clock.after(withdrawalMs, resolve))
      await Promise.race([Promise.all(Array.from(leases, (lease) => lease.withdraw())), patience])
      await desk.drain()
      await listener.close()
    },
  }
}

/** Makes a new view and new wishes once a turn of the event loop, however much has changed in it. */
function follow(options: ControllerOptions, parts: Parts, desk: PuntDesk) {
  const { attachments, beacons, collector, keeper, now } = parts
  const { host, registration, northbound, ovsdb, clock, log } = options
  const viewAt = createTopology()
  let served: Attachment | undefined

  function wish({ reconciler }: Attachment, view: View): void {
    const desired = collector.desiredFor(view)
    now.desiredFlows = desired.flows.size
    reconciler.want(desired)
    beacons.want(parts.apps, view)
  }

  function update(
    reading: Northbound,
    state: OvsdbState,
    attached: Attachment | undefined,
    patchPorts: PatchPorts,
  ) {
    const switchPorts =
      attached?.portNames === undefined ? [] : confirmedPorts(state.ports, attached.portNames)
    const view = viewAt({ nb: reading, switchPorts, host, patchPorts })
    if (attached !== undefined && (view !== now.view || attached.session !== served?.session)) {
      desk.setView(view)
      wish(attached, view)
    }
    served = attached
    now.view = view
  }

  const remember = (reading: Reading) => {
    if (reading.lostBecause !== undefined && now.reading.lostBecause === undefined)
      log.warn(
        { reason: reading.lostBecause },
        'the northbound store is lost; what was read goes on being used',
      )
    now.reading = reading
  }
  const wholeReadings = northbound.pipe(
    scan((reading, event) => readingAfter(reading, event, clock.now()), nothingRead),
    tap(remember),
    map(({ northbound: rows }) => rows),
    filter((rows) => rows !== undefined),
    tap(({ chassis }) => registration?.seen(chassis.get(host))),
  )
  const knownBridge = ovsdb.state.pipe(
    tap((state) => {
      now.ovsdb = state
    }),
    filter(({ bridge }) => bridge !== undefined),
  )
  // Without its ports' numbers a switch would look empty, and its flows would go and come back.
  const knownAttachment = attachments.current.pipe(
    filter((attached) => attached === undefined || attached.portNames !== undefined),
  )
  const subscription = combineLatest([wholeReadings, knownBridge, knownAttachment, keeper.patchPorts])
    .pipe(auditTime(0))
    .subscribe((latest) => update(...latest))
  return {
    /** Asks the applications again for the same view; a switch that has not been served yet will be. */
    wishAnew() {
      if (served !== undefined && now.view !== undefined) wish(served, now.view)
    },
    end: () => subscription.unsubscribe(),
  }
}

function readingAfter({ northbound, lostAt }: Reading, event: NbEvent, now: number): Reading {
  if (event.kind === 'lost') return { northbound, lostBecause: reasonOf(event.error), lostAt: lostAt ?? now }
  return { ...nothingRead, northbound: northboundAfter(northbound ?? emptyNorthbound, event) }
}

async function listenForSwitch(
  { settings, clock }: ControllerOptions,
  { handlers }: Attachments,
): Promise<Listener> {
  const { controllerTarget, inactivityProbeMs } = settings
  try {
    const options = inactivityProbeMs > 0 ? { clock, inactivityProbeMs } : { clock }
    return await listen(controllerTarget, handlers, options)
  } catch (error) {
    throw new ConfigError(`[df_openflow] listen = ${reasonOf(error)}`)
  }
}
