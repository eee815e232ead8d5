/** Frames for tests, built from the inside out: `eth(from, to, ipv6(src, dst, solicitation(target)))`. */

import { ipv4Bytes, ipv6Bytes, macBytes } from '../../src/wire/address.ts'

/** What an Ethernet frame or a tagged one carries. */
export interface Content {
  readonly etherType: number
  readonly bytes: Buffer
}

export const broadcast = 'ff:ff:ff:ff:ff:ff'
export const nobody = '00:00:00:00:00:00'
export const allNodes = 'ff02::1'

export function eth(from: string, to: string, { etherType, bytes }: Content): Buffer {
  return Buffer.concat([macBytes(to), macBytes(from), u16(etherType), bytes])
}

/** The same frame with a VLAN tag. */
export function tagged(frame: Buffer, vlanId: number): Buffer {
  return Buffer.concat([frame.subarray(0, 12), u16(0x8100), u16(vlanId), frame.subarray(12)])
}

/** An Ethernet type that nobody here knows (IEEE 802 local experimental). */
export const experiment: Content = { etherType: 0x88b5, bytes: Buffer.from('experiment') }

interface Arp {
  readonly op: 'request' | 'reply'
  readonly sha: string
  readonly spa: string
  readonly tha?: string
  readonly tpa: string
}

export function arp({ op, sha, spa, tha = nobody, tpa }: Arp): Content {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, op === 'request' ? 1 : 2])
  const bytes = Buffer.concat([head, macBytes(sha), ipv4Bytes(spa), macBytes(tha), ipv4Bytes(tpa)])
  return { etherType: 0x0806, bytes }
}

/** What IP carries: its protocol number and the bytes with the checksum, given the sum of the addresses. */
export interface Payload {
  readonly protocol: number
  bytesFor(pseudoHeader: Buffer): Buffer
}

export function ipv4(
  src: string,
  dst: string,
  payload: Payload,
  { isFragment = false, ttl = 64 } = {},
): Content {
  const addresses = Buffer.concat([ipv4Bytes(src), ipv4Bytes(dst)])
  const bytes = payload.bytesFor(addresses)
  const fragment = isFragment ? 0x2000 : 0
  const head = [
    u16(0x4500),
    u16(20 + bytes.length),
    u16(0),
    u16(fragment),
    u16((ttl << 8) | payload.protocol),
  ]
  const sum = checksum(Buffer.concat([...head, addresses]))
  return { etherType: 0x0800, bytes: Buffer.concat([...head, u16(sum), addresses, bytes]) }
}

export function ipv6(src: string, dst: string, payload: Payload, { hopLimit = 255 } = {}): Content {
  const addresses = Buffer.concat([ipv6Bytes(src), ipv6Bytes(dst)])
  const bytes = payload.bytesFor(addresses)
  const head = Buffer.concat([
    u16(0x6000),
    u16(0),
    u16(bytes.length),
    u16((payload.protocol << 8) | hopLimit),
  ])
  return { etherType: 0x86dd, bytes: Buffer.concat([head, addresses, bytes]) }
}

export const udp = (
  sourcePort: number,
  destinationPort: number,
  data: string | Uint8Array = 'hello',
): Payload => ({
  protocol: 17,
  bytesFor: (addresses) => {
    const body = Buffer.from(data)
    const size = 8 + body.length
    const packet = Buffer.concat([u16(sourcePort), u16(destinationPort), u16(size), u16(0), body])
    return withChecksum(packet, 6, addresses, 17)
  },
})

interface Segment {
  readonly data?: string
  readonly isReply?: boolean
  readonly flags?: number
  readonly seq?: number
  readonly ack?: number
}

export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const

/** The first segment of a TCP connection (SYN), with data if need be; or the answer to it (SYN and ACK); or any other. */
export const tcp = (
  sourcePort: number,
  destinationPort: number,
  { data = '', isReply = false, seq = 1, ...more }: Segment = {},
): Payload => ({
  protocol: 6,
  bytesFor: (addresses) => {
    const { flags, ack } = { ...(isReply ? { flags: 0x12, ack: 2 } : { flags: 0x02, ack: 0 }), ...more }
    const rest = Buffer.alloc(16)
    rest.writeUInt32BE(seq)
    rest.writeUInt32BE(ack, 4)
    rest.writeUInt32BE(((0x5000 | flags) << 16) | 0x0400, 8)
    const packet = Buffer.concat([u16(sourcePort), u16(destinationPort), rest, Buffer.from(data)])
    return withChecksum(packet, 16, addresses, 6)
  },
})

/** ICMP's or ICMPv6's "time exceeded" about a packet. */
export const timeExceeded = ({ etherType, bytes }: Content): Payload => {
  const body = Buffer.concat([Buffer.alloc(4), bytes])
  return etherType === 0x0800 ? icmp(11, 0, body) : icmpv6(3, body)
}

