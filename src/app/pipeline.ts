/**
 * Every OpenFlow table, group and register of the pipeline, once, with its owner. Numbers appear nowhere else. Table
 * numbers and names are Dragonflow's (`controller/common/constants.py`) where it has the table; docs/pipeline.md
 * explains each.
 */

import { BugError } from '../errors.ts'
import {
  type Action,
  checkFlow,
  ct,
  type Flow,
  formatFlow,
  type Group,
  type Instruction,
  load,
  type Match,
  resubmit,
} from '../openflow/index.ts'
import type { LocalPort } from './view.ts'

/** A table of the pipeline: who owns it, who else may write in it, and where its packets may go on. */
export interface TableSpec {
  readonly id: number
  readonly owner: string
  readonly lends: readonly string[]
  readonly next: readonly string[]
}

// biome-ignore format: one table a line, in columns
/** The tables, in the order a packet meets them. */
export const tables = {
  classify:             { id: 0,   owner: 'classifier',   lends: ['provider', 'tunneling', 'chassis_snat'],    next: ['portsec', 'externalIngress', 'snatIngress', 'tunnelIngress'] },
  externalIngress:      { id: 2,   owner: 'provider',     lends: [],                                           next: ['lookup'] },
  tunnelIngress:        { id: 3,   owner: 'tunneling',    lends: [],                                           next: ['ingressLookup'] },
  portsec:              { id: 5,   owner: 'portsec',      lends: ['dhcp'],                                     next: ['portsecNd', 'egressConntrack', 'services'] },
  portsecNd:            { id: 6,   owner: 'portsec',      lends: [],                                           next: ['egressConntrack', 'services'] },
  egressConntrack:      { id: 10,  owner: 'l2',           lends: ['sg'],                                       next: ['egressSecurityGroup', 'services'] },
  egressSecurityGroup:  { id: 15,  owner: 'sg',           lends: [],                                           next: ['egressAllowed', 'services'] },
  egressAllowed:        { id: 16,  owner: 'sg',           lends: [],                                           next: ['services'] },
  services:             { id: 20,  owner: 'l2',           lends: ['dns', 'dhcp'],                              next: ['arp', 'dhcp', 'dns', 'nd', 'lookup'] },
  arp:                  { id: 25,  owner: 'l2',           lends: ['dhcp', 'l3_proactive'],                     next: ['lookup', 'dispatch'] },
  dhcp:                 { id: 30,  owner: 'dhcp',         lends: [],                                           next: ['lookup'] },
  dns:                  { id: 31,  owner: 'dns',          lends: [],                                           next: ['dnsPorts', 'lookup'] },
  dnsPorts:             { id: 32,  owner: 'dns',          lends: [],                                           next: ['dnsPunt', 'lookup'] },
  dnsPunt:              { id: 33,  owner: 'dns',          lends: [],                                           next: ['lookup'] },
  nd:                   { id: 45,  owner: 'l2',           lends: ['dhcp', 'l3_proactive'],                     next: ['ndReply', 'lookup', 'l3Refuse'] },
  ndReply:              { id: 46,  owner: 'l2',           lends: ['l3_proactive'],                             next: ['dispatch'] },
  snatIngress:          { id: 50,  owner: 'chassis_snat', lends: [],                                           next: ['snatDeliver'] },
  snatDeliver:          { id: 51,  owner: 'chassis_snat', lends: [],                                           next: ['snatReturn'] },
  snatReturn:           { id: 52,  owner: 'chassis_snat', lends: [],                                           next: ['egress'] },
  lookup:               { id: 55,  owner: 'l2',           lends: ['provider', 'dhcp', 'l3_proactive'],         next: ['l3', 'egress', 'dispatch'] },
  l3:                   { id: 60,  owner: 'l3_proactive', lends: ['chassis_snat'],                             next: ['lookup', 'l3Lookup', 'l3Refuse', 'egressNat', 'egress', 'dispatch'] },
  l3Lookup:             { id: 65,  owner: 'l3_proactive', lends: [],                                           next: ['l3Refuse', 'egress'] },
  l3Refuse:             { id: 66,  owner: 'l3_proactive', lends: [],                                           next: [] },
  egressNat:            { id: 70,  owner: 'chassis_snat', lends: [],                                           next: ['egressSnat'] },
  egressSnat:           { id: 71,  owner: 'chassis_snat', lends: [],                                           next: ['egressNatted'] },
  egressNatted:         { id: 72,  owner: 'chassis_snat', lends: [],                                           next: [] },
  egress:               { id: 75,  owner: 'l2',           lends: ['provider', 'tunneling'],                    next: ['egressExternal', 'ingressConntrack'] },
  egressExternal:       { id: 80,  owner: 'provider',     lends: [],                                           next: [] },
  ingressLookup:        { id: 100, owner: 'l2',           lends: [],                                           next: ['ingressConntrack'] },
  ingressConntrack:     { id: 105, owner: 'l2',           lends: ['sg'],                                       next: ['ingressSecurityGroup', 'dispatch'] },
  ingressSecurityGroup: { id: 110, owner: 'sg',           lends: [],                                           next: ['ingressAllowed', 'dispatch'] },
  ingressAllowed:       { id: 111, owner: 'sg',           lends: [],                                           next: ['dispatch'] },
  dispatch:             { id: 115, owner: 'classifier',   lends: [],                                           next: [] },
} as const satisfies Record<string, TableSpec>

