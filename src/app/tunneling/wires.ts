/**
 * Which networks are carried by tunnels, and under which number: the network's own type and its segmentation id. Of two
 * that claim the same number of the same type, which would join two tenants, only the one with the lower key is carried,
 * by every node alike. It knows no node and no flow.
 */

import { createOwners } from '../claims.ts'
import type { Network } from '../view.ts'

// biome-ignore format: columns
/** The highest segmentation id of each type: the width of the VNI (RFC 8926 §3.4, RFC 7348 §5), of the key (RFC 2890 §2). */
const highestId: Readonly<Record<string, number>> = {
  geneve: 0xff_ffff,
  vxlan:  0xff_ffff,
  gre:    0xffff_ffff,
}

/** What a network is to tunnels. */
export type Wire =
  /** Carried under this number. */
  | { readonly kind: 'carried'; readonly type: string; readonly id: number }
  /** Meant for tunnels, but without a number of its own. */
  | { readonly kind: 'refused'; readonly why: 'noSegment' | 'sharedSegment' }
  /** Not meant for tunnels. */
  | { readonly kind: 'other' }

/** Makes the function that tells what each network of a view is to tunnels. */
export function createWires(): (networks: ReadonlyMap<string, Network>) => (network: Network) => Wire {
  const ownersIn = createOwners(numberOf)
  return (networks) => {
    const owners = ownersIn(networks)
    return (network) => {
      const { networkType: type = '', segmentationId: id, key } = network
      if (!Object.hasOwn(highestId, type)) return { kind: 'other' }
      const number = numberOf(network)
      if (number === undefined || id === undefined) return { kind: 'refused', why: 'noSegment' }
      if (owners.get(number)?.key !== key) return { kind: 'refused', why: 'sharedSegment' }
      return { kind: 'carried', type, id }
    }
  }
}

function numberOf({ networkType: type = '', segmentationId: id }: Network): string | undefined {
  const limit = Object.hasOwn(highestId, type) ? highestId[type]! : 0
  return id !== undefined && id >= 1 && id <= limit ? `${type} ${id}` : undefined
}
