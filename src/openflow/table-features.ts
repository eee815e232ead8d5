/**
 * What the tables of a switch can do (OpenFlow 1.3.5 §7.3.5.5): which fields they match, which instructions and actions
 * they take, which fields those write, and where packets may go on. It knows no other multipart body.
 */

import {
  type Codec,
  list,
  mapped,
  optional,
  pad,
  rest,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
} from '../wire/codec.ts'
import { type FieldName, fieldAt, fieldOf, type HeaderKind, headerOf } from './oxm.ts'
import { properties } from './property.ts'
import { sized } from './sized.ts'

/** A field that a table knows; `isMasked` where it compares some of the bits only. */
export interface KnownField {
  readonly field: FieldName
  readonly isMasked: boolean
  /** Only if it is not the header that Open vSwitch uses in a match. */
  readonly header?: HeaderKind
}

/** A field's header as it came, with its number in `field`: one that is not in the table of fields. */
export interface UnknownHeader {
  readonly class: number
  readonly field: number
  readonly isMasked: boolean
  /** Of the values, as the header says it: with their masks and with the number of an experimenter. */
  readonly length: number
  readonly experimenter?: number
}

const experimenterClass = 0xffff

/** The length that the header of a field says. */
const lengthOf = ({ field, isMasked, header }: KnownField): number =>
  fieldOf(field).is.size * (isMasked ? 2 : 1) +
  (headerOf(field, header ?? 'oxm').experimenter === undefined ? 0 : 4)

const fieldId: Codec<KnownField | UnknownHeader> = {
  read(r) {
    const oxmClass = r.u16()
    const head = r.u8()
    const length = r.u8()
    const isMasked = (head & 1) === 1
    const foreign = oxmClass === experimenterClass ? { experimenter: r.u32() } : {}
    const known = fieldAt(oxmClass, head >> 1, foreign.experimenter)
    if (known !== undefined) {
      const isUsual = headerOf(known.name, 'oxm') === headerOf(known.name, known.kind)
      const value = { field: known.name, isMasked, ...(isUsual ? {} : { header: known.kind }) }
      if (lengthOf(value) === length) return value
    }
    return { class: oxmClass, field: head >> 1, isMasked, length, ...foreign }
  },
  write(w, value) {
    const at =
      'class' in value
        ? value
        : {
            ...headerOf(value.field, value.header ?? 'oxm'),
            length: lengthOf(value),
            isMasked: value.isMasked,
          }
    u16.write(w, at.class)
    u8.write(w, (at.field << 1) | (at.isMasked ? 1 : 0))
    u8.write(w, at.length)
    if (at.experimenter !== undefined) u32.write(w, at.experimenter)
  },
}

/** The number of an instruction or an action; that of an experimenter with its bytes. */
export type FeatureId = number | { readonly type: number; readonly bytes: Buffer }

const featureId: Codec<FeatureId> = {
  read(r) {
    const type = r.u16()
    const body = r.part(r.u16() - 4)
    return body.size === 0 ? type : { type, bytes: rest.read(body) }
  },
  write(w, value) {
    const { type, bytes } = typeof value === 'number' ? { type: value, bytes: Buffer.alloc(0) } : value
    u16.write(w, type)
    u16.write(w, bytes.length + 4)
    w.bytes(bytes)
  },
}

const ids = list(featureId)
const fieldIds = list(fieldId)
const tableIds = mapped(
  rest,
  (bytes): readonly number[] => [...bytes],
  (tables) => Buffer.from(tables),
)

// biome-ignore format: one property a line, in the order in which Open vSwitch writes them
/** What holds for packets that no flow matched stands under `…Miss`, if it is not the same. */
const features = properties({
  instructions:      { type: 0,  body: ids },
  nextTables:        { type: 2,  body: tableIds },
  writeActions:      { type: 4,  body: ids },
  writeSetField:     { type: 12, body: fieldIds },
  applyActions:      { type: 6,  body: ids },
  applySetField:     { type: 14, body: fieldIds },
  instructionsMiss:  { type: 1,  body: ids },
  nextTablesMiss:    { type: 3,  body: tableIds },
  writeActionsMiss:  { type: 5,  body: ids },
  writeSetFieldMiss: { type: 13, body: fieldIds },
  applyActionsMiss:  { type: 7,  body: ids },
  applySetFieldMiss: { type: 15, body: fieldIds },
  match:             { type: 8,  body: fieldIds },
  wildcards:         { type: 10, body: fieldIds },
})

// biome-ignore format: one field a line
/** `struct ofp_table_features`. */
export const tableFeatures = sized(struct({
  tableId:       u8,
  _:             pad(5),
  name:          text(32),
  metadataMatch: u64,
  metadataWrite: u64,
  config:        optional(u32, 0),
  maxEntries:    u32,
  features,
}))

/** What a table can do. */
export type TableFeatures = ValueOf<typeof tableFeatures>
