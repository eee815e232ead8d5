/**
 * Ports by what they have in common (a network, a subnet), kept up to date at the price of what changed: a view shares
 * what did not change with the one before it, and so does a grouping. It knows no flow and no name.
 */

import { changedKeys } from '../sorted-map.ts'
import type { Port } from './view.ts'

/** The ports of a group in order of their keys: the same array for as long as none of them changes. */
export type GroupOf<P extends Port = Port> = (group: string) => readonly P[]

/**
 * Makes the function that groups the ports of a view. `groupsOf` must follow from the port alone. What the function
 * returned last counts until it is called again.
 */
export function createGrouping<P extends Port = Port>(
  groupsOf: (port: P) => Iterable<string>,
): (ports: ReadonlyMap<string, P>) => GroupOf<P> {
  const nobody: readonly P[] = []
  const groups = new Map<string, readonly P[]>()
  let grouped: ReadonlyMap<string, P> = new Map()
  return (ports) => {
    const gone = new Map<string, Set<P>>()
    const come = new Map<string, Set<P>>()
    for (const id of changedKeys(grouped, ports)) {
      note(gone, groupsOf, grouped.get(id))
      note(come, groupsOf, ports.get(id))
    }
    for (const group of new Set([...gone.keys(), ...come.keys()])) {
      const stayed = (groups.get(group) ?? nobody).filter((port) => !gone.get(group)?.has(port))
      // A sorted copy is as long as it is, the array that was put together has room for twice as many.
      const now = [...stayed, ...(come.get(group) ?? [])].toSorted(byKey)
      if (now.length === 0) groups.delete(group)
      else groups.set(group, common(now))
    }
    grouped = ports
    return (group) => groups.get(group) ?? nobody
  }
}

/** The last group that began with a port. */
const groupsFrom = new WeakMap<Port, readonly Port[]>()

/** The same list as another grouping has, if it has it: most networks have one subnet. */
function common<P extends Port>(ports: readonly P[]): readonly P[] {
  const [first] = ports
  const known = groupsFrom.get(first!)
  if (known?.length === ports.length && known.every((port, at) => port === ports[at]))
    return known as readonly P[]
  groupsFrom.set(first!, ports)
  return ports
}

/** The same map of local ports as views have of all. */
export function byId<P extends Port>(ports: readonly P[]): ReadonlyMap<string, P> {
  return new Map(ports.map((port) => [port.id, port]))
}

function note<P>(
  noted: Map<string, Set<P>>,
  groupsOf: (port: P) => Iterable<string>,
  port: P | undefined,
): void {
  if (port === undefined) return
  for (const group of groupsOf(port)) {
    const ports = noted.get(group)
    if (ports) ports.add(port)
    else noted.set(group, new Set([port]))
  }
}

/** Two ports never have one key in a view, but a test's may. */
const byKey = (a: Port, b: Port) => a.key - b.key || (a.id < b.id ? -1 : 1)
