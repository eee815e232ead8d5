/**
 * The names of those who see the same subnets, made of the ports there: whole, or out of the scope before by what came
 * and went. A scope is immutable. It knows no view and no asker.
 */

import type { Port, Subnet } from '../view.ts'
import { apexDrafts, type Contributed, type Domains, domainsOf, draftsOf } from './drafts.ts'
import type { KeyReader } from './keys.ts'
import type { NameTable } from './name-table.ts'
import type { NameRules, NamesOfPort } from './port-names.ts'
import { TableWriter } from './table-writer.ts'

/** What a port may ask for. */
export interface Scope extends Domains {
  readonly names: NameTable
}

/** The subnets whose addresses an asker finds: its own, and what its scope adds; each in order of ids. */
export interface Sight {
  readonly own: readonly Subnet[]
  readonly others: readonly Subnet[]
}

/** A scope with what it was made of. */
export interface ScopeParts {
  readonly subnets: readonly Subnet[]
  /** In order of their keys. */
  readonly ports: readonly Port[]
  /** Undefined if there are no names. */
  readonly scope: Scope | undefined
}

/** What a scope is made of. */
export interface ScopeSources {
  readonly sight: Sight
  /** The ports with an address in each of the subnets, in order of their keys. */
  readonly groups: readonly (readonly Port[])[]
  readonly rules: NameRules
  readonly namesOf: NamesOfPort
  readonly reader: KeyReader
}

/** Makes the scope; out of the one before if that had the same subnets. */
export function scopeParts(sources: ScopeSources, before: ScopeParts | undefined): ScopeParts {
  const { sight, groups, rules, reader } = sources
  const subnets = [...sight.own, ...sight.others]
  const ports = groups.length === 1 ? groups[0]! : [...new Set(groups.flat())].sort((a, b) => a.key - b.key)
  const isSame = before?.subnets.every((subnet, index) => subnet === subnets[index])
  const base = isSame ? before : undefined
  const domains: Domains = base?.scope ?? domainsOf(subnets, rules)
  const names = tableAfter(sources, domains, base, ports, new TableWriter(reader, base?.scope?.names))
  const { apexes, isAnyAuthoritative } = domains
  const scope = names.parts.size > 0 ? { apexes, isAnyAuthoritative, names } : undefined
  return { subnets, ports, scope }
}

/** The table of these ports, where the writer begins with that of the ports before, or with nothing. */
function tableAfter(
  sources: ScopeSources,
  domains: Domains,
  before: ScopeParts | undefined,
  ports: readonly Port[],
  writer: TableWriter,
): NameTable {
  const draftsFor = (some: readonly Port[]) => draftsOf(contributionsOf(sources, some), domains)
  const shared = new Set<string>()
  const owners = new Set<number>()
  let isOfUnknown = false
  const share = (port: Port, key: string) => {
    shared.add(key)
    owners.add(port.key)
    const others = writer.ownersOf(key)
    for (const other of others ?? []) owners.add(other)
    isOfUnknown ||= others === undefined
  }
  if (before?.scope === undefined) for (const [key, draft] of apexDrafts(domains)) writer.put(key, draft)
  const [gone, come] = before?.scope ? differences(before.ports, ports) : [[], ports]
  for (const port of gone)
    for (const [key, draft] of draftsFor([port])) if (!writer.remove(key, draft)) share(port, key)
  for (const port of come)
    for (const [key, draft] of draftsFor([port])) if (!writer.add(key, draft)) share(port, key)
  const drafts = draftsFor(isOfUnknown ? ports : ports.filter(({ key }) => owners.has(key)))
  for (const key of shared) writer.put(key, drafts.get(key))
  return writer.table()
}

/** The ports that are in one of two lists alone, in order as they are; to be in both of the results does no harm. */
function differences(before: readonly Port[], now: readonly Port[]): [gone: Port[], come: Port[]] {
  const gone: Port[] = []
  const come: Port[] = []
  for (let i = 0, j = 0; i < before.length || j < now.length; ) {
    const [old, other] = [before[i], now[j]]
    if (old === other) {
      i += 1
      j += 1
    } else if (other === undefined || (old !== undefined && old.key <= other.key)) {
      gone.push(old!)
      i += 1
    } else {
      come.push(other)
      j += 1
    }
  }
  return [gone, come]
}

/** What the ports contribute to those subnets, and whether to one of the asker's own. */
function* contributionsOf({ sight, namesOf }: ScopeSources, ports: readonly Port[]): Iterable<Contributed> {
  const own = new Set(sight.own.map(({ id }) => id))
  const seen = new Set([...own, ...sight.others.map(({ id }) => id)])
  for (const port of ports)
    for (const contribution of namesOf(port).contributions) {
      const { id } = contribution.subnet
      if (seen.has(id)) yield { contribution, owner: port.key, isOwn: own.has(id) }
    }
}
