/**
 * Domain names as text and in wire form (RFC 1035 §3.1), and the reverse names of addresses (RFC 1035 §3.5, RFC 3596
 * §2.5). A key is a wire form, lower-cased, one character a byte, the root included. It knows no rows.
 */

import ipaddr from 'ipaddr.js'

const hostLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const nameLengthLimit = 253

/**
 * Names of one label that are not ours to answer, whoever uses them (RFC 6761 §6, RFC 6762 §3, RFC 7686, RFC 9476).
 */
const specialUse: ReadonlySet<string> = new Set([
  'alt',
  'example',
  'invalid',
  'local',
  'localhost',
  'onion',
  'test',
])

/** Whether the text, without a dot at its end, is a host name: letters, digits, hyphens; 63 a label, 253 in all. */
export function isHostName(text: string): boolean {
  return text.length <= nameLengthLimit && text.split('.').every((label) => hostLabel.test(label))
}

/** Whether a single label has a meaning of its own everywhere. */
export const isSpecialUse = (label: string): boolean => specialUse.has(label.toLowerCase())

/** The key of a host name. */
export function keyOf(name: string): string {
  return keyOfLabels(name.toLowerCase().split('.'))
}

/** The key of the name that a PTR query asks for an address. */
export function reverseKeyOf(ip: string): string {
  const address = ipaddr.parse(ip)
  return reverseKey(digitsOf(address), address)
}

/**
 * The keys of the shortest reverse names that lie wholly inside a CIDR: one or, where the prefix ends inside a label, up
 * to 128. None for a prefix of 0.
 */
export function reverseZonesOf(cidr: string): string[] {
  if (!ipaddr.isValidCIDR(cidr)) return []
  const [network, prefix] = ipaddr.parseCIDR(cidr)
  const size = labelCount(network, prefix)
  if (size === 0) return []
  const digits = digitsOf(network).slice(0, size)
  const freeBits = size * bitsPerLabel(network) - prefix
  const first = (digits[size - 1]! >> freeBits) << freeBits
  return Array.from({ length: 2 ** freeBits }, (_, i) => reverseKey(digits.with(-1, first + i), network))
}

/** The size in bytes of the shortest reverse name that holds `ip` and lies wholly inside `cidr`. */
export function reverseZoneSize(ip: string, cidr: string): number {
  const address = ipaddr.parse(ip)
  const [network, prefix] = ipaddr.isValidCIDR(cidr) ? ipaddr.parseCIDR(cidr) : []
  if (prefix === undefined || network?.kind() !== address.kind()) return reverseKeyOf(ip).length
  return reverseKey(digitsOf(address).slice(0, labelCount(address, prefix)), address).length
}

type IpAddress = ipaddr.IPv4 | ipaddr.IPv6

/** A reverse name has a label for each octet of an IPv4 and for each nibble of an IPv6 address. */
const bitsPerLabel = (address: IpAddress): number => (address.kind() === 'ipv4' ? 8 : 4)
const labelCount = (address: IpAddress, prefix: number): number => Math.ceil(prefix / bitsPerLabel(address))

function digitsOf(address: IpAddress): number[] {
  const bytes = address.toByteArray()
  return address.kind() === 'ipv4' ? bytes : bytes.flatMap((byte) => [byte >> 4, byte & 15])
}

function reverseKey(digits: readonly number[], address: IpAddress): string {
  const isIpv4 = address.kind() === 'ipv4'
  const labels = digits.map((digit) => digit.toString(isIpv4 ? 10 : 16)).reverse()
  return keyOfLabels([...labels, isIpv4 ? 'in-addr' : 'ip6', 'arpa'])
}

const keyOfLabels = (labels: readonly string[]): string =>
  `${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`
