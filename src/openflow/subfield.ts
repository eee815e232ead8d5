/**
 * Some bits of a field, as the Nicira actions name them: header, offset and number of bits (nicira-ext.h of Open vSwitch,
 * `nxm_header` and `nxm_ofs_nbits`). It knows no action.
 */

import { type Codec, CodecError, type Reader, u16, type Writer } from '../wire/codec.ts'
import { type FieldName, fieldAt, fieldOf, type HeaderKind, headerOf } from './oxm.ts'

/** Where bits begin: a field and the distance from its least significant bit. */
export interface Place {
  readonly field: FieldName
  readonly offset: number
  /** Only if a peer used the header that Open vSwitch does not use in actions. */
  readonly header?: HeaderKind
  /** Only of a field without a size of its own, and if it is not the largest: how many bytes the header says. */
  readonly size?: number
}

/** Some bits of a field. */
export interface Subfield extends Place {
  readonly bits: number
}

/** A field that is not in the table stands where only its number tells how to read on. */
export class UnknownFieldError extends CodecError {}

/** A field's header. */
export const fieldHeader: Codec<Omit<Place, 'offset'>> = {
  read(r) {
    const oxmClass = r.u16()
    const head = r.u8()
    const length = r.u8()
    const known = fieldAt(oxmClass, head >> 1, oxmClass === 0xffff ? r.u32() : undefined)
    if (known === undefined || (head & 1) === 1)
      throw new UnknownFieldError(`there is no field ${oxmClass}:${head}`)
    const isUsual = headerOf(known.name, 'nxm') === headerOf(known.name, known.kind)
    const { isVariable, is } = fieldOf(known.name)
    return {
      field: known.name,
      ...(isUsual ? {} : { header: known.kind }),
      ...(isVariable === true && length !== is.size ? { size: length } : {}),
    }
  },
  write(w, { field, header, size }) {
    const at = headerOf(field, header ?? 'nxm')
    w.u16(at.class)
    w.u8(at.field << 1)
    w.u8((size ?? fieldOf(field).is.size) + (at.experimenter === undefined ? 0 : 4))
    if (at.experimenter !== undefined) w.u32(at.experimenter)
  },
}

/** A field's header where only 4 bytes fit: not that of an experimenter's field. */
export const shortHeader: Codec<Omit<Place, 'offset'>> = {
  read: fieldHeader.read,
  write: (w, value) => {
    if (headerOf(value.field, value.header ?? 'nxm').experimenter !== undefined)
      throw new CodecError(`${value.field} has no header of 4 bytes`)
    fieldHeader.write(w, value)
  },
}

/** What a header and an offset make: the header itself, since V8 gives `{ ...head, offset }` a hidden class each time. */
export const placeOf = (head: Omit<Place, 'offset'>, offset: number): Place => Object.assign(head, { offset })

/** A field's header of 4 bytes and an offset. */
export const place: Codec<Place> = {
  read: (r) => placeOf(shortHeader.read(r), r.u16()),
  write: (w, value) => {
    shortHeader.write(w, value)
    u16.write(w, value.offset)
  },
}

/** `ofs_nbits`: 10 bits of offset and 6 bits of the number of bits, less one. */
export const offsetAndBits: Codec<{ readonly offset: number; readonly bits: number }> = {
  read: (r: Reader) => {
    const packed = r.u16()
    return { offset: packed >> 6, bits: (packed & 0x3f) + 1 }
  },
  write: (w: Writer, { offset, bits }) => {
    if (offset < 0 || offset > 1023 || bits < 1 || bits > 64)
      throw new CodecError(`bits ${offset}..${offset + bits - 1} cannot be named`)
    w.u16((offset << 6) | (bits - 1))
  },
}

/** Throws `CodecError` unless the field has so many bits there. */
export function checkBits({ field, offset }: Place, bits: number): void {
  if (offset < 0 || bits < 1 || offset + bits > fieldOf(field).bits)
    throw new CodecError(`${field} has no bits ${offset}..${offset + bits - 1}`)
}

/** As `ovs-ofctl` prints so many bits there: `NXM_NX_REG6[0..15]`. */
export function bitsText({ field, offset }: Place, bits: number): string {
  const { name } = headerOf(field, 'nxm')
  if (offset === 0 && bits === fieldOf(field).bits) return `${name}[]`
  return bits === 1 ? `${name}[${offset}]` : `${name}[${offset}..${offset + bits - 1}]`
}
