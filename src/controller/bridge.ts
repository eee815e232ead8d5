/**
 * Keeps the integration bridge as the controller needs it, by way of the switch's database: this controller and no other,
 * secure, patched to the bridges behind the physical networks, with the tunnel ports that are asked for. It knows settings
 * and names; flows and sessions it does not know.
 *
 *     waiting --the bridge is there--> settling --done--> kept --the bridge changed, 1 s after our change--> settling
 *                                       |    ^                   a patch or a tunnel is gone, 1 s later
 *                                failed |    | 1 s, 2 s … 10 s
 *                                       v    |
 *                                      failing
 *
 * A switch whose own back-off is long would connect late: if none is there 50 ms after the first settling (0.3 s if that
 * changed its row, for then it connects by itself), its row in the table Controller is replaced, which makes it connect at
 * once. And because Open vSwitch takes the back-off it is told only
 * from a change that comes while it is connected, it is made to read its settings again after each connect.
 */

import {
  BehaviorSubject,
  distinctUntilChanged,
  filter,
  map,
  type Observable,
  pairwise,
  startWith,
} from 'rxjs'
import { reasonOf } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Clock } from '../openflow/index.ts'
import type { ControllerSettings, OvsdbClient, SwitchPort, TunnelRequest } from '../ovsdb/index.ts'

const patienceMs = { unchanged: 50, changed: 300 }
/** How long a change is left alone: whoever else writes there must not make a storm of it. */
const truceMs = 1000
const retryMs = { first: 1000, last: 10_000 }

/** By physical network, the name of the patch port on the integration bridge. */
export type PatchPorts = ReadonlyMap<string, string>

export interface BridgeKeeper {
  /** The patch ports, from the first settling on, whether it went well or not. */
  readonly patchPorts: Observable<PatchPorts>
  /** What does not work at the moment, for people. */
  readonly reasons: readonly string[]
  close(): void
}

/** Tunnels to other nodes: their types and the address of this node. */
export type TunnelSettings = Omit<TunnelRequest, 'bridge'>

export interface BridgeOptions {
  readonly ovsdb: OvsdbClient
  readonly settings: ControllerSettings
  /** The bridges to be patched, by physical network. */
  readonly bridges: ReadonlyMap<string, string>
  /** The tunnel ports that the integration bridge shall have; undefined if nobody asks for any. */
  readonly tunnels?: TunnelSettings | undefined
  /** Whether the switch is connected to this controller, at once and whenever that changes. */
  readonly isAttached: Observable<boolean>
  readonly clock: Clock
  readonly log: Logger
}

/** Starts to keep the bridge. */
export function keepBridge(options: BridgeOptions): BridgeKeeper {
  const { ovsdb, settings, bridges, tunnels, isAttached, clock, log } = options
  const limited = rateLimited(clock.now)
  const patchPorts = new BehaviorSubject<PatchPorts | undefined>(undefined)
  let reasons: string[] = []
  let failures = 0
  let isClosed = false
  let isQueued = false
  /** One thing at a time: a settling in the middle of a replacement would undo it. */
  let work = Promise.resolve()
  let changedAt = Number.NEGATIVE_INFINITY
  let cancelRetry = () => {}
  let cancelHurry: (() => void) | undefined
  let isConnected = false

  function settle(): void {
    cancelRetry()
    if (isQueued) return
    isQueued = true
    work = work.then(() => {
      isQueued = false
      return isClosed ? undefined : turn()
    })
  }

  async function turn(): Promise<void> {
    const failed: string[] = []
    const attempt = async (step: () => Promise<void>) => {
      try {
        await step()
      } catch (error) {
        failed.push(reasonOf(error))
      }
    }
    const found = new Map(patchPorts.value)
    for (const [physicalNetwork, peerBridge] of bridges)
      await attempt(async () => {
        const { port } = await ovsdb.ensurePatch({ peerBridge, physicalNetwork })
        found.set(physicalNetwork, port)
      })
    if (tunnels !== undefined) await attempt(() => ovsdb.ensureTunnels(tunnels))
    let patience = patienceMs.unchanged
    await attempt(async () => {
      if (!(await ovsdb.configure(settings))) return
      patience = patienceMs.changed
      changedAt = clock.now()
      log.info({ target: settings.controllerTarget }, 'bridge configured')
    })
    if (isClosed) return
    patchPorts.next(found)
    reasons = failed
    if (failed.length === 0) {
      failures = 0
      hurry(patience)
      return
    }
    limited(failed.join(), (suppressed) =>
      log.warn({ reasons: failed, suppressed }, 'the bridge is not settled'),
    )
    const delayMs = Math.min(retryMs.first * 2 ** failures, retryMs.last)
    failures += 1
    cancelRetry = clock.after(delayMs, settle)
  }

  function hurry(withinMs: number): void {
    cancelHurry ??= clock.after(withinMs, () => {
      work = work.then(replace)
    })
  }

  async function replace(): Promise<void> {
    if (isConnected || isClosed) return
    log.info('the switch has not connected yet; replacing its controller row')
    try {
      await ovsdb.replaceController()
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, 'cannot replace the controller row')
    }
  }

  async function reapply(): Promise<void> {
    if (!isConnected || isClosed) return
    try {
      await ovsdb.reapplySettings()
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, 'the switch was not made to read its settings again')
    }
  }

  const stop = () => {
    cancelRetry()
    cancelHurry?.()
    cancelHurry = undefined
  }

  const subscription = ovsdb.state
    .pipe(
      map(({ isConnected, bridge, ports }) => (isConnected && bridge ? { bridge, ports } : undefined)),
      startWith(undefined),
      pairwise(),
      filter(([before, now]) => before?.bridge !== now?.bridge || isPortGone(before?.ports, now?.ports)),
    )
    .subscribe(([before, now]) => {
      if (now === undefined) return stop()
      const truceEndsIn = before?.bridge === now.bridge ? truceMs : changedAt + truceMs - clock.now()
      if (truceEndsIn <= 0) return settle()
      cancelRetry()
      cancelRetry = clock.after(truceEndsIn, settle)
    })
  const connects = isAttached.pipe(distinctUntilChanged()).subscribe((attached) => {
    isConnected = attached
    if (attached) work = work.then(reapply)
  })
  return {
    patchPorts: patchPorts.pipe(
      filter((ports) => ports !== undefined),
      distinctUntilChanged(sameEntries),
    ),
    get reasons() {
      return reasons
    },
    close() {
      isClosed = true
      subscription.unsubscribe()
      connects.unsubscribe()
      stop()
    },
  }
}

/** Whether one of the ports that are made here has gone. */
function isPortGone(before: readonly SwitchPort[] = [], now: readonly SwitchPort[] = []): boolean {
  const left = new Set(now.map(({ id }) => id))
  return before.some(({ id, type }) => (type === 'patch' || type === 'tunnel') && !left.has(id))
}

function sameEntries(a: PatchPorts, b: PatchPorts): boolean {
  return a.size === b.size && [...a].every(([name, port]) => b.get(name) === port)
}
