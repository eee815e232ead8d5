/**
 * From a frame of a port to what it is told of IPv6, or to silence: one function of the frame and of the port's link.
 * Nothing is remembered. It knows no row.
 */

import { datagram, icmpv6Frame, parseFrame, type Unparsed } from '../../../packet/index.ts'
import { ipv6Bytes, ipv6Text, macText } from '../../../wire/address.ts'
import { isWithin, reachOf } from '../../reach.ts'
import { type Advertisement, advertisementBytes } from './advertisement.ts'
import { answerTo, type Unanswered } from './answer.ts'
import { groups, ports, type replyTypes } from './codes.ts'
import { type Link, most } from './link.ts'
import { readRequest, type Unread, writeReply } from './message.ts'
import { readSolicitation, type Unsolicited } from './solicitation.ts'

/** Why there is no reply, as a metric label. */
export type Silence =
  | Unparsed
  | Unsolicited
  | Unread
  | Unanswered
  /** Not from the client's port to the server's. */
  | 'port'

/** What is said to a frame. */
export type Decision =
  | { readonly kind: 'reply'; readonly frame: Buffer; readonly why: Said }
  | { readonly kind: 'pass'; readonly why: 'other_server' }
  | { readonly kind: 'drop'; readonly why: Silence }

/** What a reply is. */
export type Said = 'router_advertisement' | keyof typeof replyTypes | 'declined'

export interface DecisionRules {
  readonly serverId: Buffer
  readonly leaseSeconds: number
}

const icmpv6 = 58
const nextHeaderOffset = 20
const sourceOffset = 22
const destinationOffset = 38
const linkLocal = reachOf('fe80::/10')!

/** Decides an IPv6 frame that came from the port of that link; never throws. */
export function decide(frame: Buffer, link: Link, rules: DecisionRules): Decision {
  return frame[nextHeaderOffset] === icmpv6 ? solicited(frame, link) : requested(frame, link, rules)
}

function solicited(frame: Buffer, link: Link): Decision {
  const asked = readSolicitation(frame)
  if (typeof asked === 'string') return silent(asked)
  const isOwn = link.addresses.some(({ ip }) => ip === asked.source)
  if (asked.source !== '::' && !isOwn && !isLinkLocal(asked.source)) return silent('source')
  const message = advertisementBytes(advertisementOf(link))
  return {
    kind: 'reply',
    frame: icmpv6Frame(link.advertiser, asked.replyTo, message),
    why: 'router_advertisement',
  }
}

function requested(frame: Buffer, link: Link, rules: DecisionRules): Decision {
  const packet = parseFrame(frame, 'anybody')
  if (typeof packet === 'string') return silent(packet)
  const { udpOffset, payloadOffset, payloadEnd, destinationPort } = packet
  const sourcePort = frame.readUInt16BE(udpOffset)
  if (sourcePort !== ports.client || destinationPort !== ports.server) return silent('port')
  const [source, to] = [ipv6Text(frame, sourceOffset), ipv6Text(frame, destinationOffset)]
  if (!isLinkLocal(source)) return silent('source')
  const isUnicast = to !== groups.servers.ip
  if (isUnicast && to !== link.server.ip) return { kind: 'pass', why: 'other_server' }
  const request = readRequest(frame.subarray(payloadOffset, payloadEnd))
  if (typeof request === 'string') return silent(request)
  const reply = answerTo(request, link, { ...rules, isUnicast })
  if (reply === 'other_server') return { kind: 'pass', why: reply }
  if (typeof reply === 'string') return silent(reply)
  const from = { ...link.server, port: ports.server }
  const client = { mac: macText(frame, 6), ip: source, port: ports.client }
  const payload = writeReply(request.transactionId, reply.type, reply.options)
  const why = request.type === 'decline' ? 'declined' : reply.type
  return { kind: 'reply', frame: datagram(from, client, payload), why }
}

/** What the link's advertisements say. */
export function advertisementOf(link: Link): Advertisement {
  const prefixes = new Map(
    link.addresses.map(({ subnet, prefix }) => {
      const isAutonomous = link.addresses.some((other) => other.subnet === subnet && other.isAutonomous)
      return [subnet, { reach: prefix, isAutonomous }]
    }),
  )
  return {
    mac: link.advertiser.mac,
    isRouter: link.isRouted,
    isManaged: prefixes.size > most.prefixes || link.addresses.some(({ isAutonomous }) => !isAutonomous),
    prefixes: [...prefixes.values()].slice(0, most.prefixes),
    routes: link.routes,
    nameservers: link.nameservers.map(ipv6Bytes),
    domains: link.domains,
    mtu: link.mtu,
  }
}

const silent = (why: Silence): Decision => ({ kind: 'drop', why })

const isLinkLocal = (ip: string): boolean => isWithin(reachOf(ip)!, [linkLocal])
