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

/** What makes the place of a port: the key of the network, and with it the addresses that another port has, if there are any. */
export type Words = number | string

/** The ports with a place in a network, in order of their keys. */
export function placesIn({ network, macs, ips }: Segment): [port: Port, words: Words][] {
  return Array.from(new Set([...macs.values(), ...ips.values()]), (port) => {
    const taken = [
      ...port.macs.filter((mac) => macs.get(mac) !== port),
      ...ipsOf(port).filter((ip) => ips.get(ip) !== port),
    ]
    return [port, taken.length === 0 ? network.key : [network.key, ...taken].join(' ')]
  })
}

/** The place that these words make. */
export function placeOf(port: Port, words: Words): Place {
  const [networkKey, ...taken] = `${words}`.split(' ')
  return { networkKey: Number(networkKey), port, taken }
}

/** The MAC addresses that lead to a place. */
export const macsAt = ({ port, taken }: Place) => new Set(port.macs.filter((mac) => !taken.includes(mac)))

/** The IP addresses that lead to a place. */
export const ipsAt = ({ port, taken }: Place) => new Set(ipsOf(port).filter((ip) => !taken.includes(ip)))

const ipsOf = (port: Port) => port.addresses.map(({ ip }) => ip)
