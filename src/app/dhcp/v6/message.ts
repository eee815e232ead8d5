/**
 * Messages of DHCPv6 (RFC 8415 §8): a client's bytes to what a decision needs, and a reply to bytes. What a client sends
 * is read without exceptions; whatever is odd is a word that says why. It knows neither ports nor addresses that exist.
 */

import { ipv6Bytes, ipv6Text } from '../../../wire/address.ts'
import { withWriter } from '../../../wire/codec.ts'
import { options, relayTypes, replyTypes, requestTypes } from './codes.ts'

export type RequestType = keyof typeof requestTypes

/** A client's message, as far as it can be read. */
export interface Request {
  readonly type: RequestType
  /** 24 bits. */
  readonly transactionId: number
  readonly clientId: Buffer | undefined
  readonly serverId: Buffer | undefined
  readonly associations: readonly Association[]
  /** The options that the client would like. */
  readonly asked: ReadonlySet<number>
  readonly isRapid: boolean
  /** The flags of the name that the client goes by; undefined if it does not say one. */
  readonly nameFlags: number | undefined
}

/** An identity association: what a client uses for one interface (RFC 8415 §12). */
export interface Association {
  /** Addresses, temporary ones, or prefixes. */
  readonly kind: 'na' | 'ta' | 'pd'
  readonly iaid: number
  /** Canonical text; none of prefixes. */
  readonly addresses: readonly string[]
}

/** An option and its bytes. */
export type Option = readonly [code: number, value: Buffer]

/** Why a message is not understood, as a metric label. */
export type Unread =
  /** Shorter than its type and transaction. */
  | 'message_size'
  /** A relay agent's: none stands between a port and this server. */
  | 'relay'
  /** A type that clients do not send. */
  | 'type'
  /** Options that do not fit in the message, are of another size than they have, come twice, or are too many. */
  | 'options'

const headSize = 4
/** RFC 8415 §11.1: the identifier is 1 to 128 bytes behind its type. */
const identifierSize = { least: 3, most: 130 }
/** More are nobody's: a client has one for each interface. */
const mostAssociations = 16

// biome-ignore format: one list
/** What is read of a message and stands in it once. */
const singleOptions: readonly number[] = [
  options.clientId, options.serverId, options.optionRequest, options.rapidCommit, options.clientFqdn,
]

const typeOf: ReadonlyMap<number, RequestType> = new Map(
  Object.entries(requestTypes).map(([word, number]) => [number, word as RequestType]),
)

// biome-ignore format: columns
/** The identity associations, and the size of what stands in front of their options: an id, and two times. */
const associations: ReadonlyMap<number, { readonly kind: Association['kind']; readonly headSize: number }> = new Map([
  [options.iaNa, { kind: 'na', headSize: 12 }],
  [options.iaTa, { kind: 'ta', headSize: 4 }],
  [options.iaPd, { kind: 'pd', headSize: 12 }],
])

/** Reads the bytes that came to a server; never throws. */
export function readRequest(payload: Buffer): Request | Unread {
  if (payload.length < headSize) return 'message_size'
  if (relayTypes.includes(payload[0]!)) return 'relay'
  const type = typeOf.get(payload[0]!)
  if (type === undefined) return 'type'
  const found = optionsIn(payload.subarray(headSize))
  if (found === undefined) return 'options'
  const singles = found.filter(([code]) => singleOptions.includes(code))
  const single = new Map(singles)
  const named = found.filter(([code]) => associations.has(code))
  if (single.size < singles.length || named.length > mostAssociations) return 'options'
  const [clientId, serverId] = [single.get(options.clientId), single.get(options.serverId)]
  const asked = codesIn(single.get(options.optionRequest))
  const read = named.map(associationOf).filter((association) => association !== undefined)
  const isWhole = [clientId, serverId].every(isIdentifier) && read.length === named.length
  if (!isWhole || asked === undefined || single.get(options.clientFqdn)?.length === 0) return 'options'
  return {
    ...{ type, clientId, serverId, asked, associations: read },
    transactionId: payload.readUIntBE(1, 3),
    isRapid: single.has(options.rapidCommit),
    nameFlags: single.get(options.clientFqdn)?.[0],
  }
}

/** The bytes of a reply to a client's message. */
export function writeReply(
  transactionId: number,
  type: keyof typeof replyTypes,
  body: readonly Option[],
): Buffer {
  return withWriter((w) => {
    w.u32(replyTypes[type] * 2 ** 24 + transactionId)
    w.bytes(optionBytes(body))
    return w.finish()
  })
}

/** Options, one after the other. */
export function optionBytes(list: readonly Option[]): Buffer {
  return withWriter((w) => {
    for (const [code, value] of list) {
      w.u16(code)
      w.u16(value.length)
      w.bytes(value)
    }
    return w.finish()
  })
}

/** The options in these bytes, which are copied; undefined if one does not fit. */
function optionsIn(bytes: Buffer): Option[] | undefined {
  const found: Option[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4
    const end = start > bytes.length ? start : start + bytes.readUInt16BE(at + 2)
    if (end > bytes.length) return undefined
    found.push([bytes.readUInt16BE(at), Buffer.from(bytes.subarray(start, end))])
    at = end
  }
  return found
}

function associationOf([code, value]: Option): Association | undefined {
  const { kind, headSize } = associations.get(code)!
  const parts = value.length < headSize ? undefined : optionsIn(value.subarray(headSize))
  const found = parts?.filter(([part]) => part === options.iaAddress) ?? []
  const isWhole = found.every(([, address]) => address.length >= addressSize)
  if (parts === undefined || !isWhole || found.length > mostAssociations) return undefined
  return { kind, iaid: value.readUInt32BE(), addresses: found.map(([, address]) => ipv6Text(address)) }
}

/** An address and two lifetimes. */
const addressSize = 24

/** The value of an option that has an address of an association, with its lifetimes in seconds. */
export function addressValue(ip: string, preferredSeconds: number, validSeconds: number): Buffer {
  return withWriter((w) => {
    w.bytes(ipv6Bytes(ip))
    w.u32(preferredSeconds)
    w.u32(validSeconds)
    return w.finish()
  })
}

function codesIn(value: Buffer = Buffer.alloc(0)): ReadonlySet<number> | undefined {
  if (value.length % 2 !== 0) return undefined
  return new Set(Array.from({ length: value.length / 2 }, (_, index) => value.readUInt16BE(2 * index)))
}

const isIdentifier = (id: Buffer | undefined): boolean =>
  id === undefined || (id.length >= identifierSize.least && id.length <= identifierSize.most)
