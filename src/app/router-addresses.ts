/** The addresses of all routers by network, found once for the same routers. It knows no flow and no name. */

import type { Router } from './view.ts'

/** Makes the function that gives the addresses of all routers by network id. */
export function createRouterAddresses() {
  const kept = new WeakMap<ReadonlyMap<string, Router>, ReadonlyMap<string, readonly string[]>>()
  return (routers: ReadonlyMap<string, Router>) => {
    const known = kept.get(routers) ?? routerAddresses(routers)
    kept.set(routers, known)
    return known
  }
}

function routerAddresses(routers: ReadonlyMap<string, Router>): ReadonlyMap<string, readonly string[]> {
  const byNetwork = new Map<string, string[]>()
  for (const { ports } of routers.values())
    for (const { networkId, networks } of ports) {
      const ips = networks.map((address) => address.split('/')[0]!)
      byNetwork.set(networkId, [...(byNetwork.get(networkId) ?? []), ...ips])
    }
  return byNetwork
}
