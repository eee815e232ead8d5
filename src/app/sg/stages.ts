/**
 * The two places where security groups stand: behind the sender's port security and before the receiver's port. Both are
 * alike, and what they have in common for all ports is here. It knows no group.
 *
 *     conntrack --ct(zone of the port)--> rules --a reply, or related--------------------------> next
 *                                         |  |--a rule lets it by--> allowed --commit if new--> next
 *                                         |  `--no rule does, but one did: the connection is marked as refused
 *                                         `--invalid, or of a refused connection, or nobody's: dropped
 *
 * Whoever opened a connection is held to the rules for each of its packets: what a removed rule let by ends with it.
 */

import { ct, ethTypes, type Flow, load, type Match, parseMatch } from '../../openflow/index.ts'
import { flow, goto, registers, type TableName, track, zoneOf } from '../pipeline.ts'
import { destination, origin, type Reach } from '../reach.ts'
import type { LocalPort } from '../view.ts'

/** One of the two. */
export interface Stage {
  readonly direction: 'egress' | 'ingress'
  /** Where packets that have to do with a port are told apart from others. */
  readonly conntrack: TableName
  readonly rules: TableName
  readonly allowed: TableName
  readonly next: TableName
  /** The register with the port's key. */
  readonly port: typeof registers.source | typeof registers.destination
  /** The packets to and from that other end. */
  readonly remote: (reach: Reach) => Match
}

/** Both, in the order in which a packet meets them. */
export const stages: readonly Stage[] = [
  {
    direction: 'egress',
    conntrack: 'egressConntrack',
    rules: 'egressSecurityGroup',
    allowed: 'egressAllowed',
    next: 'services',
    port: registers.source,
    remote: destination,
  },
  {
    direction: 'ingress',
    conntrack: 'ingressConntrack',
    rules: 'ingressSecurityGroup',
    allowed: 'ingressAllowed',
    next: 'dispatch',
    port: registers.destination,
    remote: origin,
  },
]

// biome-ignore format: columns
/** Of the rows of these tables. However many groups there are, their rules have one priority. */
export const priority = {
  exempt: 200, // what no group forbids
  opened: 100, // the packets of a guarded port
  state:  300, // what follows from the connection alone
  rule:   200,
  refuse:  50, // what no rule lets by any more
  miss:     1,
}

const ipv4: Match = { ethType: ethTypes.ipv4 }
const ipv6: Match = { ethType: ethTypes.ipv6 }
const families = [ipv4, ipv6]

const dhcp = (udpSrc: number, udpDst: number): Match => ({ ...ipv4, ipProto: 17, udpSrc, udpDst })
const dhcpv6 = (udpSrc: number, udpDst: number): Match => ({ ...ipv6, ipProto: 17, udpSrc, udpDst })
const icmpv6 = (icmpv6Type: number, nwTtl: number): Match => ({ ...ipv6, ipProto: 58, icmpv6Type, nwTtl })

/** The hop limit of what comes from the same network: of multicast listeners (RFC 3810 §5), of neighbours (RFC 4861 §4). */
const hops = { listener: 1, neighbor: 255 }

/**
 * What a machine needs to have an address and to be found, and what no group therefore forbids: DHCP, multicast listeners
 * (reports out, queries in), advertised routers and neighbours. What else port security lets by goes past these tables.
 */
const exempt: Readonly<Record<Stage['direction'], readonly Match[]>> = {
  egress: [dhcp(68, 67), dhcpv6(546, 547), ...[131, 132, 143].map((type) => icmpv6(type, hops.listener))],
  ingress: [
    dhcp(67, 68),
    dhcpv6(547, 546),
    icmpv6(130, hops.listener),
    ...[134, 135, 136].map((type) => icmpv6(type, hops.neighbor)),
  ],
}

/** A guarded machine answers nobody's DHCP, since nobody is guarded from such answers. */
const forbidden: Readonly<Record<Stage['direction'], readonly Match[]>> = {
  egress: [dhcp(67, 68), dhcpv6(547, 546)],
  ingress: [],
}

/** The lowest bit of a connection's mark says: no rule lets it by any more. */
const isRefused: Match = { ctMark: { value: 1, mask: 1 } }
const isNotRefused: Match = { ctMark: { value: 0, mask: 1 } }
const state = (text: string): Match => parseMatch(`ct_state=${text}`)

/** Puts the packet's connection into the zone it was looked up in, refused or not. */
const commit = (refused: 0 | 1) =>
  ct({
    commit: true,
    zone: { field: 'ctZone', offset: 0, bits: 16 },
    actions: [load(refused, 'ctMark', { bits: 1 })],
  })

/** What holds for every port. */
export function* commonRows(stage: Stage): Iterable<Flow> {
  const { direction, conntrack, rules, allowed, next } = stage
  for (const match of exempt[direction]) yield flow(conntrack, priority.exempt, match, [goto(next)])
  for (const match of forbidden[direction]) yield flow(rules, priority.state, match, [])
  yield flow(rules, priority.state, state('+inv+trk'), [])
  for (const known of [state('+est-rel+rpl-inv+trk'), state('-new+rel-inv+trk')]) {
    yield flow(rules, priority.state, { ...known, ...isNotRefused }, [goto(next)])
    yield flow(rules, priority.state, { ...known, ...isRefused }, [])
  }
  for (const family of families) {
    const open = { ...family, ...state('+est-rel-rpl-inv+trk'), ...isNotRefused }
    yield flow(rules, priority.refuse, open, [commit(1)])
    yield flow(allowed, priority.rule, { ...family, ...state('+new-inv+trk') }, [commit(0), goto(next)])
    yield flow(allowed, priority.rule, { ...family, ...state('-new-inv+trk'), ...isRefused }, [
      commit(0),
      goto(next),
    ])
  }
  yield flow(rules, priority.miss, {}, [])
  yield flow(allowed, priority.miss, {}, [goto(next)])
}

/** What leads the packets of a guarded port into these tables. */
export function* openingRows(port: LocalPort): Iterable<Flow> {
  for (const { conntrack, rules, port: register } of stages)
    for (const family of families)
      yield flow(conntrack, priority.opened, { ...family, [register]: port.key }, [
        track(zoneOf(port), rules),
      ])
}
