/**
 * The decision (docs/architecture.md): what becomes of a query that was understood, given the names its asker may ask
 * for. A pure function without I/O; it knows no packet and writes no byte.
 */

import { flags, metaTypes, type Rcode, types } from './codes.ts'
import type { RecordSet } from './message.ts'
import { apexOf, type OwnedName, type Scope } from './names.ts'
import type { Query } from './question.ts'

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
}

/** The query is answered. */
export interface Reply {
  readonly kind: 'reply'
  readonly why: 'answer' | 'nodata' | 'nxdomain' | 'formerr' | 'badvers'
  readonly rcode: Rcode
  /** The answer section. */
  readonly records: RecordSet | undefined
  /** The size in bytes of the end of the question's name that owns the SOA record in the authority section; 0 for none. */
  readonly soaSize: number
}

/** The records that every apex has. */
export interface ApexRecords {
  readonly soa: RecordSet
  readonly ns: RecordSet
}

/** Decides a query of an asker that may ask for the names of `scope`. */
export function decide(query: Query, scope: Scope | undefined, apexRecords: ApexRecords): Decision {
  if (scope === undefined) return pass('no-names')
  if (query.type >= metaTypes.first && query.type <= metaTypes.last) return pass('meta-type')
  const name = scope.names.get(query.key)
  if (name === undefined) return decideUnknown(query, scope)
  if (name.isShort && !isShortQuery(query)) return pass('short-name')
  if (name.isApex && query.type === types.ds) return pass('parent-side')
  const records = recordsOf(name, query.type, apexRecords)
  return (
    ednsError(query) ??
    (records
      ? { kind: 'reply', why: 'answer', rcode: 'NOERROR', records, soaSize: 0 }
      : { kind: 'reply', why: 'nodata', rcode: 'NOERROR', records, soaSize: name.apexSize })
  )
}

function decideUnknown(query: Query, scope: Scope): Decision {
  const apex = scope.isAnyAuthoritative ? apexOf(scope.apexes, query.key) : undefined
  if (apex === undefined || !scope.apexes.get(apex)) return pass('unknown-name')
  const soaSize = apex.length
  return (
    ednsError(query) ?? { kind: 'reply', why: 'nxdomain', rcode: 'NXDOMAIN', records: undefined, soaSize }
  )
}

/** What is wrong with the OPT record of a query that is ours to answer (RFC 6891 §6.1.3, RFC 7873 §5.2.2). */
function ednsError({ edns }: Query): Reply | undefined {
  if (edns === undefined) return undefined
  if (edns.version > 0) return error('badvers', 'BADVERS')
  return edns.isCookieValid ? undefined : error('formerr', 'FORMERR')
}

const isShortQuery = ({ type, flags: word }: Query): boolean =>
  (type === types.a || type === types.aaaa) && (word & flags.rd) !== 0

function recordsOf(name: OwnedName, type: number, apexRecords: ApexRecords): RecordSet | undefined {
  switch (type) {
    case types.a:
      return name.a
    case types.aaaa:
      return name.aaaa
    case types.ptr:
      return name.ptr
    case types.soa:
      return name.isApex ? apexRecords.soa : undefined
    case types.ns:
      return name.isApex ? apexRecords.ns : undefined
    case types.any: // one set of several (RFC 8482 §4.1)
      return name.a ?? name.aaaa ?? name.ptr ?? (name.isApex ? apexRecords.soa : undefined)
    default:
      return undefined
  }
}

const pass = (why: Pass['why']): Pass => ({ kind: 'pass', why })
const error = (why: Reply['why'], rcode: Rcode): Reply => ({
  kind: 'reply',
  why,
  rcode,
  records: undefined,
  soaSize: 0,
})
