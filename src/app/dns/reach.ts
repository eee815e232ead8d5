/** Ranges of IP addresses: whether one lies in others, and the match of packets to one. It knows no port. */

import { isIP } from 'node:net'
import { ethTypes, type Match } from '../../openflow/index.ts'
import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text } from '../../wire/address.ts'

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

/** The match of the packets that go to the range. */
export function destination({ bytes, prefix }: Reach): Match {
  const compared = { value: textOf(bytes), mask: textOf(maskOf(prefix, bytes.length)) }
  if (bytes.length === 4) return { ethType: ethTypes.ipv4, ipv4Dst: compared }
  return { ethType: ethTypes.ipv6, ipv6Dst: compared }
}

function isPart(reach: Reach, { bytes, prefix }: Reach): boolean {
  if (reach.bytes.length !== bytes.length || reach.prefix < prefix) return false
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (reach.bytes[i] !== bytes[i]) return false
  const bits = prefix & 7
  return bits === 0 || (reach.bytes[whole]! ^ bytes[whole]!) >> (8 - bits) === 0
}

const textOf = (bytes: Buffer): string => (bytes.length === 4 ? ipv4Text(bytes) : ipv6Text(bytes))

function maskOf(prefix: number, size: number): Buffer {
  return Buffer.from(
    Array.from({ length: size }, (_, i) => (0xff00 >> Math.min(Math.max(prefix - 8 * i, 0), 8)) & 0xff),
  )
}
