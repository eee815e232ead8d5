/** Ranges of IP addresses: whether one lies in others, and the match of packets to one. It knows no port. */

import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ethTypes, type Match } from '../../openflow/index.ts'

/** An address or a CIDR; the bits behind the prefix do not count. */
export interface Reach {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6
  readonly prefix: number
}

/** The range of an address or a CIDR; undefined if the text is neither. */
export function reachOf(text: string): Reach | undefined {
  if (ipaddr.isValidCIDR(text)) {
    const [address, prefix] = ipaddr.parseCIDR(text)
    return { address, prefix }
  }
  if (isIP(text) === 0) return undefined
  const address = ipaddr.parse(text)
  return { address, prefix: address.toByteArray().length * 8 }
}

/** Whether a range lies wholly in one of the others. */
export function isWithin({ address, prefix }: Reach, others: readonly Reach[]): boolean {
  return others.some(
    (other) =>
      other.address.kind() === address.kind() &&
      other.prefix <= prefix &&
      address.match(other.address, other.prefix),
  )
}

/** The ranges, each once, whatever bits stand behind their prefixes. */
export function distinct(reaches: readonly Reach[]): Reach[] {
  return [...new Map(reaches.map((reach) => [`${networkOf(reach)}/${reach.prefix}`, reach])).values()]
}

/** The match of the packets that go to the range. */
export function destination(reach: Reach): Match {
  const value = networkOf(reach)
  if (reach.address.kind() === 'ipv4') {
    const mask = ipaddr.IPv4.subnetMaskFromPrefixLength(reach.prefix).toString()
    return { ethType: ethTypes.ipv4, ipv4Dst: { value, mask } }
  }
  const mask = ipaddr.IPv6.subnetMaskFromPrefixLength(reach.prefix).toString()
  return { ethType: ethTypes.ipv6, ipv6Dst: { value, mask } }
}

function networkOf({ address, prefix }: Reach): string {
  const text = `${address}/${prefix}`
  const kind = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  return kind.networkAddressFromCIDR(text).toString()
}
