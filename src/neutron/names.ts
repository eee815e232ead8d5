/**
 * What Neutron calls its ports, split as the northbound store keeps it: a domain per subnet and a name per port. The
 * fully qualified names are taken from `dns_assignment` as the server computed them at this moment, never made here: a
 * changed neutron.conf changes them all without a new revision of any port. Pure.
 */

import type { Port } from './resources.ts'

/** A name that cannot be kept, for people. */
export interface NameProblem {
  readonly portId: string
  readonly kind: 'dns_name ignored' | 'other domain' | 'not understood'
  readonly reason: string
}

/** The names of a cloud. */
export interface CloudNames {
  /** By subnet, without the dot at the end; a subnet whose names have no domain is not there. */
  readonly domains: ReadonlyMap<string, string>
  /** By port, as the user gave them; a port that has its default name is not there. */
  readonly hosts: ReadonlyMap<string, string>
  readonly problems: readonly NameProblem[]
}

/** One address of a port with its names. */
interface Assigned {
  readonly subnet: string
  readonly hostname: string
  readonly fqdn: string
}

/**
 * The names of these ports. A subnet has one domain, that of most of its addresses: an external DNS driver may give
 * ports of one network different ones, and then the others are problems.
 */
export function namesOf(ports: Iterable<Port>): CloudNames {
  const named = Array.from(ports, (port) => ({ port, assigned: assignedOf(port) }))
  const domains = domainsOf(named.flatMap(({ assigned }) => assigned))
  const hosts = new Map<string, string>()
  const problems: NameProblem[] = []
  for (const { port, assigned } of named) {
    const name = port.dns_name ?? ''
    if (assigned.length === 0) continue
    const problem = problemOf(port.id, name, assigned, domains)
    if (problem) problems.push(problem)
    else if (name !== '') hosts.set(port.id, name)
  }
  return { domains, hosts, problems }
}

function assignedOf({ fixed_ips, dns_assignment }: Port): Assigned[] {
  const subnets = new Map(fixed_ips.map(({ ip_address, subnet_id }) => [ip_address, subnet_id]))
  return (dns_assignment ?? []).flatMap(({ ip_address, hostname, fqdn }) => {
    const subnet = subnets.get(ip_address)
    return subnet === undefined ? [] : [{ subnet, hostname, fqdn }]
  })
}

/** The domain of each subnet; undefined domains ('' in the votes) leave it out. */
function domainsOf(assigned: readonly Assigned[]): ReadonlyMap<string, string> {
  const votes = new Map<string, Map<string, number>>()
  const everywhere = new Map<string, number>()
  for (const { subnet, hostname, fqdn } of assigned) {
    const domain = domainAfter(hostname, fqdn)
    if (domain === undefined) continue
    const ballot = votes.get(subnet) ?? new Map<string, number>()
    votes.set(subnet, ballot)
    for (const counts of [ballot, everywhere]) counts.set(domain, (counts.get(domain) ?? 0) + 1)
  }
  const domains = new Map<string, string>()
  const usual = mostOf(everywhere)
  for (const { subnet, fqdn } of assigned) {
    const ballot = votes.get(subnet)
    const domain = ballot ? mostOf(ballot) : wholeNameDomain(fqdn, usual)
    if (domain) domains.set(subnet, domain)
  }
  return domains
}

/** What stands after the host name; undefined if that is a full name itself or not the beginning. */
function domainAfter(hostname: string, fqdn: string): string | undefined {
  if (hostname.endsWith('.')) return undefined
  if (fqdn === hostname) return ''
  return fqdn.startsWith(`${hostname}.`) ? withoutDot(fqdn.slice(hostname.length + 1)) : undefined
}

/** The domain of a subnet in which every port was given a full name: the cloud's usual one, or all after the first label. */
function wholeNameDomain(fqdn: string, usual: string | undefined): string {
  const name = withoutDot(fqdn)
  return usual && name.endsWith(`.${usual}`) ? usual : name.slice(name.indexOf('.') + 1)
}

/** The value with the most votes, of several the first in order. */
function mostOf(counts: ReadonlyMap<string, number>): string | undefined {
  const [winner] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return winner?.[0]
}

function problemOf(
  portId: string,
  name: string,
  assigned: readonly Assigned[],
  domains: ReadonlyMap<string, string>,
): NameProblem | undefined {
  for (const { subnet, hostname, fqdn } of assigned) {
    if (name !== '' && hostname !== name)
      return {
        ...{ portId, kind: 'dns_name ignored' },
        reason: `has dns_name ${JSON.stringify(name)}, which Neutron ignores (it says ${JSON.stringify(hostname)}): set dns_domain in neutron.conf to something else than openstacklocal`,
      }
    const domain = domains.get(subnet) ?? ''
    const found = domainAfter(hostname, fqdn)
    const isWhole = hostname.endsWith('.')
    if (isWhole ? fqdn.endsWith(`.${domain}.`) : found === domain) continue
    if (isWhole || found !== undefined)
      return {
        ...{ portId, kind: 'other domain' },
        reason: `is called ${JSON.stringify(fqdn)}, but other ports of subnet ${subnet} stand under ${JSON.stringify(domain)}: a subnet has one domain`,
      }
    return {
      ...{ portId, kind: 'not understood' },
      reason: `is called ${JSON.stringify(fqdn)}, which does not begin with its host name ${JSON.stringify(hostname)}`,
    }
  }
  return undefined
}

const withoutDot = (name: string) => (name.endsWith('.') ? name.slice(0, -1) : name)
