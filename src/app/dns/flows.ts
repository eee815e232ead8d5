/**
 * The DNS part of the pipeline (docs/pipeline.md): which UDP packets to port 53 are punted, of whom, and the group that
 * lets them pass when nobody is there to decide. Everything is keyed by the network's or the asker's register, so that
 * no tenant's rows touch another's packets. It knows which ports own names, not which names.
 */

import { controller, ethTypes, type Flow, type Group, ports } from '../../openflow/index.ts'
import { selfCheckPort } from '../app.ts'
import { createGrouping } from '../grouping.ts'
import { createCells, createMemo } from '../memo.ts'
import { flow, goto, group, groups, through, toGroup } from '../pipeline.ts'
import type { LocalPort, Network, Port, View } from '../view.ts'
import { destination, distinct, isWithin, type Reach, reachOf } from './reach.ts'

/** The userdata by which the host finds the application of a punt. */
export const userdata = 'dns'

const udp = 17
const domainPort = 53
const wholePacket = 0xffff

const priorities = { exception: 200, row: 100, miss: 1 } as const

/** The rows of the lease: queries leave the usual path, as far as they are whole, untagged and for one host. */
export function leaseRows(): Flow[] {
  const unicast = { value: '00:00:00:00:00:00', mask: '01:00:00:00:00:00' }
  return [ethTypes.ipv4, ethTypes.ipv6].map((ethType) => {
    const match = { ethDst: unicast, ethType, vlanTci: 0, ipProto: udp, ipFrag: 0, udpDst: domainPort }
    return flow('services', priorities.row, match, [goto('dns')])
  })
}

/** The flows of a view for its askers, in parts that stay the same arrays while nothing in them changes. */
export type AskersFlows = (view: View, askers: readonly LocalPort[]) => Iterable<readonly Flow[]>

/**
 * Makes the function that gives the flows for these askers, the local ports that own names. Of the destinations on an asker's network none is
 * intercepted, except addresses that the cloud itself announces and no guest has.
 */
export function createFlows(): AskersFlows {
  const inNetwork = createGrouping(({ networkId }) => [networkId])
  const cells = createCells<readonly Flow[]>()
  const memo = createMemo<readonly Flow[]>()
  const rows = commonRows()
  return function* (view, askers) {
    const portsIn = inNetwork(view.ports)
    const cell = cells()
    yield rows.first
    for (const id of new Set(askers.map(({ networkId }) => networkId))) {
      const network = view.networks.get(id)
      if (network === undefined) continue
      const ports = portsIn(id)
      yield cell(id, [network, ports], () => [...networkFlows(network, guestsAmong(ports))])
    }
    yield rows.between
    for (const asker of [...askers, selfCheckPort]) yield memo(asker, '', () => [askerFlow(asker)])
    yield rows.last
  }
}

/** What all networks and askers share, by where it stands among their rows. */
function commonRows() {
  const punt = controller({ maxLen: wholePacket, userdata: Buffer.from(userdata), pause: true })
  return {
    first: [flow('dns', priorities.row, destination(reachOf('fe80::/10')!), [goto('lookup')])],
    between: [flow('dns', priorities.miss, {}, [goto('dnsPorts')])],
    last: [
      flow('dnsPorts', priorities.miss, {}, [goto('lookup')]),
      flow('dnsPunt', priorities.miss, {}, [punt, through('lookup')]),
    ],
  }
}

const askerFlow = ({ key }: LocalPort) =>
  flow('dnsPorts', priorities.row, { reg6: key }, [toGroup('dnsLive')])

/**
 * The dead-man's switch: the first bucket is alive while a controller is connected, the second always, because the group
 * it watches has no liveness of its own. Buckets are action sets, hence one resubmit each and the punt in a table.
 */
export function* groupsOfDns(): Iterable<Group> {
  yield group('dnsAlways', { type: 'indirect', buckets: [{ actions: [] }] })
  yield group('dnsLive', {
    type: 'fastFailover',
    buckets: [
      { watchPort: ports.controller, actions: [through('dnsPunt')] },
      { watchGroup: groups.dnsAlways.id, actions: [through('lookup')] },
    ],
  })
}

function* networkFlows(network: Network, guests: readonly Reach[]): Iterable<Flow> {
  const metadata = BigInt(network.key)
  const inside = network.subnets.flatMap(({ cidr }) => reachOf(cidr) ?? [])
  const exceptions = network.subnets
    .flatMap(({ gatewayIp, dhcpIp, dnsNameservers }) =>
      [gatewayIp ?? [], dhcpIp ?? [], dnsNameservers].flat(),
    )
    .flatMap((ip) => reachOf(ip) ?? [])
    .filter((reach) => isWithin(reach, inside) && !isWithin(reach, guests))
  const outside = guests.filter((reach) => !isWithin(reach, inside))
  for (const reach of distinct(exceptions))
    yield flow('dns', priorities.exception, { metadata, ...destination(reach) }, [goto('dnsPorts')])
  for (const reach of distinct([...inside, ...outside]))
    yield flow('dns', priorities.row, { metadata, ...destination(reach) }, [goto('lookup')])
}

/**
 * What the guests among the ports of a network answer for. A port of the network itself (a router's, DHCP's) is no
 * guest: nothing of a tenant listens there. A pair that allows every address names none.
 */
function guestsAmong(ports: readonly Port[]): Reach[] {
  return ports.filter(({ deviceOwner }) => !deviceOwner.startsWith('network:')).flatMap(reachesOf)
}

function reachesOf({ addresses, allowedAddressPairs }: Port): Reach[] {
  return [...addresses, ...allowedAddressPairs]
    .flatMap(({ ip }) => reachOf(ip) ?? [])
    .filter(({ prefix }) => prefix > 0)
}
