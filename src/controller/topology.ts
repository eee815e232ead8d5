/**
 * Northbound rows and the switch's ports, joined into the view that applications see. Pure, so that it does not matter
 * which of the two came first: a port plugged before its row exists is there as soon as the row is, and the other way
 * round. Only what a change touches is made again. It knows no application and no session. Whether a port is local is
 * decided by its binding row, not by where it is plugged (Dragonflow's `controller/topology.py`).
 */

import { isDeepStrictEqual } from 'node:util'
import { createGrouping, type GroupOf } from '../app/grouping.ts'
import type { Chassis, LocalPort, Network, Port, Router, SecurityGroup, Subnet, View } from '../app/view.ts'
import { emptyNorthbound, type Northbound } from '../nb/index.ts'
import type { SwitchPort } from '../ovsdb/index.ts'
import { changedKeys, SortedMap } from '../sorted-map.ts'
import { chassisOf, networkOf, routerOf, securityGroupOf, subnetOf } from './view-parts.ts'
import { isSamePort, localPortOf, portOf } from './view-port.ts'

/** What a view is made of. */
export interface Sources {
  readonly nb: Northbound
  /** The ports of the integration bridge. */
  readonly switchPorts: readonly SwitchPort[]
  /** The chassis id of this node. */
  readonly host: string
  /** The patch port on the integration bridge, by the physical network behind it. */
  readonly patchPorts: ReadonlyMap<string, string>
}

/** The view of these sources alone. */
export function viewOf(sources: Sources): View {
  return createTopology()(sources)
}

type Rows = Pick<
  Northbound,
  'chassis' | 'secgroup' | 'lswitch' | 'lsubnet' | 'domainname' | 'lport' | 'dnsname' | 'lrouter'
>

interface Tables {
  readonly rows: Rows
  readonly subnets: SortedMap<Subnet>
  readonly networks: SortedMap<Network>
  readonly ports: SortedMap<Port>
  readonly routers: SortedMap<Router>
  readonly chassis: SortedMap<Chassis>
  readonly securityGroups: SortedMap<SecurityGroup>
}

/**
 * Makes the function that gives the view of ever new sources. Whatever did not change since the view before is the same
 * object, down to addresses; if nothing changed, so is the view.
 */
export function createTopology(): (sources: Sources) => View {
  const bySubnet = createGrouping(({ addresses }) => addresses.flatMap(({ subnet }) => subnet?.id ?? []))
  const located = new WeakMap<Port, LocalPort>()
  let view: View | undefined
  let tables: Tables = {
    rows: emptyNorthbound,
    subnets: SortedMap.empty(),
    networks: SortedMap.empty(),
    ports: SortedMap.empty(),
    routers: SortedMap.empty(),
    chassis: SortedMap.empty(),
    securityGroups: SortedMap.empty(),
  }
  let portsIn: GroupOf = () => []
  return (sources) => {
    const { host, switchPorts } = sources
    tables = tablesAfter(tables, sources.nb, portsIn)
    const { rows: _, ...all } = tables
    const { ports } = all
    portsIn = bySubnet(ports)
    const localPorts = sameItems(view?.localPorts, localPortsOf(sources, ports, located))
    const uplinks = unlessEqual(
      view?.uplinks,
      behindPatches(sources, ({ ofport }) => ofport),
    )
    const uplinkMacs = unlessEqual(
      view?.uplinkMacs,
      behindPatches(sources, ({ peerMac }) => peerMac),
    )
    const tunnels = unlessEqual(view?.tunnels, tunnelsOf(switchPorts))
    const parts = { host, ...all, localPorts, uplinks, uplinkMacs, tunnels }
    const isSame = Object.entries(parts).every(([name, part]) => part === view?.[name as keyof View])
    if (view === undefined || !isSame) view = { version: (view?.version ?? 0) + 1, ...parts }
    return view
  }
}

function tablesAfter(before: Tables, rows: Rows, portsIn: GroupOf): Tables {
  const subnets = updated(
    before.subnets,
    [
      ...changedKeys(before.rows.lsubnet, rows.lsubnet),
      ...changedKeys(before.rows.domainname, rows.domainname),
    ],
    (id) => subnetOf(rows.lsubnet.get(id), rows.domainname.get(id)),
  )
  const changed = [...changedKeys(before.subnets, subnets)]
  const moved = new Map<string, Set<string>>()
  for (const id of changed)
    for (const map of [before.subnets, subnets]) {
      const network = map.get(id)?.networkId
      if (network !== undefined) moved.set(network, (moved.get(network) ?? new Set()).add(id))
    }
  const networks = updated(
    before.networks,
    [...changedKeys(before.rows.lswitch, rows.lswitch), ...moved.keys()],
    (id) => {
      const old = before.networks.get(id)?.subnets ?? []
      const ids = new Set([...old.map((subnet) => subnet.id), ...(moved.get(id) ?? [])])
      const all = [...ids].sort().flatMap((subnet) => subnets.get(subnet) ?? [])
      const own = all.filter(({ networkId }) => networkId === id).slice() // without room for 16 more
      return networkOf(rows.lswitch.get(id), sameItems(old, own))
    },
  )
  const isMoved = (id: string) => before.subnets.get(id)?.networkId !== subnets.get(id)?.networkId
  const ports = updated(
    before.ports,
    [
      ...changedKeys(before.rows.lport, rows.lport),
      ...changedKeys(before.rows.dnsname, rows.dnsname),
      ...changed.flatMap((id) => portsIn(id).map((port) => port.id)),
      ...awaiting(new Set(changed.filter(isMoved)), rows),
    ],
    (id) => {
      const row = rows.lport.get(id)
      return portOf(row, rows.dnsname.get(id), row && networks.get(row.lswitch))
    },
    { isSame: isSamePort, like: rows.lport },
  )
  const routers = updated(
    before.routers,
    [...changedKeys(before.rows.lrouter, rows.lrouter), ...joining(appeared(before.rows, rows), rows)],
    (id) => routerOf(rows.lrouter.get(id), rows.lswitch),
  )
  const chassis = updated(before.chassis, changedKeys(before.rows.chassis, rows.chassis), (id) =>
    chassisOf(rows.chassis.get(id)),
  )
  const securityGroups = updated(
    before.securityGroups,
    changedKeys(before.rows.secgroup, rows.secgroup),
    (id) => securityGroupOf(rows.secgroup.get(id)),
  )
  return { rows, subnets, networks, ports, routers, chassis, securityGroups }
}

