/**
 * From a packet that the pipeline cannot route, or that is for the router itself, to what its sender is told: an ICMP
 * error or a TCP reset, or why it is told nothing. Pure, and bounded by the size of a frame.
 */

import ipaddr from 'ipaddr.js'
import {
  type Complaint,
  ethernetSize,
  type IpFrame,
  icmpError,
  protocols,
  readIpFrame,
  readUdp,
  tcpReset,
} from '../../packet/index.ts'
import { isInside } from '../../routing.ts'
import { ipv4Text, ipv6Text, macText } from '../../wire/address.ts'
import type { Verdict } from '../app.ts'
import { addressText, linkLocalOf } from '../reach.ts'
import type { LocalPort } from '../view.ts'
import type { Note } from './notes.ts'
import { networkTowards, type Routing } from './routers.ts'

/** A packet that was sent up, and what the pipeline noted of it. */
export interface Refused {
  readonly frame: Buffer
  readonly port: LocalPort
  readonly note: Exclude<Note, 'solicited'>
  readonly routing: Routing
}

/** What its sender is told. */
export function refusalOf({ frame, port, note, routing }: Refused): Verdict {
  const ip = readIpFrame(frame)
  if (typeof ip === 'string') return drop(ip)
  const destination = destinationOf(frame, ip)
  const fromMac = macText(frame)
  // In l3Lookup the source has become the router's.
  const isForwarded = note === 'no_host' || note === 'too_big'
  const toMac = (isForwarded ? port.macs[0] : undefined) ?? macText(frame, 6)
  if (note === 'own') return ownRefusal(frame, ip, { fromMac, toMac, from: destination })
  if (isForwarded && isBroadcast(destination, routing)) return drop('broadcast')
  const from = addressFor(ip.family, port, routing, fromMac)
  if (from === undefined) return drop('no_address')
  const mtu = note === 'too_big' ? networkTowards(routing, destination)?.mtu : undefined
  return { kind: 'reply', why: note, frame: icmpError(frame, ip, note, { fromMac, toMac, from }, mtu) }
}

interface Ends {
  readonly fromMac: string
  readonly toMac: string
  readonly from: string
}

/** Nothing listens behind a router's address; its echo requests are answered before they come here. */
function ownRefusal(frame: Buffer, ip: IpFrame, ends: Ends): Verdict {
  if (ip.isFragment) return drop('fragment')
  const refused = (why: Complaint): Verdict => ({
    kind: 'reply',
    why,
    frame: icmpError(frame, ip, why, ends),
  })
  switch (ip.protocol) {
    case protocols.udp: {
      const end = readUdp(frame, ip.family, ethernetSize, ip.payloadOffset, ip.end)
      return typeof end === 'string' ? drop(end) : refused('no_port')
    }
    case protocols.tcp: {
      const reset = tcpReset(frame, ip, ends)
      return typeof reset === 'string' ? drop(reset) : { kind: 'reply', why: 'reset', frame: reset }
    }
    case protocols.icmpv4:
    case protocols.icmpv6:
      return drop('icmp')
    default:
      return refused('no_protocol')
  }
}

const drop = (why: string): Verdict => ({ kind: 'drop', why })

const destinationOf = (frame: Buffer, { family }: IpFrame): string =>
  family === 4 ? ipv4Text(frame, 30) : ipv6Text(frame, 38)

/** Nobody answers for all (RFC 1812 §4.2.3.1): the first and the last address of a connected subnet. */
function isBroadcast(ip: string, { interfaces }: Routing): boolean {
  return interfaces.some(({ cidr }) => {
    if (ip.includes(':') || !isInside(ip, cidr)) return false
    const last = ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString()
    return Number(cidr.split('/')[1]) < 31 && (ip === last || ip === cidr.split('/')[0])
  })
}

/** The router's address of that family where the port is, else another one of it. */
function addressFor(
  family: 4 | 6,
  { networkId }: LocalPort,
  { interfaces }: Routing,
  mac: string,
): string | undefined {
  const ofFamily = interfaces.filter(({ ip }) => ip.includes(':') === (family === 6))
  const found = ofFamily.find((each) => each.networkId === networkId) ?? ofFamily[0]
  return found?.ip ?? (family === 6 ? addressText(linkLocalOf(mac)) : undefined)
}
