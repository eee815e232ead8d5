/**
 * The rows that turn an ARP request or a neighbour solicitation into its answer inside the switch (RFC 826, RFC 4861
 * §7.2.4). An address is looked up by network and address, so that equal addresses of two tenants never meet. It knows
 * nothing of how packets are delivered otherwise.
 *
 * A neighbour advertisement takes two tables: Open vSwitch checks the actions of a flow against its match, and lets an
 * advertisement's option be written only where the match says that the packet is an advertisement.
 */

import { type Action, ethTypes, type Flow, type Match, move, setField } from '../../openflow/index.ts'
import type { Memo } from '../memo.ts'
import { flow, goto, turnBack } from '../pipeline.ts'
import type { Segment } from '../segments.ts'
import type { Port } from '../view.ts'

const priority = { own: 200, answer: 100 }

const arpRequest: Match = { ethType: ethTypes.arp, arpOp: 1 }
const solicitation: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 135 }
const advertisement: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 136 }

/** RFC 4861 §4.4: the flags S (solicited) and O (override), in the 32 bits in front of the target. */
const solicitedOverride = 0x6000_0000
/** RFC 4861 §4.6.1: the option "target link-layer address". */
const targetLinkLayerAddress = 2

/** What all networks share. */
export function* staticResponders(): Iterable<Flow> {
  // Nobody to send the advertisement to by unicast: a duplicate address probe (from `::`) and some reachability probes.
  const anonymous: Match = { ...solicitation, ndSll: '00:00:00:00:00:00' }
  yield flow('nd', priority.own, anonymous, [goto('lookup')])
  yield flow('ndReply', priority.answer, advertisement, [
    setField({ ndReserved: solicitedOverride }),
    setField({ ndOptionsType: targetLinkLayerAddress }),
    move('ethSrc', 'ndTll'),
    ...toAsker,
    goto('dispatch'),
  ])
}

/** The answers of one network. */
export function* responders({ network, ips, localPorts }: Segment, memo: Memo<Flow>): Iterable<Flow> {
  for (const [ip, port] of ips)
    yield memo(port, `ip ${network.key} ${ip}`, () => answerOf(BigInt(network.key), ip, port))
  // A machine that asks for its own address wants to know whether somebody else has it; the switch must not say so.
  for (const port of localPorts)
    for (const ip of new Set(port.addresses.map((address) => address.ip)))
      yield memo(port, `own ${ip}`, () => ownQuestionOf(port.key, ip))
}

const answerOf = (metadata: bigint, ip: string, port: Port) =>
  ip.includes(':')
    ? flow('nd', priority.answer, { ...solicitation, metadata, ndTarget: ip }, ndAnswer(ip, port))
    : flow('arp', priority.answer, { ...arpRequest, metadata, arpTpa: ip }, arpAnswer(ip, port))

const ownQuestionOf = (reg6: number, ip: string) =>
  ip.includes(':')
    ? flow('nd', priority.own, { ...solicitation, reg6, ndTarget: ip }, [goto('lookup')])
    : flow('arp', priority.own, { ...arpRequest, reg6, arpTpa: ip }, [goto('lookup')])

/** Straight to the port that asked, although the packet came in by it. */
const toAsker: readonly Action[] = [move('reg6', 'reg7'), turnBack]

/** The same in every answer, and made once: there may be a hundred thousand of them. */
const swap = {
  mac: move('ethSrc', 'ethDst'),
  arpMac: move('arpSha', 'arpTha'),
  arpIp: move('arpSpa', 'arpTpa'),
  ipv6: move('ipv6Src', 'ipv6Dst'),
  isReply: setField({ arpOp: 2 }),
  isAdvertisement: setField({ icmpv6Type: 136 }),
}

const arpAnswer = (ip: string, { macs }: Port) => [
  swap.isReply,
  swap.arpMac,
  swap.arpIp,
  swap.mac,
  setField({ ethSrc: macs[0]! }),
  setField({ arpSha: macs[0]! }),
  setField({ arpSpa: ip }),
  ...toAsker,
  goto('dispatch'),
]

const ndAnswer = (ip: string, { macs }: Port) => [
  swap.isAdvertisement,
  swap.mac,
  setField({ ethSrc: macs[0]! }),
  swap.ipv6,
  setField({ ipv6Src: ip }),
  goto('ndReply'),
]