/** ICMP: type, code, and what follows the checksum. */
export const icmp = (type: number, code: number, body: Buffer = Buffer.from([0, 1, 0, 1])): Payload => ({
  protocol: 1,
  bytesFor: () => withChecksum(Buffer.concat([Buffer.from([type, code, 0, 0]), body]), 2),
})

export const ping = icmp(8, 0)
export const pong = icmp(0, 0)

/** A payload behind an IPv6 extension header without options: 0 is hop-by-hop, 60 for the destination (RFC 8200 §4.3). */
export const behind = (header: number, payload: Payload): Payload => ({
  protocol: header,
  bytesFor: (addresses) =>
    Buffer.concat([Buffer.from([payload.protocol, 0, 1, 4, 0, 0, 0, 0]), payload.bytesFor(addresses)]),
})

/** An IPv4 packet in fragments of at most `size` bytes behind their headers, a multiple of 8. */
export function fragmentsOf({ etherType, bytes }: Content, size = 1480): Content[] {
  const [head, body] = [bytes.subarray(0, 20), bytes.subarray(20)]
  return Array.from({ length: Math.ceil(body.length / size) }, (_, index) => {
    const part = body.subarray(index * size, (index + 1) * size)
    const isLast = (index + 1) * size >= body.length
    const own = Buffer.from(head)
    own.writeUInt16BE(20 + part.length, 2)
    own.writeUInt16BE((isLast ? 0 : 0x2000) | ((index * size) >> 3), 6)
    own.writeUInt16BE(0, 10)
    own.writeUInt16BE(checksum(own), 10)
    return { etherType, bytes: Buffer.concat([own, part]) }
  })
}

/** ICMPv6: type, code, and what follows the checksum. */
export const icmpv6 = (type: number, body: Buffer, code = 0): Payload => ({
  protocol: 58,
  bytesFor: (addresses) =>
    withChecksum(Buffer.concat([Buffer.from([type, code, 0, 0]), body]), 2, addresses, 58),
})

export const ping6 = icmpv6(128, Buffer.from([0, 1, 0, 1]))
export const pong6 = icmpv6(129, Buffer.from([0, 1, 0, 1]))
export const routerSolicitation = icmpv6(133, Buffer.alloc(4))
export const routerAdvertisement = icmpv6(134, Buffer.from('400007080000000000000000', 'hex'))
export const redirect = icmpv6(137, Buffer.alloc(36))
/** A report of one group joined (RFC 3810 §5.2). */
export const multicastReport = icmpv6(
  143,
  Buffer.concat([Buffer.from('00000001' + '04000000', 'hex'), ipv6Bytes('ff02::1:ff00:11')]),
)

/** With `sll` the option "source link-layer address" first; `nonce` is the option that Linux adds to probes (RFC 7527). */
export function solicitation(target: string, { sll, nonce }: { sll?: string; nonce?: string } = {}): Payload {
  const options = [...(sll === undefined ? [] : [lla(1, sll)]), ...nonceOption(nonce)]
  return icmpv6(135, Buffer.concat([u16(0), u16(0), ipv6Bytes(target), ...options]))
}

export function advertisement(
  target: string,
  { tll, nonce }: { tll?: string; nonce?: string } = {},
): Payload {
  const options = [...(tll === undefined ? [] : [lla(2, tll)]), ...nonceOption(nonce)]
  return icmpv6(136, Buffer.concat([u16(0x6000), u16(0), ipv6Bytes(target), ...options]))
}

/** The group that a neighbour solicitation goes to (RFC 4291 §2.7.1), and its MAC address (RFC 2464 §7). */
export function solicitedNode(target: string): { ip: string; mac: string } {
  const end = ipv6Bytes(target).subarray(13)
  const [a, b, c] = [...end].map((byte) => byte.toString(16).padStart(2, '0')) as [string, string, string]
  return { ip: `ff02::1:ff${a}:${b}${c}`, mac: `33:33:ff:${a}:${b}:${c}` }
}

const lla = (type: number, mac: string) => Buffer.concat([Buffer.from([type, 1]), macBytes(mac)])
const nonceOption = (nonce: string | undefined) =>
  nonce === undefined ? [] : [Buffer.concat([Buffer.from([14, 1]), Buffer.from(nonce, 'hex')])]

/** With the pseudo-header, for a protocol that has one. */
function withChecksum(packet: Buffer, at: number, addresses?: Buffer, protocol = 0): Buffer {
  const pseudo = addresses === undefined ? [] : [addresses, u16(packet.length), u16(protocol)]
  const sum = checksum(Buffer.concat([...pseudo, packet]))
  packet.writeUInt16BE(protocol === 17 && sum === 0 ? 0xffff : sum, at)
  return packet
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return 0xffff - sum
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
