/**
 * The text of a packet inside a message, as `ovs-ofctl` prints it (`miniflow_extract` and `ofp_packet_to_string` of Open
 * vSwitch): every field that the packet has, and its checksum. It reads Ethernet, VLAN, ARP, IPv4, IPv6 and the transport
 * headers on them only as far as that text goes; what is cut short is shown as far as it is there.
 */

import { ipv4Text, ipv6Text, macText } from '../wire/address.ts'
import type { Match } from './match.ts'
import { matchText } from './match-text.ts'

type Fields = { -readonly [K in keyof Match]?: Match[K] }

/** A packet being read: what is left of it, and what was found. */
interface State {
  readonly frame: Buffer
  at: number
  end: number
  readonly fields: Fields
  /** The words of VLAN tags after the first. */
  readonly tags: string[]
  checksum: string
}

const zeroMac = '00:00:00:00:00:00'

/** The text of an Ethernet frame, one line without a line feed. */
export function frameText(frame: Buffer): string {
  const state: State = { frame, at: 0, end: frame.length, fields: {}, tags: [], checksum: '' }
  readEthernet(state)
  const text = matchText(state.fields as Match)
  const tags = state.tags.map((tag) => `${tag},`).join('')
  return `${tags === '' ? text : text.replace('dl_src=', `${tags}dl_src=`)}${state.checksum}`
}

const left = ({ at, end }: State): number => end - at

function readEthernet(state: State): void {
  const { frame, fields } = state
  Object.assign(fields, { vlanTci: 0, ethSrc: zeroMac, ethDst: zeroMac, ethType: 0 })
  if (left(state) < 14) return
  fields.ethDst = macText(frame, 0)
  fields.ethSrc = macText(frame, 6)
  state.at = 12
  readTags(state)
  const type = frame.readUInt16BE(state.at)
  state.at += 2
  fields.ethType = type >= 0x600 ? type : snapType(state)
  if (fields.ethType === 0x0806 || fields.ethType === 0x8035) readArp(state)
  else if (fields.ethType === 0x0800) readIpv4(state)
  else if (fields.ethType === 0x86dd) readIpv6(state)
}

const isTag = (type: number): boolean => type === 0x8100 || type === 0x88a8

function readTags(state: State): void {
  const tcis: number[] = []
  while (tcis.length < 2 && isTag(state.frame.readUInt16BE(state.at)) && left(state) >= 6) {
    tcis.push(state.frame.readUInt16BE(state.at + 2) | 0x1000)
    state.at += 4
  }
  state.fields.vlanTci = tcis[0] ?? 0
  if (tcis[0] === undefined) return
  const inner = tcis[1]
  if (inner === undefined) state.tags.push('vlan_tci1=0x0000')
  else state.tags.push(`dl_vlan1=${inner & 0xfff}`, `dl_vlan_pcp1=${inner >> 13}`)
}

const noType = 0x05ff

/** The type behind an 802.2 header with SNAP, or the number that Open vSwitch has for none. */
function snapType(state: State): number {
  const { frame, at } = state
  if (left(state) < 8 || frame.readUIntBE(at, 6) !== 0xaaaa_0300_0000) return noType
  const type = frame.readUInt16BE(at + 6)
  state.at += 8
  return type >= 0x600 ? type : noType
}

function readArp(state: State): void {
  const { frame, at, fields } = state
  Object.assign(fields, { arpSpa: '0.0.0.0', arpTpa: '0.0.0.0', arpOp: 0, arpSha: zeroMac, arpTha: zeroMac })
  if (left(state) < 28 || frame.readUIntBE(at, 6) !== 0x0001_0800_0604) return
  const op = frame.readUInt16BE(at + 6)
  Object.assign(fields, {
    arpOp: op <= 0xff ? op : 0,
    arpSha: macText(frame, at + 8),
    arpSpa: ipv4Text(frame, at + 14),
    arpTha: macText(frame, at + 18),
    arpTpa: ipv4Text(frame, at + 24),
  })
}

const noIp = { ipProto: 0, ipDscp: 0, ipEcn: 0, nwTtl: 0, ipFrag: 0 }

function readIpv4(state: State): void {
  const { frame, at, fields } = state
  Object.assign(fields, { ...noIp, ipv4Src: '0.0.0.0', ipv4Dst: '0.0.0.0' })
  if (left(state) < 20) return
  const headerSize = (frame[at]! & 15) * 4
  const size = frame.readUInt16BE(at + 2)
  if (headerSize < 20 || headerSize > left(state) || size > left(state) || size < headerSize) return
  const fragment = frame.readUInt16BE(at + 6)
  const isLater = (fragment & 0x1fff) !== 0
  Object.assign(fields, {
    ipv4Src: ipv4Text(frame, at + 12),
    ipv4Dst: ipv4Text(frame, at + 16),
    ...tosOf(frame[at + 1]!),
    nwTtl: frame[at + 8],
    ipFrag: (fragment & 0x3fff) === 0 ? 0 : isLater ? 3 : 1,
  })
  state.end = at + size
  state.at += headerSize
  readTransport(state, frame[at + 9]!, isLater)
}

const tosOf = (tos: number): Fields => ({ ipDscp: tos >> 2, ipEcn: tos & 3 })

