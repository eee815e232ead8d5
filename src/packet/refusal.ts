/**
 * What a router, or a host without a service, sends back: ICMP errors (RFC 792, RFC 1812 §4.3, RFC 4443) and TCP resets
 * (RFC 9293 §3.10.7.1). It knows no routes.
 */

import { ipv4Bytes, ipv6Bytes, macBytes } from '../wire/address.ts'
import { checksum, checksumOf, sum } from '../wire/checksum.ts'
import { setWord, wordAt } from '../wire/word.ts'
import { ethernetSize } from './ethernet.ts'
import { ipv4Size, ipv6Size, pseudoHeaderSum } from './ip.ts'
import { type IpFrame, protocols } from './ip-frame.ts'
import type { Unparsed } from './reasons.ts'

/** What may be wrong with a packet. */
export type Complaint =
  | 'no_route'
  | 'no_host'
  | 'no_protocol'
  | 'no_port'
  | 'too_big'
  | 'hop_limit'
  | 'beyond_scope'

// biome-ignore format: one complaint a line, in columns
/** ICMP's type and code for each; IPv4 knows no scope, and says that there is no route. */
const numbers: Record<Complaint, { readonly 4: readonly [number, number]; readonly 6: readonly [number, number] }> = {
  no_route:     { 4: [3, 0],  6: [1, 0] },
  no_host:      { 4: [3, 1],  6: [1, 3] },
  no_protocol:  { 4: [3, 2],  6: [4, 1] },
  no_port:      { 4: [3, 3],  6: [1, 4] },
  too_big:      { 4: [3, 4],  6: [2, 0] },
  hop_limit:    { 4: [11, 0], 6: [3, 0] },
  beyond_scope: { 4: [3, 0],  6: [1, 2] },
}

/** Whom an answer is from and to. */
export interface Route {
  readonly fromMac: string
  readonly toMac: string
  /** The address that the answer is from, of the packet's family. */
  readonly from: string
}

const at = ethernetSize
const hopLimit = 64
const icmpSize = 8
/** RFC 1812 §4.3.2.3 and RFC 4443 §2.4 (c): the sizes that every path lets by. */
const sizeLimits = { 4: 576, 6: 1280 } as const
/** RFC 1812 §4.3.2.5: errors go with the precedence "internetwork control". */
const internetworkControl = 0xc0
/** Where IPv6 says what follows (RFC 8200 §3), which is what RFC 4443 §3.4 wants pointed at. */
const nextHeaderOffset = 6

/** The frame that tells the source of `frame` what is wrong with it; `mtu` is for what is too big. */
export function icmpError(
  frame: Buffer,
  { family, end }: IpFrame,
  complaint: Complaint,
  route: Route,
  mtu = 0,
): Buffer {
  const [type, code] = numbers[complaint][family]
  const ipSize = family === 4 ? ipv4Size : ipv6Size
  const quoted = frame.subarray(at, Math.min(end, at + sizeLimits[family] - ipSize - icmpSize))
  const error = Buffer.alloc(at + ipSize + icmpSize + quoted.length)
  const icmp = at + ipSize
  error[icmp] = type
  error[icmp + 1] = code
  const detail = complaint === 'too_big' ? mtu : type === 4 ? nextHeaderOffset : 0
  error.writeUInt32BE(detail, icmp + 4)
  quoted.copy(error, icmp + icmpSize)
  writeHead(error, frame, family, family === 4 ? protocols.icmpv4 : protocols.icmpv6, route)
  if (family === 4) {
    error[at + 1] = internetworkControl
    sealIpv4(error)
  }
  const pseudo = family === 4 ? 0 : pseudoHeaderSum(error, at, 6, error.length - icmp, protocols.icmpv6)
  setWord(error, icmp + 2, checksumOf(sum(error, icmp, error.length, pseudo)))
  return error
}

const tcpSize = 20
const flags = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const

/** Why a segment has no reset. */
export type Unresettable =
  | Extract<Unparsed, 'short' | 'length' | 'checksum'>
  /** Nobody resets a reset. */
  | 'reset'

/** The frame that resets the connection that `frame`, a TCP segment, belongs to; else why there is none. */
export function tcpReset(
  frame: Buffer,
  { family, payloadOffset: tcp, end }: IpFrame,
  route: Route,
): Buffer | Unresettable {
  if (end - tcp < tcpSize) return 'short'
  const headerSize = (frame[tcp + 12]! >> 4) * 4
  if (headerSize < tcpSize || headerSize > end - tcp) return 'length'
  if (checksumOf(sum(frame, tcp, end, pseudoHeaderSum(frame, at, family, end - tcp, protocols.tcp))) !== 0)
    return 'checksum'
  const seen = frame[tcp + 13]!
  if ((seen & flags.rst) !== 0) return 'reset'

  const to = at + (family === 4 ? ipv4Size : ipv6Size)
  const reset = Buffer.alloc(to + tcpSize)
  setWord(reset, to, wordAt(frame, tcp + 2))
  setWord(reset, to + 2, wordAt(frame, tcp))
  if ((seen & flags.ack) !== 0) reset.writeUInt32BE(frame.readUInt32BE(tcp + 8), to + 4)
  else {
    const length = end - tcp - headerSize + (seen & flags.syn ? 1 : 0) + (seen & flags.fin ? 1 : 0)
    reset.writeUInt32BE((frame.readUInt32BE(tcp + 4) + length) % 2 ** 32, to + 8)
  }
  reset[to + 12] = (tcpSize / 4) << 4
  reset[to + 13] = (seen & flags.ack) !== 0 ? flags.rst : flags.rst | flags.ack
  writeHead(reset, frame, family, protocols.tcp, route)
  if (family === 4) sealIpv4(reset)
  const pseudo = pseudoHeaderSum(reset, at, family, tcpSize, protocols.tcp)
  setWord(reset, to + 16, checksumOf(sum(reset, to, reset.length, pseudo)))
  return reset
}

/** Ethernet and IP, to the source of `frame`, without IPv4's checksum. */
function writeHead(reply: Buffer, frame: Buffer, family: 4 | 6, protocol: number, route: Route): void {
  reply.set(macBytes(route.toMac), 0)
  reply.set(macBytes(route.fromMac), 6)
  frame.copy(reply, 12, 12, 14)
  if (family === 4) {
    setWord(reply, at, 0x4500)
    setWord(reply, at + 2, reply.length - at)
    setWord(reply, at + 6, 0x4000) // id 0, don't fragment: an atomic datagram (RFC 6864 §4.1)
    setWord(reply, at + 8, (hopLimit << 8) | protocol)
    reply.set(ipv4Bytes(route.from), at + 12)
    frame.copy(reply, at + 16, at + 12, at + 16)
  } else {
    setWord(reply, at, 0x6000)
    setWord(reply, at + 4, reply.length - at - ipv6Size)
    setWord(reply, at + 6, (protocol << 8) | hopLimit)
    reply.set(ipv6Bytes(route.from), at + 8)
    frame.copy(reply, at + 24, at + 8, at + 24)
  }
}

const sealIpv4 = (reply: Buffer): void => setWord(reply, at + 10, checksum(reply, at, at + ipv4Size))
