/**
 * What of a router can be carried out: its ports and extra routes without those that contradict the rest, and why those
 * are left out. Pure, and the same for the application that routes and for the command that tells people
 * (`df-db check`). It knows neither rows nor views, and no flows.
 */

import ipaddr from 'ipaddr.js'

/** A router as it is described, in the order of its description. */
export interface DescribedRouter {
  readonly ports: readonly DescribedPort[]
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[]
}

export interface DescribedPort {
  readonly id: string
  readonly key: number
  /** The network it is on; undefined if that does not exist. */
  readonly networkId: string | undefined
  /** With the length of the subnet's prefix: `10.0.0.1/24`. */
  readonly address: string | undefined
  readonly mac: string | undefined
}

/** A port that a router routes by. */
export interface Interface {
  readonly id: string
  readonly networkId: string
  readonly mac: string
  readonly ip: string
  /** The connected subnet, canonical: `10.0.0.0/24`. */
  readonly cidr: string
}

/** An extra route, with the port on whose subnet its next hop is. */
export interface ExtraRoute {
  readonly destination: string
  readonly nexthop: string
  readonly by: Interface
}

/** What is left out, by its path in the description (`ports.0`), and why. */
export interface Omission {
  readonly path: string
  readonly reason: string
}

export interface SoundRouter {
  /** In order of their keys. */
  readonly interfaces: readonly Interface[]
  /** In the order of the description. */
  readonly routes: readonly ExtraRoute[]
  readonly omitted: readonly Omission[]
}

/** What no router forwards: link-local and group addresses, loopback and what is reserved (RFC 6890). */
export const unroutable: readonly string[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
]

/** What of the router can be carried out; `subnetsOf` gives the CIDRs of a network. */
export function soundRouter(
  { ports, routes }: DescribedRouter,
  subnetsOf: (networkId: string) => readonly string[],
): SoundRouter {
  const omitted: Omission[] = []
  const interfaces: Interface[] = []
  const byKey = ports
    .map((port, index) => ({ port, index }))
    .sort((a, b) => a.port.key - b.port.key || a.index - b.index)
  for (const { port, index } of byKey) {
    const found = interfaceOf(port, subnetsOf, interfaces)
    if ('reason' in found) omitted.push({ path: `ports.${index}${found.field}`, reason: found.reason })
    else interfaces.push(found)
  }
  const sound: ExtraRoute[] = []
  for (const [index, route] of routes.entries()) {
    const found = routeOf(route, interfaces, sound)
    if ('reason' in found) omitted.push({ path: `routes.${index}${found.field}`, reason: found.reason })
    else sound.push(found)
  }
  return { interfaces, routes: sound, omitted }
}

interface Fault {
  readonly field: string
  readonly reason: string
}

function interfaceOf(
  { id, networkId, address, mac }: DescribedPort,
  subnetsOf: (networkId: string) => readonly string[],
  others: readonly Interface[],
): Interface | Fault {
  if (networkId === undefined) return { field: '.lswitch', reason: 'is on no network that exists' }
  if (address === undefined) return { field: '.network', reason: 'has no address' }
  if (mac === undefined) return { field: '.mac', reason: 'has no MAC address' }
  const [ip, length] = address.split('/') as [string, string]
  const cidr = `${firstOf(address)}/${length}`
  // It could be the one of another router's MAC address.
  if (isPart(cidr, 'fe80::/10'))
    return {
      field: '.network',
      reason: `${address} is link-local: a router has there what its MAC address makes`,
    }
  const subnets = subnetsOf(networkId).filter((subnet) => isOfFamily(subnet, ip))
  if (subnets.length > 0 && !subnets.includes(cidr))
    return {
      field: '.network',
      reason: `${address} is in no subnet of its network (${subnets.join(', ')})`,
    }
  const rival = others.find((other) => overlaps(other.cidr, cidr))
  if (rival !== undefined)
    return {
      field: '.network',
      reason: `${address} overlaps ${rival.cidr} of the port ${rival.id}, which has the lower key`,
    }
  return { id, networkId, mac, ip, cidr }
}

function routeOf(
  { destination, nexthop }: DescribedRouter['routes'][number],
  interfaces: readonly Interface[],
  others: readonly ExtraRoute[],
): ExtraRoute | Fault {
  if (!isOfFamily(destination, nexthop))
    return { field: '', reason: `leads to ${destination} by ${nexthop}, an address of the other IP version` }
  const range = unroutable.find((each) => isPart(destination, each))
  if (range !== undefined)
    return { field: '.destination', reason: `${destination} is in ${range}, which no router forwards` }
  if (interfaces.some(({ cidr }) => cidr === destination))
    return { field: '.destination', reason: `${destination} is a subnet that the router has a port in` }
  if (others.some((other) => other.destination === destination))
    return { field: '.destination', reason: `${destination} has a route above already` }
  const by = interfaces.find(({ cidr }) => isInside(nexthop, cidr))
  if (by === undefined)
    return { field: '.nexthop', reason: `${nexthop} is in no subnet that the router has a port in` }
  if (interfaces.some(({ ip }) => ip === nexthop))
    return { field: '.nexthop', reason: `${nexthop} is the router itself` }
  return { destination, nexthop, by }
}

/** Whether an address is inside a CIDR. */
export function isInside(ip: string, cidr: string): boolean {
  return isOfFamily(ip, cidr) && ipaddr.parse(ip).match(ipaddr.parseCIDR(cidr))
}

const isOfFamily = (a: string, b: string): boolean => a.includes(':') === b.includes(':')

/** Whether the first CIDR lies in the second. */
const isPart = (cidr: string, other: string): boolean =>
  lengthOf(cidr) >= lengthOf(other) && isInside(cidr.split('/')[0]!, other)

const overlaps = (a: string, b: string): boolean => isPart(a, b) || isPart(b, a)

/** How many bits of a CIDR count. */
export const lengthOf = (cidr: string): number => Number(cidr.split('/')[1])

/** The first address of a CIDR, canonical. */
function firstOf(cidr: string): string {
  const [address] = ipaddr.parseCIDR(cidr)
  return address.kind() === 'ipv4'
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(cidr).toRFC5952String()
}
