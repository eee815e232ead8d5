/** Ethernet II: 14 bytes of header, untagged only. It knows no IP. */

import { copyBytes } from './copy.ts'
import type { Reach, Unparsed } from './reasons.ts'

/** Size of the header in bytes. */
export const ethernetSize = 14

export const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd } as const

/**
 * The EtherType of the frame between `start` and `end`, of one host, for one host unless it may be for anybody; else why it
 * is none.
 */
export function readEthernet(
  bytes: Uint8Array,
  reach: Reach,
  start = 0,
  end = bytes.length,
): number | Unparsed {
  if (end - start < ethernetSize) return 'short'
  if (isGroup(bytes[start + 6]!)) return 'source'
  if (reach === 'host' && isGroup(bytes[start]!)) return 'destination'
  return (bytes[start + 12]! << 8) | bytes[start + 13]!
}

/** Writes at `at` the header of the frame that answers the one at `start`: its addresses swapped, its EtherType. */
export function writeAnsweringEthernet(reply: Buffer, at: number, bytes: Buffer, start: number): void {
  copyBytes(reply, at, bytes, start + 6, start + 12)
  copyBytes(reply, at + 6, bytes, start, start + 6)
  copyBytes(reply, at + 12, bytes, start + 12, start + 14)
}

/** The group bit of a MAC address stands in its first byte (IEEE 802-2014 §8.2.2). */
const isGroup = (firstByte: number): boolean => (firstByte & 1) === 1
