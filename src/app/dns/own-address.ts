/**
 * The addresses that the cloud itself owns and that nothing listens behind: those of routers and, unless a DHCP agent has
 * it on some node, the DHCP server's (its port's, too). A query to one of them that went on would be met with silence, so that here, and
 * only here, what we have no answer to gets an error. It knows no name.
 */

import type { UdpFrame } from '../../packet/index.ts'
import type { Sight } from '../app.ts'
import { isDhcpPort, ownDhcpAddresses } from '../dhcp-server.ts'
import { createGrouping } from '../grouping.ts'
import { createJoins } from '../joins.ts'
import { bytesOf } from '../reach.ts'
import { createRouterAddresses } from '../router-addresses.ts'
import type { Port, View } from '../view.ts'
import { ednsError, type Reply } from './answer.ts'
import { extendedErrors } from './codes.ts'
import type { Query, Unread } from './question.ts'

/** Whether a packet of a port goes to such an address, on the port's network or on one that a router joins to it. */
export type IsToOwnAddress = (view: View, sight: Sight, packet: UdpFrame) => boolean

/** Makes the function; the addresses are found again once a view and port, when a packet wants to know. */
export function createOwnAddresses(): IsToOwnAddress {
  const dhcpPortsIn = createGrouping((port) => (isDhcpPort(port) ? [port.networkId] : []))
  const joinedBy = createJoins()
  const routersBy = createRouterAddresses()
  let known = new WeakMap<Port, ReadonlySet<string>>()
  let last: View | undefined
  return (view, { port, bytes }, { family, udpOffset }) => {
    if (view !== last) {
      known = new WeakMap()
      last = view
    }
    const addresses = known.get(port) ?? new Set(ownAddresses(view, port))
    known.set(port, addresses)
    const size = family === 4 ? 4 : 16 // the destination is what stands in front of UDP
    return addresses.size > 0 && addresses.has(bytes.toString('latin1', udpOffset - size, udpOffset))
  }

  /** As their bytes, one character each. */
  function* ownAddresses(view: View, { networkId, topic }: Port): Iterable<string> {
    const dhcpPorts = dhcpPortsIn(view.ports)
    const [joined, routers] = [joinedBy(view.routers), routersBy(view.routers)]
    for (const id of [networkId, ...joined(networkId, new Set([topic]))]) {
      const network = view.networks.get(id)
      if (network === undefined) continue
      const agents = dhcpPorts(id).filter(({ chassis }) => chassis !== undefined)
      const taken = new Set(agents.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)))
      const dhcpIps = network.subnets.flatMap(({ dhcpIp }) => dhcpIp ?? [])
      const own = [...dhcpIps.filter((ip) => !taken.has(ip)), ...ownDhcpAddresses(dhcpPorts(id))]
      for (const ip of [...(routers.get(id) ?? []), ...own]) {
        const bytes = bytesOf(ip)
        if (bytes) yield bytes.toString('latin1')
      }
    }
  }
}

/**
 * What such an address says to a query without an answer, or to a message that is no query; undefined to what nobody may
 * answer, a response (RFC 1035 §7.3).
 */
export function errorFor(query: Query | Unread): Reply | undefined {
  if (typeof query !== 'string') return ednsError(query) ?? (query.nameSize === 0 ? cookieAlone : refused)
  if (query === 'response') return undefined
  return query === 'opcode' ? notImplemented : formatError
}

const error = { kind: 'reply', records: undefined, soaSize: 0 } as const

const formatError: Reply = { ...error, why: 'formerr', rcode: 'FORMERR' }
const notImplemented: Reply = { ...error, why: 'notimp', rcode: 'NOTIMP' }
/** Somebody else may know; we ask nobody (RFC 8914 §4.21). */
const refused: Reply = {
  ...{ ...error, why: 'refused', rcode: 'REFUSED' },
  extendedError: extendedErrors.notAuthoritative,
}
/** To a query without a question that fetches a server cookie (RFC 7873 §5.4). */
const cookieAlone: Reply = { ...error, why: 'cookie', rcode: 'NOERROR' }
