/**
 * Source NAT in the switch (docs/pipeline.md, tables 0, 50 to 52, 60 and 70 to 72; docs/decisions/0005-source-nat.md). It
 * knows local ports by their keys and OpenFlow ports, and of routers only that l3(60) is theirs.
 *
 * A packet is translated twice: from its own address to one that only its port has on this node, in a zone that only its
 * port has, and from that to the address that the node has outside, in a zone that all share. So equal addresses of two
 * tenants, or two addresses of one port, never make equal connections, and conntrack does it all: fragments are put
 * together, and the packets that ICMP errors quote are translated back, too.
 */

import {
  type Action,
  ct,
  ethTypes,
  type Flow,
  type Match,
  move,
  output,
  setField,
} from '../../openflow/index.ts'
import { arpAnswer, ndAnswer, ndCompletion, ndFlags, toOutside } from '../answers.ts'
import { flow, goto, idOf, natZones } from '../pipeline.ts'
import { destination, reachOf } from '../reach.ts'
import type { LocalPort, Network } from '../view.ts'

/** The way outside. */
export interface Outside {
  /** The OpenFlow port that leads there. */
  readonly ofport: number
  /** The node's own MAC address there, which is the next hop. */
  readonly nextMac: string
  /** The MAC address that goes with the addresses. */
  readonly mac: string
  /** What the node's ports look like outside: an IPv4 address, an IPv6 address, or one of each. */
  readonly addresses: readonly string[]
}

/** The MAC address of an external address: local, and different for different addresses. */
export const macOf = (bytes: Uint8Array): string =>
  `02:df${[...bytes.subarray(-4)].map((byte) => `:${byte.toString(16).padStart(2, '0')}`).join('')}`

// biome-ignore format: columns
const priority = {
  outside:  60, // classify: before the networks behind the same wire
  noRoute:  50, // l3: behind every route
  itself:  200, // egressNat
  answer:  200, // snatIngress and snatDeliver
  row:     100,
}

// biome-ignore format: one bit a line
/** Bits of ct_state (ovs-fields(7)). */
const states = { new: 0x01, invalid: 0x10, tracked: 0x20 }
const known = { value: states.tracked, mask: states.tracked | states.invalid }
const established = { value: states.tracked, mask: states.tracked | states.invalid | states.new }
const untagged: Match = { vlanTci: { value: 0, mask: 0x1000 } }
const solicitation: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 135 }
/** In snatDeliver: the packet has become an answer. */
const isAnswer = 1
const decTtl: Action = { kind: 'decTtl' }

const isIpv6 = (ip: string): boolean => ip.includes(':')
const ethTypeOf = (ip: string) => (isIpv6(ip) ? ethTypes.ipv6 : ethTypes.ipv4)
const towards = (ip: string): Match => destination(reachOf(ip)!)
const from = (ip: string): Match => (isIpv6(ip) ? { ipv6Src: ip } : { ipv4Src: ip })
const translation = (addressMin: string): Action => ({ kind: 'nat', direction: 'src', addressMin })
const translationBack: Action = { kind: 'nat' }

/** What all ports share. */
export function* commonFlows({ ofport, nextMac, mac, addresses }: Outside): Iterable<Flow> {
  for (const ip of addresses) {
    const ethType = ethTypeOf(ip)
    yield flow('l3', priority.noRoute, { ethType }, [goto('egressNat')])
    yield flow('egressNat', priority.itself, towards(ip), [])
    yield flow('egressSnat', priority.row, { ethType, ctState: known }, [
      ct({
        commit: true,
        zone: natZones.shared,
        tableId: idOf('egressNatted'),
        actions: [translation(ip), move('reg6', 'ctMark')],
      }),
    ])
    // Whatever could not be translated has no business outside, nor what carries a tag: it would name another network there.
    yield flow('egressNatted', priority.row, { ethType, ctState: known, ...untagged, ...from(ip) }, [
      setField({ ethSrc: mac }),
      setField({ ethDst: nextMac }),
      output(ofport),
    ])

    const outside: Match = { inPort: ofport, ...untagged }
    yield flow('classify', priority.outside, { ...outside, ...towards(ip) }, [goto('snatIngress')])
    yield flow('snatIngress', priority.row, towards(ip), [
      ct({ zone: natZones.shared, tableId: idOf('snatDeliver'), actions: [translationBack] }),
    ])
    yield flow('snatReturn', priority.row, { ethType, ctState: established }, [goto('egress')])
    yield* isIpv6(ip) ? advertising(outside, ip, mac) : answering(outside, ip, mac)
  }
}

/** The address is asked for by the node's kernel. */
function* answering(outside: Match, ip: string, mac: string): Iterable<Flow> {
  const request: Match = { ethType: ethTypes.arp, arpOp: 1, arpTpa: ip }
  yield flow('classify', priority.outside, { ...outside, ...request }, [goto('snatIngress')])
  yield flow('snatIngress', priority.answer, request, arpAnswer(ip, mac, toOutside))
}

function* advertising(outside: Match, ip: string, mac: string): Iterable<Flow> {
  const asked: Match = { ...solicitation, ndTarget: ip }
  yield flow('classify', priority.outside, { ...outside, ...asked }, [goto('snatIngress')])
  yield flow('snatIngress', priority.answer, asked, [
    setField({ reg8: isAnswer }),
    ...ndAnswer(ip, mac, 'snatDeliver'),
  ])
  const answer: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 136, reg8: isAnswer }
  yield flow('snatDeliver', priority.answer, answer, ndCompletion(ndFlags.host, toOutside))
}

/** One port, in its network. */
export function* portFlows(port: LocalPort, network: Network, outside: Outside): Iterable<Flow> {
  const zone = natZones.of(port)
  for (const ip of outside.addresses) {
    const ethType = ethTypeOf(ip)
    const inner = innerAddress(port, isIpv6(ip))
    yield flow('egressNat', priority.row, { ethType, reg6: port.key }, [
      decTtl,
      ct({ commit: true, zone, tableId: idOf('egressSnat'), actions: [translation(inner)] }),
    ])
    // The mark: an OpenFlow port may be another's by now, and its connections with it.
    const reply = { ethType, ctState: established, ctMark: port.key, ...towards(inner) }
    yield flow('snatDeliver', priority.row, reply, [
      decTtl,
      setField({ metadata: BigInt(network.key) }),
      setField({ reg7: port.key }),
      setField({ ethSrc: outside.mac }),
      setField({ ethDst: port.macs[0]! }),
      ct({ zone, tableId: idOf('snatReturn'), actions: [translationBack] }),
    ])
  }
}

/**
 * The address that a port has between the two translations, by its number in the switch. No router forwards such
 * addresses, so that it is nobody's destination.
 */
function innerAddress({ ofport }: LocalPort, isOfIpv6: boolean): string {
  return isOfIpv6 ? `fe80::${ofport.toString(16)}` : `169.254.${ofport >> 8}.${ofport & 0xff}`
}
