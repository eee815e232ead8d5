/**
 * What keeps networks from being carried by tunnels, or ports from being reached by them (decision 0006), although the rows
 * count. It knows rows alone; a controller counts what is wrong on its node too (`df_tunneling_unreached_ports`).
 */

import type { Northbound } from './model.ts'
import type { Rejected } from './row.ts'
import { tunnelTypes } from './tables.ts'

/** What a person should hear of: first the networks, then the nodes, then the ports. */
export const tunnelFindings = (northbound: Northbound): Rejected[] => [
  ...strangeSegments(northbound),
  ...sharedAddresses(northbound),
  ...missingNodes(northbound),
  ...endlessPorts(northbound),
]

const isTunnelType = (type: string | undefined): type is (typeof tunnelTypes)[number] =>
  tunnelTypes.some((one) => one === type)

/** The networks without a number, and those that claim the number of one with a lower key: that one alone is carried. */
function strangeSegments({ lswitch }: Northbound): Rejected[] {
  const owners = new Map<string, string>()
  return [...lswitch.values()]
    .sort((a, b) => a.unique_key - b.unique_key)
    .flatMap(({ id, network_type: type, segmentation_id: number }) => {
      if (!isTunnelType(type)) return []
      const of = { table: 'lswitch' as const, id, field: 'segmentation_id' }
      const remedy = `give it a number of its own: df-db update lswitch ${id} segmentation_id=...`
      if (!number)
        return [{ ...of, reason: `is missing; no tunnel carries a ${type} network without one`, remedy }]
      const owner = owners.get(`${type} ${number}`)
      if (owner === undefined) {
        owners.set(`${type} ${number}`, id)
        return []
      }
      return [
        {
          ...of,
          reason: `${number} is that of lswitch ${owner}, also ${type}; this one stays on its node`,
          remedy,
        },
      ]
    })
}

/** The nodes that claim the address of one before them. */
function sharedAddresses({ chassis }: Northbound): Rejected[] {
  const owners = new Map<string, string>()
  return [...chassis.values()].flatMap(({ id, ip }) => {
    const owner = owners.get(ip)
    if (owner === undefined) {
      owners.set(ip, id)
      return []
    }
    const reason = `${ip} is the address of chassis ${owner} too; ports of one of them are not reached`
    const remedy = `set [df] local_ip on both nodes, and start their controllers again`
    return [{ table: 'chassis' as const, id, field: 'ip', reason, remedy }]
  })
}

/** The nodes that ports of tunnelled networks are bound to, and that no tunnel of that type leads to. */
function missingNodes({ chassis, lswitch, lport }: Northbound): Rejected[] {
  const bound = new Map<string, { readonly node: string; readonly type: string; count: number }>()
  for (const { lswitch: network, binding } of lport.values()) {
    const [node, type] = [binding?.chassis, lswitch.get(network)?.network_type]
    if (binding?.type !== 'chassis' || node === undefined || !isTunnelType(type)) continue
    if (chassis.get(node)?.tunnel_types.includes(type)) continue
    const known = bound.get(`${node} ${type}`) ?? { node, type, count: 0 }
    known.count += 1
    bound.set(`${node} ${type}`, known)
  }
  return [...bound.values()].map(({ node, type, count }) => {
    const what = chassis.has(node) ? `has no ${type} tunnels` : 'has no row'
    const reason = `${what}, but ports of ${type} networks are bound to it (${count}); other nodes do not reach them`
    const remedy = `set [df] local_ip and tunnel_types there, and start its controller`
    return {
      table: 'chassis' as const,
      id: node,
      field: chassis.has(node) ? 'tunnel_types' : undefined,
      reason,
      remedy,
    }
  })
}

/** The ports that are bound to a VTEP without an address. */
function endlessPorts({ lport }: Northbound): Rejected[] {
  return [...lport.values()].flatMap(({ id, binding }) => {
    if (binding?.type !== 'vtep' || binding.vtep_address !== undefined) return []
    const reason = 'is missing; a VTEP is reached by its address alone'
    const remedy = `df-db update lport ${id} binding='{"type": "vtep", "vtep_address": "..."}'`
    return [{ table: 'lport' as const, id, field: 'binding.vtep_address', reason, remedy }]
  })
}
