/**
 * How the integration bridge is tied to this controller: plans, as functions of the rows that are there. It knows
 * Open vSwitch's columns (ovs-vswitchd.conf.db(5), tables Bridge and Controller) and no connection.
 */

import { MissingBridgeError } from './errors.ts'
import { type Row, type Tables, writeRow } from './schema.ts'
import { byId, guard } from './snapshot.ts'
import { bridgeNamed } from './state.ts'
import type { Operation } from './transact.ts'
import { integer, namedUuid } from './values.ts'

/** What the bridge shall be like. */
export interface ControllerSettings {
  /** `unix:<path>` or `tcp:<host>:<port>`; any other controller of the bridge is removed. */
  readonly controllerTarget: string
  readonly failMode: 'secure' | 'standalone'
  /** Protocols that must be allowed (`OpenFlow13`); others that are allowed stay so. */
  readonly protocols: readonly string[]
  /** Keeps the switch from hidden flows of its own for in-band control. */
  readonly disableInBand: boolean
  /** Packets the switch may hold back for the controller, 1 to 511. */
  readonly controllerQueueSize: number
  /** Packets a second that the switch sends up; beyond it each port has a queue of its own. At least 100. */
  readonly controllerRateLimit: number
  /** Packets that may go up at once after a silence, and wait in all those queues together. At least 25. */
  readonly controllerBurstLimit: number
  /** At least 1000. */
  readonly maxBackoffMs: number
  /** 0 for no probe. */
  readonly inactivityProbeMs: number
}

/** What makes the bridge as it shall be; nothing if it is. Throws `MissingBridgeError`. */
export function configuration(tables: Tables, bridge: string, settings: ControllerSettings): Operation[] {
  const [id, row] = required(tables, bridge)
  const wanted: Omit<Row<'Controller'>, 'status'> = {
    target: settings.controllerTarget,
    max_backoff: settings.maxBackoffMs,
    inactivity_probe: settings.inactivityProbeMs,
    controller_queue_size: settings.controllerQueueSize,
    controller_rate_limit: settings.controllerRateLimit,
    controller_burst_limit: settings.controllerBurstLimit,
  }
  const changes = bridgeChanges(row, settings)
  const ours = row.controller.find((each) => tables.Controller.get(each)?.target === wanted.target)
  const operations: Operation[] = []
  if (ours === undefined) {
    operations.push({
      op: 'insert',
      table: 'Controller',
      row: writeRow('Controller', wanted),
      'uuid-name': 'ours',
    })
    changes.controller = namedUuid('ours')
  } else {
    if (row.controller.length > 1) Object.assign(changes, writeRow('Bridge', { controller: [ours] }))
    operations.push(...corrections(ours, tables.Controller.get(ours) as Row<'Controller'>, wanted))
  }
  if (Object.keys(changes).length > 0)
    operations.push({ op: 'update', table: 'Bridge', where: [byId(id)], row: changes })
  if (operations.length === 0) return []
  const { controller, fail_mode, protocols, other_config } = row
  return [guard('Bridge', id, { controller, fail_mode, protocols, other_config }), ...operations]
}

function bridgeChanges(row: Row<'Bridge'>, settings: ControllerSettings): Record<string, unknown> {
  const changes: Partial<Record<keyof Row<'Bridge'>, unknown>> = {}
  if (row.fail_mode !== settings.failMode) changes.fail_mode = settings.failMode
  const missing = settings.protocols.filter((protocol) => !row.protocols.includes(protocol))
  // An empty set allows every protocol; adding one would forbid the others.
  if (row.protocols.length > 0 && missing.length > 0) changes.protocols = [...row.protocols, ...missing]
  const inBand = 'disable-in-band'
  if (settings.disableInBand !== (row.other_config.get(inBand) === 'true'))
    changes.other_config = new Map([...row.other_config, [inBand, String(settings.disableInBand)]])
  return writeRow('Bridge', changes as Partial<Row<'Bridge'>>)
}

function corrections(id: string, row: Row<'Controller'>, wanted: Partial<Row<'Controller'>>): Operation[] {
  const names = Object.keys(wanted) as (keyof Row<'Controller'>)[]
  if (names.every((name) => row[name] === wanted[name])) return []
  return [
    guard('Controller', id, Object.fromEntries(names.map((name) => [name, row[name]]))),
    { op: 'update', table: 'Controller', where: [byId(id)], row: writeRow('Controller', wanted) },
  ]
}

/**
 * A target that nobody can answer at. While a bridge changes from one controller to another the switch keeps its flows;
 * if it had none in between, ovs-vswitchd would flush them (`connmgr_set_controllers`).
 */
const nowhere = 'tcp:127.0.0.1:0'

/** Makes ovs-vswitchd go through its configuration; it then sets cur_cfg to the same number. */
export const newConfiguration: Operation = {
  op: 'mutate',
  table: 'Open_vSwitch',
  where: [],
  mutations: [['next_cfg', '+=', 1]],
}

/** A controller's row and where it leads. */
export interface Target {
  readonly id: string
  readonly target: string
}

/** The first half of a replacement: leads the controller's row nowhere and asks for the number of that configuration. */
export function detour(
  tables: Tables,
  bridge: string,
): { answer: Target | undefined; operations: Operation[] } {
  const [, { controller }] = required(tables, bridge)
  const [id] = controller
  const row = id === undefined ? undefined : tables.Controller.get(id)
  if (id === undefined || row === undefined) return { answer: undefined, operations: [] }
  return {
    answer: { id, target: row.target },
    operations: [
      guard('Controller', id, { target: row.target }),
      { op: 'update', table: 'Controller', where: [byId(id)], row: { target: nowhere } },
      newConfiguration,
      { op: 'select', table: 'Open_vSwitch', where: [], columns: ['next_cfg'] },
    ],
  }
}

/** The second half: leads the row back as soon as the switch has seen the first, or anyway when it takes too long. */
export function wayBack({ id, target }: Target, configurationNumber: number | undefined): Operation[] {
  const seen: Operation = {
    op: 'wait',
    table: 'Open_vSwitch',
    where: [['cur_cfg', '>=', configurationNumber]],
    columns: ['cur_cfg'],
    until: '!=',
    rows: [],
    timeout: 2000,
  }
  return [
    ...(configurationNumber === undefined ? [] : [seen]),
    { op: 'update', table: 'Controller', where: [byId(id), ['target', '==', nowhere]], row: { target } },
  ]
}

/** The configuration number in the results of `detour`. */
export function configurationNumberOf(
  rows: readonly Readonly<Record<string, unknown>>[] | undefined,
): number {
  return integer.read(rows?.[0]?.next_cfg, 'Open_vSwitch next_cfg')
}

function required(tables: Tables, bridge: string): readonly [uuid: string, Row<'Bridge'>] {
  const found = bridgeNamed(tables, bridge)
  if (found === undefined) throw new MissingBridgeError(bridge)
  return found
}
