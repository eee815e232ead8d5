/**
 * The application chassis_snat: ports whose routers know no way to a destination reach it from the address that their
 * node has outside. It finds the ways in the view and joins them to the flows.
 */

import { type OptionTable, type OptionValues, option } from '../../config/index.ts'
import type { Flow } from '../../openflow/index.ts'
import type { App, AppHost, Application } from '../app.ts'
import { createMemo } from '../memo.ts'
import { natZones } from '../pipeline.ts'
import { bytesOf } from '../reach.ts'
import type { LocalPort, View } from '../view.ts'
import { commonFlows, macOf, type Outside, portFlows } from './flows.ts'

const options = {
  external_network_bridge: option.string(
    'br-ex',
    'The bridge that leads outside; the node itself, at the local port of this bridge, is the next hop.',
  ),
  external_host_ip6: option.address(
    'The IPv6 address that ports of this node have outside, beside [df] external_host_ip; none: IPv6 is not translated.',
  ),
} satisfies OptionTable

/** The application `chassis_snat`; section `[df_snat_app]`. */
export const snat: Application<typeof options> = {
  name: 'chassis_snat',
  section: 'df_snat_app',
  options,
  factory: createSnat,
}

/** The name of the way outside among the uplinks. */
const uplink = 'chassis_snat'

function createSnat(values: OptionValues<typeof options>, { metrics }: AppHost): App {
  const ofPort = createMemo<readonly Flow[]>()
  const common = createMemo<readonly Flow[]>()
  const outsideAt = createOutside(values.external_host_ip6)
  let translated = 0
  metrics.reading(
    'df_snat_ports',
    'Ports that reach the outside from the address of the node',
    () => translated,
  )

  function* units(view: View): Iterable<readonly Flow[]> {
    const outside = outsideAt(view)
    const ports = outside === undefined ? [] : portsBehindRouters(view)
    translated = ports.length
    if (outside === undefined) return
    yield common(outside, '', () => [...commonFlows(outside)])
    for (const port of ports) {
      const network = view.networks.get(port.networkId)!
      const key = `${network.key} ${JSON.stringify(outside)}`
      yield ofPort(port, key, () => [...portFlows(port, network, outside)])
    }
  }

  return {
    name: snat.name,
    onFailure: 'drop',
    units,
    flows: (view) => [...units(view)].flat(),
    bridges: new Map([[uplink, values.external_network_bridge]]),
  }
}

/** Makes the function that gives the way outside, the same object as long as it is the same; undefined if there is none. */
function createOutside(ipv6: string): (view: View) => Outside | undefined {
  let last: Outside | undefined
  return ({ uplinks, uplinkMacs, chassis, host }) => {
    const [ofport, nextMac] = [uplinks.get(uplink), uplinkMacs.get(uplink)]
    const own = chassis.get(host)?.externalHostIp
    const addresses = own?.includes(':') ? [own] : [own, ipv6].flatMap((ip) => ip || [])
    if (ofport === undefined || nextMac === undefined || addresses.length === 0) return undefined
    const outside = { ofport, nextMac, mac: macOf(bytesOf(addresses[0]!)!), addresses }
    if (JSON.stringify(last) !== JSON.stringify(outside)) last = outside
    return last
  }
}

/** The local ports whose packets a router may have no way for. */
function portsBehindRouters({ routers, localPorts, networks }: View): LocalPort[] {
  const joined = new Set([...routers.values()].flatMap(({ ports }) => ports.map((port) => port.networkId)))
  const taken = new Set(localPorts.map(({ ofport }) => ofport))
  return localPorts.filter((port) => {
    // A port of the switch with the number of the zone would have it for its security groups.
    const isFree = port.ofport < natZones.limit && !taken.has(natZones.of(port))
    return isFree && joined.has(port.networkId) && networks.has(port.networkId) && port.macs.length > 0
  })
}
