/**
 * What a rule of a security group says of the packet itself, as matches: its family, its protocol, the ports it goes to or
 * the type and code of ICMP. It knows no group and nobody at either end.
 *
 * Fragments: Open vSwitch tracks the packet that they make, and hides the ports of the first from flows (`frag_handling` is
 * normal). Those of the connection are not hidden, and as it is matched in the direction that it was opened in, they are the
 * packet's. Later ones have neither in the userspace datapath: they pass where any port of their protocol does, for a new
 * connection only together with the first, since `ct` puts them together again. The kernel's goes on with the whole packet.
 */

import { ethTypes, type Match, parseMatch } from '../../openflow/index.ts'
import type { SecurityGroupRule } from '../view.ts'

type Family = 'ipv4' | 'ipv6'

export const familyOf = ({ ethertype }: Pick<SecurityGroupRule, 'ethertype'>): Family =>
  ethertype === 'IPv4' ? 'ipv4' : 'ipv6'

/** The packets of a family. */
export const packetsOf = (family: Family): Match => ({ ethType: ethTypes[family] })

// biome-ignore format: columns
/** The protocols whose ports the switch can match, by number. */
const portsOf: Readonly<Record<number, 'tcpDst' | 'udpDst' | 'sctpDst'>> = {
  6:   'tcpDst',
  17:  'udpDst',
  132: 'sctpDst',
}

const icmp = { ipv4: 1, ipv6: 58 } as const

const isWhole: Match = { ipFrag: 0 }
const isFirst: Match = { ipFrag: 1, ...parseMatch('ct_state=-inv+trk') }
const isLater: Match = { ipFrag: 3 }
const everyPort = { min: 0, max: 0xffff }

/**
 * The matches that together are what the rule lets by; undefined for all packets of its family. A rule that says what no
 * packet can be lets nothing by.
 */
export function servicesOf(rule: SecurityGroupRule): readonly Match[] | undefined {
  const { protocol: stated, portRangeMin: min, portRangeMax: max } = rule
  if (stated === undefined) return undefined
  const family = familyOf(rule)
  const protocol = stated === icmp.ipv4 ? icmp[family] : stated // Neutron's `icmp` is ICMPv6 in IPv6
  const packets: Match = { ...packetsOf(family), ipProto: protocol }
  if (min === undefined) return [packets]
  if (protocol === icmp[family]) return icmpMatches(packets, protocol, min, max)
  const port = portsOf[protocol]
  if (port === undefined || max === undefined) return []
  if (min === everyPort.min && max === everyPort.max) return [packets]
  const headers = masksOf(min, max).map(({ value, mask }) => {
    const compared = mask === 0xffff ? value : { value, mask }
    return { own: { [port]: compared }, connection: { ctTpDst: compared } }
  })
  return withFragments(packets, protocol, headers)
}

function icmpMatches(packets: Match, protocol: number, type: number, code: number | undefined): Match[] {
  const [typeField, codeField] =
    protocol === icmp.ipv4 ? (['icmpv4Type', 'icmpv4Code'] as const) : (['icmpv6Type', 'icmpv6Code'] as const)
  const own = { [typeField]: type, ...(code === undefined ? {} : { [codeField]: code }) }
  const connection = { ctTpSrc: type, ...(code === undefined ? {} : { ctTpDst: code }) }
  return withFragments(packets, protocol, [{ own, connection }])
}

/** What a header looks like in the packet, and in its connection. */
interface Header {
  readonly own: Match
  readonly connection: Match
}

function withFragments(packets: Match, protocol: number, headers: readonly Header[]): Match[] {
  if (headers.length === 0) return []
  const beginnings = headers.flatMap(({ own, connection }) => [
    { ...packets, ...isWhole, ...own },
    { ...packets, ...isFirst, ctNwProto: protocol, ...connection },
  ])
  return [...beginnings, { ...packets, ...isLater }]
}

interface Masked {
  readonly value: number
  readonly mask: number
}

/** The fewest values with masks that are exactly the ports from `min` to `max`, at most 30; none if `min` is the greater. */
export function masksOf(min: number, max: number): Masked[] {
  const masks: Masked[] = []
  for (let value = min; value <= max; ) {
    let size = value === 0 ? 0x10000 : value & -value
    while (value + size - 1 > max) size /= 2
    masks.push({ value, mask: 0x10000 - size })
    value += size
  }
  return masks
}
