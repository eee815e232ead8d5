/**
 * From a client's message to the reply or to silence (RFC 2131 §4.3): one function, of the message and of the lease that
 * the port has. The lease never changes by what a client says, so nothing is remembered. It knows no row.
 */

import { datagram, type Endpoint, parseFrame, type Unparsed } from '../../packet/index.ts'
import { ipv4Bytes } from '../../wire/address.ts'
import type { Port } from '../view.ts'
import { broadcastFlag, options, ports, sizes } from './codes.ts'
import type { Lease } from './lease.ts'
import { type Reply, type Request, readRequest, type Unread, writeReply } from './message.ts'

/** Why there is no reply, as a metric label. */
export type Silence =
  | Unparsed
  | Unread
  /** Not from the client's port to the server's. */
  | 'port'
  /** The message names the hardware address of somebody else. */
  | 'chaddr'
  /** The message is for another server. */
  | 'other_server'
  /** The client does not say which address it means. */
  | 'no_address'
  /** The client found its address taken. */
  | 'declined'
  /** The client does not need its address any more. */
  | 'released'

/** What is said to a message. */
export type Decision =
  | { readonly kind: 'reply'; readonly frame: Buffer; readonly why: Reply['type'] }
  | { readonly kind: 'drop'; readonly why: Silence }

/** Who hears of options that no client was told for want of room. */
export type LeftOut = (code: number) => void

/** Decides a frame that came from the port; never throws. */
export function decide(frame: Buffer, port: Port, lease: Lease, leftOut: LeftOut): Decision {
  const packet = parseFrame(frame, 'anybody')
  if (typeof packet === 'string') return silent(packet)
  const { family, payloadOffset, payloadEnd, destinationPort } = packet
  if (family !== 4 || destinationPort !== ports.server) return silent('port')
  const request = readRequest(frame.subarray(payloadOffset, payloadEnd))
  if (typeof request === 'string') return silent(request)
  if (!port.macs.includes(request.chaddr)) return silent('chaddr')
  const reply = answerTo(request, port, lease)
  if (typeof reply === 'string') return silent(reply)
  const size = Math.min(request.maxMessageSize, lease.mtu) - sizes.headersBelow
  const payload = writeReply(request, reply, size, leftOut)
  const from = { mac: lease.server.mac, ip: lease.server.ip, port: ports.server }
  return { kind: 'reply', frame: datagram(from, receiverOf(request, reply), payload), why: reply.type }
}

const silent = (why: Silence): Decision => ({ kind: 'drop', why })

/** RFC 2131 §4.3, by the kind of message. */
function answerTo(request: Request, port: Port, lease: Lease): Reply | Silence {
  const { type, serverIdentifier } = request
  if (serverIdentifier !== undefined && serverIdentifier !== lease.server.ip) return 'other_server'
  switch (type) {
    case 'discover':
      return granting('offer', request, lease, unspecified)
    case 'request':
      return answerToRequest(request, lease)
    case 'inform':
      return answerToInform(request, port, lease)
    case 'decline':
      return 'declined'
    case 'release':
      return 'released'
  }
}

/**
 * RFC 2131 §4.3.2: a client that selects this server or comes back names its address in an option, one that renews or
 * rebinds in `ciaddr`. The port has one address, so that every other one is refused, whatever state the client is in.
 */
function answerToRequest(request: Request, lease: Lease): Reply | Silence {
  const { requestedAddress, ciaddr } = request
  const wanted = requestedAddress ?? ciaddr
  if (wanted === unspecified) return 'no_address'
  if (wanted !== lease.ip) return refusing(request, lease)
  return granting('ack', request, lease, ciaddr === lease.ip ? ciaddr : unspecified)
}

/** RFC 2131 §4.3.5: options for a host that has its address by other means. */
function answerToInform(request: Request, { addresses }: Port, lease: Lease): Reply | Silence {
  const { ciaddr } = request
  if (!addresses.some(({ ip }) => ip === ciaddr)) return 'no_address'
  const reply = granting('ack', request, lease, ciaddr)
  return { ...reply, yiaddr: unspecified, options: reply.options.filter(([code]) => !timed.has(code)) }
}

const unspecified = '0.0.0.0'
const everybody = { mac: 'ff:ff:ff:ff:ff:ff', ip: '255.255.255.255', port: ports.client } as const
const nothing = Buffer.alloc(0)

/** What makes no sense without a lease (RFC 2131 table 3). */
const timed: ReadonlySet<number> = new Set([options.leaseTime, options.renewalTime, options.rebindingTime])

function granting(type: 'offer' | 'ack', request: Request, lease: Lease, ciaddr: string): Reply {
  const { flags, parameters, clientIdentifier, relayAgent } = request
  const asked = [...lease.onRequest].filter(([code]) => parameters.size === 0 || parameters.has(code))
  const { ip: yiaddr, siaddr, sname, file, always } = lease
  return {
    ...{ type, flags, ciaddr, yiaddr, siaddr, sname, file },
    options: [...always, ...clientIdentifier, ...asked, ...relayAgent],
  }
}

/** RFC 2131 table 3: nothing but who refuses, and why. */
function refusing({ flags, giaddr, clientIdentifier, relayAgent }: Request, { server, ip }: Lease): Reply {
  const none = {
    ciaddr: unspecified,
    yiaddr: unspecified,
    siaddr: unspecified,
    sname: nothing,
    file: nothing,
  }
  return {
    ...{ type: 'nak', ...none },
    flags: giaddr === unspecified ? flags : flags | broadcastFlag,
    options: [
      [options.serverIdentifier, ipv4Bytes(server.ip)],
      [options.message, Buffer.from(`this port has the address ${ip}`)],
      ...clientIdentifier,
      ...relayAgent,
    ],
  }
}

/** RFC 2131 §4.1: whom a reply goes to, who may have no address yet. */
function receiverOf({ giaddr, flags, chaddr }: Request, { type, ciaddr, yiaddr }: Reply): Endpoint {
  if (giaddr !== unspecified) return { mac: chaddr, ip: giaddr, port: ports.server }
  if (type === 'nak') return everybody
  if (ciaddr !== unspecified) return { mac: chaddr, ip: ciaddr, port: ports.client }
  return flags & broadcastFlag ? everybody : { mac: chaddr, ip: yiaddr, port: ports.client }
}
