/**
 * The routers that packets of this node's ports may meet, each with what it needs to route: its ports, the hosts behind
 * extra routes, the other routers that it sees. It knows no flows and no packets.
 */

import { type ExtraRoute, type Interface, isInside, lengthOf, soundRouter } from '../../routing.ts'
import { createCells, createMemo } from '../memo.ts'
import type { Segment } from '../segments.ts'
import type { Network, Port, Router, View } from '../view.ts'

/** A router's port with its network. */
export interface RouterInterface extends Interface {
  readonly network: Network
}

/** Where an extra route, or the way to another router's address, leads. */
export type NextHop =
  | { readonly kind: 'port'; readonly key: number; readonly mac: string }
  | { readonly kind: 'router'; readonly mac: string }
  /** Nobody that the cloud knows has the address. */
  | { readonly kind: 'nobody' }

/** A way beside the connected subnets. */
export interface Way {
  readonly destination: string
  readonly by: RouterInterface
  readonly next: NextHop
}

/** A router as its packets meet it; the same object for as long as nothing in it changes. */
export interface Routing {
  readonly key: number
  readonly interfaces: readonly RouterInterface[]
  /** No two with one destination, and none to a connected subnet. */
  readonly ways: readonly Way[]
  /** How many of its ports and extra routes are left out, since they contradict the rest. */
  readonly leftOut: number
}

/** Makes the function that gives the routers of these segments, in order of their keys. */
export function createRouters(): (view: View, segments: readonly Segment[]) => readonly Routing[] {
  const soundly = soundRouters()
  const cells = createCells<Routing>()
  const behind = createMemo<Port | undefined>()
  return (view, segments) => {
    const cell = cells()
    const segmentOf = new Map(segments.map((segment) => [segment.network.id, segment]))
    const portAt: PortAt = (networkId, ip) => {
      const segment = segmentOf.get(networkId)!
      return behind(segment, ip, () => segment.ips.get(ip))
    }
    const routers = unrivalled(soundly(view, segmentOf))
    const seenIn = interfacesByNetwork(routers)
    return routers.map((router) => {
      const own = router.interfaces
      const others = own.flatMap((by) =>
        seenIn.get(by.networkId)!.filter((each) => each.ip !== by.ip && isInside(each.ip, by.cidr)),
      )
      const ways = [
        ...router.routes.flatMap((route) => wayOf(route, own, others, portAt)),
        ...others.flatMap((other) => wayTo(other, own)),
      ].filter(isFirst)
      const { key, leftOut } = router
      const parts = [leftOut, ...own, ...ways.flatMap(partsOf)]
      return cell(router.id, parts, () => ({ key, interfaces: own, ways, leftOut }))
    })
  }
}

interface Found {
  readonly id: string
  readonly key: number
  readonly interfaces: readonly RouterInterface[]
  readonly routes: readonly ExtraRoute[]
  readonly leftOut: number
}

/** Makes the function that gives the sound part of the routers that join the segments; a router is looked at once. */
function soundRouters() {
  const cells = createCells<Found>()
  return (view: View, segmentOf: ReadonlyMap<string, Segment>): Found[] => {
    const cell = cells()
    return [...view.routers.values()]
      .filter(({ ports }) => ports.some(({ networkId }) => segmentOf.has(networkId)))
      .sort((a, b) => a.key - b.key)
      .map((router) => {
        const networks = router.ports.map(({ networkId }) => view.networks.get(networkId))
        return cell(router.id, [router, ...networks], () => foundOf(router, view))
      })
  }
}

function foundOf(router: Router, { networks }: View): Found {
  const described = router.ports.flatMap((port) =>
    // A port without an address is left out like one that has a wrong one.
    (port.networks.length > 0 ? port.networks : [undefined]).map((address) => ({ ...port, address })),
  )
  const subnetsOf = (id: string) => networks.get(id)!.subnets.map(({ cidr }) => cidr)
  const sound = soundRouter({ ports: described, routes: router.routes }, subnetsOf)
  const interfaces = sound.interfaces.map((each) => ({ ...each, network: networks.get(each.networkId)! }))
  return { id: router.id, key: router.key, interfaces, routes: sound.routes, leftOut: sound.omitted.length }
}

/** Of two routers that claim one MAC or IP address in a network, the one with the lower key has it. */
function unrivalled(routers: readonly Found[]): Found[] {
  const owners = new Map<string, Found>()
  for (const router of routers)
    for (const claim of router.interfaces.flatMap(claimsOf)) if (!owners.has(claim)) owners.set(claim, router)
  return routers.map((router) => {
    const interfaces = router.interfaces.filter((each) =>
      claimsOf(each).every((claim) => owners.get(claim) === router),
    )
    const leftOut = router.leftOut + router.interfaces.length - interfaces.length
    return { ...router, interfaces, leftOut }
  })
}

const claimsOf = ({ networkId, ip, mac }: Interface) => [`${networkId} ${ip}`, `${networkId} ${mac}`]

function interfacesByNetwork(routers: readonly Found[]): ReadonlyMap<string, RouterInterface[]> {
  const found = new Map<string, RouterInterface[]>()
  for (const each of routers.flatMap(({ interfaces }) => interfaces))
    found.set(each.networkId, [...(found.get(each.networkId) ?? []), each])
  return found
}

/** The port behind an address in one of the networks. */
type PortAt = (networkId: string, ip: string) => Port | undefined

function wayOf(
  { destination, nexthop, by: { networkId, ip } }: ExtraRoute,
  own: readonly RouterInterface[],
  others: readonly RouterInterface[],
  portAt: PortAt,
): Way[] {
  const by = own.find((each) => each.networkId === networkId && each.ip === ip)
  if (by === undefined) return []
  const router = others.find((other) => other.networkId === networkId && other.ip === nexthop)
  if (router !== undefined) return [{ destination, by, next: { kind: 'router', mac: router.mac } }]
  const port = portAt(networkId, nexthop)
  const next: NextHop =
    port === undefined ? { kind: 'nobody' } : { kind: 'port', key: port.key, mac: port.macs[0]! }
  return [{ destination, by, next }]
}

/** The way to another router's own address, which no port has. */
function wayTo({ ip, mac, networkId }: RouterInterface, own: readonly RouterInterface[]): Way[] {
  const by = own.find((each) => each.networkId === networkId && isInside(ip, each.cidr))!
  return [{ destination: `${ip}/${ip.includes(':') ? 128 : 32}`, by, next: { kind: 'router', mac } }]
}

const isFirst = ({ destination }: Way, index: number, ways: readonly Way[]): boolean =>
  ways.findIndex((way) => way.destination === destination) === index

const partsOf = ({ destination, by, next }: Way): readonly unknown[] => [
  destination,
  by,
  ...Object.values(next),
]

/** The network that packets to that address leave by, if the router has a way there; the longest prefix wins. */
export function networkTowards({ interfaces, ways }: Routing, ip: string): Network | undefined {
  const connected = interfaces.map((by) => ({ destination: by.cidr, by }))
  const [best] = [...connected, ...ways]
    .filter(({ destination }) => isInside(ip, destination))
    .sort((a, b) => lengthOf(b.destination) - lengthOf(a.destination))
  return best?.by.network
}
