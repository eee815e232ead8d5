/**
 * Ranges of IP addresses, of which a single address is one: whether one lies in others, and what a flow's match says of
 * one. It knows no port.
 */

import { isIP } from 'node:net'
import { ethTypes, type Match } from '../openflow/index.ts'
import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text, macBytes } from '../wire/address.ts'

/** An address or a CIDR: 4 or 16 bytes, of which the first `prefix` bits count and the others are 0. */
export interface Reach {
  readonly bytes: Buffer
  readonly prefix: number
}

/** The bytes of an IP address; undefined if the text is none (one with a zone is none). */
export function bytesOf(ip: string): Buffer | undefined {
  if (isIP(ip) === 0 || ip.includes('%')) return undefined
  return ip.includes(':') ? ipv6Bytes(ip) : ipv4Bytes(ip)
}

/** The range of an address or a CIDR; undefined if the text is neither. */
export function reachOf(text: string): Reach | undefined {
  const [ip, length, ...more] = text.split('/')
  const bytes = bytesOf(ip!)
  if (!bytes || more.length > 0) return undefined
  const bits = bytes.length * 8
  if (length === undefined) return { bytes, prefix: bits }
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined
  const prefix = Number(length)
  const mask = maskOf(prefix, bytes.length)
  for (const [i, byte] of mask.entries()) bytes[i]! &= byte
  return { bytes, prefix }
}

/** Whether a range lies wholly in one of the others. */
export function isWithin(reach: Reach, others: readonly Reach[]): boolean {
  return others.some((other) => isPart(reach, other))
}

/** The ranges, each once. */
export function distinct(reaches: readonly Reach[]): Reach[] {
  return [...new Map(reaches.map((reach) => [rangeText(reach), reach])).values()]
}

/** The range as text, equal for equal ranges. */
export const rangeText = ({ bytes, prefix }: Reach): string => `${textOf(bytes)}/${prefix}`

/** Whether the range is of IPv6. */
export const isIpv6 = ({ bytes }: Reach): boolean => bytes.length === 16

/** The match of the packets that go to the range. */
export const destination = (reach: Reach): Match =>
  isIpv6(reach)
    ? { ethType: ethTypes.ipv6, ...within('ipv6Dst', reach) }
    : { ethType: ethTypes.ipv4, ...within('ipv4Dst', reach) }

/** The match of the packets that come from the range. */
export const origin = (reach: Reach): Match =>
  isIpv6(reach)
    ? { ethType: ethTypes.ipv6, ...within('ipv6Src', reach) }
    : { ethType: ethTypes.ipv4, ...within('ipv4Src', reach) }

type AddressField = 'ipv4Src' | 'ipv4Dst' | 'ipv6Src' | 'ipv6Dst' | 'arpSpa' | 'arpTpa' | 'ndTarget'

/** The match that says that the field, which is one of the range's family, is in the range; empty for all addresses. */
export function within(field: AddressField, { bytes, prefix }: Reach): Match {
  if (prefix === 0) return {}
  const value = textOf(bytes)
  if (prefix === bytes.length * 8) return { [field]: value }
  return { [field]: { value, mask: textOf(maskOf(prefix, bytes.length)) } }
}

/** The link-local address that a MAC address makes by itself: fe80::/64 and the modified EUI-64 (RFC 4291 §2.5.1). */
export const linkLocalOf = (mac: string): Reach => interfaceAddress(reachOf('fe80::')!, mac)

/** The address with the first 64 bits of `network` and the modified EUI-64 of the MAC address (RFC 4862 §5.5.3). */
export function interfaceAddress(network: Reach, mac: string): Reach {
  const [a, b, c, d, e, f] = macBytes(mac) as unknown as [number, number, number, number, number, number]
  const bytes = Buffer.concat([network.bytes.subarray(0, 8), Buffer.from([a ^ 2, b, c, 0xff, 0xfe, d, e, f])])
  return { bytes, prefix: 128 }
}

/** The first address of a range. */
export const addressText = ({ bytes }: Reach): string => textOf(bytes)

function isPart(reach: Reach, { bytes, prefix }: Reach): boolean {
  if (reach.bytes.length !== bytes.length || reach.prefix < prefix) return false
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (reach.bytes[i] !== bytes[i]) return false
  const bits = prefix & 7
  return bits === 0 || (reach.bytes[whole]! ^ bytes[whole]!) >> (8 - bits) === 0
}

const textOf = (bytes: Buffer): string => (bytes.length === 4 ? ipv4Text(bytes) : ipv6Text(bytes))

/** The first `prefix` bits of `size` bytes. */
export function maskOf(prefix: number, size: number): Buffer {
  return Buffer.from(
    Array.from({ length: size }, (_, i) => (0xff00 >> Math.min(Math.max(prefix - 8 * i, 0), 8)) & 0xff),
  )
}
