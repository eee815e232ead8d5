/**
 * Addresses as text and as bytes: MAC (`fa:16:3e:00:00:02`), IPv4 (`10.0.0.11`) and IPv6 (canonical text of RFC 5952).
 * Strict: only the forms below are text of an address, without zone, port or prefix length. It knows no packet.
 */

import { type Codec, CodecError } from './codec.ts'

/** The 6 bytes of a MAC address: six pairs of hex digits with colons between. Throws `CodecError`. */
export function macBytes(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) throw new CodecError(`'${text}' is not a MAC address`)
  return Buffer.from(text.replaceAll(':', ''), 'hex')
}

/** The text of the MAC address in the 6 bytes at `at`: lower case. */
export function macText(bytes: Uint8Array, at = 0): string {
  let text = hexByte(bytes[at]!)
  for (let i = 1; i < 6; i++) text += `:${hexByte(bytes[at + i]!)}`
  return text
}

/** The 4 bytes of an IPv4 address: four decimal numbers without leading zeros. Throws `CodecError`. */
export function ipv4Bytes(text: string): Buffer {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(isOctet)) throw new CodecError(`'${text}' is not an IPv4 address`)
  const bytes = Buffer.alloc(4) // its own: the pool of `Buffer.from` keeps 8 KB for whoever keeps one address
  bytes.set(parts.map(Number))
  return bytes
}

/** The text of the IPv4 address in the 4 bytes at `at`. */
export function ipv4Text(bytes: Uint8Array, at = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

/** The 16 bytes of an IPv6 address in any form of RFC 4291 §2.2. Throws `CodecError`. */
export function ipv6Bytes(text: string): Buffer {
  const halves = text.split('::')
  const head = groupsOf(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : []
  const missing = 8 - (head?.length ?? 9) - (tail?.length ?? 9)
  if (!head || !tail || halves.length > 2 || (halves.length === 1 ? missing !== 0 : missing < 1))
    throw new CodecError(`'${text}' is not an IPv6 address`)
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...head, ...Array<number>(missing).fill(0), ...tail].entries())
    bytes.writeUInt16BE(group, i * 2)
  return bytes
}

/** The canonical text (RFC 5952) of the IPv6 address in the 16 bytes at `at`; IPv4-mapped ones end in dots (§5). */
export function ipv6Text(bytes: Uint8Array, at = 0): string {
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push((bytes[at + i]! << 8) | bytes[at + i + 1]!)
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)
  if (isMapped) return `::ffff:${ipv4Text(bytes, at + 12)}`
  const zeros = longestZeros(groups)
  if (zeros.length < 2) return hexGroups(groups)
  return `${hexGroups(groups.slice(0, zeros.start))}::${hexGroups(groups.slice(zeros.start + zeros.length))}`
}

const addressCodec = (
  size: number,
  toText: (bytes: Uint8Array, at: number) => string,
  toBytes: (text: string) => Buffer,
): Codec<string> => ({
  read: (r) => {
    const at = r.offset
    r.skip(size)
    return toText(r.buffer, at)
  },
  write: (w, value) => w.bytes(toBytes(value)),
})

/** A MAC address as text. */
export const mac: Codec<string> = addressCodec(6, macText, macBytes)
/** An IPv4 address as text. */
export const ipv4: Codec<string> = addressCodec(4, ipv4Text, ipv4Bytes)
/** An IPv6 address as canonical text. */
export const ipv6: Codec<string> = addressCodec(16, ipv6Text, ipv6Bytes)

const hexByte = (byte: number): string => (byte < 16 ? '0' : '') + byte.toString(16)
const hexGroups = (groups: readonly number[]): string => groups.map((group) => group.toString(16)).join(':')
const isOctet = (part: string): boolean => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255

function groupsOf(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return isLast ? [] : []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (isLast && i === parts.length - 1 && part.includes('.')) {
      const octets = part.split('.')
      if (octets.length !== 4 || !octets.every(isOctet)) return undefined
      const [a, b, c, d] = octets.map(Number) as [number, number, number, number]
      groups.push((a << 8) | b, (c << 8) | d)
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** The first longest run of zero groups (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let length = 0
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { start: i - length + 1, length }
  }
  return best
}
