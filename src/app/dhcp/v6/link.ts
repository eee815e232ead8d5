/**
 * What a port is to be told of IPv6, by router advertisements and by DHCPv6 alike: from its row, its subnets, the routers
 * there and the network to addresses, resolvers and a way out (docs/decisions/0008-ipv6-configuration.md). It knows no
 * message.
 */

import { isIPv6 } from 'node:net'
import { ipv6Bytes } from '../../../wire/address.ts'
import { type DhcpServer, dhcpServerOf } from '../../dhcp-server.ts'
import { domainOf, hostNameOf } from '../../host-name.ts'
import { addressText, interfaceAddress, isIpv6, linkLocalOf, type Reach, reachOf } from '../../reach.ts'
import type { LocalPort, Network, Port, Router, Subnet } from '../../view.ts'
import type { Problem, ServiceRules } from '../service.ts'

/** One end of a link: a MAC address and the link-local address that it makes. */
export interface LinkEnd {
  readonly mac: string
  readonly ip: string
}

/** An address of the port's row. */
export interface RowAddress {
  /** Canonical text. */
  readonly ip: string
  readonly subnet: Subnet
  readonly prefix: Reach
  /** Whether it is the address that the port's MAC address makes of the prefix (RFC 4862 §5.5.3). */
  readonly isAutonomous: boolean
}

/** What one port is told. */
export interface Link {
  /** As whom DHCPv6 is answered. */
  readonly server: LinkEnd
  /** Who advertises: the router that is the gateway of a subnet, else the server. */
  readonly advertiser: LinkEnd
  readonly isRouted: boolean
  /** At least one. */
  readonly addresses: readonly RowAddress[]
  /** What is reached by way of the advertiser. */
  readonly routes: readonly Reach[]
  /** Canonical text. */
  readonly nameservers: readonly string[]
  readonly domains: readonly string[]
  /** The port's full name, if it has one. */
  readonly name: string | undefined
  readonly mtu: number | undefined
}

/** What an advertisement has room for where every link has it, 1,280 bytes (RFC 8200 §5); the first ones count. */
export const most = { prefixes: 4, routes: 16, nameservers: 8, domains: 2 }
const leastMtu = 1280
/** The size of prefixes that a MAC address makes an address of (RFC 2464 §4). */
const autonomousSize = 64

/** Whether a subnet is one whose ports are told of IPv6. */
export const isConfigured = ({ cidr, isDhcpEnabled }: Subnet): boolean => isDhcpEnabled && cidr.includes(':')

/** The MAC address of the router's port at the gateway's address of a subnet; undefined if no router is there. */
export type RouterMacOf = (subnet: Subnet) => string | undefined

/** Makes that function for these routers; of two at one address the first counts. */
export function routerMacs(routers: ReadonlyMap<string, Router>): RouterMacOf {
  const macs = new Map<string, string>()
  for (const { ports } of routers.values())
    for (const { networkId, networks, mac } of ports)
      for (const network of networks) {
        const place = `${networkId} ${network.split('/')[0]}`
        if (mac !== undefined && !macs.has(place)) macs.set(place, mac)
      }
  return ({ networkId, gatewayIp }) => macs.get(`${networkId} ${gatewayIp}`)
}

/**
 * The link of a port of `network`; undefined if it has no address in a subnet that is configured. `dhcpPorts` are the
 * ports of the network that stand for DHCP servers.
 */
