/**
 * What the rest of the controller sees of the database: one bridge and the ports that are really on it, found by way of
 * Bridge.ports and Port.interfaces and never by their names. Pure; it knows no connection.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Row, Tables } from './schema.ts'

/** What an interface is for, by Dragonflow's rule (`ovsdb/impl_idl.py`), except that `bridge` is the bridge's own port. */
export type PortType = 'compute' | 'patch' | 'tunnel' | 'bridge' | 'unknown'

/** An interface of the integration bridge. */
export interface SwitchPort {
  /** UUID of the Interface row. */
  readonly id: string
  readonly name: string
  /** Undefined until the switch has made the port, and when it could not. */
  readonly ofport: number | undefined
  readonly adminState: 'up' | 'down' | undefined
  readonly type: PortType
  /** The logical port it belongs to (external_ids:iface-id), if it is of type `compute`. */
  readonly lport?: string
  /** external_ids:attached-mac, in the row's form. */
  readonly attachedMac?: string
  /** The name of the interface at the other end, if it is of type `patch`. */
  readonly peer?: string
  /** The MAC address of the bridge at the other end, which is the node's own on that bridge. */
  readonly peerMac?: string
  /** `geneve`, `vxlan` or `gre`, if it is a tunnel of ours: each packet is told by flows where to go and under which key. */
  readonly tunnelType?: string
  readonly macInUse?: string
}

/** The integration bridge. */
export interface SwitchBridge {
  readonly uuid: string
  readonly name: string
  readonly failMode: 'secure' | 'standalone' | undefined
  /** 16 hexadecimal digits; undefined until the switch has made the bridge. */
  readonly datapathId: string | undefined
  /** `netdev` for the userspace datapath, `system` or nothing for the kernel's. */
  readonly datapathType: string
  /** Empty means all. */
  readonly protocols: readonly string[]
  readonly controllers: readonly { readonly uuid: string; readonly target: string }[]
}

/** One moment of the switch's database. Without a connection, bridge and ports are the last ones known. */
export interface OvsdbState {
  readonly isConnected: boolean
  readonly bridge: SwitchBridge | undefined
  /** By name. */
  readonly ports: readonly SwitchPort[]
  /** What the switch has sent up and what not, as it told last (every 5 s, and only while its rate is limited). */
  readonly packetIns: PacketInCounts
  /** Why there is no connection or no bridge, for people; undefined if there are both. */
  readonly reason: string | undefined
}

/** Packets for the controller since the switch connected. */
export interface PacketInCounts {
  /** Sent at once. */
  readonly direct: number
  /** Sent, or dropped, after they waited in the queue of their port. */
  readonly queued: number
  readonly dropped: number
  /** Waiting at the moment. */
  readonly backlog: number
}

const counted = { direct: 'bypassed', queued: 'queued', dropped: 'dropped', backlog: 'backlog' } as const

/** The counts in the controllers' column `status` (ovs-vswitchd.conf.db(5)): of misses and of actions together. */
export function packetInsOf(tables: Tables, name: string, previous: PacketInCounts): PacketInCounts {
  const [, bridge] = bridgeNamed(tables, name) ?? []
  const rows = (bridge?.controller ?? []).flatMap((id) => tables.Controller.get(id) ?? [])
  const sum = (word: string) =>
    rows
      .flatMap(({ status }) =>
        ['miss', 'action'].map((cause) => Number(status.get(`packet-in-${cause}-${word}`))),
      )
      .reduce((total, count) => total + (count || 0), 0)
  const counts = Object.entries(counted).map(([key, word]) => [key, sum(word)])
  return same(Object.fromEntries(counts) as unknown as PacketInCounts, previous)
}

/** Nothing sent, nothing dropped. */
export const noPacketIns: PacketInCounts = { direct: 0, queued: 0, dropped: 0, backlog: 0 }

/**
 * The bridge of that name and its ports. Whatever equals its counterpart in `previous` is the same object there and here.
 */
