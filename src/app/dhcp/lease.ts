/**
 * What a port is to be told by DHCP for IPv4: from its row, its subnet and its network to an address and options. The same
 * for every client on the port, whatever it calls itself. Rows are foreign data: a value that stands for nothing is left
 * out and listed. It knows no message.
 */

import { isIPv4 } from 'node:net'
import { ipv4Bytes } from '../../wire/address.ts'
import type { DhcpServer } from '../dhcp-server.ts'
import { domainOf, hostNameOf, nameBytes } from '../host-name.ts'
import { maskOf, reachOf } from '../reach.ts'
import type { Network, Port, Route, Subnet } from '../view.ts'
import { options, sizes } from './codes.ts'
import { routesBytes, routesOf, valueBytes } from './option-values.ts'
import type { ServiceRules } from './service.ts'

/** What a port is told. */
export interface Lease {
  readonly ip: string
  readonly server: DhcpServer
  /** Where the client boots from. */
  readonly siaddr: string
  readonly sname: Buffer
  readonly file: Buffer
  /** The largest IP packet that the network carries; bytes. */
  readonly mtu: number
  /** What every client is told, in order of importance. */
  readonly always: Values
  /** What a client is told that asks for it, or that asks for nothing; in order of importance. */
  readonly onRequest: Values
  /** What the port's row says and nobody can be told. */
  readonly problems: readonly string[]
}

/** Options by number. */
type Values = ReadonlyMap<number, Buffer>

/** How leases are made. */
export interface LeaseRules extends ServiceRules {
  /** Whether there is a route to the link-local address of the metadata service. */
  readonly hasLinkLocalRoute: boolean
}

/** An address of a port that DHCP gives it. */
export interface DhcpAddress {
  readonly ip: string
  readonly subnet: Subnet
}

/** The address that a port gets by DHCP: its first IPv4 address whose subnet has DHCP; undefined if it has none. */
export function dhcpAddressOf({ addresses }: Port): DhcpAddress | undefined {
  for (const { ip, subnet } of addresses) if (subnet?.isDhcpEnabled && isIPv4(ip)) return { ip, subnet }
  return undefined
}

/** The lease of a port for that address of it. */
export function leaseOf(
  port: Port,
  address: DhcpAddress,
  network: Network,
  server: DhcpServer,
  rules: LeaseRules,
): Lease {
  const { ip, subnet } = address
  const { values: own, problems } = ownValues(port)
  const siaddr = port.dhcp?.siaddr
  const values = new Map([...defaultsOf(port, address, network, server, rules), ...own])
  for (const [code, value] of own) if (value.length === 0) values.delete(code)
  const routes = routesBytes(routesFor(port, ip, subnet, values.get(options.router), rules))
  for (const code of [options.classlessRoutes, options.microsoftRoutes])
    if (routes.length > 0 && !own.has(code)) values.set(code, routes)
  const field = (code: number, size: number) => {
    const value = values.get(code) ?? nothing
    return value.length < size ? value : nothing
  }
  const isAlwaysSent = (code: number) => alwaysSent.includes(code)
  return {
    ...{ ip, server, problems },
    mtu: Math.max(mtuOf(network, rules), sizes.packet),
    siaddr: siaddr && isIPv4(siaddr) ? siaddr : server.ip,
    sname: field(options.tftpServerName, sizes.sname),
    file: field(options.bootfileName, sizes.file),
    always: new Map(alwaysSent.flatMap((code) => entry(code, values.get(code)))),
    onRequest: new Map([...values].filter(([code]) => !isAlwaysSent(code))),
  }
}

// biome-ignore format: one list
/** What a client cannot do without, asked for or not, in order of importance. */
const alwaysSent: readonly number[] = [
  options.serverIdentifier, options.leaseTime, options.renewalTime, options.rebindingTime, options.subnetMask,
  options.router, options.domainNameServer, options.classlessRoutes, options.domainName, options.interfaceMtu,
]

// biome-ignore format: one list
/** What belongs to the protocol: no row may say it. */
const reserved: ReadonlySet<number> = new Set([
  options.pad, options.requestedAddress, options.overload, options.messageType, options.serverIdentifier,
  options.parameterRequestList, options.message, options.maxMessageSize, options.clientIdentifier,
  options.relayAgentInformation, options.end,
])

/** What no client can do without. */
const required: ReadonlySet<number> = new Set([options.leaseTime, options.subnetMask])

const nothing = Buffer.alloc(0)
/** The lease time of an address for ever (RFC 2131 §3.3). */
export const forever = 0xffff_ffff
/** Where instances ask for their metadata. */
const metadataAddress = '169.254.169.254/32'
const everything = '0.0.0.0/0'

