/**
 * What is wrong with routers that count all the same: ports and extra routes that are left out because they contradict
 * the others, or because what they refer to is not there (src/routing.ts says when). It knows no application.
 */

import { soundRouter } from '../routing.ts'
import type { Northbound } from './model.ts'
import type { LogicalRouter, Rejected } from './row.ts'

/** The findings about routers, in order of the rows. */
export function routerFindings({ lrouter, lswitch, lsubnet }: Northbound): Rejected[] {
  const cidrs = new Map<string, string[]>()
  for (const subnet of lsubnet.values())
    cidrs.set(subnet.lswitch, [...(cidrs.get(subnet.lswitch) ?? []), subnet.cidr])
  return [...lrouter.values()].flatMap((row) =>
    soundRouter(describedOf(row, lswitch), (id) => cidrs.get(id) ?? []).omitted.map(({ path, reason }) => ({
      table: 'lrouter',
      id: row.id,
      field: path,
      reason: `${reason}; it is left out`,
      remedy: `correct the row: df-db get lrouter ${row.id}`,
    })),
  )
}

const describedOf = ({ ports, routes }: LogicalRouter, lswitch: Northbound['lswitch']) => ({
  ports: ports.map(({ id, unique_key: key, lswitch: network, network: address, mac }) => ({
    id,
    key,
    networkId: network !== undefined && lswitch.has(network) ? network : undefined,
    address,
    mac,
  })),
  routes,
})
