/**
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers, as far as an answer to a UDP packet needs them: no options, no extension
 * headers, no fragments. Each begins at `at`. It knows UDP only as a protocol number.
 */

import { checksum, sum } from '../wire/checksum.ts'
import { setWord } from '../wire/word.ts'
import { copyBytes } from './copy.ts'
import type { Reach, Unparsed } from './reasons.ts'

/** Sizes of the headers in bytes. */
export const ipv4Size = 20
export const ipv6Size = 40

const udpProtocol = 17
const hopLimit = 64

/** Checks the IPv4 header of a frame that ends at `frameEnd`; gives the offset where its payload ends, else why it is not understood. */
export function readIpv4(frame: Uint8Array, at: number, frameEnd: number, reach: Reach): number | Unparsed {
  if (frameEnd < at + ipv4Size) return 'short'
  if (frame[at] !== 0x45) return 'header'
  const end = at + ((frame[at + 2]! << 8) | frame[at + 3]!)
  if (end < at + ipv4Size || end > frameEnd) return 'length'
  if (checksum(frame, at, at + ipv4Size) !== 0) return 'checksum'
  // Of the flags, only "don't fragment" may be set, and the offset is 0.
  if ((frame[at + 6]! & 0xbf) !== 0 || frame[at + 7] !== 0) return 'fragment'
  if (frame[at + 9] !== udpProtocol) return 'protocol'
  if (reach === 'anybody') return end
  if (!isIpv4Host(frame, at + 12)) return 'source'
  if (!isIpv4Host(frame, at + 16)) return 'destination'
  return end
}

/** Checks the IPv6 header of a frame that ends at `frameEnd`; gives the offset where its payload ends, else why it is not understood. */
export function readIpv6(
  frame: Uint8Array,
  at: number,
  frameEnd: number,
  reach: Reach,
  protocol = udpProtocol,
): number | Unparsed {
  if (frameEnd < at + ipv6Size) return 'short'
  if (frame[at]! >> 4 !== 6) return 'header'
  if (frame[at + 6] !== protocol) return 'protocol'
  const end = at + ipv6Size + ((frame[at + 4]! << 8) | frame[at + 5]!)
  if (end > frameEnd) return 'length'
  if (reach === 'anybody') return end
  if (!isIpv6Host(frame, at + 8)) return 'source'
  if (!isIpv6Host(frame, at + 24)) return 'destination'
  return end
}

/** Writes at `to` the IPv4 header of the answer to the one at `at`; `size` counts its bytes and those behind it. */
export function writeAnsweringIpv4(reply: Buffer, to: number, frame: Buffer, at: number, size: number): void {
  copyBytes(reply, to + 12, frame, at + 16, at + 20)
  copyBytes(reply, to + 16, frame, at + 12, at + 16)
  writeIpv4(reply, to, size)
}

/** Writes at `to` the IPv4 header around its addresses, which stand there already. */
export function writeIpv4(reply: Buffer, to: number, size: number): void {
  setWord(reply, to, 0x4500)
  setWord(reply, to + 2, size)
  setWord(reply, to + 4, 0)
  setWord(reply, to + 6, 0x4000) // id 0, don't fragment: an atomic datagram (RFC 6864 §4.1)
  setWord(reply, to + 8, (hopLimit << 8) | udpProtocol)
  setWord(reply, to + 10, 0)
  setWord(reply, to + 10, checksum(reply, to, to + ipv4Size))
}

/** Writes at `to` the IPv6 header of the answer to the one at `at`; `size` counts its bytes and those behind it. */
export function writeAnsweringIpv6(reply: Buffer, to: number, frame: Buffer, at: number, size: number): void {
  copyBytes(reply, to + 8, frame, at + 24, at + 40)
  copyBytes(reply, to + 24, frame, at + 8, at + 24)
  writeIpv6(reply, to, size)
}

/** Writes at `to` the IPv6 header before its addresses, which stand there already. */
export function writeIpv6(reply: Buffer, to: number, size: number): void {
  setWord(reply, to, 0x6000)
  setWord(reply, to + 2, 0)
  setWord(reply, to + 4, size - ipv6Size)
  setWord(reply, to + 6, (udpProtocol << 8) | hopLimit)
}

/** The running sum of the pseudo-header (RFC 768, RFC 8200 §8.1) of a packet with `length` bytes of UDP, or of another protocol. */
export function pseudoHeaderSum(
  frame: Uint8Array,
  at: number,
  family: 4 | 6,
  length: number,
  protocol = udpProtocol,
): number {
  const addresses = family === 4 ? sum(frame, at + 12, at + 20) : sum(frame, at + 8, at + 40)
  return addresses + protocol + length
}

/** Neither "this network" (0/8), nor loopback (127/8), multicast (224/4) or the limited broadcast (RFC 6890). */
export function isIpv4Host(frame: Uint8Array, offset: number): boolean {
  const first = frame[offset]!
  if (first === 0 || first === 127 || first >> 4 === 14) return false
  return (first & frame[offset + 1]! & frame[offset + 2]! & frame[offset + 3]!) !== 255
}

/** Neither unspecified (::), nor loopback (::1), multicast (ff00::/8) or IPv4-mapped (::ffff:0:0/96) (RFC 6890). */
export function isIpv6Host(frame: Uint8Array, offset: number): boolean {
  if (frame[offset] === 0xff) return false
  const end = offset + 15
  let at = offset
  while (at < end && frame[at] === 0) at++
  if (at === end) return frame[end]! > 1
  return at !== offset + 10 || frame[at] !== 0xff || frame[at + 1] !== 0xff
}
