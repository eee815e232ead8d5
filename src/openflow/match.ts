/**
 * A match: field by field a value, or a value and the mask of the bits that are compared. Codec (OpenFlow 1.3.5 §7.2.3)
 * and prerequisites. The fields are the rows of oxm.ts.
 */

import { type Codec, CodecError, encodeWith, Reader, type Writer, within } from '../wire/codec.ts'
import type { Need, Needs } from './needs.ts'
import {
  type FieldName,
  type FieldValue,
  fieldAt,
  fieldOf,
  fields,
  type HeaderKind,
  headerOf,
  needsOf,
  type ValueKind,
} from './oxm.ts'

/** A value of which only the bits of the mask are compared. */
export interface Compared<T> {
  readonly value: T
  /** Of the same type as the value; without it every bit is compared. */
  readonly mask?: T
  /** Only if a peer used the header that Open vSwitch does not use. */
  readonly header?: HeaderKind
}

/** A match field that is not in the table, as it came. */
export interface UnknownField {
  readonly class: number
  readonly field: number
  readonly isMasked: boolean
  readonly bytes: Buffer
}

/**
 * What a packet must look like. Numbers up to 32 bits are `number`, longer ones `bigint`; addresses are canonical text.
 * The order of the properties is the order on the wire, except that prerequisites go first.
 */
export type Match = {
  readonly [K in FieldName]?: FieldValue<K> | Compared<FieldValue<K>>
} & { readonly unknown?: readonly UnknownField[] }

type AnyValue = number | bigint | string
type AnyKind = ValueKind<AnyValue>
const kindOf = (name: FieldName): AnyKind => fieldOf(name).is as AnyKind
const experimenterClass = 0xffff

/** The value and the mask of a field of a match, whichever form it has. */
export function comparedOf<T extends AnyValue>(entry: T | Compared<T>): Compared<T> {
  return typeof entry === 'object' ? entry : { value: entry }
}

/** The fields of a match with their values, in order. */
export function entriesOf(match: Match): [FieldName, Compared<AnyValue>][] {
  const entries: [FieldName, Compared<AnyValue>][] = []
  for (const [name, entry] of Object.entries(match)) {
    if (entry === undefined || name === 'unknown') continue
    if (!Object.hasOwn(fields, name)) throw new CodecError(`there is no field ${name}`)
    entries.push([name as FieldName, comparedOf(entry as AnyValue | Compared<AnyValue>)])
  }
  return entries
}

/** Writes one field: header (of the usual kind, unless the entry names another), value and mask. */
export function writeField(
  w: Writer,
  name: FieldName,
  entry: Compared<AnyValue>,
  usual: HeaderKind = 'oxm',
): void {
  const at = headerOf(name, entry.header ?? usual)
  const { codec } = kindOf(name)
  const size = sizeOf(name, entry.value)
  const isMasked = entry.mask !== undefined
  w.u16(at.class)
  w.u8((at.field << 1) | (isMasked ? 1 : 0))
  w.u8((at.experimenter === undefined ? 0 : 4) + (isMasked ? size * 2 : size))
  if (at.experimenter !== undefined) w.u32(at.experimenter)
  codec.write(w, entry.value)
  if (entry.mask !== undefined) codec.write(w, entry.mask)
}

/** How many bytes a value has: those of its field, or those that its text tells. */
const sizeOf = (name: FieldName, value: AnyValue): number =>
  fieldOf(name).isVariable === true ? `${value}`.length / 2 - 1 : kindOf(name).size

