/**
 * A frame of our own with a UDP packet in it, from one address to another, both as text: for services that speak first
 * or to whom nobody spoke from an address that could be answered. It refuses to know what UDP carries.
 */

import { ipv4Bytes, ipv6Bytes, macBytes } from '../wire/address.ts'
import { setWord } from '../wire/word.ts'
import { ethernetSize, etherTypes } from './ethernet.ts'
import { ipv4Size, ipv6Size, pseudoHeaderSum, writeIpv4, writeIpv6 } from './ip.ts'
import { udpSize, writeUdp } from './udp.ts'

/** One end of a UDP packet. */
export interface Endpoint {
  readonly mac: string
  /** Canonical text; both ends are of one family. */
  readonly ip: string
  readonly port: number
}

/** The frame that brings a payload from one end to the other: TTL 64, no IPv4 id, checksums computed, no padding. */
export function datagram(from: Endpoint, to: Endpoint, payload: Uint8Array): Buffer {
  const isIpv6 = from.ip.includes(':')
  const ipSize = isIpv6 ? ipv6Size : ipv4Size
  const udpOffset = ethernetSize + ipSize
  const frame = Buffer.alloc(udpOffset + udpSize + payload.length)
  frame.set(macBytes(to.mac), 0)
  frame.set(macBytes(from.mac), 6)
  setWord(frame, 12, isIpv6 ? etherTypes.ipv6 : etherTypes.ipv4)
  const bytesOf = isIpv6 ? ipv6Bytes : ipv4Bytes
  frame.set(Buffer.concat([bytesOf(from.ip), bytesOf(to.ip)]), ethernetSize + (isIpv6 ? 8 : 12))
  const writeIp = isIpv6 ? writeIpv6 : writeIpv4
  writeIp(frame, ethernetSize, frame.length - ethernetSize)
  setWord(frame, udpOffset, from.port)
  setWord(frame, udpOffset + 2, to.port)
  frame.set(payload, udpOffset + udpSize)
  const size = udpSize + payload.length
  writeUdp(frame, udpOffset, size, pseudoHeaderSum(frame, ethernetSize, isIpv6 ? 6 : 4, size))
  return frame
}
