/**
 * The rows that turn an ARP request or a neighbour solicitation into its answer inside the switch (RFC 826, RFC 4861
 * §7.2.4). An address is looked up by network and address, so that equal addresses of two tenants never meet. It knows
 * nothing of how packets are delivered otherwise.
 */

import { ethTypes, type Flow, type Match } from '../../openflow/index.ts'
import { arpAnswer, ndAnswer, ndCompletion, ndFlags } from '../answers.ts'
import { flow, goto, matchOf } from '../pipeline.ts'
import type { LocalPort, Port } from '../view.ts'
import { ipsAt, type Place } from './places.ts'

const priority = { own: 200, answer: 100 }

const arpRequest: Match = { ethType: ethTypes.arp, arpOp: 1 }
const solicitation: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 135 }
const advertisement: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 136 }

/** What all networks share. */
export function* staticResponders(): Iterable<Flow> {
  // Nobody to send the advertisement to by unicast: a duplicate address probe (from `::`) and some reachability probes.
  const anonymous: Match = { ...solicitation, ndSll: '00:00:00:00:00:00' }
  yield flow('nd', priority.own, anonymous, [goto('lookup')])
  yield flow('ndReply', priority.answer, advertisement, ndCompletion(ndFlags.host))
}

/** The answers for one place. */
export function* answersFor(place: Place): Iterable<Flow> {
  for (const ip of ipsAt(place)) yield answerOf(BigInt(place.networkKey), ip, place.port)
}

/** A machine that asks for its own address wants to know whether somebody else has it; the switch must not say so. */
export function* ownQuestionsOf({ key, addresses }: LocalPort): Iterable<Flow> {
  for (const ip of new Set(addresses.map((address) => address.ip))) yield ownQuestionOf(key, ip)
}

const answerOf = (metadata: bigint, ip: string, port: Port) =>
  ip.includes(':')
    ? flow(
        'nd',
        priority.answer,
        matchOf(solicitation, { metadata, ndTarget: ip }),
        ndAnswer(ip, port.macs[0]!),
      )
    : flow(
        'arp',
        priority.answer,
        matchOf(arpRequest, { metadata, arpTpa: ip }),
        arpAnswer(ip, port.macs[0]!),
      )

const ownQuestionOf = (reg6: number, ip: string) =>
  ip.includes(':')
    ? flow('nd', priority.own, matchOf(solicitation, { reg6, ndTarget: ip }), [goto('lookup')])
    : flow('arp', priority.own, matchOf(arpRequest, { reg6, arpTpa: ip }), [goto('lookup')])
