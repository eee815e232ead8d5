/**
 * The neighbour advertisements (RFC 4861 §7.2.4) that the switch cannot make: a solicitation without the asker's MAC address
 * has no option that could be turned into the answer's. It asks whether an address is taken (RFC 4862 §5.4), or whether a
 * router is still there.
 */

import { icmpv6Frame, parseIcmpv6 } from '../../packet/index.ts'
import { ipv6Bytes, ipv6Text, macBytes, macText } from '../../wire/address.ts'
import type { Verdict } from '../app.ts'
import { addressText, linkLocalOf } from '../reach.ts'
import type { LocalPort } from '../view.ts'
import type { Routing } from './routers.ts'

const solicitationSize = 24
const advertisementType = 136
/** RFC 4861 §4.4: the flags R (router), S (solicited) and O (override). */
const flags = { toAll: 0xa0, toAsker: 0xe0 } as const
/** RFC 4861 §4.6.1: the option "target link-layer address", of one unit of 8 bytes. */
const targetLinkLayerAddress = Buffer.from([2, 1])
/** Nothing that came by a router has it (RFC 4861 §7.1.1). */
const hopLimit = 255
const allNodes = { ip: 'ff02::1', mac: '33:33:00:00:00:01' }

/** What a port is told that solicits an address of a router on its network. */
export function advertised(frame: Buffer, { networkId }: LocalPort, { interfaces }: Routing): Verdict {
  const icmp = parseIcmpv6(frame)
  if (typeof icmp === 'string') return { kind: 'drop', why: icmp }
  const { messageOffset: at, messageEnd } = icmp
  if (messageEnd - at < solicitationSize) return { kind: 'drop', why: 'length' }
  if (icmp.hopLimit !== hopLimit) return { kind: 'drop', why: 'header' }
  const target = ipv6Text(frame, at + 8)
  const own = interfaces.find(
    ({ networkId: id, ip, mac }) =>
      id === networkId && (ip === target || addressText(linkLocalOf(mac)) === target),
  )
  if (own === undefined) return { kind: 'drop', why: 'unknown_target' }
  const asker = ipv6Text(frame, at - 32)
  const isProbe = asker === '::'
  const message = Buffer.concat([
    Buffer.from([advertisementType, 0, 0, 0, isProbe ? flags.toAll : flags.toAsker, 0, 0, 0]),
    ipv6Bytes(target),
    targetLinkLayerAddress,
    macBytes(own.mac),
  ])
  const to = isProbe ? allNodes : { ip: asker, mac: macText(frame, 6) }
  return { kind: 'reply', why: 'advertised', frame: icmpv6Frame({ ip: target, mac: own.mac }, to, message) }
}
