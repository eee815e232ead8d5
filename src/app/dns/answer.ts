/**
 * The decision (docs/architecture.md): what becomes of a query that was understood, given the names its asker may ask
 * for. A pure function without I/O; it knows no packet and writes no byte. For people it says why it took each branch, at
 * the branch; nothing is made for saying it while nobody listens.
 */

import type { Writable } from '../../wire/writable.ts'
import { flags, internet, metaTypes, type Rcode, types, typeText } from './codes.ts'
import { isPlainName, textOfKey } from './domain-name.ts'
import { apexOf } from './drafts.ts'
import type { KeyReader } from './keys.ts'
import { emptySet, type RecordSet } from './message.ts'
import { kinds, type NameTable, type OwnedName } from './name-table.ts'
import { askedKey, nameEnd, nameStart, type Query } from './question.ts'
import type { Scope } from './scope.ts'

/** What becomes of a query; `why` is one of a fixed set of words. */
export type Decision = Pass | Reply

/** The query goes on to the server it was meant for. */
export interface Pass {
  readonly kind: 'pass'
  readonly why: /** The asker's tenant and subnets own no names. */
    | 'no-names'
    /** Not a name of the asker's scope. */
    | 'unknown-name'
    /** A transfer, TKEY, TSIG or the like. */
    | 'meta-type'
    /** DS at the apex of a domain: the parent's to answer (RFC 4035 §3.1.4.1). */
    | 'parent-side'
    /** A bare label asked for another type than A and AAAA, or without recursion. */
    | 'short-name'
    /** Another class than IN. */
    | 'class'
    /** A name with bytes that no host name has: other software knows what they mean. */
    | 'odd-name'
    /** No question, but a cookie (RFC 7873 §5.4). */
    | 'no-question'
}

/** Takes down one step of a decision, a sentence without its full stop. */
export type Note = (reason: string) => void

/** The query is answered. */
export interface Reply {
  readonly kind: 'reply'
  readonly why: 'answer' | 'nodata' | 'nxdomain' | 'formerr' | 'badvers' | 'notimp' | 'refused' | 'cookie'
  readonly rcode: Rcode
  /** The answer section. */
  readonly records: RecordSet | undefined
  /** The size in bytes of the end of the question's name that owns the SOA record in the authority section; 0 for none. */
  readonly soaSize: number
  /** The extended error (RFC 8914) for askers with EDNS; none if it is missing. */
  readonly extendedError?: number
}

/** The records that every apex has. */
export interface ApexRecords {
  readonly soa: RecordSet
  readonly ns: RecordSet
}

/**
 * Decides a query, read from `bytes`, of an asker that may ask for the names of `scope`; `key` has read its name, and `note`
 * hears why. The decision is valid until the next one.
 */
export type Decide = (
  query: Query,
  bytes: Buffer,
  scope: Scope | undefined,
  key: KeyReader,
  note?: Note,
) => Decision

/** Makes the function that decides. */
export function createDecide(apexRecords: ApexRecords): Decide {
  const found = emptySet()
  const answer: Writable<Reply> = {
    ...{ kind: 'reply', why: 'answer', rcode: 'NOERROR', records: undefined, soaSize: 0 },
  }
  return (query, bytes, scope, key, note) => {
    if (query.nameSize === 0) {
      note?.('there is no question, only a cookie')
      return pass('no-question')
    }
    note?.(`the question is ${textOfKey(askedKey(query, bytes))} ${typeText(query.type)}`)
    if (query.class !== internet) {
      note?.(`its class is ${query.class}, not IN`)
      return pass('class')
    }
    if (scope === undefined) {
      note?.(
        'the port may ask for no names: it has no tenant, no address in a subnet, or nothing there has a name',
      )
      return pass('no-names')
    }
    if (query.type >= metaTypes.first && query.type <= metaTypes.last) {
      note?.(`${typeText(query.type)} asks for something else than records of a name`)
      return pass('meta-type')
    }
    const { names } = scope
    const name = names.find(key)
    if (name === 0) return decideUnknown(query, bytes, scope, note)
    note?.(`it is one of the names that the port may ask for: ${contentOf(names.nameAt(name))}`)
    if (names.isShort(name) && !isShortQuery(query)) {
      note?.('a name without its domain is answered for A and AAAA with recursion desired only')
      return pass('short-name')
    }
    if (names.isApex(name) && query.type === types.ds) {
      note?.("the DS record of a domain is its parent's to answer")
      return pass('parent-side')
    }
    const fault = ednsError(query, note)
    if (fault !== undefined) return fault
    const records = recordsOf(names, name, query.type, apexRecords, found)
    if (records === undefined) {
      note?.(`it has no ${typeText(query.type)} record, which nobody else can know: no data`)
      return negative('nodata', 'NOERROR', names.apexSize(name))
    }
    note?.(`${records.count} of its records answer`)
    answer.records = records
    return answer
  }
}

