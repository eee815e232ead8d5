/**
 * One Ethernet frame with an ICMPv6 packet in it (RFC 4443) as neighbour discovery has it (RFC 4861): straight behind the
 * IPv6 header, with the hop limit 255 that proves that no router has sent it on. It refuses to know the messages.
 */

import { ipv6Bytes, macBytes } from '../wire/address.ts'
import { checksumOf, sum } from '../wire/checksum.ts'
import { setWord } from '../wire/word.ts'
import type { Endpoint } from './datagram.ts'
import { ethernetSize, etherTypes, readEthernet } from './ethernet.ts'
import { ipv6Size, pseudoHeaderSum, readIpv6, writeIpv6 } from './ip.ts'
import type { Unparsed } from './reasons.ts'

/** Where the message stands in its frame; offsets in bytes. */
export interface Icmpv6Frame {
  readonly hopLimit: number
  readonly messageOffset: number
  /** The first byte behind the message; what follows belongs to nobody. */
  readonly messageEnd: number
}

const icmpv6Protocol = 58
/** Type, code and checksum. */
const headSize = 4
const hopLimit = 255
const messageOffset = ethernetSize + ipv6Size

/** Reads a frame with an ICMPv6 packet, to whomever it goes; anything else is a word that says why not. Never throws. */
export function parseIcmpv6(frame: Uint8Array): Icmpv6Frame | Unparsed {
  const etherType = readEthernet(frame, 'anybody')
  if (typeof etherType === 'string') return etherType
  if (etherType !== etherTypes.ipv6) return 'ethertype'
  const messageEnd = readIpv6(frame, ethernetSize, frame.length, 'anybody', icmpv6Protocol)
  if (typeof messageEnd === 'string') return messageEnd
  const size = messageEnd - messageOffset
  if (size < headSize) return 'length'
  const pseudoHeader = pseudoHeaderSum(frame, ethernetSize, 6, size, icmpv6Protocol)
  if (checksumOf(sum(frame, messageOffset, messageEnd, pseudoHeader)) !== 0) return 'checksum'
  return { hopLimit: frame[ethernetSize + 7]!, messageOffset, messageEnd }
}

/** The frame that brings a message, whose checksum is 0 so far, from one end to the other. */
export function icmpv6Frame(
  from: Omit<Endpoint, 'port'>,
  to: Omit<Endpoint, 'port'>,
  message: Uint8Array,
): Buffer {
  const frame = Buffer.alloc(messageOffset + message.length)
  frame.set(macBytes(to.mac), 0)
  frame.set(macBytes(from.mac), 6)
  setWord(frame, 12, etherTypes.ipv6)
  frame.set(ipv6Bytes(from.ip), ethernetSize + 8)
  frame.set(ipv6Bytes(to.ip), ethernetSize + 24)
  writeIpv6(frame, ethernetSize, frame.length - ethernetSize)
  setWord(frame, ethernetSize + 6, (icmpv6Protocol << 8) | hopLimit)
  frame.set(message, messageOffset)
  const total = sum(
    frame,
    messageOffset,
    frame.length,
    pseudoHeaderSum(frame, ethernetSize, 6, message.length, icmpv6Protocol),
  )
  setWord(frame, messageOffset + 2, checksumOf(total))
  return frame
}
