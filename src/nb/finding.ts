/**
 * What is wrong with rows that count all the same. A port whose subnet is missing must keep its flows, and a network whose
 * wire is another one's its own, and so they are no rejected rows; but something does not work there, and a person should
 * hear of it. It knows no application.
 */

import type { Northbound } from './model.ts'
import type { Rejected } from './row.ts'

/** What a person should hear of: first the networks, then the ports, each in order of the rows. */
export const findingsOf = (northbound: Northbound): Rejected[] => [
  ...sharedWires(northbound),
  ...strangeSubnets(northbound),
]

/** The networks that claim the physical network and the VLAN of one with a lower key: that one alone is attached. */
function sharedWires({ lswitch }: Northbound): Rejected[] {
  const owners = new Map<string, string>()
  return [...lswitch.values()]
    .sort((a, b) => a.unique_key - b.unique_key)
    .flatMap(({ id, physical_network: uplink, network_type: type, segmentation_id: vlan }) => {
      if (!uplink || (type !== 'flat' && type !== 'vlan')) return []
      const wire =
        type === 'flat' ? `physical network ${uplink}` : `VLAN ${vlan} of physical network ${uplink}`
      const owner = owners.get(wire)
      if (owner === undefined) {
        owners.set(wire, id)
        return []
      }
      const reason = `claims ${wire}, which is lswitch ${owner}'s; where both have ports, this one stays inside`
      const field = type === 'flat' ? 'physical_network' : 'segmentation_id'
      const remedy = `give it another one, or make one network of the two: df-db get lswitch ${id}`
      return [{ table: 'lswitch' as const, id, field, reason, remedy }]
    })
}

/** The ports that name a subnet that does not count or lies in another network. */
function strangeSubnets({ lport, lsubnet }: Northbound): Rejected[] {
  return [...lport.values()].flatMap(({ id, lswitch, subnets }) =>
    subnets.flatMap((subnet, index) => {
      const found = lsubnet.get(subnet)
      if (found?.lswitch === lswitch) return []
      const reason = found
        ? `names lsubnet ${subnet} of another lswitch (${found.lswitch}); the port has no names there`
        : `names lsubnet ${subnet}, which does not exist or does not count; the port has no names there`
      const remedy = `add that row, or correct this one: df-db get lport ${id}`
      return { table: 'lport' as const, id, field: `subnets.${index}`, reason, remedy }
    }),
  )
}
