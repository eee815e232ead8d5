/**
 * The part of IPv6 in dhcp's tables (docs/pipeline.md): which router solicitations and DHCPv6 messages are sent up, of
 * whom. Everything is keyed by the asker's register: those of other ports go on, to a router that is not ours perhaps. It
 * knows no message.
 */

import { controller, ethTypes, type Flow, type Match } from '../../../openflow/index.ts'
import { flow, goto, through } from '../../pipeline.ts'
import type { LocalPort } from '../../view.ts'
import { untagged } from '../flows.ts'
import { discoveryTypes, ports } from './codes.ts'

// biome-ignore format: columns
const priority = {
  solicitation: 110, // before all other ICMPv6 leaves for neighbour discovery
  known:        100,
}

const wholePacket = 0xffff
const ipv6: Match = { ethType: ethTypes.ipv6 }
const solicitation: Match = { ...ipv6, ipProto: 58, icmpv6Type: discoveryTypes.solicitation }
const query: Match = { ...ipv6, ipProto: 17, udpSrc: ports.client, udpDst: ports.server }

/** What all ports share. */
export const commonFlows = (): Flow[] => [
  flow('services', priority.solicitation, { ...untagged, ...solicitation }, [goto('dhcp')]),
  flow('services', priority.known, { ...untagged, ...query }, [goto('dhcp')]),
]

/**
 * What a port that is told of IPv6 sends up. A query is paused, because a message to another server goes on; where no router
 * of the cloud is the way out (`isRouted`), a solicitation goes on in any case: a router outside shall hear it.
 */
export function portFlows({ key }: LocalPort, isRouted: boolean, userdata: string): Flow[] {
  const punt = (pause: boolean) =>
    controller({ maxLen: wholePacket, userdata: Buffer.from(userdata), ...(pause && { pause }) })
  const sentUp = (match: Match, pause: boolean) =>
    flow('dhcp', priority.known, { reg6: key, ...match }, [punt(pause), through('lookup')])
  return [sentUp(solicitation, isRouted), sentUp(query, true)]
}