export function linkOf(
  port: LocalPort,
  network: Network,
  dhcpPorts: readonly Port[],
  routerMacOf: RouterMacOf,
  rules: ServiceRules,
): Link | undefined {
  const addresses = port.addresses.flatMap(({ ip, subnet }) => rowAddress(port, ip, subnet) ?? [])
  if (addresses.length === 0) return undefined
  const subnets = [...new Set(addresses.map(({ subnet }) => subnet))].slice(0, most.prefixes)
  const servers = subnets.map((subnet) => dhcpServerOf(subnet, dhcpPorts))
  const gateway = subnets.find((subnet) => routerMacOf(subnet) !== undefined)
  const server = linkEnd(dhcpPorts[0]?.macs[0] ?? servers.find(isThere)?.mac ?? nobody)
  const domains = [...new Set(subnets.flatMap((subnet) => domainOf(subnet, rules.defaultDomain) ?? []))]
  const mtu = mtuOf(network, rules)
  return {
    server,
    advertiser: gateway === undefined ? server : linkEnd(routerMacOf(gateway)!),
    isRouted: gateway !== undefined,
    addresses,
    routes: gateway === undefined ? [] : routesOf(subnets, gateway.gatewayIp!).slice(0, most.routes),
    nameservers: nameserversOf(subnets, servers, rules).slice(0, most.nameservers),
    domains: domains.slice(0, most.domains),
    name: fullNameOf(port, domains[0]),
    mtu: mtu < leastMtu ? undefined : mtu,
  }
}

/** What the rows of a port of `network` say of IPv6 that it cannot be told. */
export function problemsOf(port: LocalPort, network: Network, rules: ServiceRules): Problem[] {
  const subnets = [
    ...new Set(port.addresses.flatMap(({ subnet }) => (subnet && isConfigured(subnet) ? subnet : []))),
  ]
  const mtu = mtuOf(network, rules)
  return [
    ...subnets.flatMap(({ id, hostRoutes, gatewayIp }) =>
      hostRoutes
        .filter(({ nexthop }) => nexthop !== gatewayIp)
        .map(({ destination, nexthop }) => ({
          row: `lsubnet/${id}`,
          reason: `the way to ${destination} is ${nexthop}: IPv6 can be told of ways by the gateway only`,
        })),
    ),
    ...(mtu < leastMtu && subnets.length > 0
      ? [{ row: `lswitch/${network.id}`, reason: `IPv6 needs an MTU of ${leastMtu}, not ${mtu}` }]
      : []),
  ]
}

const mtuOf = ({ mtu }: Network, { defaultMtu }: ServiceRules): number => mtu ?? defaultMtu

/** The server of a network that says nothing of one: locally administered, and the same everywhere. */
const nobody = '02:df:00:00:00:00'

function rowAddress({ macs }: Port, ip: string, subnet: Subnet | undefined): RowAddress | undefined {
  if (subnet === undefined || !isConfigured(subnet)) return undefined
  const prefix = reachOf(subnet.cidr)!
  const { bytes } = reachOf(ip)!
  const isMade = macs.some((mac) => interfaceAddress(prefix, mac).bytes.equals(bytes))
  return { ip, subnet, prefix, isAutonomous: isMade && prefix.prefix === autonomousSize }
}

/** The host routes by way of the gateway: an advertisement cannot name another next hop than its sender. */
function routesOf(subnets: readonly Subnet[], gatewayIp: string): Reach[] {
  const all = subnets.flatMap(({ hostRoutes }) => hostRoutes).filter(({ nexthop }) => nexthop === gatewayIp)
  return [...new Set(all.map(({ destination }) => destination))]
    .flatMap((destination) => reachOf(destination) ?? [])
    .filter(isIpv6)
}

/** Of each subnet its own resolvers, else those of df.conf, else its server, where the application dns answers. */
function nameserversOf(
  subnets: readonly Subnet[],
  servers: readonly (DhcpServer | undefined)[],
  { dnsServers }: ServiceRules,
): string[] {
  const all = subnets.flatMap(({ dnsNameservers }, index) => {
    const server = servers[index]
    const choices = [dnsNameservers, dnsServers, server === undefined ? [] : [server.ip]]
    return choices.map((ips) => ips.filter((ip) => isIPv6(ip))).find((ips) => ips.length > 0) ?? []
  })
  return [...new Set(all.map((ip) => addressText({ bytes: ipv6Bytes(ip), prefix: 128 })))]
}

function fullNameOf(port: Port, domain: string | undefined): string | undefined {
  const name = domain && hostNameOf(port, domain)
  return name && `${name}.${domain}`
}

const linkEnd = (mac: string): LinkEnd => ({ mac, ip: addressText(linkLocalOf(mac)) })
const isThere = <T>(value: T | undefined): value is T => value !== undefined
