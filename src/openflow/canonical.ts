/**
 * The canonical form of a match: what is compared, bit by bit, whichever fields say so. Two matches are the same for a
 * switch exactly if their canonical forms are. This file names the fields that share bits with others.
 */

import { entriesOf, fromInt, type Match, maskOf, toInt } from './match.ts'
import { type FieldName, fieldOf } from './oxm.ts'

type AnyValue = number | bigint | string

/** Bits and which of them are compared. */
export interface Bits {
  readonly value: bigint
  readonly mask: bigint
}

/**
 * The match with one entry for each thing compared: views of the same bits are joined (xreg0 into reg0 and reg1; the
 * VLAN fields into vlanTci), bits outside the mask are zero, fields of which nothing is compared are gone (but the option
 * of a tunnel must be there all the same), and so is what every packet is: one that begins with Ethernet.
 */
export function canonical(match: Match): Map<FieldName, Bits> {
  const result = new Map<FieldName, Bits>()
  const add = (name: FieldName, bits: Bits): void => {
    const before = result.get(name) ?? { value: 0n, mask: 0n }
    const mask = bits.mask & ~before.mask
    if (bits.mask !== 0n || fieldOf(name).isVariable === true)
      result.set(name, { value: before.value | (bits.value & mask), mask: before.mask | mask })
  }
  for (const [name, { value, mask }] of entriesOf(match)) {
    const compared =
      mask === undefined || isFull(name, mask) ? maskOf(name) : toInt(name, mask) & maskOf(name)
    const bits = { value: toInt(name, value) & compared, mask: compared }
    for (const [part, its] of partsOf(name, bits)) add(part, its)
  }
  return result
}

/** Whether a mask is all ones of a field without a size of its own. */
const isFull = (name: FieldName, mask: AnyValue): boolean =>
  fieldOf(name).isVariable === true && /^0xf+$/i.test(`${mask}`)

function partsOf(name: FieldName, { value, mask }: Bits): [FieldName, Bits][] {
  switch (name) {
    case 'packetType':
      return value === 0n ? [] : [[name, { value, mask }]]
    case 'inPortNxm':
      return [['inPort', { value: value >= 0xff00n ? value + 0xffff0000n : value, mask: 0xffffffffn }]]
    case 'nwTos':
      return [['ipDscp', { value: value >> 2n, mask: mask >> 2n }]]
    case 'vlanVid':
      return [['vlanTci', { value, mask }]]
    case 'vlanPcp':
      return [['vlanTci', { value: (value << 13n) | 0x1000n, mask: (mask << 13n) | 0x1000n }]]
    default: {
      const parts = (fieldOf(name).parts ?? []) as FieldName[]
      if (parts.length === 0) return [[name, { value, mask }]]
      return parts.map((part, i) => {
        const shift = BigInt(32 * (parts.length - 1 - i))
        return [part, { value: (value >> shift) & 0xffffffffn, mask: (mask >> shift) & 0xffffffffn }]
      })
    }
  }
}

/** The comparisons of a canonical match that its field would print: exact ones without a mask. */
export function shownBits(name: FieldName, { value, mask }: Bits): { value: AnyValue; mask?: AnyValue } {
  const shown = fromInt(name, value)
  return mask === maskOf(name) ? { value: shown } : { value: shown, mask: fromInt(name, mask) }
}
