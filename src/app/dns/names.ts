/**
 * Which names each local port may ask for: from a view to one immutable map per scope. A scope is the asker's tenant and
 * the subnets that it sees (docs/architecture.md), so two tenants never share one, and askers that see the same do. It
 * decides no query.
 */

import { createGrouping } from '../grouping.ts'
import { createJoins } from '../joins.ts'
import { createCells } from '../memo.ts'
import { reachOf } from '../reach.ts'
import type { Port, Subnet, View } from '../view.ts'
import { keyOf, reverseZonesOf } from './domain-name.ts'
import { joined, type RecordSet } from './message.ts'
import {
  type Contribution,
  type NameRules,
  type NameScope,
  type PortNames,
  type Problem,
  portNames,
  subnetDomain,
} from './port-names.ts'

/** A name that exists in a scope; without records it only holds other names (RFC 8020). */
export interface OwnedName {
  readonly a: RecordSet | undefined
  readonly aaaa: RecordSet | undefined
  readonly ptr: RecordSet | undefined
  /** Size in bytes of the part of the key that owns the SOA record of negative answers. */
  readonly apexSize: number
  /** The apex of a domain that is answered with authority. */
  readonly isApex: boolean
  /** Only a bare label, not a name under a domain. */
  readonly isShort: boolean
}

/** What a port may ask for. Keys are those of `domain-name.ts`. */
export interface Scope {
  readonly names: ReadonlyMap<string, OwnedName>
  /** The domains of the asker's subnets, and whether unknown names in them do not exist. */
  readonly apexes: ReadonlyMap<string, boolean>
  readonly isAnyAuthoritative: boolean
}

/** The names of one view. */
export interface Names {
  /** The scope of a local port; undefined if it owns no names. */
  scopeOf(port: Port): Scope | undefined
  /** Rows that cannot be served, of the ports and subnets that a local port may ask for. */
  readonly problems: readonly Problem[]
}

/**
 * Makes the function that gives the names of a view: made once a view, a scope again only if a port or a subnet of its
 * changed, and a port's part once a port.
 */
export function createNames(rules: NameRules): (view: View) => Names {
  const byView = new WeakMap<View, Names>()
  const byPort = new WeakMap<Port, PortNames>()
  const seenBy = createGrouping(audiencesOf)
  const joinedBy = createJoins()
  const cells = createCells<ScopeOfSubnets>()
  const namesOfPort = (port: Port): PortNames => {
    const known = byPort.get(port) ?? portNames(port, rules)
    byPort.set(port, known)
    return known
  }
  const namesOf = (view: View): Names => {
    const scopes = new Map<string, ScopeOfSubnets>()
    const scopeOfPort = new Map<string, ScopeOfSubnets>()
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
        return cell(key, [...subnets, ...groups], () => scopeOfSubnets(sight, groups, rules, namesOfPort))
      }
      const scope = scopes.get(key) ?? make()
      scopes.set(key, scope)
      scopeOfPort.set(port.id, scope)
    }
    return {
      scopeOf: (port) => scopeOfPort.get(port.id)?.scope,
      get problems() {
        return problemsOf([...scopes.values()], rules, namesOfPort)
      },
    }
  }
  return (view) => {
    const known = byView.get(view) ?? namesOf(view)
    byView.set(view, known)
    return known
  }
}

/** The longest domain of the scope that a key is in; a key is in itself. */
export function apexOf({ apexes }: Pick<Scope, 'apexes'>, key: string): string | undefined {
  for (let at = 0; at < key.length - 1; at += key.charCodeAt(at) + 1) {
    const suffix = at === 0 ? key : key.slice(at)
    if (apexes.has(suffix)) return suffix
  }
  return undefined
}

type RecordKind = 'a' | 'aaaa' | 'ptr'

/** The records of a name so far: those in the asker's own subnets come first in replies. */
interface Sets {
  readonly own: RecordSet[]
  readonly others: RecordSet[]
}

type Draft = { apexSize: number; isApex: boolean; isShort: boolean } & { [Kind in RecordKind]?: Sets }