/** Reads one field, where one kind of header is usual. */
export function readField(
  r: Reader,
  usual: HeaderKind = 'oxm',
): { name: FieldName; entry: Compared<AnyValue> } | UnknownField {
  const oxmClass = r.u16()
  const head = r.u8()
  const payload = r.part(r.u8())
  const field = head >> 1
  const isMasked = (head & 1) === 1
  const isForeign = oxmClass === experimenterClass
  const start = payload.offset
  const known = fieldAt(oxmClass, field, isForeign ? payload.u32() : undefined)
  if (known === undefined) {
    const all = new Reader(payload.buffer, start, payload.end)
    return { class: oxmClass, field, isMasked, bytes: all.bytes(all.size) }
  }
  const { codec } = kindOf(known.name)
  const size = isMasked ? payload.size / 2 : payload.size
  if (!hasSize(known.name, size)) throw new CodecError(`${known.name} has ${payload.size} bytes`)
  const value = codec.read(payload.part(size))
  const isUsual = headerOf(known.name, usual) === headerOf(known.name, known.kind)
  if (!isMasked && isUsual) return { name: known.name, entry: { value } }
  const mask = isMasked ? { mask: codec.read(payload) } : {}
  return { name: known.name, entry: { value, ...mask, ...(isUsual ? {} : { header: known.kind }) } }
}

const hasSize = (name: FieldName, size: number): boolean =>
  fieldOf(name).isVariable === true
    ? Number.isInteger(size) && size > 0 && size <= kindOf(name).size
    : size === kindOf(name).size

/** The plain value where there is nothing more to say. */
export const simplified = (entry: Compared<AnyValue>): AnyValue | Compared<AnyValue> =>
  entry.mask === undefined && entry.header === undefined ? entry.value : entry

/** Fields to the end, without prerequisites: a packet's metadata. */
export const metadata: Codec<Match> = {
  read(r) {
    const match: Record<string, unknown> = {}
    const unknown: UnknownField[] = []
    while (r.size > 0) {
      const field = readField(r)
      if ('name' in field) {
        if (field.name in match) throw new CodecError(`${field.name} is there twice`)
        match[field.name] = simplified(field.entry)
      } else unknown.push(field)
    }
    return (unknown.length === 0 ? match : { ...match, unknown }) as Match
  },
  write(w, match) {
    for (const [name, entry] of entriesOf(match)) writeNamed(w, name, entry)
    writeUnknown(w, match)
  },
}

/** `struct ofp_match`: fields with their prerequisites checked and put first, padded to a multiple of 8 bytes. */
export const match: Codec<Match> = {
  read(r) {
    const type = r.u16()
    if (type !== 1) throw new CodecError(`type ${type} is not OFPMT_OXM`)
    const length = r.u16()
    const value = metadata.read(r.part(length - 4))
    r.skip(paddingOf(length))
    return value
  },
  write(w, value) {
    const start = w.size
    w.u16(1)
    w.u16(0)
    for (const [name, entry] of ordered(checked(value))) writeNamed(w, name, entry)
    writeUnknown(w, value)
    const length = w.size - start
    w.setU16(start + 2, length)
    w.zeros(paddingOf(length))
  },
}

const paddingOf = (length: number): number => -length & 7

function writeNamed(w: Writer, name: FieldName, entry: Compared<AnyValue>): void {
  try {
    if (entry.mask !== undefined && !fieldOf(name).isMaskable) throw new CodecError('takes no mask')
    checkEntry(name, entry)
    writeField(w, name, entry)
  } catch (error) {
    throw within(name, error)
  }
}

function writeUnknown(w: Writer, match: Match): void {
  for (const { class: oxmClass, field, isMasked, bytes } of match.unknown ?? []) {
    w.u16(oxmClass)
    w.u8((field << 1) | (isMasked ? 1 : 0))
    w.u8(bytes.length)
    w.bytes(bytes)
  }
}

/** Throws unless the value fits the field and its mask. */
export function checkEntry(name: FieldName, entry: Compared<AnyValue>): void {
  const field = fieldOf(name)
  const bits = BigInt(field.inMatch?.bits ?? field.bits)
  const value = toInt(name, entry.value)
  if (!hasSize(name, sizeOf(name, entry.value))) throw new CodecError(`${entry.value} has too many bytes`)
  if (value >> bits !== 0n) throw new CodecError(`${entry.value} does not fit ${bits} bits`)
  if (entry.mask === undefined) return
  if (sizeOf(name, entry.mask) !== sizeOf(name, entry.value))
    throw new CodecError(`${entry.value} and its mask ${entry.mask} differ in size`)
  if ((value & ~toInt(name, entry.mask)) !== 0n)
    throw new CodecError(`${entry.value} has bits outside its mask ${entry.mask}`)
}