/** The networks that came or went. */
function appeared(before: Rows, { lswitch }: Rows): ReadonlySet<string> {
  const changed = [...changedKeys(before.lswitch, lswitch)]
  return new Set(changed.filter((id) => before.lswitch.has(id) !== lswitch.has(id)))
}

/** The routers whose row names one of these networks: a look at every row, since networks come and go seldom. */
function* joining(networkIds: ReadonlySet<string>, { lrouter }: Rows): Iterable<string> {
  if (networkIds.size === 0) return
  for (const [id, { ports }] of lrouter)
    if (ports.some(({ lswitch }) => lswitch !== undefined && networkIds.has(lswitch))) yield id
}

/** The ports whose row names one of these subnets: a look at every row, since subnets come and go seldom. */
function* awaiting(subnetIds: ReadonlySet<string>, { lport }: Rows): Iterable<string> {
  if (subnetIds.size === 0) return
  for (const [id, { subnets }] of lport) if (subnets.some((subnet) => subnetIds.has(subnet))) yield id
}

interface UpdateOptions<V> {
  readonly isSame?: (one: V, other: V) => boolean
  /** A map that mostly has the same keys. */
  readonly like?: ReadonlyMap<string, unknown>
}

/** The map with these entries made again; one that comes out equal stays what it was. */
function updated<V>(
  before: SortedMap<V>,
  ids: Iterable<string>,
  make: (id: string) => V | undefined,
  { isSame = isDeepStrictEqual, like }: UpdateOptions<V> = {},
): SortedMap<V> {
  const changes = new Map<string, V | undefined>()
  for (const id of ids)
    if (!changes.has(id)) {
      const now = make(id)
      changes.set(id, now && unlessEqual(before.get(id), now, isSame))
    }
  return before.with(changes, like)
}

/** `before` if it is equal. */
function unlessEqual<T>(
  before: T | undefined,
  now: T,
  isSame: (one: T, other: T) => boolean = isDeepStrictEqual,
): T {
  return before !== undefined && isSame(before, now) ? before : now
}

/** `before` if it has the same items in the same order. */
function sameItems<T>(before: readonly T[] | undefined, now: readonly T[]): readonly T[] {
  const isSame = before?.length === now.length && now.every((item, index) => item === before[index])
  return isSame ? before : now
}

/** Local ports by key, without those whose key or place another port has taken: identity must be beyond doubt. */
function localPortsOf(
  { switchPorts, host }: Sources,
  ports: ReadonlyMap<string, Port>,
  located: WeakMap<Port, LocalPort>,
): LocalPort[] {
  const plugs = new Map<string, number>()
  for (const { lport, ofport } of switchPorts)
    if (lport !== undefined && ofport !== undefined)
      plugs.set(lport, Math.min(ofport, plugs.get(lport) ?? ofport))
  const byKey = new Map<number, LocalPort>()
  for (const [id, ofport] of plugs) {
    const port = ports.get(id)
    if (!port?.isEnabled || port.chassis !== host) continue
    const known = located.get(port)
    const local = known?.ofport === ofport ? known : localPortOf(port, ofport)
    located.set(port, local)
    byKey.set(port.key, local)
  }
  return [...byKey.values()].sort((a, b) => a.key - b.key)
}

/** What there is of the patch port of each physical network. */
function behindPatches<T>(
  { switchPorts, patchPorts }: Sources,
  read: (port: SwitchPort) => T | undefined,
): ReadonlyMap<string, T> {
  const ports = new Map(switchPorts.map((port) => [port.name, port]))
  const values = new Map<string, T>()
  for (const [physicalNetwork, name] of patchPorts) {
    const port = ports.get(name)
    const value = port && read(port)
    if (value !== undefined) values.set(physicalNetwork, value)
  }
  return values
}

function tunnelsOf(switchPorts: readonly SwitchPort[]): ReadonlyMap<string, number> {
  const tunnels = new Map<string, number>()
  for (const { tunnelType, ofport } of switchPorts)
    if (tunnelType !== undefined && ofport !== undefined && !tunnels.has(tunnelType))
      tunnels.set(tunnelType, ofport)
  return tunnels
}