function decideUnknown(query: Query, bytes: Buffer, scope: Scope, note: Note | undefined): Decision {
  note?.(`it is none of the names that the port may ask for`)
  if (!isPlainName(bytes, nameStart(query), nameEnd(query))) {
    note?.('it has bytes that no host name has')
    return pass('odd-name')
  }
  const apex = scope.isAnyAuthoritative || note ? apexOf(scope, askedKey(query, bytes)) : undefined
  if (apex === undefined || !scope.apexes.get(apex)) {
    note?.(
      apex === undefined
        ? "it is under no domain of the asker's subnets"
        : `the domain ${textOfKey(apex)} is not authoritative: other servers may know more names in it`,
    )
    return pass('unknown-name')
  }
  const fault = ednsError(query, note)
  if (fault !== undefined) return fault
  note?.(`the domain ${textOfKey(apex)} is authoritative: the name does not exist`)
  return negative('nxdomain', 'NXDOMAIN', apex.length)
}

/** What is wrong with the OPT record of a query that is ours to answer (RFC 6891 §6.1.3, RFC 7873 §5.2.2). */
export function ednsError({ edns }: Query, note?: Note): Reply | undefined {
  if (edns === undefined) return undefined
  if (edns.version > 0) {
    note?.(`EDNS version ${edns.version} is not known, 0 is`)
    return negative('badvers', 'BADVERS', 0)
  }
  if (edns.isCookieValid) return undefined
  note?.(`a DNS cookie has no ${edns.cookieSize} bytes`)
  return negative('formerr', 'FORMERR', 0)
}

/** What a name holds, for people. */
function contentOf({ a, aaaa, ptr, isApex, isShort }: OwnedName): string {
  const sets = [
    ['A', a],
    ['AAAA', aaaa],
    ['PTR', ptr],
  ] as const
  const held = sets.flatMap(([type, set]) => (set ? `${set.count} ${type}` : []))
  const parts = [isApex ? 'a domain with authority' : [], isShort ? 'without its domain' : [], held].flat()
  return parts.join(', ') || 'nothing but names below it'
}

const isShortQuery = ({ type, flags: word }: Query): boolean =>
  (type === types.a || type === types.aaaa) && (word & flags.rd) !== 0

function recordsOf(
  names: NameTable,
  name: number,
  type: number,
  { soa, ns }: ApexRecords,
  into: Writable<RecordSet>,
): RecordSet | undefined {
  switch (type) {
    case types.a:
      return names.records(name, kinds.a, into)
    case types.aaaa:
      return names.records(name, kinds.aaaa, into)
    case types.ptr:
      return names.records(name, kinds.ptr, into)
    case types.soa:
      return names.isApex(name) ? soa : undefined
    case types.ns:
      return names.isApex(name) ? ns : undefined
    case types.any: {
      // One set of several (RFC 8482 §4.1).
      for (const kind of Object.values(kinds)) {
        const records = names.records(name, kind, into)
        if (records) return records
      }
      return names.isApex(name) ? soa : undefined
    }
    default:
      return undefined
  }
}

const pass = (why: Pass['why']): Pass => ({ kind: 'pass', why })
const negative = (why: Reply['why'], rcode: Rcode, soaSize: number): Reply => ({
  ...{ kind: 'reply', why, rcode, records: undefined, soaSize },
})
