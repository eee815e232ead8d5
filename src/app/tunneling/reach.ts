/**
 * Where the ports of a network are that are not on this node: the address that packets for each go to, or the word for why
 * there is none. It knows no flow; what a word means to people is in the README beside it.
 */

import { isIPv6 } from 'node:net'
import type { Segment } from '../segments.ts'
import type { Port, View } from '../view.ts'

/** Why a port of another node is not reached. */
export type Obstacle =
  | 'noSegment'
  | 'sharedSegment'
  | 'noTunnelPort'
  | 'noChassis'
  | 'noCommonType'
  | 'otherFamily'
  | 'ownAddress'

/** A port elsewhere. */
export interface RemotePort {
  readonly port: Port
  /** Where its tunnel ends. */
  readonly address: string
}

/** The ports of a network that are elsewhere. */
export interface Reach {
  /** In order of their keys. */
  readonly reached: readonly RemotePort[]
  /** One for each port that is not. */
  readonly obstacles: readonly Obstacle[]
}

/** What this node is, seen by tunnels. */
export interface Here extends Pick<View, 'host' | 'chassis'> {
  /** The address of its own tunnels. */
  readonly localIp: string
}

/** The ports of a network that are bound to something else than this node, in order of their keys. */
export function remotePortsOf({ macs, ips }: Segment, { host }: Here): Port[] {
  const owners = new Map([...macs.values(), ...ips.values()].map((port) => [port.key, port]))
  return [...owners.values()].filter(({ chassis }) => chassis !== host).sort((a, b) => a.key - b.key)
}

/** Finds where these ports are, by tunnels of that type. */
export function reachOf(ports: readonly Port[], type: string, here: Here): Reach {
  const reached: RemotePort[] = []
  const obstacles: Obstacle[] = []
  for (const port of ports) {
    const end = endOf(port, type, here)
    if ('why' in end) obstacles.push(end.why)
    else reached.push({ port, address: end.address })
  }
  return { reached, obstacles }
}

function endOf(
  { chassis: id, vtepAddress }: Port,
  type: string,
  { chassis, localIp }: Here,
): { readonly address: string } | { readonly why: Obstacle } {
  const node = chassis.get(id ?? '')
  const address = vtepAddress ?? node?.ip
  if (address === undefined) return { why: 'noChassis' }
  if (node !== undefined && !node.tunnelTypes.includes(type)) return { why: 'noCommonType' }
  if (address === localIp) return { why: 'ownAddress' }
  if (isIPv6(address) !== isIPv6(localIp)) return { why: 'otherFamily' }
  return { address }
}