export function switchOf(
  tables: Tables,
  name: string,
  previous: Pick<OvsdbState, 'bridge' | 'ports'>,
): Pick<OvsdbState, 'bridge' | 'ports'> {
  const [uuid, row] = bridgeNamed(tables, name) ?? []
  if (uuid === undefined || row === undefined)
    return { bridge: undefined, ports: previous.ports.length ? [] : previous.ports }
  const known = new Map(previous.ports.map((port) => [port.id, port]))
  const ports = interfacesOf(tables, row)
    .filter(([, { name }]) => !name.startsWith('qg')) // gateway devices of Neutron's L3 agent
    .map(([id, each]) => same(portOf(id, each, name, tables), known.get(id)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const isUnchanged =
    ports.length === previous.ports.length && ports.every((port, at) => port === previous.ports[at])
  return {
    bridge: same(bridgeOf(uuid, row, tables), previous.bridge),
    ports: isUnchanged ? previous.ports : ports,
  }
}

/** The bridge of that name, with its UUID. */
export function bridgeNamed(
  tables: Tables,
  name: string,
): readonly [uuid: string, Row<'Bridge'>] | undefined {
  for (const entry of tables.Bridge) if (entry[1].name === name) return entry
  return undefined
}

/** The interfaces of a bridge's ports, with their UUIDs. A reference to a row not there yet is passed over. */
export function interfacesOf(tables: Tables, bridge: Row<'Bridge'>): [uuid: string, Row<'Interface'>][] {
  return bridge.ports
    .flatMap((port) => tables.Port.get(port)?.interfaces ?? [])
    .flatMap((id) => {
      const row = tables.Interface.get(id)
      return row === undefined ? [] : [[id, row] as [string, Row<'Interface'>]]
    })
}

/** The key of `external_ids` that says which tunnel of ours an interface is to be. */
export const tunnelMark = 'df-tunnel'

/** Which tunnel of ours an interface is to be: one that bears our mark, or Dragonflow's name and no other use. */
export function tunnelTypeOf({ name, type, options, external_ids }: Row<'Interface'>): string | undefined {
  const marked = external_ids.get(tunnelMark)
  if (marked !== undefined) return marked
  return name === `${type}-vtp` && options.get('remote_ip') === 'flow' ? type : undefined
}

function bridgeOf(uuid: string, row: Row<'Bridge'>, tables: Tables): SwitchBridge {
  return {
    uuid,
    name: row.name,
    failMode: row.fail_mode as SwitchBridge['failMode'],
    datapathId: row.datapath_id,
    datapathType: row.datapath_type,
    protocols: row.protocols,
    controllers: row.controller.map((id) => ({ uuid: id, target: tables.Controller.get(id)?.target ?? '' })),
  }
}

function portOf(id: string, row: Row<'Interface'>, bridge: string, tables: Tables): SwitchPort {
  const type = typeOf(row, bridge)
  const lport = type === 'compute' ? row.external_ids.get('iface-id') : undefined
  const peer = type === 'patch' ? row.options.get('peer') : undefined
  const peerMac = peer === undefined ? undefined : macBehind(tables, peer)
  const isOurs = tunnelTypeOf(row) === row.type && row.options.get('key') === 'flow'
  const attachedMac = row.external_ids.get('attached-mac')
  return {
    id,
    name: row.name,
    ofport: row.ofport !== undefined && row.ofport >= 0 ? row.ofport : undefined,
    adminState: row.admin_state as SwitchPort['adminState'],
    type,
    ...(lport !== undefined && { lport }),
    ...(attachedMac !== undefined && { attachedMac }),
    ...(peer !== undefined && { peer }),
    ...(peerMac !== undefined && { peerMac }),
    ...(type === 'tunnel' && isOurs && { tunnelType: row.type }),
    ...(row.mac_in_use !== undefined && { macInUse: row.mac_in_use }),
  }
}

/** The MAC address of the local port of the bridge that an interface is on. */
function macBehind(tables: Tables, name: string): string | undefined {
  for (const bridge of tables.Bridge.values()) {
    const interfaces = interfacesOf(tables, bridge).map(([, row]) => row)
    if (interfaces.some((row) => row.name === name))
      return interfaces.find((row) => typeOf(row, bridge.name) === 'bridge')?.mac_in_use
  }
  return undefined
}

function typeOf({ name, type, external_ids, options }: Row<'Interface'>, bridge: string): PortType {
  if (type === 'internal' && name === bridge) return 'bridge'
  if (type === 'patch') return 'patch'
  if (external_ids.get('iface-id')) return 'compute'
  return options.has('remote_ip') ? 'tunnel' : 'unknown'
}

function same<T>(made: T, previous: T | undefined): T {
  return isDeepStrictEqual(made, previous) ? (previous as T) : made
}
