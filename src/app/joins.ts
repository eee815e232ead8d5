/** Which networks the routers of tenants join, kept from view to view. It knows no address and no name. */

import { changedKeys } from '../sorted-map.ts'
import type { Router } from './view.ts'

/**
 * Makes the function that finds the other networks that routers join to a network, in order: the routers of these
 * tenants, or all.
 */
export function createJoins() {
  const routersIn = new Map<string, Map<string, Router>>()
  let known: ReadonlyMap<string, Router> = new Map()
  return (routers: ReadonlyMap<string, Router>) => {
    for (const id of changedKeys(known, routers)) {
      for (const { networkId } of known.get(id)?.ports ?? []) routersIn.get(networkId)?.delete(id)
      const router = routers.get(id)
      for (const { networkId } of router?.ports ?? []) {
        const there = routersIn.get(networkId) ?? new Map<string, Router>()
        routersIn.set(networkId, there.set(id, router!))
      }
    }
    known = routers
    return (networkId: string, topics?: ReadonlySet<string>): string[] => {
      const there = [...(routersIn.get(networkId)?.values() ?? [])]
      const own = there.filter(({ topic }) => topics?.has(topic) ?? true)
      const others = new Set(own.flatMap(({ ports }) => ports.map((port) => port.networkId)))
      others.delete(networkId)
      return [...others].sort()
    }
  }
}
