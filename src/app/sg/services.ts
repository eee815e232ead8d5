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
import { icmp, protocolOf } from '../../security-rule.ts'
import type { SecurityGroupRule } from '../view.ts'

/** The packets of a rule's family. */
export const packetsOf = ({ ethertype }: Pick<SecurityGroupRule, 'ethertype'>): Match => ({
  ethType: ethertype === 'IPv4' ? ethTypes.ipv4 : ethTypes.ipv6,
})

/** The field with the destination port of a protocol that has ports. */
const portFieldOf = (protocol: number): 'tcpDst' | 'udpDst' | 'sctpDst' =>
  protocol === 6 ? 'tcpDst' : protocol === 17 ? 'udpDst' : 'sctpDst'

const isWhole: Match = { ipFrag: 0 }
const isFirst: Match = { ipFrag: 1, ...parseMatch('ct_state=-inv+trk') }
const isLater: Match = { ipFrag: 3 }
const everyPort = { min: 0, max: 0xffff }

/** The matches that together are what a sound rule lets by; undefined for all packets of its family. */
export function servicesOf(rule: SecurityGroupRule): readonly Match[] | undefined {
  const protocol = protocolOf(rule)
  if (protocol === undefined) return undefined
  const packets: Match = { ...packetsOf(rule), ipProto: protocol }
  const { portRangeMin: min, portRangeMax: max } = rule
  if (min === undefined) return [packets]
  if (protocol === icmp[rule.ethertype])
    return withFragments(packets, protocol, [icmpHeader(protocol, min, max)])
  if (min === everyPort.min && max === everyPort.max) return [packets]
  const headers = masksOf(min, max!).map(({ value, mask }): Header => {
    const compared = mask === 0xffff ? value : { value, mask }
    return { own: { [portFieldOf(protocol)]: compared }, connection: { ctTpDst: compared } }
  })
  return withFragments(packets, protocol, headers)
}

function icmpHeader(protocol: number, type: number, code: number | undefined): Header {
  const [typeField, codeField] =
    protocol === icmp.IPv4 ? (['icmpv4Type', 'icmpv4Code'] as const) : (['icmpv6Type', 'icmpv6Code'] as const)
  const stated = code !== undefined
  return {
    own: { [typeField]: type, ...(stated && { [codeField]: code }) },
    connection: { ctTpSrc: type, ...(stated && { ctTpDst: code }) },
  }
}

/** What a header looks like in the packet, and in its connection. */
interface Header {
  readonly own: Match
  readonly connection: Match
}

function withFragments(packets: Match, protocol: number, headers: readonly Header[]): Match[] {
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

/** The fewest values with masks that are exactly the ports from `min` to `max`, at most 30. */
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
