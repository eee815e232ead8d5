/**
 * The networks that have a port on this node, each with what may be reached in it. Two rows that claim one address do
 * not make two contradicting flows: the port with the lower key has it. It knows no flows.
 */

import type { LocalPort, Network, Port, View } from '../view.ts'

/** One network as this node sees it. */
export interface Segment {
  readonly network: Network
  /** In order of their keys; at least one. */
  readonly localPorts: readonly LocalPort[]
  /** The port behind each MAC address, here or on another node. */
  readonly macs: ReadonlyMap<string, Port>
  /** The port behind each IP address, here or on another node. */
  readonly ips: ReadonlyMap<string, Port>
}

/** The networks that have a local port, in order of their keys. */
export function segmentsOf(view: View): readonly Segment[] {
  const localIn = byNetwork(view.localPorts)
  const boundIn = byNetwork([...view.ports.values()].filter(isBound).sort((a, b) => a.key - b.key))
  return [...view.networks.values()]
    .filter((network) => localIn(network.id).length > 0)
    .sort((a, b) => a.key - b.key)
    .map((network) => ({
      network,
      localPorts: localIn(network.id),
      macs: firstOf(boundIn(network.id), (port) => port.macs),
      ips: firstOf(boundIn(network.id), (port) => port.addresses.map(({ ip }) => ip)),
    }))
}

/** A port that is bound to no node has nothing behind it: whoever holds its address is asked as anybody else is. */
const isBound = (port: Port) => port.isEnabled && port.chassis !== undefined && port.macs.length > 0

/** The ports in the network of that id, in the order given. */
function byNetwork<P extends Port>(ports: readonly P[]): (networkId: string) => readonly P[] {
  const groups = new Map<string, P[]>()
  for (const port of ports) {
    const group = groups.get(port.networkId)
    if (group === undefined) groups.set(port.networkId, [port])
    else group.push(port)
  }
  return (networkId) => groups.get(networkId) ?? []
}

function firstOf(
  ports: readonly Port[],
  keysOf: (port: Port) => readonly string[],
): ReadonlyMap<string, Port> {
  const owners = new Map<string, Port>()
  for (const port of ports) for (const key of keysOf(port)) if (!owners.has(key)) owners.set(key, port)
  return owners
}
