/**
 * One Ethernet frame with an IP packet in it, as a router reads it: whatever it carries, options and extension headers
 * too, as long as an error about it may be sent to its source (RFC 1122 §3.2.2, RFC 4443 §2.4). It refuses to know what
 * the packet carries, but for ICMP errors.
 */

import { checksum } from '../wire/checksum.ts'
import { wordAt } from '../wire/word.ts'
import { ethernetSize, etherTypes, readEthernet } from './ethernet.ts'
import { ipv4Size, ipv6Size, isIpv4Host, isIpv6Host } from './ip.ts'
import type { Unparsed } from './reasons.ts'

/** Where the parts of an IP packet stand in its frame; offsets in bytes. */
export interface IpFrame {
  readonly family: 4 | 6
  /** What stands at `payloadOffset`. */
  readonly protocol: number
  /** Behind options and those extension headers that may be passed over. */
  readonly payloadOffset: number
  /** The first byte after the packet; what follows belongs to nobody. */
  readonly end: number
  /** Whether it is the first piece of a larger packet. */
  readonly isFragment: boolean
}

/** Why nobody may be told that a packet did not arrive. */
export type Unanswerable =
  | Unparsed
  /** An ICMP error or redirect: errors about errors would never end. */
  | 'icmp_error'

export const protocols = { icmpv4: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

const at = ethernetSize
/** ICMP's errors and redirects: destination unreachable, source quench, redirect, time exceeded, parameter problem. */
const icmpv4Errors = [3, 4, 5, 11, 12]
/** ICMPv6's redirect; all below 128 are errors. */
const icmpv6Redirect = 137

/** Reads a packet whose source may be told of an error; anything else is a word that says why not. Never throws. */
export function readIpFrame(frame: Uint8Array): IpFrame | Unanswerable {
  const etherType = readEthernet(frame, 'host')
  if (typeof etherType === 'string') return etherType
  const ip =
    etherType === etherTypes.ipv4
      ? readIpv4(frame)
      : etherType === etherTypes.ipv6
        ? readIpv6(frame)
        : 'ethertype'
  if (typeof ip === 'string') return ip
  return isIcmpError(frame, ip) ? 'icmp_error' : ip
}

function readIpv4(frame: Uint8Array): IpFrame | Unparsed {
  if (frame.length < at + ipv4Size) return 'short'
  const headerSize = (frame[at]! & 0xf) * 4
  if (frame[at]! >> 4 !== 4 || headerSize < ipv4Size) return 'header'
  const end = at + wordAt(frame, at + 2)
  if (end < at + headerSize || end > frame.length) return 'length'
  if (checksum(frame, at, at + headerSize) !== 0) return 'checksum'
  const fragment = wordAt(frame, at + 6)
  if ((fragment & 0x1fff) !== 0) return 'fragment'
  if (!isIpv4Host(frame, at + 12)) return 'source'
  if (!isIpv4Host(frame, at + 16)) return 'destination'
  const payloadOffset = at + headerSize
  return { family: 4, protocol: frame[at + 9]!, payloadOffset, end, isFragment: (fragment & 0x2000) !== 0 }
}

/** Hop-by-hop options, routing, destination options (RFC 8200 §4). */
const passedOver = [0, 43, 60]
const fragmentHeader = 44

function readIpv6(frame: Uint8Array): IpFrame | Unparsed {
  if (frame.length < at + ipv6Size) return 'short'
  if (frame[at]! >> 4 !== 6) return 'header'
  const end = at + ipv6Size + wordAt(frame, at + 4)
  if (end > frame.length) return 'length'
  if (!isIpv6Host(frame, at + 8)) return 'source'
  if (!isIpv6Host(frame, at + 24)) return 'destination'
  let protocol = frame[at + 6]!
  let payloadOffset = at + ipv6Size
  let isFragment = false
  while (passedOver.includes(protocol) || protocol === fragmentHeader) {
    if (payloadOffset + 8 > end) return 'length'
    if (protocol === fragmentHeader) {
      if ((wordAt(frame, payloadOffset + 2) & 0xfff8) !== 0) return 'fragment'
      isFragment = true
    }
    const size = protocol === fragmentHeader ? 8 : 8 * (1 + frame[payloadOffset + 1]!)
    protocol = frame[payloadOffset]!
    payloadOffset += size
  }
  return payloadOffset > end ? 'length' : { family: 6, protocol, payloadOffset, end, isFragment }
}

function isIcmpError(frame: Uint8Array, { family, protocol, payloadOffset, end }: IpFrame): boolean {
  if (protocol !== (family === 4 ? protocols.icmpv4 : protocols.icmpv6)) return false
  if (payloadOffset >= end) return true // nobody can tell what it is
  const type = frame[payloadOffset]!
  return family === 4 ? icmpv4Errors.includes(type) : type < 128 || type === icmpv6Redirect
}
