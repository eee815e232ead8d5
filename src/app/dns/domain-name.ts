/**
 * Domain names as text and in wire form (RFC 1035 §3.1), and the reverse names of addresses (RFC 1035 §3.5, RFC 3596
 * §2.5). A key is a wire form, lower-cased, one character a byte, the root included. It knows no rows.
 */

import type { Reach } from '../reach.ts'

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

/** Whether a single label has a meaning of its own everywhere. */
export const isSpecialUse = (label: string): boolean => specialUse.has(label.toLowerCase())

/** The key of a host name. */
export const keyOf = (name: string): string => wireText(name.toLowerCase())

/** The wire form of a host name, one character a byte, its case kept. */
export const wireText = (name: string): string => wireOfLabels(name.includes('.') ? name.split('.') : [name])

/** The key of the name in wire form between `start` and `end`. The sizes of labels are below 'A'. */
export const keyIn = (bytes: Buffer, start: number, end: number): string =>
  bytes.toString('latin1', start, end).toLowerCase()

/** The name of a key as people write it, without the dot at its end; the root is a dot. */
export function textOfKey(key: string): string {
  const labels: string[] = []
  for (let at = 0; key.charCodeAt(at) > 0; at += key.charCodeAt(at) + 1)
    labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
  return labels.join('.') || '.'
}

/**
 * Whether the name in wire form between `start` and `end` has nothing but letters, digits, hyphens and underscores in its
 * labels (RFC 1123 §2.1, RFC 8552).
 */
export function isPlainName(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end - 1; ) {
    const next = at + 1 + bytes[at]!
    for (let i = at + 1; i < next; i++) if (!isPlainCode(bytes[i]!)) return false
    at = next
  }
  return true
}

function isPlainCode(code: number): boolean {
  const letter = code | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f
  )
}

/** The key of the name that a PTR query asks for an address. */
export const reverseKeyOf = (address: Buffer): string => reverseKey(labelsOf(address), address)

/**
 * The keys of the shortest reverse names that lie wholly inside a range: one or, where the prefix ends inside a label,
 * up to 128. None for a prefix of 0.
 */
export function reverseZonesOf({ bytes, prefix }: Reach): string[] {
  const { bits, radix } = formOf(bytes)
  const size = Math.ceil(prefix / bits)
  if (size === 0) return []
  const labels = labelsOf(bytes).slice(0, size)
  const first = Number.parseInt(labels[size - 1]!, radix)
  const last = Array.from({ length: 2 ** (size * bits - prefix) }, (_, i) => (first + i).toString(radix))
  return last.map((label) => reverseKey(labels.with(-1, label), bytes))
}

/** The size in bytes of the shortest reverse name of an address in the range, its key given, that lies wholly inside. */
export function reverseZoneSize(key: string, address: Buffer, { bytes, prefix }: Reach): number {
  const { bits } = formOf(address)
  const free = bytes.length === address.length ? address.length * 8 - prefix : 0
  let at = 0
  for (let i = Math.floor(free / bits); i > 0; i--) at += key.charCodeAt(at) + 1
  return key.length - at
}

/** A reverse name has a label for each octet of an IPv4 and for each nibble of an IPv6 address. */
const formOf = (address: Buffer) =>
  address.length === 4 ? { bits: 8, radix: 10, zone: 'in-addr' } : { bits: 4, radix: 16, zone: 'ip6' }

const labelsOf = (address: Buffer): string[] =>
  address.length === 4 ? [...address].map(String) : [...address.toString('hex')]

const reverseKey = (labels: readonly string[], address: Buffer): string =>
  wireOfLabels([...labels.toReversed(), formOf(address).zone, 'arpa'])

/** The root is the empty label at the end. */
function wireOfLabels(labels: readonly string[]): string {
  let text = ''
  for (const label of labels) text += String.fromCharCode(label.length) + label
  return `${text}\0`
}