function defaultsOf(
  port: Port,
  { ip, subnet }: DhcpAddress,
  network: Network,
  server: DhcpServer,
  rules: LeaseRules,
): Values {
  const { dnsServers, defaultDomain, leaseSeconds } = rules
  const mask = maskOf(reachOf(subnet.cidr)!.prefix, 4)
  const domain = domainOf(subnet, defaultDomain)
  const name = hostNameOf(port, domain)
  const resolvers = [subnet.dnsNameservers, dnsServers, [server.ip]]
    .map((addresses) => addresses.filter(isIPv4))
    .find((addresses) => addresses.length > 0)!
  return new Map([
    ...entry(options.serverIdentifier, ipv4Bytes(server.ip)),
    ...timesOf(leaseSeconds),
    ...entry(options.subnetMask, mask),
    ...entry(options.broadcastAddress, Buffer.from(ipv4Bytes(ip).map((byte, at) => byte | ~mask[at]!))),
    ...entry(options.router, subnet.gatewayIp && valueBytes(options.router, subnet.gatewayIp)),
    ...entry(options.domainNameServer, Buffer.concat(resolvers.map(ipv4Bytes))),
    ...entry(options.domainName, domain && Buffer.from(domain)),
    ...entry(options.domainSearch, domain && nameBytes(domain)),
    ...entry(options.hostName, name && Buffer.from(name)),
    ...entry(options.interfaceMtu, valueBytes(options.interfaceMtu, `${mtuOf(network, rules)}`)),
  ])
}

/** 0 says none, as Neutron has it. */
const mtuOf = ({ mtu }: Network, { defaultMtu }: LeaseRules): number => mtu || defaultMtu

/** When a client asks again: its own server after half of the time, any after seven eighths (RFC 2131 §4.4.5). */
function timesOf(leaseSeconds: number): [number, Buffer][] {
  const lease = entry(options.leaseTime, u32(leaseSeconds))
  if (leaseSeconds === forever) return lease
  return [
    ...lease,
    ...entry(options.renewalTime, u32(Math.floor(leaseSeconds / 2))),
    ...entry(options.rebindingTime, u32(Math.floor((leaseSeconds * 7) / 8))),
  ]
}

/** Those of the subnet do not go with a lease of the port's own. */
const noTimes: readonly [number, Buffer][] = [
  [options.renewalTime, nothing],
  [options.rebindingTime, nothing],
]

/** What the port's row says; an empty value says that there is no such option. */
function ownValues({ dhcp }: Port): { values: Values; problems: readonly string[] } {
  const values = new Map<number, Buffer>()
  const siaddr = dhcp?.siaddr ?? ''
  const problems = siaddr.includes(':') ? [`siaddr: '${siaddr}' is not an IPv4 address`] : []
  for (const [code, text] of dhcp?.options ?? []) {
    const value = text.trim() === '' ? nothing : valueBytes(code, text)
    if (code > options.end) problems.push(`option ${code}: the highest number is 254`)
    else if (reserved.has(code)) problems.push(`option ${code} belongs to the protocol`)
    else if (value === undefined || (value.length === 0 && required.has(code)))
      problems.push(`option ${code}: '${text}' is no value of it`)
    else if (code === options.leaseTime)
      for (const [own, time] of [...noTimes, ...timesOf(value.readUInt32BE())]) values.set(own, time)
    else if (code !== options.classlessRoutes || value.length === 0) values.set(code, value)
  }
  return { values, problems }
}

/** The routes of a port in Dragonflow's order, of each destination one: what is nearer to the port counts. */
function routesFor(
  { dhcp }: Port,
  ip: string,
  { hostRoutes }: Subnet,
  router: Buffer | undefined,
  { hasLinkLocalRoute }: LeaseRules,
): Route[] {
  const gateway = router && [...router.subarray(0, 4)].join('.')
  const routes = [
    ...(gateway === undefined ? [] : [{ destination: everything, nexthop: gateway }]),
    ...hostRoutes,
    ...(hasLinkLocalRoute ? [{ destination: metadataAddress, nexthop: ip }] : []),
    ...(routesOf(dhcp?.options.get(options.classlessRoutes) ?? '') ?? []),
  ]
  const nearest = new Map(routes.map((route) => [route.destination, route]))
  const last = nearest.get(everything)
  nearest.delete(everything)
  return last === undefined ? [...nearest.values()] : [...nearest.values(), last]
}

/** The entry of an option, if it has a value. */
const entry = (code: number, value: Buffer | '' | undefined): [number, Buffer][] =>
  value ? [[code, value]] : []

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
