/**
 * What is wrong with rows that count all the same. A port whose subnet is missing must keep its flows, and a network whose
 * wire is another one's its own, and so they are no rejected rows; but something does not work there, and a person should
 * hear of it. It knows no application.
 */

import { isInside } from '../routing.ts'
import { groupFindings } from './finding-group.ts'
import { routerFindings } from './finding-router.ts'
import { tunnelFindings } from './finding-tunnel.ts'
import type { Northbound } from './model.ts'
import type { Rejected } from './row.ts'

/** What a person should hear of: first the networks, then the subnets, the ports, the routers, tunnels, and security groups. */
export const findingsOf = (northbound: Northbound): Rejected[] => [
  ...sharedWires(northbound),
  ...overlappingSubnets(northbound),
  ...strangeSubnets(northbound),
  ...routerFindings(northbound),
  ...tunnelFindings(northbound),
  ...groupFindings(northbound),
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
      const reason = `claims ${wire}, which is lswitch ${owner}'s; this one stays inside`
      const field = type === 'flat' ? 'physical_network' : 'segmentation_id'
      const remedy = `give it another one, or make one network of the two: df-db get lswitch ${id}`
      return [{ table: 'lswitch' as const, id, field, reason, remedy }]
    })
}

/** The subnets that share addresses with one before them in the same network. */
function overlappingSubnets({ lsubnet }: Northbound): Rejected[] {
  const before = new Map<string, { readonly id: string; readonly cidr: string }[]>()
  return [...lsubnet.values()].flatMap(({ id, cidr, lswitch }) => {
    const others = before.get(lswitch) ?? []
    before.set(lswitch, [...others, { id, cidr }])
    return others
      .filter((other) => isInside(firstOf(cidr), other.cidr) || isInside(firstOf(other.cidr), cidr))
      .map((other) => {
        const reason = `${cidr} overlaps with ${other.cidr} of lsubnet ${other.id} in the same lswitch; which of them an address is in cannot be told`
        return {
          table: 'lsubnet',
          id,
          field: 'cidr',
          reason,
          remedy: `give it a range of its own: df-db get lsubnet ${id}`,
        }
      })
  })
}

/** The ports that name a subnet that does not count, lies in another network or does not hold the address. */
function strangeSubnets({ lport, lsubnet }: Northbound): Rejected[] {
  return [...lport.values()].flatMap(({ id, lswitch, subnets, ips }) =>
    subnets.flatMap((subnet, index) => {
      const found = lsubnet.get(subnet)
      const ip = ips[index]
      if (found?.lswitch === lswitch && (ip === undefined || isInside(ip, found.cidr))) return []
      const fault =
        found === undefined
          ? `names lsubnet ${subnet}, which does not exist or does not count`
          : found.lswitch === lswitch
            ? `names lsubnet ${subnet}, ${found.cidr}, which does not hold its address ${ip}`
            : `names lsubnet ${subnet} of another lswitch (${found.lswitch})`
      const reason = `${fault}; the port has no names there`
      const remedy = `add that row, or correct this one: df-db get lport ${id}`
      return { table: 'lport' as const, id, field: `subnets.${index}`, reason, remedy }
    }),
  )
}

const firstOf = (cidr: string): string => cidr.split('/')[0]!
