/**
 * A match from the text that `ovs-ofctl` takes and prints. It knows the names that mean different fields in different
 * packets, and no message.
 */

import { CodecError, within } from '../wire/codec.ts'
import { comparedOf, ethTypeOf, type Match } from './match.ts'
import { type FieldName, fieldOf } from './oxm.ts'
import { comparedFrom, fieldFrom } from './parse-field.ts'
import { halvesOf, intFrom, type Word, words } from './scan.ts'

// biome-ignore format: one protocol a line
/** The short names of protocols. */
const protocols: Readonly<Record<string, Match>> = {
  eth:   { packetType: 0 },
  ip:    { ethType: 0x0800 },
  icmp:  { ethType: 0x0800, ipProto: 1 },
  tcp:   { ethType: 0x0800, ipProto: 6 },
  udp:   { ethType: 0x0800, ipProto: 17 },
  sctp:  { ethType: 0x0800, ipProto: 132 },
  ipv6:  { ethType: 0x86dd },
  icmp6: { ethType: 0x86dd, ipProto: 58 },
  tcp6:  { ethType: 0x86dd, ipProto: 6 },
  udp6:  { ethType: 0x86dd, ipProto: 17 },
  sctp6: { ethType: 0x86dd, ipProto: 132 },
  arp:   { ethType: 0x0806 },
  rarp:  { ethType: 0x8035 },
  mpls:  { ethType: 0x8847 },
  mplsm: { ethType: 0x8848 },
}

/** Whether that is the short name of a protocol. */
export const isProtocol = (word: string): boolean => Object.hasOwn(protocols, word)

const protocolOf = ({ ipProto }: Match): number | undefined =>
  ipProto === undefined ? undefined : comparedOf(ipProto).value
const isArp = (match: Match): boolean => [0x0806, 0x8035].includes(ethTypeOf(match) ?? 0)
const transport = (match: Match, side: 'Src' | 'Dst'): FieldName =>
  (({ 17: `udp${side}`, 132: `sctp${side}` }) as const)[protocolOf(match) ?? 0] ?? `tcp${side}`

// biome-ignore format: one name a line
/** Names whose field depends on the packet. */
const dependent: Readonly<Record<string, (match: Match) => FieldName>> = {
  in_port:   () => 'inPort',
  nw_src:    (match) => (isArp(match) ? 'arpSpa' : 'ipv4Src'),
  nw_dst:    (match) => (isArp(match) ? 'arpTpa' : 'ipv4Dst'),
  nw_proto:  (match) => (isArp(match) ? 'arpOp' : 'ipProto'),
  tp_src:    (match) => transport(match, 'Src'),
  tp_dst:    (match) => transport(match, 'Dst'),
  icmp_type: (match) => (protocolOf(match) === 58 ? 'icmpv6Type' : 'icmpv4Type'),
  icmp_code: (match) => (protocolOf(match) === 58 ? 'icmpv6Code' : 'icmpv4Code'),
  gtpu_flags:   () => 'tunGtpuFlags',
  gtpu_msgtype: () => 'tunGtpuMsgtype',
}

/** The field that a name means in packets of that match. Throws `CodecError`. */
export const fieldIn = (match: Match, name: string): FieldName =>
  Object.hasOwn(dependent, name) ? dependent[name]!(match) : fieldFrom(name)

/** The VLAN tag that is compared: bits of `vlan_tci`. */
interface Tci {
  readonly value: number
  readonly mask: number
}

/** Names that say something of the VLAN tag. */
const tags: Readonly<Record<string, (text: string) => Tci>> = {
  vlan_tci: (text) => {
    const [value, mask] = halvesOf(text)
    return { value: intFrom(value, 16), mask: mask === undefined ? 0xffff : intFrom(mask, 16) }
  },
  dl_vlan: (text) => {
    const vid = intFrom(text, 16)
    if (vid === 0xffff) return { value: 0, mask: 0xffff }
    if (vid > 0xfff) throw new CodecError(`${text} does not fit 12 bits`)
    return { value: vid | 0x1000, mask: 0x1fff }
  },
  dl_vlan_pcp: (text) => ({ value: (intFrom(text, 3) << 13) | 0x1000, mask: 0xf000 }),
  vlan_vid: (text) => {
    const [value, mask] = halvesOf(text)
    return { value: intFrom(value, 13), mask: mask === undefined ? 0x1fff : intFrom(mask, 16) & 0x1fff }
  },
  vlan_pcp: (text) => ({ value: (intFrom(text, 3) << 13) | 0x1000, mask: 0xf000 }),
}

/** The match of a text. Throws `CodecError` with the name of what is wrong. */
export const parseMatch = (text: string): Match => matchOf(words(text))

/** The match of words; the last that says something of a field counts. Throws `CodecError`. */
export function matchOf(all: readonly Word[]): Match {
  const match: Record<string, unknown> = {}
  let tag: Tci = { value: 0, mask: 0 }
  for (const { key, value } of [...all].sort((a, b) => rankOf(a) - rankOf(b)))
    try {
      if (isProtocol(key) && value === '') Object.assign(match, protocols[key])
      else if (Object.hasOwn(tags, key)) tag = joined(tag, tags[key]!(value))
      else set(match, key, value)
    } catch (error) {
      throw within(key, error)
    }
  return { ...(match as Match), ...tagFields(tag) }
}

/** What tells the protocol counts before what depends on it, wherever it stands. */
const rankOf = ({ key }: Word): number =>
  isProtocol(key) || /^(dl_type|eth_type|packet_type)$/.test(key) ? 0 : /^(nw|ip)_proto$/.test(key) ? 1 : 2

function set(match: Record<string, unknown>, key: string, value: string): void {
  // The type of service is the DSCP and two bits more.
  const name = key === 'nw_tos' ? 'ipDscp' : fieldIn(match as Match, key)
  const compared = key === 'nw_tos' ? dscpFrom(value) : comparedFrom(name, value)
  if (compared !== undefined) match[name] = compared
  else if (value === '' && fieldOf(name).isVariable !== true) throw new CodecError('has no value')
}

/** The DSCP of a type of service, whose two low bits are no part of it. Throws `CodecError`. */
export function dscpFrom(text: string): number {
  const tos = intFrom(text, 8)
  if ((tos & 3) !== 0) throw new CodecError(`${text} has bits that are no DSCP`)
  return tos >> 2
}

const joined = (a: Tci, b: Tci): Tci => ({
  value: (a.value & ~b.mask) | (b.value & b.mask),
  mask: a.mask | b.mask,
})

/** As OpenFlow 1.3 has it: VID and PCP, each whole or not at all; a packet without a tag has no PCP. */
function tagFields({ value, mask }: Tci): Match {
  const hasTag = (value & mask & 0x1000) !== 0
  const isUntagged = !hasTag && (mask & 0x1000) !== 0
  const pcp = isUntagged ? 0 : mask & 0xe000
  const vid = { value: value & mask & 0x1fff, mask: mask & 0x1fff }
  const isPcpCut = pcp !== 0 && !(pcp === 0xe000 && hasTag)
  if (isPcpCut || (isUntagged && vid.value !== 0)) return { vlanTci: { value: value & mask, mask } }
  if (vid.mask === 0) return {}
  return {
    vlanVid: vid.mask === 0x1fff ? vid.value : vid,
    ...(pcp === 0 ? {} : { vlanPcp: value >> 13 }),
  }
}
