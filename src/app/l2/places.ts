/**
 * What stands behind one port in a network, as the port's flows need it and no more: a change of another port leaves it
 * the same, unless it takes or gives an address. It knows no flows.
 */

import type { Segment } from '../segments.ts'
import type { Port } from '../view.ts'

/** A port in a network, here or on another node. */
export interface Place {
  readonly networkKey: number
  readonly port: Port
  /** Those of its MAC and IP addresses that another port has (segments.ts). */
  readonly taken: readonly string[]
}

const nothing: readonly string[] = []

/** The places of a network in order of their ports' keys; those of one port are equal exactly if their words are. */
export function* placesIn({ network, macs, ips }: Segment): Iterable<[words: string, Place]> {
  for (const port of new Set([...macs.values(), ...ips.values()])) {
    const lost = [
      ...port.macs.filter((mac) => macs.get(mac) !== port),
      ...ipsOf(port).filter((ip) => ips.get(ip) !== port),
    ]
    const taken = lost.length === 0 ? nothing : lost
    yield [[network.key, ...taken].join(' '), { networkKey: network.key, port, taken }]
  }
}

/** The MAC addresses that lead to a place. */
export const macsAt = ({ port, taken }: Place) => new Set(port.macs.filter((mac) => !taken.includes(mac)))

/** The IP addresses that lead to a place. */
export const ipsAt = ({ port, taken }: Place) => new Set(ipsOf(port).filter((ip) => !taken.includes(ip)))

const ipsOf = (port: Port) => port.addresses.map(({ ip }) => ip)
