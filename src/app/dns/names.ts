/**
 * Which names each local port may ask for: from a view to one immutable map per scope. A scope is the asker's tenant and
 * subnets (docs/architecture.md), so two tenants never share one, and askers with the same subnets do. It decides no
 * query.
 */

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

/** Makes the function that gives the names of a view; they are made once a view, and a port's part once a port. */
export function createNames(rules: NameRules): (view: View) => Names {
  const byView = new WeakMap<View, Names>()
  const byPort = new WeakMap<Port, PortNames>()
  const namesOfPort = (port: Port): PortNames => {
    const known = byPort.get(port) ?? portNames(port, rules)
    byPort.set(port, known)
    return known
  }
  return (view) => {
    const known = byView.get(view) ?? namesOf(view, rules, namesOfPort)
    byView.set(view, known)
    return known
  }
}

/** The longest domain of the scope that a key is in; a key is in itself. */
export function apexOf(apexes: ReadonlyMap<string, boolean>, key: string): string | undefined {
  for (let at = 0; at < key.length - 1; at += key.charCodeAt(at) + 1) {
    const suffix = at === 0 ? key : key.slice(at)
    if (apexes.has(suffix)) return suffix
  }
  return undefined
}

type RecordKind = 'a' | 'aaaa' | 'ptr'

type Draft = { apexSize: number; isApex: boolean; isShort: boolean } & { [Kind in RecordKind]?: RecordSet[] }

interface ScopeDraft {
  readonly subnets: readonly Subnet[]
  readonly names: Map<string, Draft>
  readonly apexes: Map<string, boolean>
  isAnyAuthoritative: boolean
}

function namesOf(view: View, rules: NameRules, namesOfPort: (port: Port) => PortNames): Names {
  const drafts = new Map<string, ScopeDraft>()
  const draftOfPort = new Map<string, ScopeDraft>()
  /** The scopes that see a tenant's addresses of a subnet. */
  const audiences = new Map<string, Set<ScopeDraft>>()
  const problems: Problem[] = []

  for (const port of view.localPorts) {
    const subnets = subnetsOf(port)
    if (port.topic === '' || subnets.length === 0) continue
    const scopeKey = [port.topic, ...subnets.map(({ id }) => id)].join(' ')
    const draft = drafts.get(scopeKey) ?? scopeDraft(subnets, rules)
    drafts.set(scopeKey, draft)
    draftOfPort.set(port.id, draft)
    for (const subnet of subnets) {
      const audience = audienceKey(port.topic, subnet)
      audiences.set(audience, (audiences.get(audience) ?? new Set()).add(draft))
    }
  }
  for (const port of view.ports.values()) {
    const isSeen = port.addresses.some(
      ({ subnet }) => subnet && audiences.has(audienceKey(port.topic, subnet)),
    )
    if (!isSeen) continue
    const { contributions, problems: ofPort } = namesOfPort(port)
    problems.push(...ofPort)
    for (const contribution of contributions)
      for (const draft of audiences.get(audienceKey(port.topic, contribution.subnet)) ?? [])
        add(draft, contribution)
  }
  const scopes = new Map([...drafts.values()].map((draft) => [draft, scopeOf(draft)]))
  const scopeOfPort = new Map([...draftOfPort].map(([id, draft]) => [id, scopes.get(draft)]))
  const ofSubnets = problemsOfSubnets(
    [...drafts.values()].flatMap(({ subnets }) => subnets),
    rules,
  )
  return { scopeOf: (port) => scopeOfPort.get(port.id), problems: [...ofSubnets, ...problems] }
}

const audienceKey = (topic: string, subnet: Subnet): string => `${topic} ${subnet.id}`

function problemsOfSubnets(subnets: readonly Subnet[], rules: NameRules): Problem[] {
  const byRow = new Map<string, Problem>()
  for (const subnet of subnets) {
    const { problem } = subnetDomain(subnet, rules)
    if (problem) byRow.set(problem.row, problem)
  }
  return [...byRow.values()]
}

/** The subnets of a port's addresses, each once, in order of their ids. */
function subnetsOf(port: Port): Subnet[] {
  const subnets = new Map<string, Subnet>()
  for (const { subnet } of port.addresses) if (subnet) subnets.set(subnet.id, subnet)
  return [...subnets.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function scopeDraft(subnets: readonly Subnet[], rules: NameRules): ScopeDraft {
  const draft: ScopeDraft = { subnets, names: new Map(), apexes: new Map(), isAnyAuthoritative: false }
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
  const apex = apexOf(draft.apexes, key)
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