/** The subnets whose addresses an asker finds: its own, and what its scope adds; each in order of ids. */
interface Sight {
  readonly own: readonly Subnet[]
  readonly others: readonly Subnet[]
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

interface ScopeDraft {
  readonly names: Map<string, Draft>
  readonly apexes: Map<string, boolean>
  isAnyAuthoritative: boolean
}

/** A scope with what it was made of. */
interface ScopeOfSubnets {
  readonly subnets: readonly Subnet[]
  readonly ports: readonly Port[]
  readonly scope: Scope | undefined
}

/** `groups` are the ports with an address in each of the subnets. */
function scopeOfSubnets(
  { own, others }: Sight,
  groups: readonly (readonly Port[])[],
  rules: NameRules,
  namesOfPort: (port: Port) => PortNames,
): ScopeOfSubnets {
  const ports = [...new Set(groups.flat())].sort((a, b) => a.key - b.key)
  const subnets = [...own, ...others]
  const ids = new Set(subnets.map(({ id }) => id))
  const ownIds = new Set(own.map(({ id }) => id))
  const draft = scopeDraft(subnets, rules)
  for (const port of ports)
    for (const contribution of namesOfPort(port).contributions)
      if (ids.has(contribution.subnet.id)) add(draft, contribution, ownIds.has(contribution.subnet.id))
  return { subnets, ports, scope: scopeOf(draft) }
}

const audienceKey = (topic: string, subnet: Subnet): string => `${topic} ${subnet.id}`

const audiencesOf = (port: Port) => subnetsOf(port).map((subnet) => audienceKey(port.topic, subnet))

/** Each once: those of the subnets, then those of the ports. */
function problemsOf(
  scopes: readonly ScopeOfSubnets[],
  rules: NameRules,
  namesOfPort: (port: Port) => PortNames,
): Problem[] {
  const byRow = new Map<string, Problem>()
  for (const subnet of scopes.flatMap(({ subnets }) => subnets)) {
    const { problem } = subnetDomain(subnet, rules)
    if (problem) byRow.set(problem.row, problem)
  }
  const ports = new Set(scopes.flatMap((scope) => scope.ports))
  return [...byRow.values(), ...Array.from(ports, (port) => namesOfPort(port).problems).flat()]
}

/** The subnets of a port's addresses, each once, in order of their ids. */
function subnetsOf(port: Port): Subnet[] {
  const subnets = new Map<string, Subnet>()
  for (const { subnet } of port.addresses) if (subnet) subnets.set(subnet.id, subnet)
  return [...subnets.values()].sort(byId)
}

function scopeDraft(subnets: readonly Subnet[], rules: NameRules): ScopeDraft {
  const draft: ScopeDraft = { names: new Map(), apexes: new Map(), isAnyAuthoritative: false }
  for (const subnet of subnets) {
    const { name, isAuthoritative } = subnetDomain(subnet, rules)
    if (name) addApex(draft, keyOf(name), isAuthoritative)
    const reach = reachOf(subnet.cidr)
    if (isAuthoritative && reach) for (const key of reverseZonesOf(reach)) addApex(draft, key, true)
  }
  return draft
}

function addApex(draft: ScopeDraft, key: string, isAuthoritative: boolean): void {
  draft.apexes.set(key, isAuthoritative || draft.apexes.get(key) === true)
  if (!isAuthoritative) return
  draft.isAnyAuthoritative = true
  draftName(draft, key, key.length).isApex = true
}

function add(
  draft: ScopeDraft,
  { record, isIpv6, full, shortKey, reverse }: Contribution,
  isOwn: boolean,
): void {
  const addRecord = (name: Draft, kind: RecordKind, one: RecordSet) => {
    name[kind] ??= { own: [], others: [] }
    name[kind][isOwn ? 'own' : 'others'].push(one)
  }
  const family = isIpv6 ? 'aaaa' : 'a'
  if (full) addRecord(fullName(draft, full), family, record)
  if (shortKey) addRecord(draftName(draft, shortKey, shortKey.length, true), family, record)
  if (reverse) addRecord(fullName(draft, reverse), 'ptr', reverse.record)
}

/** A name under a domain, and in a domain with authority also the empty names between it and the apex. */
function fullName(draft: ScopeDraft, { key, apexSize }: { key: string; apexSize: number }): Draft {
  if (draft.apexes.size === 1 && !draft.isAnyAuthoritative) return draftName(draft, key, apexSize)
  const apex = apexOf(draft, key)
  const size = apex?.length ?? apexSize
  if (apex !== undefined && draft.apexes.get(apex))
    for (let at = key.charCodeAt(0) + 1; key.length - at > size; at += key.charCodeAt(at) + 1)
      draftName(draft, key.slice(at), size)
  return draftName(draft, key, size)
}

function draftName(draft: ScopeDraft, key: string, apexSize: number, isShort = false): Draft {
  const name = draft.names.get(key) ?? { apexSize, isApex: false, isShort }
  draft.names.set(key, name)
  if (!isShort) name.isShort = false
  return name
}

function scopeOf({ names, apexes, isAnyAuthoritative }: ScopeDraft): Scope | undefined {
  if (names.size === 0) return undefined
  const setOf = (sets: Sets | undefined) => sets && joined(sets.own, sets.others)
  const owned = new Map<string, OwnedName>()
  for (const [key, { a, aaaa, ptr, apexSize, isApex, isShort }] of names)
    owned.set(key, { a: setOf(a), aaaa: setOf(aaaa), ptr: setOf(ptr), apexSize, isApex, isShort })
  return { names: owned, apexes, isAnyAuthoritative }
}
