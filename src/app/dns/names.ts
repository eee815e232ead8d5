/**
 * Which names each local port may ask for: from a view to one immutable map per scope. A scope is the asker's tenant and
 * subnets (docs/architecture.md), so two tenants never share one, and askers with the same subnets do. It decides no
 * query.
 */

import { createGrouping } from '../grouping.ts'
import { createCells } from '../memo.ts'
import type { Port, Subnet, View } from '../view.ts'
import { keyOf, reverseZonesOf } from './domain-name.ts'
import { joined, type RecordSet } from './message.ts'
import {
  type Contribution,
  type NameRules,
  type PortNames,
  type Problem,
  portNames,
  subnetDomain,
} from './port-names.ts'
import { reachOf } from './reach.ts'

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
    const cell = cells()
    for (const port of view.localPorts) {
      const { topic } = port
      const subnets = subnetsOf(port)
      if (topic === '' || subnets.length === 0) continue
      const key = [topic, ...subnets.map(({ id }) => id)].join(' ')
      const make = () => {
        const groups = subnets.map((subnet) => portsFor(audienceKey(topic, subnet)))
        return cell(key, [...subnets, ...groups], () => scopeOfSubnets(subnets, groups, rules, namesOfPort))
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

type Draft = { apexSize: number; isApex: boolean; isShort: boolean } & { [Kind in RecordKind]?: RecordSet[] }

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
  subnets: readonly Subnet[],
  groups: readonly (readonly Port[])[],
  rules: NameRules,
  namesOfPort: (port: Port) => PortNames,
): ScopeOfSubnets {
  const ports = [...new Set(groups.flat())].sort((a, b) => a.key - b.key)
  const ids = new Set(subnets.map(({ id }) => id))
  const draft = scopeDraft(subnets, rules)
  for (const port of ports)
    for (const contribution of namesOfPort(port).contributions)
      if (ids.has(contribution.subnet.id)) add(draft, contribution)
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
  return [...subnets.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
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

function add(draft: ScopeDraft, { record, isIpv6, full, shortKey, reverse }: Contribution): void {
  const family = isIpv6 ? 'aaaa' : 'a'
  if (full) addRecord(fullName(draft, full), family, record)
  if (shortKey) addRecord(draftName(draft, shortKey, shortKey.length, true), family, record)
  if (reverse) addRecord(fullName(draft, reverse), 'ptr', reverse.record)
}

function addRecord(name: Draft, kind: RecordKind, record: RecordSet): void {
  const records = name[kind]
  if (records) records.push(record)
  else name[kind] = [record]
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
  const setOf = (records: RecordSet[] | undefined) => records && joined(records)
  const owned = new Map<string, OwnedName>()
  for (const [key, { a, aaaa, ptr, apexSize, isApex, isShort }] of names)
    owned.set(key, { a: setOf(a), aaaa: setOf(aaaa), ptr: setOf(ptr), apexSize, isApex, isShort })
  return { names: owned, apexes, isAnyAuthoritative }
}
