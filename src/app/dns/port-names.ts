/**
 * What one port contributes to the names of whoever may see it (docs/architecture.md): its `dnsname` row or the default
 * name, under the domain of each address's subnet. Names are foreign data and are checked again here. It knows no asker.
 */

import { isHostName, relativeName } from '../host-name.ts'
import { bytesOf, type Reach, reachOf } from '../reach.ts'
import type { Port, Subnet } from '../view.ts'
import { isSpecialUse, keyOf, reverseKeyOf, reverseZoneSize, wireText } from './domain-name.ts'

/**
 * Whose addresses a port finds, always of its own tenant: those in its own subnets, in all subnets of its network, or in
 * those of the networks that a router of the tenant joins to it, too.
 */
export type NameScope = 'subnet' | 'network' | 'router'

/** How names are made of rows. */
export interface NameRules {
  readonly scope: NameScope
  /** The domain of subnets without one of their own, without a dot at its end; undefined for none. */
  readonly dnsDomain: string | undefined
  readonly ttlSeconds: number
  readonly hasDefaultHostnames: boolean
  readonly hasShortNames: boolean
}

/** What one address of a port adds; the keys are those of `domain-name.ts`. */
export interface Contribution {
  readonly subnet: Subnet
  readonly isIpv6: boolean
  /** Of its records, in seconds. */
  readonly ttlSeconds: number
  readonly address: Buffer
  /** The name under the subnet's domain; `apexSize` is that domain's part of it in bytes. */
  readonly full: { readonly key: string; readonly apexSize: number } | undefined
  readonly shortKey: string | undefined
  /**
   * The name of the PTR record and the wire form of what it tells; `apexSize` is the part of the key that lies wholly
   * inside the subnet, in bytes.
   */
  readonly reverse: { readonly key: string; readonly apexSize: number; readonly target: Buffer } | undefined
}

/** A row that cannot be served, for people. */
export interface Problem {
  /** `<table>/<id>`. */
  readonly row: string
  readonly reason: string
}

/** What a port adds and what of it cannot be served. */
export interface PortNames {
  readonly contributions: readonly Contribution[]
  readonly problems: readonly Problem[]
}

/** The domain that the names of a subnet stand under, with its TTL in seconds. */
export interface SubnetDomain {
  readonly name: string | undefined
  readonly ttlSeconds: number
  readonly isAuthoritative: boolean
  readonly problem: Problem | undefined
}

/** Ports of the network itself, which nobody asks for unless they are named. */
const namelessOwners: ReadonlySet<string> = new Set([
  'network:dhcp',
  'network:floatingip',
  'network:router_ha_interface',
  'network:distributed',
])

const ttlLimit = 0x7fff_ffff // RFC 2181 §8

/** What makes the names of ports; it depends on nothing but the port (with its subnets) and the rules. */
export type NamesOfPort = (port: Port) => PortNames

/** Makes it for one look at many ports: what follows from a subnet alone is found once, and kept for as long as it is. */
export function createNamesOfPort(rules: NameRules): NamesOfPort {
  const known = new Map<Subnet, SubnetNames>()
  const namesIn = (subnet: Subnet): SubnetNames => {
    const names = known.get(subnet) ?? subnetNames(subnet, rules)
    known.set(subnet, names)
    return names
  }
  return (port) => {
    const contributions: Contribution[] = []
    const problems = new Map<string, Problem>()
    const complain = (row: string, reason: string) => problems.set(`${row} ${reason}`, { row, reason })
    for (const { ip, subnet } of port.addresses) {
      if (!subnet) continue
      const bytes = bytesOf(ip)
      if (!bytes) {
        complain(`lport/${port.id}`, `'${ip}' is not an IP address`)
        continue
      }
      const names = namesIn(subnet)
      const label = labelOf(port, ip, names.domain.name, rules, complain)
      contributions.push(contribution(bytes, label, names, rules))
    }
    return { contributions, problems: [...problems.values()] }
  }
}

/** What all names in a subnet have in common. */
interface SubnetNames {
  readonly subnet: Subnet
  readonly domain: SubnetDomain
  /** Of the domain; empty if there is none. */
  readonly key: string
  /** In wire form, one character a byte. */
  readonly wire: string
  readonly reach: Reach | undefined
}

function subnetNames(subnet: Subnet, rules: NameRules): SubnetNames {
  const domain = subnetDomain(subnet, rules)
  const wire = domain.name ? wireText(domain.name) : ''
  return { subnet, domain, key: wire.toLowerCase(), wire, reach: reachOf(subnet.cidr) }
}

/** The domain of a subnet: its row if that can be served, else the default one. */
export function subnetDomain(subnet: Subnet, rules: NameRules): SubnetDomain {
  const fallback = { name: rules.dnsDomain, ttlSeconds: rules.ttlSeconds, isAuthoritative: false }
  const { domain } = subnet
  if (!domain) return { ...fallback, problem: undefined }
  const row = `domainname/${subnet.id}`
  if (!isHostName(domain.name))
    return { ...fallback, problem: { row, reason: `'${domain.name}' is not a domain name` } }
  const { name, ttl, isAuthoritative } = domain
  if (ttl === undefined || (Number.isInteger(ttl) && ttl >= 0 && ttl <= ttlLimit))
    return { name, ttlSeconds: ttl ?? rules.ttlSeconds, isAuthoritative, problem: undefined }
  const problem = { row, reason: `ttl ${ttl} is not a number of seconds from 0 to ${ttlLimit}` }
  return { name, ttlSeconds: rules.ttlSeconds, isAuthoritative, problem }
}

/** The valid name of a port's address relative to the domain, if there is one. */
function labelOf(
  port: Port,
  ip: string,
  domain: string | undefined,
  rules: NameRules,
  complain: (row: string, reason: string) => void,
): string | undefined {
  const given = port.dnsName || undefined
  if (!given && (!rules.hasDefaultHostnames || namelessOwners.has(port.deviceOwner))) return undefined
  const row = given ? `dnsname/${port.id}` : `lport/${port.id}`
  const name = given ? relativeName(given, domain) : `host-${ip.replace(/[.:]/g, '-')}`
  if (name === undefined)
    complain(
      row,
      `'${given}' ends with a dot but ${domain ? `is no name under ${domain}` : 'there is no domain'}`,
    )
  else if (!isHostName(name)) complain(row, `'${name}' is not a host name`)
  else if (domain && !isHostName(`${name}.${domain}`))
    complain(row, `'${name}.${domain}' is longer than 253 characters`)
  else return name
  return undefined
}

function contribution(
  address: Buffer,
  name: string | undefined,
  { subnet, domain: { ttlSeconds }, key: domainKey, wire, reach }: SubnetNames,
  { hasShortNames }: NameRules,
): Contribution {
  const nameless = {
    subnet,
    isIpv6: address.length === 16,
    ttlSeconds,
    address,
    full: undefined,
    shortKey: undefined,
    reverse: undefined,
  }
  if (name === undefined) return nameless
  const key = keyOf(name)
  const hasShortName = hasShortNames && !name.includes('.') && !isSpecialUse(name)
  const shortKey = hasShortName ? key : undefined
  if (wire === '') return { ...nameless, shortKey }
  const reverseKey = reverseKeyOf(address)
  return {
    ...nameless,
    full: { key: key.slice(0, -1) + domainKey, apexSize: domainKey.length },
    shortKey,
    reverse: {
      key: reverseKey,
      apexSize: reverseZoneSize(reverseKey, address, reach ?? { bytes: address, prefix: address.length * 8 }),
      target: Buffer.from(wireText(name).slice(0, -1) + wire, 'latin1'),
    },
  }
}
