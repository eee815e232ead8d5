/**
 * One Ethernet frame with a UDP packet in it: read in place, bounded and without exceptions, into what an answer needs;
 * and the frame that answers it. It refuses to know what UDP carries. Whatever it does not wholly understand is a word
 * of `Unparsed`, so that the caller can let the frame go on untouched (docs/architecture.md).
 */

import type { Writable } from '../wire/writable.ts'
import { ethernetSize, etherTypes, readEthernet, writeAnsweringEthernet } from './ethernet.ts'
import { ipv4Size, ipv6Size, readIpv4, readIpv6, writeAnsweringIpv4, writeAnsweringIpv6 } from './ip.ts'
import type { Reach, Unparsed } from './reasons.ts'
import { readUdp, udpSize, writeAnsweringUdp } from './udp.ts'

/** Where the parts of a UDP packet stand in its frame; offsets in bytes. */
export interface UdpFrame {
  readonly family: 4 | 6
  readonly udpOffset: number
  readonly payloadOffset: number
  /** The first byte after the UDP payload; what follows (Ethernet padding, say) belongs to nobody. */
  readonly payloadEnd: number
  readonly destinationPort: number
}

/** One to write to. */
export const emptyFrame = (): Writable<UdpFrame> => ({
  ...{ family: 4, udpOffset: 0, payloadOffset: 0, payloadEnd: 0, destinationPort: 0 },
})

/**
 * Reads a frame that one host sent over UDP, by default to another one and so that it can be answered; anything else is
 * a word that says why not. What was read is written to `into`, and nothing is allocated. Never throws.
 */
export function parseFrame(
  frame: Uint8Array,
  reach: Reach = 'host',
  into = emptyFrame(),
): UdpFrame | Unparsed {
  const etherType = readEthernet(frame, reach)
  if (typeof etherType === 'string') return etherType
  if (etherType === etherTypes.ipv4)
    return parseUdp(frame, 4, ethernetSize + ipv4Size, readIpv4(frame, reach), into)
  if (etherType === etherTypes.ipv6)
    return parseUdp(frame, 6, ethernetSize + ipv6Size, readIpv6(frame, reach), into)
  return 'ethertype'
}

/**
 * Writes, from `at` on, the frame that brings a payload of `size` bytes back to the sender of `frame`: addresses and ports
 * swapped, TTL 64, DSCP 0, no IPv4 id, all checksums computed, no padding. The payload stands in its place already, at
 * `at + payloadOffset`: the headers of an answer are as long as those of the question. Gives the size of the frame.
 */
export function writeAnswer(
  reply: Buffer,
  at: number,
  frame: Buffer,
  { family, udpOffset, payloadOffset }: UdpFrame,
  size: number,
): number {
  const frameSize = payloadOffset + size
  writeAnsweringEthernet(reply, at, frame)
  if (family === 4) writeAnsweringIpv4(reply, at + ethernetSize, frame, frameSize - ethernetSize)
  else writeAnsweringIpv6(reply, at + ethernetSize, frame, frameSize - ethernetSize)
  writeAnsweringUdp(reply, at + udpOffset, frameSize - udpOffset, frame, family, udpOffset)
  return frameSize
}

function parseUdp(
  frame: Uint8Array,
  family: 4 | 6,
  udpOffset: number,
  ipEnd: number | Unparsed,
  into: Writable<UdpFrame>,
): UdpFrame | Unparsed {
  if (typeof ipEnd === 'string') return ipEnd
  const payloadEnd = readUdp(frame, family, udpOffset, ipEnd)
  if (typeof payloadEnd === 'string') return payloadEnd
  into.family = family
  into.udpOffset = udpOffset
  into.payloadOffset = udpOffset + udpSize
  into.payloadEnd = payloadEnd
  into.destinationPort = (frame[udpOffset + 2]! << 8) | frame[udpOffset + 3]!
  return into
}
