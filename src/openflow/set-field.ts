/**
 * The bodies of the actions that write fields: set-field, move, load, and those that name bits of one field (nicira-ext.h
 * and lib/ofp-actions.c of Open vSwitch). It knows no other action.
 */

import { type Codec, CodecError, u16, within } from '../wire/codec.ts'
import {
  checkEntry,
  entriesOf,
  fromInt,
  type Match,
  readField,
  simplified,
  toInt,
  writeField,
} from './match.ts'
import { type FieldName, fieldOf, type HeaderKind } from './oxm.ts'
import {
  checkBits,
  fieldHeader,
  offsetAndBits,
  type Place,
  placeOf,
  shortHeader,
  UnknownFieldError,
} from './subfield.ts'

/** Exactly one field of a match, without its mask (OFPAT_SET_FIELD) or always with one (NXAST_REG_LOAD2). */
export const oneField = (usual: HeaderKind, isMasked: boolean): Codec<Match> => ({
  read(r) {
    const field = readField(r, usual)
    if (!('name' in field)) throw new UnknownFieldError(`there is no field ${field.class}:${field.field}`)
    const { name, entry } = field
    if (!isMasked && entry.mask !== undefined) throw new CodecError(`${name} has a mask`)
    const mask = isMasked && entry.mask === undefined ? { mask: fromInt(name, allOnes(name)) } : {}
    return { [name]: simplified({ ...entry, ...mask }) } as Match
  },
  write(w, match) {
    const [name, entry] = fieldOfSet(match)
    checkWritable(name)
    if (fieldOf(name).isOnlyLoaded === true) throw new CodecError(`${name} is written by load alone`)
    try {
      checkEntry(name, entry)
      writeField(w, name, entry, usual)
    } catch (error) {
      throw within(name, error)
    }
  },
})

/** The one field of a set-field. */
export function fieldOfSet(match: Match): ReturnType<typeof entriesOf>[number] {
  const [entry, second] = entriesOf(match)
  if (entry === undefined || second !== undefined) throw new CodecError('needs exactly one field')
  return entry
}

function checkWritable(name: FieldName): void {
  if (!fieldOf(name).isWritable) throw new CodecError(`${name} is read-only`)
}

export function setFieldText({ field }: { readonly field: Match }): string {
  const [name, { value, mask }] = fieldOfSet(field)
  const show = fieldOf(name).show as (value: unknown, mask?: unknown) => string
  const shown = canonicalOf(name, value)
  const isExact = mask === undefined || toInt(name, mask) === allOnes(name)
  return `set_field:${isExact ? show(shown) : show(shown, canonicalOf(name, mask))}->${fieldOf(name).name}`
}

/** Every bit of a field's bytes, also those that do not count: Open vSwitch takes no other mask for exact here. */
const allOnes = (name: FieldName): bigint => (1n << BigInt(fieldOf(name).is.size * 8)) - 1n

/** The one text of an address that may be given in several. */
const canonicalOf = (name: FieldName, value: number | bigint | string) => fromInt(name, toInt(name, value))

/** Copies bits from one field to another. */
export interface Move {
  readonly bits: number
  readonly from: Place
  readonly to: Place
}

export const moveBody: Codec<Move> = {
  read(r) {
    const bits = r.u16()
    const fromOffset = r.u16()
    const toOffset = r.u16()
    const from = fieldHeader.read(r)
    const to = fieldHeader.read(r)
    return { bits, from: placeOf(from, fromOffset), to: placeOf(to, toOffset) }
  },
  write(w, { bits, from, to }) {
    checkBits(from, bits)
    checkBits(to, bits)
    checkWritable(to.field)
    u16.write(w, bits)
    u16.write(w, from.offset)
    u16.write(w, to.offset)
    fieldHeader.write(w, from)
    fieldHeader.write(w, to)
  },
}

/** Writes a number into bits of a field. */
export interface Load {
  readonly value: bigint
  readonly bits: number
  readonly to: Place
}

export const loadBody: Codec<Load> = {
  read(r) {
    const { offset, bits } = offsetAndBits.read(r)
    const head = fieldHeader.read(r)
    return { value: r.u64(), bits, to: placeOf(head, offset) }
  },
  write(w, { value, bits, to }) {
    checkBits(to, bits)
    checkWritable(to.field)
    if (BigInt.asUintN(bits, value) !== value) throw new CodecError(`${value} does not fit ${bits} bits`)
    offsetAndBits.write(w, { offset: to.offset, bits })
    shortHeader.write(w, to)
    w.u64(value)
  },
}

/** A place, and how many bits of it, in the order that stack and output actions have. */
export const stackBody: Codec<{ readonly bits: number; readonly place: Place }> = {
  read(r) {
    const offset = r.u16()
    const head = fieldHeader.read(r)
    const bits = r.u16()
    return { bits, place: placeOf(head, offset) }
  },
  write(w, { bits, place }) {
    checkBits(place, bits)
    u16.write(w, place.offset)
    fieldHeader.write(w, place)
    u16.write(w, bits)
  },
}

export const outputRegBody: Codec<{ readonly bits: number; readonly from: Place; readonly maxLen: number }> =
  {
    read(r) {
      const { offset, bits } = offsetAndBits.read(r)
      const head = fieldHeader.read(r)
      const maxLen = r.u16()
      r.skip(6)
      return { bits, from: placeOf(head, offset), maxLen }
    },
    write(w, { bits, from, maxLen }) {
      checkBits(from, bits)
      offsetAndBits.write(w, { offset: from.offset, bits })
      shortHeader.write(w, from)
      u16.write(w, maxLen)
      w.zeros(6)
    },
  }

/** As `outputRegBody`, but a field of an experimenter fits too (NXAST_OUTPUT_REG2). */
export const outputReg2Body: typeof outputRegBody = {
  read(r) {
    const { offset, bits } = offsetAndBits.read(r)
    const maxLen = r.u16()
    const head = fieldHeader.read(r)
    return { bits, from: placeOf(head, offset), maxLen }
  },
  write(w, { bits, from, maxLen }) {
    checkBits(from, bits)
    offsetAndBits.write(w, { offset: from.offset, bits })
    u16.write(w, maxLen)
    fieldHeader.write(w, from)
  },
}

export const checkPktLargerBody: Codec<{ readonly packetLength: number; readonly to: Place }> = {
  read(r) {
    const packetLength = r.u16()
    const offset = r.u16()
    const head = fieldHeader.read(r)
    return { packetLength, to: placeOf(head, offset) }
  },
  write(w, { packetLength, to }) {
    checkBits(to, 1)
    u16.write(w, packetLength)
    u16.write(w, to.offset)
    fieldHeader.write(w, to)
  },
}

const deleteFieldSize = 14

/** NXAST_DELETE_FIELD: an option of a tunnel is taken off. The header of the field is filled up to 14 bytes. */
export const deleteFieldBody: Codec<{ readonly field: Omit<Place, 'offset'> }> = {
  read(r) {
    const start = r.offset
    const field = fieldHeader.read(r)
    r.skip(deleteFieldSize - (r.offset - start))
    return { field }
  },
  write(w, { field }) {
    const start = w.size
    if (fieldOf(field.field).isVariable !== true)
      throw new CodecError(`${field.field} is no option of a tunnel`)
    fieldHeader.write(w, field)
    w.zeros(deleteFieldSize - (w.size - start))
  },
}
