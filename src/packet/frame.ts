/**
 * One Ethernet frame with a UDP packet in it: read in place, bounded and without exceptions, into what an answer needs;
 * and the frame that answers it. It refuses to know what UDP carries. Whatever it does not wholly understand is a word
 * of `Unparsed`, so that the caller can let the frame go on untouched (docs/architecture.md).
 */

import type { Writable } from '../wire/writable.ts'
import { ethernetSize, etherTypes, readEthernet, writeAnsweringEthernet } from './ethernet.ts'
import {
  ipv4Size,
  ipv6Size,
  pseudoHeaderSum,
  readIpv4,
  readIpv6,
  writeAnsweringIpv4,
  writeAnsweringIpv6,
} from './ip.ts'
import type { Reach, Unparsed } from './reasons.ts'
import { readUdp, udpSize, writeAnsweringUdp } from './udp.ts'

/** Where the parts of a UDP packet stand in the bytes that its frame was read from; offsets in bytes. */
export interface UdpFrame {
  readonly family: 4 | 6
  /** Where the frame begins. */
  readonly start: number
  readonly udpOffset: number
  readonly payloadOffset: number
  /** The first byte after the UDP payload; what follows (Ethernet padding, say) belongs to nobody. */
  readonly payloadEnd: number
  readonly destinationPort: number
}

/** One to write to. */
export const emptyFrame = (): Writable<UdpFrame> => ({
  ...{ family: 4, start: 0, udpOffset: 0, payloadOffset: 0, payloadEnd: 0, destinationPort: 0 },
})

/**
 * Reads the frame between `start` and `end`, that one host sent over UDP, by default to another one and so that it can be
 * answered; anything else is a word that says why not. What was read is written to `into`, and nothing is allocated. Never
 * throws.
 */
export function parseFrame(
  bytes: Uint8Array,
  reach: Reach = 'host',
  into = emptyFrame(),
  start = 0,
  end = bytes.length,
): UdpFrame | Unparsed {
  const etherType = readEthernet(bytes, reach, start, end)
  if (typeof etherType === 'string') return etherType
  into.start = start
  const ip = start + ethernetSize
  if (etherType === etherTypes.ipv4)
    return parseUdp(bytes, 4, ip, ip + ipv4Size, readIpv4(bytes, ip, end, reach), into)
  if (etherType === etherTypes.ipv6)
    return parseUdp(bytes, 6, ip, ip + ipv6Size, readIpv6(bytes, ip, end, reach), into)
  return 'ethertype'
}

/**
 * Writes, from `at` on, the frame that brings a payload of `size` bytes back to the sender of the one that was read from
 * `bytes`: addresses and ports swapped, TTL 64, DSCP 0, no IPv4 id, all checksums computed, no padding. The payload stands
 * in its place already, `headersSize` behind `at`. Gives the size of the frame.
 */
export function writeAnswer(
  reply: Buffer,
  at: number,
  bytes: Buffer,
  packet: UdpFrame,
  size: number,
): number {
  const { family, start, udpOffset } = packet
  const frameSize = headersSize(packet) + size
  const ipSize = frameSize - ethernetSize
  writeAnsweringEthernet(reply, at, bytes, start)
  const [from, to] = [start + ethernetSize, at + ethernetSize]
  if (family === 4) writeAnsweringIpv4(reply, to, bytes, from, ipSize)
  else writeAnsweringIpv6(reply, to, bytes, from, ipSize)
  const sizeOfUdp = frameSize - (udpOffset - start)
  const pseudoHeader = pseudoHeaderSum(bytes, from, family, sizeOfUdp) // the addresses are only swapped
  writeAnsweringUdp(reply, at + udpOffset - start, sizeOfUdp, bytes, udpOffset, pseudoHeader)
  return frameSize
}

/** What stands before the payload of a UDP packet and of its answer, whose headers are as long; bytes. */
export const headersSize = ({ start, payloadOffset }: UdpFrame): number => payloadOffset - start

function parseUdp(
  frame: Uint8Array,
  family: 4 | 6,
  ip: number,
  udpOffset: number,
  ipEnd: number | Unparsed,
  into: Writable<UdpFrame>,
): UdpFrame | Unparsed {
  if (typeof ipEnd === 'string') return ipEnd
  const payloadEnd = readUdp(frame, family, ip, udpOffset, ipEnd)
  if (typeof payloadEnd === 'string') return payloadEnd
  into.family = family
  into.udpOffset = udpOffset
  into.payloadOffset = udpOffset + udpSize
  into.payloadEnd = payloadEnd
  into.destinationPort = (frame[udpOffset + 2]! << 8) | frame[udpOffset + 3]!
  return into
}
