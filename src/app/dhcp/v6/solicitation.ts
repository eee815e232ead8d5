/**
 * A router solicitation (RFC 4861 §4.1), as far as its answer needs it: where it goes. What a machine sends is read
 * without exceptions; whatever a router has to ignore (§6.1.1) is a word that says why. It knows no port.
 */

import { parseIcmpv6, type Unparsed } from '../../../packet/index.ts'
import { ipv6Text, macText } from '../../../wire/address.ts'
import { discoveryOptions, discoveryTypes, groups } from './codes.ts'

/** Who asks for routers. */
export interface Solicitation {
  /** Canonical text; `::` while the machine has no address. */
  readonly source: string
  /** Where the answer goes. */
  readonly replyTo: { readonly mac: string; readonly ip: string }
}

/** Why a solicitation is ignored, as a metric label. */
export type Unsolicited =
  | Unparsed
  /** It has come through a router. */
  | 'hop_limit'
  /** Another message. */
  | 'type'
  /** Options that have no size, or do not fit; a MAC address without an IP address. */
  | 'options'

/** Behind the checksum stand four bytes without meaning. */
const headSize = 8
const hopLimit = 255
const sourceOffset = 22

/** Reads a frame with a solicitation; anything else is a word that says why not. Never throws. */
export function readSolicitation(frame: Uint8Array): Solicitation | Unsolicited {
  const icmp = parseIcmpv6(frame)
  if (typeof icmp === 'string') return icmp
  if (icmp.hopLimit !== hopLimit) return 'hop_limit'
  const message = frame.subarray(icmp.messageOffset, icmp.messageEnd)
  if (message[0] !== discoveryTypes.solicitation || message[1] !== 0) return 'type'
  if (message.length < headSize) return 'length'
  const source = ipv6Text(frame, sourceOffset)
  const codes = optionCodes(message.subarray(headSize))
  const isNowhere = source === '::'
  if (codes === undefined || (isNowhere && codes.includes(discoveryOptions.sourceLinkLayerAddress)))
    return 'options'
  return { source, replyTo: isNowhere ? groups.nodes : { mac: macText(frame, 6), ip: source } }
}

/** Each option begins with its code and its size in units of 8 bytes; undefined if one does not fit. */
function optionCodes(bytes: Uint8Array): number[] | undefined {
  const codes: number[] = []
  for (let at = 0; at < bytes.length; at += 8 * bytes[at + 1]!) {
    const size = 8 * (bytes[at + 1] ?? 0)
    if (size === 0 || at + size > bytes.length) return undefined
    codes.push(bytes[at]!)
  }
  return codes
}