function readIpv6(state: State): void {
  const { frame, at, fields } = state
  Object.assign(fields, { ...noIp, ipv6Src: '::', ipv6Dst: '::', ipv6Flabel: 0 })
  if (left(state) < 40 || frame.readUInt16BE(at + 4) > left(state) - 40) return
  fields.ipv6Src = ipv6Text(frame, at + 8)
  fields.ipv6Dst = ipv6Text(frame, at + 24)
  state.end = at + 40 + frame.readUInt16BE(at + 4)
  state.at += 40
  const extended = skipExtensions(state, frame[at + 6]!)
  if (extended === undefined) return
  const word = frame.readUInt32BE(at)
  Object.assign(fields, {
    ...tosOf((word >>> 20) & 0xff),
    ipv6Flabel: word & 0xfffff,
    nwTtl: frame[at + 7],
    ipFrag: extended.fragment,
  })
  readTransport(state, extended.proto, extended.fragment === 3)
}

const [hopByHop, routing, fragmentHeader, authentication, destination] = [0, 43, 44, 51, 60]

function skipExtensions(state: State, first: number): { proto: number; fragment: number } | undefined {
  const { frame } = state
  let proto = first
  let fragment = 0
  while ([hopByHop, routing, fragmentHeader, authentication, destination].includes(proto)) {
    if (left(state) < 8) return undefined
    const { at } = state
    const size = frame[at + 1]!
    const header = proto
    proto = frame[at]!
    state.at += header === fragmentHeader ? 8 : header === authentication ? (size + 2) * 4 : (size + 1) * 8
    if (state.at > state.end) return undefined
    if (header !== fragmentHeader || frame.readUInt16BE(at + 2) === 0) continue
    fragment = 1
    if (frame.readUInt16BE(at + 2) >> 3 !== 0) return { proto: fragmentHeader, fragment: 3 }
  }
  return { proto, fragment }
}

// biome-ignore format: one protocol a line
/** How a transport header is read: its size, the names of its two numbers, and where its checksum stands. */
const transports = new Map<number, { name: string; size: number; checksumAt: number; checksumSize: number }>([
  [1,   { name: 'icmp',  size: 8,  checksumAt: 2,  checksumSize: 2 }],
  [6,   { name: 'tcp',   size: 20, checksumAt: 16, checksumSize: 2 }],
  [17,  { name: 'udp',   size: 8,  checksumAt: 6,  checksumSize: 2 }],
  [58,  { name: 'icmp6', size: 4,  checksumAt: 2,  checksumSize: 2 }],
  [132, { name: 'sctp',  size: 12, checksumAt: 8,  checksumSize: 4 }],
])

function readTransport(state: State, proto: number, isLater: boolean): void {
  const { frame, at, fields } = state
  fields.ipProto = proto
  const transport = transports.get(proto)
  if (transport !== undefined && left(state) >= transport.size) {
    const checksum = frame.readUIntBE(at + transport.checksumAt, transport.checksumSize)
    state.checksum = ` ${transport.name}_csum:${checksum.toString(16)}`
  }
  if (isLater) return
  if (proto === 1 || proto === 58) readIcmp(state, proto)
  else if (proto === 6) readTcp(state)
  else if (proto === 17 || proto === 132 || proto === 2) readPorts(state, proto)
}

/** Both numbers are named `tp_src` and `tp_dst`, whatever they are. */
function readPorts(state: State, proto: number): void {
  const { frame, at, fields } = state
  fields.udpSrc = 0
  fields.udpDst = 0
  if (left(state) < (proto === 132 ? 12 : 8)) return
  fields.udpSrc = proto === 2 ? frame[at]! : frame.readUInt16BE(at)
  fields.udpDst = proto === 2 ? frame[at + 1]! : frame.readUInt16BE(at + 2)
}

function readTcp(state: State): void {
  const { frame, at, fields } = state
  Object.assign(fields, { tcpSrc: 0, tcpDst: 0, tcpFlags: 0 })
  if (left(state) < 20) return
  const headerSize = (frame[at + 12]! >> 4) * 4
  if (headerSize < 20 || headerSize > left(state)) return
  fields.tcpSrc = frame.readUInt16BE(at)
  fields.tcpDst = frame.readUInt16BE(at + 2)
  fields.tcpFlags = frame.readUInt16BE(at + 12) & 0xfff
}

function readIcmp(state: State, proto: number): void {
  const { frame, at, fields } = state
  const isV6 = proto === 58 && fields.ethType === 0x86dd
  const isV4 = proto === 1 && fields.ethType === 0x0800
  const [type, code] = left(state) >= 8 ? [frame[at]!, frame[at + 1]!] : [0, 0]
  if (isV4) Object.assign(fields, { icmpv4Type: type, icmpv4Code: code })
  else if (isV6) Object.assign(fields, { icmpv6Type: type, icmpv6Code: code })
  else Object.assign(fields, { udpSrc: type, udpDst: code })
  if (isV6 && code === 0 && (type === 135 || type === 136)) readNeighbor(state)
}

function readNeighbor(state: State): void {
  const { frame, fields } = state
  Object.assign(fields, { ndTarget: '::', ndSll: zeroMac, ndTll: zeroMac })
  state.at += 8
  if (left(state) < 16) return
  fields.ndTarget = ipv6Text(frame, state.at)
  state.at += 16
  while (left(state) >= 8) {
    const { at } = state
    const size = frame[at + 1]! * 8
    if (size === 0 || size > left(state)) return
    const name = frame[at] === 1 ? 'ndSll' : frame[at] === 2 ? 'ndTll' : undefined
    if (name !== undefined && size === 8) {
      if (fields[name] !== zeroMac) {
        Object.assign(fields, { ndTarget: '::', ndSll: zeroMac, ndTll: zeroMac })
        return
      }
      fields[name] = macText(frame, at + 2)
    }
    state.at += size
  }
}
