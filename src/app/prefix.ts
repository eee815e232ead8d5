/**
 * Addresses as match values: single addresses and prefixes of either family. It knows the forms of addresses, not ports.
 */

import ipaddr from 'ipaddr.js'
import type { Match } from '../openflow/index.ts'
import { ipv6Text, macBytes } from '../wire/address.ts'

/** An address or a range of addresses. */
export interface Prefix {
  readonly family: 'ipv4' | 'ipv6'
  /** The first address, canonical text. */
  readonly address: string
  readonly length: number
}

/** Reads `10.0.0.11`, `10.0.0.0/24` or either in IPv6; bits behind the prefix are cleared. Undefined if it is neither. */
export function prefixOf(text: string): Prefix | undefined {
  if (!text.includes('/') && !ipaddr.isValid(text)) return undefined
  const cidr = text.includes('/') ? text : `${text}/${ipaddr.parse(text).kind() === 'ipv4' ? 32 : 128}`
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr))
    return {
      family: 'ipv4',
      address: ipaddr.IPv4.networkAddressFromCIDR(cidr).toString(),
      length: ipaddr.IPv4.parseCIDR(cidr)[1],
    }
  if (ipaddr.IPv6.isValidCIDR(cidr))
    return {
      family: 'ipv6',
      address: ipaddr.IPv6.networkAddressFromCIDR(cidr).toRFC5952String(),
      length: ipaddr.IPv6.parseCIDR(cidr)[1],
    }
  return undefined
}

/** The link-local address that a MAC address makes by itself: fe80::/64 and the modified EUI-64 (RFC 4291 §2.5.1). */
export function linkLocalOf(mac: string): Prefix {
  const [a, b, c, d, e, f] = macBytes(mac) as unknown as [number, number, number, number, number, number]
  const address = Buffer.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
  return { family: 'ipv6', address: ipv6Text(address), length: 128 }
}

/** The match that says "`field` is in `prefix`"; empty for the whole family. */
export function within(
  field: 'ipv4Src' | 'ipv4Dst' | 'arpSpa' | 'ipv6Src' | 'ipv6Dst' | 'ndTarget',
  prefix: Prefix,
): Match {
  const { family, address, length } = prefix
  if (length === 0) return {}
  if (length === (family === 'ipv4' ? 32 : 128)) return { [field]: address }
  const mask =
    family === 'ipv4'
      ? ipaddr.IPv4.subnetMaskFromPrefixLength(length).toString()
      : ipaddr.IPv6.subnetMaskFromPrefixLength(length).toRFC5952String()
  return { [field]: { value: address, mask } }
}
