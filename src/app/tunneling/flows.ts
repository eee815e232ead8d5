/**
 * The flows of networks that tunnels carry (docs/pipeline.md, tables 0, 3 and 75): in under the network's number from
 * nodes that have ports in reach, out to the node that has the port. What comes out of a tunnel goes to local ports alone,
 * so that nothing goes round. It knows no rows.
 */

import { isIPv6 } from 'node:net'
import { type Action, type Flow, output, setField } from '../../openflow/index.ts'
import { flow, goto } from '../pipeline.ts'
import type { Network } from '../view.ts'
import type { RemotePort } from './reach.ts'

// biome-ignore format: columns
const priority = {
  tunnel: 100, // classify: from a tunnel
  sender: 100, // tunnelIngress: a node that may send
  remote: 100, // egress: to a port of another node
  many:    50, // egress: behind the rows for single ports
}

/** How a network is carried: by the tunnel port of its type, under this number. */
export interface Carrier {
  readonly network: Network
  readonly ofport: number
  readonly id: number
}

/** A flow-mod holds 64 KB, and a copy takes at most 40 bytes (a 16 byte address to set, an output). */
export const mostCopies = 1600

/** In from other nodes. Only for networks with ports here: there is nobody else to deliver to. */
export function entry({ network, ofport, id }: Carrier): Flow {
  const match = { inPort: ofport, tunnelId: BigInt(id) }
  return flow('classify', priority.tunnel, match, [
    setField({ metadata: BigInt(network.key) }),
    goto('tunnelIngress'),
  ])
}

/** Lets the packets of one node in. */
export function sender(address: string): Flow {
  const match = isIPv6(address) ? { tunIpv6Src: address } : { tunIpv4Src: address }
  return flow('tunnelIngress', priority.sender, match, [goto('ingressLookup')])
}

/** To a port of another node. */
export function toPort({ port, address }: RemotePort, carrier: Carrier): Flow {
  return flow('egress', priority.remote, { reg7: port.key }, [
    farEnd(address),
    numbered(carrier),
    output(carrier.ofport),
  ])
}

/** Broadcast and multicast of a network: a copy to each node that has ports of it, and to no other. */
export function toMany(addresses: readonly string[], carrier: Carrier): Flow {
  const many = { value: '01:00:00:00:00:00', mask: '01:00:00:00:00:00' }
  const match = { metadata: BigInt(carrier.network.key), ethDst: many }
  const copies = addresses.flatMap((address) => [farEnd(address), output(carrier.ofport)])
  return flow('egress', priority.many, match, [numbered(carrier), ...copies])
}

const numbered = ({ id }: Carrier): Action => setField({ tunnelId: BigInt(id) })

const farEnd = (address: string): Action =>
  isIPv6(address) ? setField({ tunIpv6Dst: address }) : setField({ tunIpv4Dst: address })
