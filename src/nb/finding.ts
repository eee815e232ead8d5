/**
 * What is wrong with rows that count all the same. A port whose subnet is missing must keep its flows, and so it is no
 * rejected row; but it has no names there, and a person should hear of it. It knows no application.
 */

import type { Northbound } from './model.ts'
import type { Rejected } from './row.ts'

/** The ports that name a subnet that does not count or lies in another network; in order of the rows. */
export function findingsOf({ lport, lsubnet }: Northbound): Rejected[] {
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
