/**
 * Whose something is that several networks claim and one alone may have, since it would join tenants otherwise: a wire, the
 * number of a tunnel. It is the network with the lowest key, on every node alike, whether that node has ports of it or not.
 * It does not know what is claimed.
 */

import type { Network, View } from './view.ts'

/** Who has what is claimed, by what `claimOf` says of each network. */
export type Owners = ReadonlyMap<string, Network>

/** Makes the function that gives the owners among all networks, found once for the same networks. */
export function createOwners(
  claimOf: (network: Network) => string | undefined,
): (networks: View['networks']) => Owners {
  let known: View['networks'] | undefined
  let owners = new Map<string, Network>()
  return (networks) => {
    if (networks === known) return owners
    known = networks
    owners = new Map()
    for (const network of networks.values()) {
      const claim = claimOf(network)
      if (claim === undefined) continue
      const owner = owners.get(claim)
      if (owner === undefined || network.key < owner.key) owners.set(claim, network)
    }
    return owners
  }
}
