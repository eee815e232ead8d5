/**
 * The networks that have a port on this node, each with what may be reached in it. Two rows that claim one address do
 * not make two contradicting flows: the port with the lower key has it. It knows no flows.
 */

import { byId, createGrouping } from '../grouping.ts'
import { createCells } from '../memo.ts'
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

/**
 * Makes the function that gives the networks that have a local port, in order of their keys. A segment is the same
 * object for as long as nothing in it changes.
 */
export function createSegments(): (view: View) => readonly Segment[] {
  const inNetwork = createGrouping(({ networkId }) => [networkId])
  const localInNetwork = createGrouping<LocalPort>(({ networkId }) => [networkId])
  const cells = createCells<Segment>()
  return (view) => {
    const portsIn = inNetwork(view.ports)
    const localIn = localInNetwork(byId(view.localPorts))
    const cell = cells()
    return [...new Set(view.localPorts.map(({ networkId }) => networkId))]
      .flatMap((id) => view.networks.get(id) ?? [])
      .sort((a, b) => a.key - b.key)
      .map((network) => {
        const [ports, localPorts] = [portsIn(network.id), localIn(network.id)]
        return cell(network.id, [network, ports, localPorts], () => segment(network, ports, localPorts))
      })
  }
}

function segment(network: Network, ports: readonly Port[], localPorts: readonly LocalPort[]): Segment {
  const bound = ports.filter(isBound)
  return {
    network,
    localPorts,
    macs: firstOf(bound, (port) => port.macs),
    ips: firstOf(bound, (port) => port.addresses.map(({ ip }) => ip)),
  }
}

/** A port that is bound to no node has nothing behind it: whoever holds its address is asked as anybody else is. */
const isBound = (port: Port) => port.isEnabled && port.chassis !== undefined && port.macs.length > 0

function firstOf(
  ports: readonly Port[],
  keysOf: (port: Port) => readonly string[],
): ReadonlyMap<string, Port> {
  const owners = new Map<string, Port>()
  for (const port of ports) for (const key of keysOf(port)) if (!owners.has(key)) owners.set(key, port)
  return owners
}