export type TableName = keyof typeof tables

// biome-ignore format: one group a line, in columns
/** The groups. */
export const groups = {
  dnsLive:   { id: 31, owner: 'dns' },
  dnsAlways: { id: 32, owner: 'dns' },
} as const satisfies Record<string, { id: number; owner: string }>

export type GroupName = keyof typeof groups

/** What the registers mean while a packet is in the pipeline. */
export const registers = {
  /** Key of the network the packet is in. */
  network: 'metadata',
  /** Key of the router that the packet is in, between `lookup` and `l3Lookup`. */
  router: 'reg5',
  /** Key of the port it came from; 0 if it came from outside the node. */
  source: 'reg6',
  /** Key of the port it goes to; 0 if that is not a port of the cloud. */
  destination: 'reg7',
  /** What one table notes for the next, or for the application that a packet is sent up to. */
  note: 'reg8',
  /** The number of a self-check (docs/architecture.md); 0 in every other packet. */
  sequence: 'reg15',
} as const

/** The number of a register: 8 of `reg8`. */
export const registerNumber = (register: `reg${number}`): number => Number(register.slice('reg'.length))

/**
 * The zones of connection tracking. A port of the switch has the zone of its own number, which is 1 to 0xfeff
 * (OFPP_MAX is 0xff00): the connections of one port are never those of another one's, whatever their addresses.
 */
export const zoneOf = ({ ofport }: Pick<LocalPort, 'ofport'>): number => ofport

/**
 * The zones of source NAT: one for each port, far above the numbers that ports get, and one that all share. A port with a
 * number from `limit` on has none.
 */
export const natZones = {
  limit: 0x7f00,
  of: ({ ofport }: Pick<LocalPort, 'ofport'>): number => 0x8000 + ofport,
  shared: 0xff00,
}

/**
 * The zone that a flow opens to a port, if it does. Whoever puts such a flow into a switch empties the zone: what is in it
 * was another port's, or nobody knows whose.
 */
export function zoneOpenedBy({ tableId, instructions }: Flow): number | undefined {
  if (tableId !== tables.egressConntrack.id && tableId !== tables.egressNat.id) return undefined
  for (const one of instructions)
    if (one.kind === 'applyActions')
      for (const action of one.actions)
        if (action.kind === 'ct' && typeof action.zone === 'number') return action.zone
  return undefined
}

/** Tracks the packet's connection in that zone; the packet goes on in that table with what is known of it. */
export const track = (zone: number, table: TableName): Action => ct({ zone, tableId: tables[table].id })

/** Ends a flow: on to that table. */
export interface Goto {
  readonly kind: 'goto'
  readonly table: TableName
}

/** Ends a flow: on to that table. */
export const goto = (table: TableName): Goto => ({ kind: 'goto', table })

/** The number of a table, for an action that goes on there by itself. */
export const idOf = (table: TableName): number => tables[table].id

/** Sends a copy of the packet as it is now through that table, then goes on with the next action. */
export const through = (table: TableName): Action => resubmit(tables[table].id)

/** Lets the packet leave by the port it came in by; without it the switch never sends it there. */
export const turnBack: Action = load(0n, 'inPort')

/**
 * One match of several; of a field that two of them have, the last one counts. `{ ...some, more }` does the same, but V8
 * gives it a hidden class of its own each time: 300 bytes that are collected late, and 0.6 us (Node 20.20).
 */
export const matchOf = (...parts: readonly Match[]): Match => Object.assign({}, ...parts)

/**
 * Makes a flow of the pipeline. No step at all drops. Throws `BugError` with the flow's text when the table may not go
 * on where the flow sends its packets, or when the match lacks a prerequisite.
 */
export function flow(
  table: TableName,
  priority: number,
  match: Match,
  steps: readonly (Action | Goto)[],
): Flow {
  const actions = steps.filter((step): step is Action => step.kind !== 'goto')
  const last = steps.at(-1)
  const instructions: Instruction[] = []
  if (actions.length > 0) instructions.push({ kind: 'applyActions', actions })
  if (last?.kind === 'goto') instructions.push({ kind: 'gotoTable', tableId: tables[last.table].id })
  const made: Flow = { tableId: tables[table].id, priority, match: matchOf(match), instructions }
  checkFlow(made)
  if (steps.slice(0, -1).some((step) => step.kind === 'goto'))
    throw new BugError(`goto is not the last step: ${formatFlow(made)}`)
  const next: readonly string[] = tables[table].next
  for (const id of targetsOf(steps))
    if (!next.some((name) => tables[name as TableName].id === id))
      throw new BugError(
        `table ${table} may go on to ${next.join(', ') || 'nowhere'}, not to table ${id}: ${formatFlow(made)}`,
      )
  return made
}

/** Makes a group of the pipeline. */
export function group(name: GroupName, rest: Omit<Group, 'groupId'>): Group {
  return { groupId: groups[name].id, ...rest }
}

/** The action that hands the packet to a group. */
export const toGroup = (name: GroupName): Action => ({ kind: 'group', groupId: groups[name].id })

function* targetsOf(steps: readonly (Action | Goto)[]): Iterable<number> {
  for (const step of steps)
    if (step.kind === 'goto') yield tables[step.table].id
    else if ((step.kind === 'resubmit' || step.kind === 'ct') && step.tableId !== undefined)
      yield step.tableId
}
