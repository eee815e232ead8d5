/** What the lab needs of IP addresses: their canonical text, and which subnet holds them. */

import ipaddr from 'ipaddr.js'

/** The canonical text of an address (RFC 5952 for IPv6). Throws if it is none. */
export function canonical(ip: string): string {
  return ipaddr.parse(ip).toString()
}

/** Whether an address lies in a subnet, `10.0.0.0/24`. */
export function isInside(ip: string, cidr: string): boolean {
  const address = ipaddr.parse(ip)
  const [base, length] = ipaddr.parseCIDR(cidr)
  return address.kind() === base.kind() && address.match(base, length)
}

/** Whether that is an IPv6 address or subnet. */
export const isIpv6 = (text: string) => text.includes(':')

/** An address with the prefix length of the first of these subnets that holds it; throws if none does. */
export function withPrefix(ip: string, cidrs: readonly string[]): string {
  const cidr = cidrs.find((one) => isInside(ip, one))
  if (cidr === undefined) throw new RangeError(`${ip} is in none of ${cidrs.join(', ')}`)
  return `${ip}/${cidr.split('/')[1]}`
}
