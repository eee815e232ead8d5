/**
 * The addresses of a network that the cloud itself owns and that nothing listens behind: its routers' and, unless a DHCP
 * agent has it on some node, its DHCP server's. A query to one of them that went on would be met with silence.
 */

import type { Network, View } from '../view.ts'
import { bytesOf } from './reach.ts'

/** Whether a network owns an address, given as its bytes, one character each. */
export type IsSilent = (view: View, networkId: string, address: string) => boolean

/** Makes the function; what it looks up is made once a view and network. */
export function createSilence(): IsSilent {
  const known = new WeakMap<View, Map<string, ReadonlySet<string>>>()
  return (view, networkId, address) => {
    const networks = known.get(view) ?? new Map<string, ReadonlySet<string>>()
    known.set(view, networks)
    const owned = networks.get(networkId) ?? new Set(ownedBy(view, networkId))
    networks.set(networkId, owned)
    return owned.has(address)
  }
}

function* ownedBy(view: View, networkId: string): Iterable<string> {
  const network = view.networks.get(networkId)
  const ips = network === undefined ? [] : [...routerIps(view, networkId), ...idleDhcpIps(view, network)]
  for (const ip of ips) {
    const bytes = bytesOf(ip)
    if (bytes) yield bytes.toString('latin1')
  }
}

const routerIps = ({ routers }: View, networkId: string): string[] =>
  [...routers.values()]
    .flatMap(({ ports }) => ports.filter((port) => port.networkId === networkId))
    .flatMap(({ networks }) => networks.map((address) => address.split('/')[0]!))

/** The DHCP addresses that no port has, or only one that is on no node. */
function idleDhcpIps({ ports }: View, { id, subnets }: Network): string[] {
  const dhcpIps = subnets.flatMap(({ dhcpIp }) => dhcpIp ?? [])
  if (dhcpIps.length === 0) return []
  const bound = [...ports.values()].filter(
    ({ networkId, chassis }) => networkId === id && chassis !== undefined,
  )
  const taken = new Set(bound.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)))
  return dhcpIps.filter((ip) => !taken.has(ip))
}
