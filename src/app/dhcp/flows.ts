/**
 * The part of DHCP for IPv4 in the pipeline (docs/pipeline.md): which packets of which ports are sent up, and the answers
 * that the switch gives itself for the server's address. Everything is keyed by the port's or the network's register. It
 * knows no lease.
 */

import { controller, ethTypes, type Flow, type Match } from '../../openflow/index.ts'
import { arpAnswer, echoAnswer, ndAnswer } from '../answers.ts'
import type { DhcpServer } from '../dhcp-server.ts'
import { flow, goto } from '../pipeline.ts'
import type { LocalPort, Network } from '../view.ts'
import { ports } from './codes.ts'

/** The userdata by which the host finds the application of a punt. */
export const userdata = 'dhcp'

/** Without a tag, by the field without priority bits: a switch reads an exact vlan_tci of 0 back as this one. */
export const untagged: Match = { vlanVid: 0 }

// biome-ignore format: columns
const priority = {
  echo:     300,
  ownQuery: 220, // in portsec: before the rows of a port's own addresses
  bypass:   200, // dhcp: before all that is sent up
  known:    100,
  miss:       1,
} as const

const wholePacket = 0xffff
const punt = controller({ maxLen: wholePacket, userdata: Buffer.from(userdata) })

const udp: Match = { ethType: ethTypes.ipv4, ipProto: 17 }
const query: Match = { ...udp, udpSrc: ports.client, udpDst: ports.server }
const everybody = '255.255.255.255'

/** What all networks share: queries of ports without DHCP go on as if there was none. */
export function commonFlows(): Flow[] {
  return [
    flow('services', priority.known, { ...untagged, ...query }, [goto('dhcp')]),
    flow('dhcp', priority.miss, {}, [goto('lookup')]),
  ]
}

/**
 * The queries of a port that has DHCP: those to everybody and those to its server. A port that still uses an address that
 * it no longer has must be able to say so, which port security would otherwise keep from it. A query with a tag is nobody's
 * to answer here: it would go on, from whatever source.
 */
export function* portFlows(
  { key, macs, isPortSecurityEnabled }: LocalPort,
  serverIp: string | undefined,
): Iterable<Flow> {
  for (const ipv4Dst of serverIp === undefined ? [everybody] : [everybody, serverIp]) {
    if (isPortSecurityEnabled)
      for (const ethSrc of macs)
        yield flow('portsec', priority.ownQuery, { reg6: key, ...untagged, ethSrc, ...query, ipv4Dst }, [
          goto('services'),
        ])
    yield flow('dhcp', priority.known, { reg6: key, ethType: ethTypes.ipv4, ipv4Dst }, [punt])
  }
}

/** The row by which the queries of a port that asks too much are dropped, and its router solicitations. */
export const bypassRow = ({ key }: LocalPort): Flow => flow('dhcp', priority.bypass, { reg6: key }, [])

/** The answers for a server's address in its network, of either family: nobody else gives any. */
export function serverFlows({ ip, mac }: DhcpServer, { key }: Network): Flow[] {
  const metadata = BigInt(key)
  if (ip.includes(':')) {
    const icmpv6: Match = { ethType: ethTypes.ipv6, ipProto: 58, metadata }
    return [
      flow('nd', priority.known, { ...icmpv6, icmpv6Type: 135, ndTarget: ip }, ndAnswer(ip, mac)),
      flow('lookup', priority.echo, { ...icmpv6, ipv6Dst: ip, icmpv6Type: 128 }, echoAnswer(ip)),
    ]
  }
  const arpRequest: Match = { ethType: ethTypes.arp, metadata, arpTpa: ip, arpOp: 1 }
  const echoRequest: Match = { ethType: ethTypes.ipv4, ipProto: 1, metadata, ipv4Dst: ip, icmpv4Type: 8 }
  return [
    flow('arp', priority.known, arpRequest, arpAnswer(ip, mac)),
    flow('lookup', priority.echo, echoRequest, echoAnswer(ip)),
  ]
}
