/**
 * The names of those who see the same subnets, made of the ports there: whole, or out of the scope before by what came
 * and went. A scope is immutable. It knows no view and no asker.
 */

import type { Port, Subnet } from '../view.ts'
import { addApexes, type Domains, domainsOf, draftsOf } from './drafts.ts'
import type { KeyReader } from './keys.ts'
import type { NameTable } from './name-table.ts'
import type { Contribution, NameRules, NamesOfPort } from './port-names.ts'
import { changedTable, tableOf } from './table-writer.ts'

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
  const { sight, groups } = sources
  const subnets = [...sight.own, ...sight.others]
  const ports = groups.length === 1 ? groups[0]! : [...new Set(groups.flat())].sort((a, b) => a.key - b.key)
  const isSame = before?.subnets.every((subnet, index) => subnet === subnets[index])
  const changed = isSame ? changedScope(sources, before!, ports) : undefined
  return { subnets, ports, scope: changed ?? wholeScope(sources, subnets, ports) }
}

function wholeScope(sources: ScopeSources, subnets: readonly Subnet[], ports: readonly Port[]) {
  const domains = domainsOf(subnets, sources.rules)
  const drafts = draftsOf(contributionsOf(sources, ports), domains)
  addApexes(drafts, domains)
  return drafts.size === 0 ? undefined : { ...domains, names: tableOf(drafts, sources.reader) }
}

/** Undefined if the whole is to be made. */
function changedScope(sources: ScopeSources, { scope, ports: before }: ScopeParts, ports: readonly Port[]) {
  if (scope === undefined) return undefined
  const [gone, come] = differences(before, ports).map((some) =>
    draftsOf(contributionsOf(sources, some), scope),
  )
  const names = changedTable(scope.names, gone!, come!)
  return names && names.parts.size > 0 ? { ...scope, names } : undefined
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
function* contributionsOf(
  { sight, namesOf }: ScopeSources,
  ports: readonly Port[],
): Iterable<readonly [Contribution, boolean]> {
  const own = new Set(sight.own.map(({ id }) => id))
  const seen = new Set([...own, ...sight.others.map(({ id }) => id)])
  for (const port of ports)
    for (const contribution of namesOf(port).contributions) {
      const { id } = contribution.subnet
      if (seen.has(id)) yield [contribution, own.has(id)]
    }
}
