/**
 * Which names each local port may ask for: from a view to one immutable table per scope. A scope is the asker's tenant and
 * the subnets that it sees (docs/architecture.md), so two tenants never share one, and askers that see the same do. It
 * decides no query.
 */

import { createGrouping } from '../grouping.ts'
import { createJoins } from '../joins.ts'
import { createCells } from '../memo.ts'
import type { Port, Subnet, View } from '../view.ts'
import { KeyReader } from './keys.ts'
import {
  createNamesOfPort,
  type NameRules,
  type NameScope,
  type Problem,
  subnetDomain,
} from './port-names.ts'
import { type Scope, type ScopeParts, type Sight, scopeParts } from './scope.ts'

/** The names of one view. */
export interface Names {
  /** The scope of a local port; undefined if it owns no names. */
  scopeOf(port: Port): Scope | undefined
  /** Rows that cannot be served, of the ports and subnets that a local port may ask for. */
  readonly problems: readonly Problem[]
}

/**
 * Makes the function that gives the names of a view: made once a view, a scope again only if a port or a subnet of its
 * changed, and of it only what those ports contribute.
 */
export function createNames(rules: NameRules, secret: Buffer): (view: View) => Names {
  const reader = new KeyReader(secret)
  const seenBy = createGrouping(audiencesOf)
  const joinedBy = createJoins()
  const cells = createCells<ScopeParts>()
  let last: { readonly view: View; readonly names: Names } | undefined
  const namesOf = (view: View): Names => {
    const scopes = new Map<string, ScopeParts>()
    const scopeOfPort = new Map<Port, Scope>()
    const portsFor = seenBy(view.ports)
    const joined = joinedBy(view.routers)
    const cell = cells()
    for (const port of view.localPorts) {
      const { topic } = port
      const sight = sightOf(port, view, rules.scope, joined)
      const subnets = [...sight.own, ...sight.others]
      if (topic === '' || subnets.length === 0) continue
      const key = [topic, sight.own.length, ...subnets.map(({ id }) => id)].join(' ')
      const make = () => {
        const groups = subnets.map((subnet) => portsFor(audienceKey(topic, subnet)))
        const parts = [...subnets, ...groups]
        return cell(key, parts, (before) =>
          scopeParts({ rules, reader, namesOf: createNamesOfPort(rules), sight, groups }, before),
        )
      }
      const scope = scopes.get(key) ?? make()
      scopes.set(key, scope)
      if (scope.scope) scopeOfPort.set(port, scope.scope)
    }
    return {
      scopeOf: (port) => scopeOfPort.get(port),
      get problems() {
        return problemsOf([...scopes.values()], rules)
      },
    }
  }
  return (view) => {
    if (last?.view !== view) last = { view, names: namesOf(view) }
    return last.names
  }
}

function sightOf(
  port: Port,
  view: View,
  scope: NameScope,
  joined: ReturnType<ReturnType<typeof createJoins>>,
): Sight {
  const own = subnetsOf(port)
  if (scope === 'subnet') return { own, others: [] }
  const networks = scope === 'network' ? [] : joined(port.networkId, new Set([port.topic]))
  const seen = [port.networkId, ...networks].flatMap((id) => view.networks.get(id)?.subnets ?? [])
  const ids = new Set(own.map(({ id }) => id))
  return { own, others: seen.filter(({ id }) => !ids.has(id)).sort(byId) }
}

const byId = (a: Subnet, b: Subnet): number => (a.id < b.id ? -1 : 1)

const audienceKey = (topic: string, subnet: Subnet): string => `${topic} ${subnet.id}`

const audiencesOf = (port: Port) => subnetsOf(port).map((subnet) => audienceKey(port.topic, subnet))

/** Each once: those of the subnets, then those of the ports. */
function problemsOf(scopes: readonly ScopeParts[], rules: NameRules): Problem[] {
  const namesOf = createNamesOfPort(rules)
  const byRow = new Map<string, Problem>()
  for (const subnet of scopes.flatMap(({ subnets }) => subnets)) {
    const { problem } = subnetDomain(subnet, rules)
    if (problem) byRow.set(problem.row, problem)
  }
  const ports = new Set(scopes.flatMap((scope) => scope.ports))
  return [...byRow.values(), ...Array.from(ports, (port) => namesOf(port).problems).flat()]
}

/** The subnets of a port's addresses, each once, in order of their ids. */
function subnetsOf(port: Port): Subnet[] {
  const subnets = new Map<string, Subnet>()
  for (const { subnet } of port.addresses) if (subnet) subnets.set(subnet.id, subnet)
  return [...subnets.values()].sort(byId)
}
