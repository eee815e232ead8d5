/** Ethernet II: 14 bytes of header, untagged only. It knows no IP. */

import { copyBytes } from './copy.ts'
import type { Reach, Unparsed } from './reasons.ts'

/** Size of the header in bytes. */
export const ethernetSize = 14

export const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd } as const

/** The EtherType of a frame of one host, for one host unless it may be for anybody; else why it is none. */
export function readEthernet(frame: Uint8Array, reach: Reach): number | Unparsed {
  if (frame.length < ethernetSize) return 'short'
  if (isGroup(frame[6]!)) return 'source'
  if (reach === 'host' && isGroup(frame[0]!)) return 'destination'
  return (frame[12]! << 8) | frame[13]!
}

/** Writes at `at` the header of the frame that answers `frame`: its addresses swapped, its EtherType. */
export function writeAnsweringEthernet(reply: Buffer, at: number, frame: Buffer): void {
  copyBytes(reply, at, frame, 6, 12)
  copyBytes(reply, at + 6, frame, 0, 6)
  copyBytes(reply, at + 12, frame, 12, 14)
}

/** The group bit of a MAC address stands in its first byte (IEEE 802-2014 §8.2.2). */
const isGroup = (firstByte: number): boolean => (firstByte & 1) === 1
