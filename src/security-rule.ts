/**
 * Whether a rule of a security group can be carried out, and why not. Pure, and the same for the application that lets
 * packets by and for the command that tells people (`df-db check`). It knows neither rows nor views, and no flows.
 */

import { isIP } from 'node:net'

/** A rule as it is described; whatever is undefined matches everything. */
export interface DescribedRule {
  readonly ethertype: 'IPv4' | 'IPv6'
  /** The number of the protocol. */
  readonly protocol: number | undefined
  /** The lowest port, or the ICMP type. */
  readonly portRangeMin: number | undefined
  /** The highest port, or the ICMP code. */
  readonly portRangeMax: number | undefined
  /** The group whose members the other end is one of. */
  readonly remoteGroupId: string | undefined
  /** Where the other end is, a CIDR. */
  readonly remoteIpPrefix: string | undefined
}

/** What is wrong with a rule, and where. */
export interface RuleFault {
  readonly field: keyof DescribedRule
  readonly reason: string
}

/** The protocols with ports that the switch can match, by number: TCP, UDP, SCTP. */
export const protocolsWithPorts: ReadonlySet<number> = new Set([6, 17, 132])

/** The number of ICMP in each family. */
export const icmp = { IPv4: 1, IPv6: 58 } as const

/** The rule's protocol; that of ICMP in a rule of IPv6 is ICMPv6, as Neutron means it. */
export const protocolOf = ({ ethertype, protocol }: DescribedRule): number | undefined =>
  protocol === icmp.IPv4 ? icmp[ethertype] : protocol

/** Why a rule lets nothing by; undefined if it can be carried out. */
export function ruleFault(rule: DescribedRule): RuleFault | undefined {
  const { ethertype, remoteGroupId, remoteIpPrefix } = rule
  if (remoteGroupId !== undefined && remoteIpPrefix !== undefined)
    return { field: 'remoteIpPrefix', reason: 'stands beside a remote group' }
  if (remoteIpPrefix !== undefined && isIP(remoteIpPrefix.split('/')[0]!) !== (ethertype === 'IPv6' ? 6 : 4))
    return { field: 'remoteIpPrefix', reason: `is no prefix of ${ethertype}` }
  return rangeFault(rule)
}

function rangeFault(rule: DescribedRule): RuleFault | undefined {
  const { ethertype, portRangeMin: min, portRangeMax: max } = rule
  const protocol = protocolOf(rule)
  if (ethertype === 'IPv4' && protocol === icmp.IPv6)
    return { field: 'protocol', reason: `${protocol} is ICMPv6, in a rule of IPv4` }
  if (min === undefined && max === undefined) return undefined
  if (protocol === undefined) return { field: 'protocol', reason: 'is missing, and there are ports' }
  if (protocol === icmp[ethertype]) return typeFault(min, max)
  if (!protocolsWithPorts.has(protocol))
    return { field: 'protocol', reason: `${protocol} has no ports that a switch could match` }
  if (min === undefined) return { field: 'portRangeMin', reason: 'is missing' }
  if (max === undefined) return { field: 'portRangeMax', reason: 'is missing' }
  return min > max
    ? { field: 'portRangeMin', reason: `${min} is behind the end of the range, ${max}` }
    : undefined
}

function typeFault(type: number | undefined, code: number | undefined): RuleFault | undefined {
  if (type === undefined) return { field: 'portRangeMin', reason: 'is missing: a code needs a type' }
  if (type > 255) return { field: 'portRangeMin', reason: `${type} is no type of ICMP` }
  if (code !== undefined && code > 255) return { field: 'portRangeMax', reason: `${code} is no code of ICMP` }
  return undefined
}
