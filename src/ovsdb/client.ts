/**
 * The database of the node's switch as the controller uses it: the integration bridge as a value over time, and the few
 * things written to it. It ties the connection (`link.ts`) to the pure parts beside it.
 */

import { BehaviorSubject, type Observable } from 'rxjs'
import { type Logger, silentLogger } from '../log.ts'
import {
  type ControllerSettings,
  configuration,
  configurationNumberOf,
  detour,
  newConfiguration,
  wayBack,
} from './controller.ts'
import { MissingBridgeError } from './errors.ts'
import { Link, type LinkOptions } from './link.ts'
import { type PatchPorts, type PatchRequest, patch } from './patch.ts'
import { database, type Tables } from './schema.ts'
import { agree } from './snapshot.ts'
import { noPacketIns, type OvsdbState, packetInsOf, switchOf } from './state.ts'
import { checkedResults, isRace, type Operation, type OperationResult } from './transact.ts'
import { type TunnelRequest, tunnels } from './tunnel.ts'

export interface OvsdbOptions extends Partial<Omit<LinkOptions, 'target'>> {
  /** `unix:<path>` or `tcp:<host>:<port>`. */
  readonly target: string
  /** The name of the integration bridge. */
  readonly bridge: string
  readonly log?: Logger
}

/** The switch's database. Every promise rejects with `ConnectionError` while there is no connection. */
export interface OvsdbClient {
  /** The bridge and its ports: the last value at once, then one for each change. Completes when closed. */
  readonly state: Observable<OvsdbState>
  /**
   * Makes this the bridge's only controller; resolves with whether anything had to change. Rejects with
   * `MissingBridgeError` or `OvsdbError`.
   */
  configure(settings: ControllerSettings): Promise<boolean>
  /**
   * Makes the switch connect at once instead of at the end of its back-off: its flows stay, a connection it has is
   * dropped. Does nothing if the bridge has no controller.
   */
  replaceController(): Promise<void>
  /**
   * Makes the switch look at its settings again; to be called after each OpenFlow connect. ovs-vswitchd 3.1.0 begins each
   * connection with a back-off of up to 8 s and takes max_backoff only from a change that comes while it is connected.
   */
  reapplySettings(): Promise<void>
  /**
   * Sees to it that there is a pair of patch ports between the integration bridge and another; resolves with its names.
   * Rejects with `MissingBridgeError`, `ConfigError` (two types of datapath) or `OvsdbError`.
   */
  ensurePatch(request: Omit<PatchRequest, 'bridge'>): Promise<PatchPorts>
  /**
   * Sees to it that the integration bridge has a flow-based tunnel port of each of these types, and none of another type
   * that was made so. Rejects with `MissingBridgeError` or `OvsdbError`.
   */
  ensureTunnels(request: Omit<TunnelRequest, 'bridge'>): Promise<void>
  /** Runs one transaction. Rejects with `OvsdbError`, which names the operation that was refused. */
  transact(operations: readonly Operation[]): Promise<OperationResult[]>
  close(): void
}

// biome-ignore format: columns
const defaults = {
  timeoutMs:      10_000, // Dragonflow's ovsdb timeout
  echoIntervalMs: 5_000,  // what Open vSwitch itself uses
  backoff:        { minMs: 100, maxMs: 5_000 },
  limitSize:      64 * 1024 * 1024,
  random:         Math.random,
}

/** Connects to the database, and again whenever the connection is lost. Throws `ConfigError` for a bad target. */
export function connectOvsdb(options: OvsdbOptions): OvsdbClient {
  const { bridge, log = silentLogger } = options
  const state = new BehaviorSubject<OvsdbState>({
    isConnected: false,
    bridge: undefined,
    ports: [],
    packetIns: noPacketIns,
    reason: `connecting to ${options.target}`,
  })
  const link = new Link(
    { ...defaults, ...options },
    {
      tables: (tables) => publish(state, stateOf(tables, bridge, state.value), log),
      lost: (reason) => publish(state, { ...state.value, isConnected: false, reason }, log),
    },
  )
  const transact = async (operations: readonly Operation[]) =>
    checkedResults(operations, await link.request('transact', [database, ...operations]))

  const configure = async (settings: ControllerSettings) => {
    const plan = (tables: Tables) => ({
      answer: undefined,
      operations: configuration(tables, bridge, settings),
    })
    return (await agree(transact, plan)).isChanged
  }
  const replaceController = async () => {
    const { answer, results } = await agree(transact, (tables) => detour(tables, bridge))
    if (answer === undefined) return
    const number = configurationNumberOf(results.at(-1)?.rows)
    try {
      await transact(wayBack(answer, number))
    } catch (error) {
      if (!isRace(error)) throw error
      await transact(wayBack(answer, undefined)) // a switch that does not answer is led back all the same
    }
  }

  const inTurn = queue()
  return {
    state: state.asObservable(),
    transact,
    configure: (settings) => inTurn(() => configure(settings)),
    replaceController: () => inTurn(replaceController),
    async reapplySettings() {
      await transact([newConfiguration])
    },
    ensurePatch: (request) =>
      inTurn(async () => (await agree(transact, (tables) => patch(tables, { bridge, ...request }))).answer),
    ensureTunnels: (request) =>
      inTurn(async () => {
        await agree(transact, (tables) => ({
          answer: undefined,
          operations: tunnels(tables, { bridge, ...request }),
        }))
      }),
    close() {
      link.close()
      state.complete()
    },
  }
}

/** Runs one piece of work after the other: `configure` must not see the row of a controller on its detour. */
function queue() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => {})
    return next
  }
}

function stateOf(tables: Tables, name: string, previous: OvsdbState): OvsdbState {
  const { bridge, ports } = switchOf(tables, name, previous)
  const reason = bridge === undefined ? new MissingBridgeError(name).message : undefined
  const packetIns = packetInsOf(tables, name, previous.packetIns)
  return { isConnected: true, bridge, ports, packetIns, reason }
}

/** Hands on a state that differs from the last one, and tells people when the reason does. */
function publish(state: BehaviorSubject<OvsdbState>, next: OvsdbState, log: Logger): void {
  const last = state.value
  const keys = Object.keys(next) as (keyof OvsdbState)[]
  if (keys.every((key) => next[key] === last[key])) return
  if (next.reason === undefined && last.reason !== undefined)
    log.info({ bridge: next.bridge?.name }, 'ovsdb: watching the bridge')
  else if (next.reason !== undefined && next.reason !== last.reason) log.warn(`ovsdb: ${next.reason}`)
  state.next(next)
}
