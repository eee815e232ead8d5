/**
 * The networks that packets of this node's ports may come to: those that have a port here, and those that routers join to
 * them, however many in a row; each with what may be reached in it. Two rows that claim one address do not make two
 * contradicting flows: the port with the lower key has it. It knows no flows.
 */

import { byId, createGrouping } from './grouping.ts'
import { createJoins } from './joins.ts'
import type { LocalPort, Network, Port, View } from './view.ts'

/** One network as this node sees it. Who has which address is found anew each time it is asked, and kept by nobody. */
export class Segment {
  readonly network: Network
  /** In order of their keys; none in a network that is only reached by way of a router. */
  readonly localPorts: readonly LocalPort[]
  readonly #ports: readonly Port[]

  /** `ports` are all of the network, in order of their keys. */
  constructor(network: Network, ports: readonly Port[], localPorts: readonly LocalPort[]) {
    this.network = network
    this.localPorts = localPorts
    this.#ports = ports
  }

  /** The port behind each MAC address, here or on another node. */
  get macs(): ReadonlyMap<string, Port> {
    return firstOf(this.#ports, (port) => port.macs)
  }

  /** The port behind each IP address, here or on another node. */
  get ips(): ReadonlyMap<string, Port> {
    return firstOf(this.#ports, (port) => port.addresses.map(({ ip }) => ip))
  }

  isOf(network: Network, ports: readonly Port[], localPorts: readonly LocalPort[]): boolean {
    return this.network === network && this.#ports === ports && this.localPorts === localPorts
  }
}

/**
 * Makes the function that gives the networks in reach of the local ports, in order of their keys. A segment is the same
 * object for as long as nothing in it changes.
 */
export function createSegments(): (view: View) => readonly Segment[] {
  const inNetwork = createGrouping(({ networkId }) => [networkId])
  const localInNetwork = createGrouping<LocalPort>(({ networkId }) => [networkId])
  const reachedIn = createReachedNetworks()
  let known: ReadonlyMap<string, Segment> = new Map()
  return (view) => {
    const portsIn = inNetwork(view.ports)
    const localIn = localInNetwork(byId(view.localPorts))
    const segments = reachedIn(view).map((network) => {
      const parts = [network, portsIn(network.id), localIn(network.id)] as const
      const before = known.get(network.id)
      return before?.isOf(...parts) ? before : new Segment(...parts)
    })
    known = new Map(segments.map((segment) => [segment.network.id, segment]))
    return segments
  }
}

/** Makes the function that gives the networks of the segments alone. */
export function createReachedNetworks(): (view: View) => Network[] {
  const joinedBy = createJoins()
  return (view) =>
    [...within(new Set(view.localPorts.map(({ networkId }) => networkId)), joinedBy(view.routers))]
      .flatMap((id) => view.networks.get(id) ?? [])
      .sort((a, b) => a.key - b.key)
}

/** These networks and all that are joined to them, directly or by way of others. */
function within(networkIds: Set<string>, joined: (networkId: string) => string[]): ReadonlySet<string> {
  for (const id of networkIds) for (const other of joined(id)) networkIds.add(other) // a set goes on with what is added
  return networkIds
}

/** A port that is bound to nothing has nothing behind it: whoever holds its address is asked as anybody else is. */
const isBound = ({ isEnabled, chassis, vtepAddress, macs }: Port) =>
  isEnabled && (chassis ?? vtepAddress) !== undefined && macs.length > 0

function firstOf(
  ports: readonly Port[],
  keysOf: (port: Port) => readonly string[],
): ReadonlyMap<string, Port> {
  const owners = new Map<string, Port>()
  for (const port of ports.filter(isBound))
    for (const key of keysOf(port)) if (!owners.has(key)) owners.set(key, port)
  return owners
}