/** The fields of a match. Throws `CodecError` unless each finds its prerequisites in the match. */
function checked(match: Match): Map<FieldName, Compared<AnyValue>> {
  const entries = new Map(entriesOf(match))
  for (const name of entries.keys()) checkNeeds(name, match)
  return entries
}

/** Throws `CodecError` unless packets of that match have the field: `udpDst needs ipProto to be 17`. */
export function checkNeeds(name: FieldName, match: Match): void {
  mustHave(name, needsOf(name), match)
}

/** Throws `CodecError` unless the match says what `who` needs. */
export function mustHave(who: string, needs: Needs, match: Match): void {
  for (const [needed, need] of Object.entries(needs)) {
    const other = needed === 'vlanVid' && match.vlanVid === undefined ? 'vlanTci' : (needed as FieldName)
    const entry = match[other] ?? impliedIn(match, other)
    if (entry === undefined || !holds(need, other, comparedOf(entry as number)))
      throw new CodecError(`${who} needs ${needed} ${needText(needed, need)}`)
    if (match[other] !== undefined) checkNeeds(other, match)
  }
}

/** Every packet begins with Ethernet unless the match says otherwise. */
const packetTypeOf = ({ packetType }: Match): number => comparedOf(packetType ?? 0).value

/** The Ethernet type that packets of a match have, also what does not begin with Ethernet. */
export function ethTypeOf(match: Match): number | undefined {
  if (match.ethType !== undefined) return comparedOf(match.ethType).value
  const packetType = packetTypeOf(match)
  return packetType >>> 16 === 1 ? packetType & 0xffff : undefined
}

/** What a match says of a field without naming it. */
function impliedIn(match: Match, name: FieldName): number | undefined {
  if (name === 'packetType') return packetTypeOf(match)
  if (name === 'ethType') return ethTypeOf(match)
  return name === 'ipFrag' || name === 'icmpv6Code' ? 0 : undefined
}

function holds(need: Need, name: FieldName, { value, mask }: Compared<number>): boolean {
  if ('holds' in need) return need.holds(value, mask ?? 0xffff_ffff)
  return need.includes(value) && (mask === undefined || (toInt(name, mask) & maskOf(name)) === maskOf(name))
}

function needText(needed: string, need: Need): string {
  if ('words' in need) return `to have ${need.words}`
  const values = need.map((value) =>
    needed === 'ethType' ? `0x${value.toString(16).padStart(4, '0')}` : value,
  )
  return `to be ${values.join(' or ')}`
}

/** The fields in order, but each after its prerequisites: Open vSwitch refuses them otherwise (OFPBMC_BAD_PREREQ). */
function ordered(entries: Map<FieldName, Compared<AnyValue>>): Map<FieldName, Compared<AnyValue>> {
  const result = new Map<FieldName, Compared<AnyValue>>()
  const put = (name: FieldName): void => {
    const entry = entries.get(name)
    if (entry === undefined || result.has(name)) return
    for (const needed of Object.keys(needsOf(name))) put(needed as FieldName)
    result.set(name, entry)
  }
  for (const name of entries.keys()) put(name)
  return result
}

/** A value as the unsigned integer that its bytes are. */
export function toInt(name: FieldName, value: AnyValue): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return BigInt(value)
  return BigInt(`0x${encodeWith(kindOf(name).codec, value).toString('hex')}`)
}

/** The value whose bytes are that unsigned integer. */
export function fromInt(name: FieldName, int: bigint): AnyValue {
  const { codec, size } = kindOf(name)
  const digits = int.toString(16)
  const width = fieldOf(name).isVariable === true ? digits.length + (digits.length & 1) : size * 2
  return codec.read(new Reader(Buffer.from(digits.padStart(width, '0'), 'hex')))
}

/** The mask that compares every bit of the field. */
export function maskOf(name: FieldName): bigint {
  const field = fieldOf(name)
  return (1n << BigInt(field.inMatch?.bits ?? field.bits)) - 1n
}
