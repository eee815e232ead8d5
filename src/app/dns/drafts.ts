/**
 * Names before they are packed: what ports contribute to the scope of somebody who sees certain subnets, by key. Of the
 * ports that came or went alone it makes what they add or take away. It knows no packed form.
 */

import { reachOf } from '../reach.ts'
import type { Subnet } from '../view.ts'
import { types } from './codes.ts'
import { keyOf, reverseZonesOf } from './domain-name.ts'
import type { RecordData } from './message.ts'
import { type Contribution, type NameRules, subnetDomain } from './port-names.ts'

/** One record of a name; those in the asker's own subnets come first in replies. */
export interface Fact extends RecordData {
  readonly isOwn: boolean
}

/** A name with what is known of it. */
export interface Draft {
  apexSize: number
  isApex: boolean
  isShort: boolean
  /** How many contributions it follows from: its records, and the names that it holds. */
  count: number
  /** In order of the ports' keys. */
  readonly facts: Fact[]
  /** The keys of the ports that contribute, each once if a port's contributions follow one another. */
  readonly owners: number[]
}

export type Drafts = ReadonlyMap<string, Draft>

/** The domains of the asker's subnets, and whether unknown names in them do not exist. */
export interface Domains {
  readonly apexes: ReadonlyMap<string, boolean>
  readonly isAnyAuthoritative: boolean
}

/** The domains of these subnets, and of those with authority the reverse zones. */
export function domainsOf(subnets: readonly Subnet[], rules: NameRules): Domains {
  const apexes = new Map<string, boolean>()
  const add = (key: string, isAuthoritative: boolean) =>
    apexes.set(key, isAuthoritative || apexes.get(key) === true)
  for (const subnet of subnets) {
    const { name, isAuthoritative } = subnetDomain(subnet, rules)
    if (name) add(keyOf(name), isAuthoritative)
    const reach = reachOf(subnet.cidr)
    if (isAuthoritative && reach) for (const key of reverseZonesOf(reach)) add(key, true)
  }
  return { apexes, isAnyAuthoritative: [...apexes.values()].includes(true) }
}

/** The longest of the domains that a key is in; a key is in itself. */
export function apexOf({ apexes }: Pick<Domains, 'apexes'>, key: string): string | undefined {
  for (let at = 0; at < key.length - 1; at += key.charCodeAt(at) + 1) {
    const suffix = at === 0 ? key : key.slice(at)
    if (apexes.has(suffix)) return suffix
  }
  return undefined
}

/** A contribution with the key of its port, and whether its subnet is one of the asker's own. */
export interface Contributed {
  readonly contribution: Contribution
  readonly owner: number
  readonly isOwn: boolean
}

/** The names that follow from contributions. */
export function draftsOf(all: Iterable<Contributed>, domains: Domains): Map<string, Draft> {
  const drafts = new Map<string, Draft>()
  for (const { contribution, owner, isOwn } of all) {
    const { isIpv6, ttlSeconds, address, full, shortKey, reverse } = contribution
    const type = isIpv6 ? types.aaaa : types.a
    const record = { type, ttlSeconds, data: address, isOwn }
    if (full) fullName(drafts, domains, full, owner).facts.push(record)
    if (shortKey)
      draftOf(drafts, shortKey, { apexSize: shortKey.length, isShort: true, owner }).facts.push(record)
    if (reverse)
      fullName(drafts, domains, reverse, owner).facts.push({
        ...{ type: types.ptr, ttlSeconds, data: reverse.target, isOwn },
      })
  }
  return drafts
}

/** The domains with authority, which are names even if nobody has them. */
export function* apexDrafts({ apexes }: Domains): Iterable<readonly [key: string, Draft]> {
  for (const [key, isAuthoritative] of apexes)
    if (isAuthoritative) yield [key, { ...emptyDraft(key.length, false), isApex: true }]
}

/** A name under a domain, and in a domain with authority also the empty names between it and the apex. */
function fullName(
  drafts: Map<string, Draft>,
  domains: Domains,
  { key, apexSize }: { key: string; apexSize: number },
  owner: number,
): Draft {
  const isPlain = domains.apexes.size === 1 && !domains.isAnyAuthoritative
  const apex = isPlain ? undefined : apexOf(domains, key)
  const place = { apexSize: apex?.length ?? apexSize, isShort: false, owner }
  if (apex !== undefined && domains.apexes.get(apex))
    for (let at = key.charCodeAt(0) + 1; key.length - at > place.apexSize; at += key.charCodeAt(at) + 1)
      draftOf(drafts, key.slice(at), place)
  return draftOf(drafts, key, place)
}

/** The draft of a name with one contribution more. */
function draftOf(
  drafts: Map<string, Draft>,
  key: string,
  { apexSize, isShort, owner }: { apexSize: number; isShort: boolean; owner: number },
): Draft {
  const draft = drafts.get(key) ?? emptyDraft(apexSize, isShort)
  drafts.set(key, draft)
  draft.count += 1
  if (!isShort) draft.isShort = false
  if (draft.owners.at(-1) !== owner) draft.owners.push(owner)
  return draft
}

/** A name that nobody contributes to. */
export const emptyDraft = (apexSize: number, isShort: boolean): Draft => ({
  apexSize,
  isApex: false,
  isShort,
  count: 0,
  facts: [],
  owners: [],
})
