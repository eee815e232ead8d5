/**
 * Names and values of fields from the text that `ovs-ofctl` takes (lib/meta-flow.c and lib/nx-match.c of Open vSwitch):
 * the way back from show.ts. It knows no match and no action.
 */

import { CodecError } from '../wire/codec.ts'
import { type Compared, fromInt, maskOf, toInt } from './match.ts'
import { type FieldName, fieldOf, fields } from './oxm.ts'
import { bigFrom, halvesOf, intFrom, portFrom } from './scan.ts'
import { ctStates, fragments, tcpFlags, tunFlags } from './show.ts'
import type { Subfield } from './subfield.ts'

type AnyValue = number | bigint | string
type Bits = Compared<AnyValue>

// biome-ignore format: one name a line
/** Names beside those in the table of fields. */
const otherNames: Readonly<Record<string, FieldName>> = {
  tunnel_id: 'tunnelId',
  dl_src:    'ethSrc',
  dl_dst:    'ethDst',
  dl_type:   'ethType',
  nw_src:    'ipv4Src',
  nw_dst:    'ipv4Dst',
  ip_proto:  'ipProto',
  ip_ecn:    'ipEcn',
  nw_frag:   'ipFrag',
  tp_src:    'tcpSrc',
  tp_dst:    'tcpDst',
  nsp:       'nshSpi',
  nsi:       'nshSi',
}

const names = Object.keys(fields) as FieldName[]
const byName = new Map<string, FieldName>([
  ...names.map((name): [string, FieldName] => [fieldOf(name).name, name]),
  ...Object.entries(otherNames),
])
const byHeader = new Map<string, FieldName>(
  names.flatMap((name) =>
    [fieldOf(name).oxm, fieldOf(name).nxm].flatMap((at): [string, FieldName][] =>
      at === undefined ? [] : [[at.name, name]],
    ),
  ),
)

/** The field of that name, if there is one. */
export const fieldNamed = (text: string): FieldName | undefined => byName.get(text)

/** The field of that name. Throws `CodecError`. */
export function fieldFrom(text: string): FieldName {
  const name = byName.get(text)
  if (name === undefined) throw new CodecError(`there is no field ${text}`)
  return name
}

/** Bits of a field: `NXM_NX_REG0[0..15]`, `reg0[3]`, `reg0[]` or `reg0`. Throws `CodecError`. */
export function subfieldFrom(text: string): Subfield {
  const [, name = '', range, first, last] = /^(\w+)(\[(?:(\d+)(?:\.\.(\d+))?)?\])?$/.exec(text) ?? []
  const field = byHeader.get(name) ?? byName.get(name)
  if (field === undefined) throw new CodecError(`'${text}' names no bits of a field`)
  if (range === undefined || first === undefined) return { field, offset: 0, bits: fieldOf(field).bits }
  const offset = Number(first)
  const bits = Number(last ?? first) - offset + 1
  if (bits < 1 || offset + bits > fieldOf(field).bits) throw new CodecError(`${field} has no bits ${range}`)
  return { field, offset, bits }
}

/** Flags: `+new-est`, `new|trk`, or a number with or without a mask. */
const flagsFrom =
  (flags: readonly string[]) =>
  (text: string): Bits => {
    const bitOf = (word: string): number => {
      const bit = flags.indexOf(word)
      if (bit === -1) throw new CodecError(`'${word}' is none of ${flags.join(', ')}`)
      return 2 ** bit
    }
    if (/^\d/.test(text)) {
      const [value, mask] = halvesOf(text)
      return { value: intFrom(value, 32), ...(mask === undefined ? {} : { mask: intFrom(mask, 32) }) }
    }
    if (!/^[+-]/.test(text)) return { value: text.split('|').reduce((bits, word) => bits | bitOf(word), 0) }
    const signed = text.match(/[+-][^+-]+/g) ?? []
    if (signed.join('') !== text) throw new CodecError(`'${text}' is not a list of flags`)
    return {
      value: signed.reduce((bits, word) => (word[0] === '+' ? bits | bitOf(word.slice(1)) : bits), 0),
      mask: signed.reduce((bits, word) => bits | bitOf(word.slice(1)), 0),
    }
  }

function fragmentFrom(text: string): Bits {
  for (const [mask, byValue] of fragments)
    for (const [value, word] of Object.entries(byValue))
      if (word === text) return { value: Number(value), mask: text === 'no' ? 3 : mask }
  throw new CodecError(`'${text}' is none of no, yes, first, later, not_later`)
}

function packetTypeFrom(text: string): Bits {
  const [, namespace, type] = /^\((\w+),(\w+)\)$/.exec(text) ?? []
  if (namespace === undefined || type === undefined) throw new CodecError(`'${text}' is not (namespace,type)`)
  return { value: intFrom(namespace, 16) * 0x10000 + intFrom(type, 16) }
}

const port = (text: string): Bits => ({ value: portFrom(text) })
const special: { readonly [K in FieldName]?: (text: string) => Bits } = {
  inPort: port,
  actsetOutput: port,
  inPortNxm: (text) => ({ value: portFrom(text) & 0xffff }),
  ctState: flagsFrom(ctStates),
  tcpFlags: flagsFrom(tcpFlags),
  tunFlags: flagsFrom(tunFlags),
  ipFrag: fragmentFrom,
  packetType: packetTypeFrom,
}

/** A value and its mask, as they stand there. Throws `CodecError`. */
export function bitsFrom(name: FieldName, text: string): Bits {
  const read = special[name]
  if (read !== undefined) return read(text)
  const [value, mask] = halvesOf(text)
  if (fieldOf(name).isVariable === true) return digitsFrom(name, value, mask)
  return { value: valueFrom(name, value), ...(mask === undefined ? {} : { mask: maskFrom(name, mask) }) }
}

function valueFrom(name: FieldName, text: string): AnyValue {
  const { bits, inMatch } = fieldOf(name)
  const isNumber = typeof fromInt(name, 0n) !== 'string'
  if (isNumber) return fromInt(name, bigFrom(text, inMatch?.bits ?? bits))
  return fromInt(name, toInt(name, text))
}

/** The mask of an address may be the length of a prefix. */
function maskFrom(name: FieldName, text: string): AnyValue {
  const { bits, is } = fieldOf(name)
  if (typeof fromInt(name, 0n) !== 'string') return fromInt(name, bigFrom(text, is.size * 8))
  if (!/^\d+$/.test(text) || is.size === 6) return valueFrom(name, text)
  const length = intFrom(text, 8)
  if (length > bits) throw new CodecError(`a prefix of ${length} bits`)
  return fromInt(name, ((1n << BigInt(length)) - 1n) << BigInt(bits - length))
}

/** The value of a field without a size of its own has the digits that are written, and so has its mask. */
function digitsFrom(name: FieldName, value: string, mask: string | undefined): Bits {
  const { bits } = fieldOf(name)
  const digits = [value, ...(mask === undefined ? [] : [mask])].map((text) => {
    const number = bigFrom(text, bits)
    return /^0x/i.test(text) ? text.slice(2) : number.toString(16)
  })
  const width = 2 * Math.ceil(Math.max(...digits.map(({ length }) => length)) / 2)
  const [shown, shownMask] = digits.map((text) => `0x${text.padStart(width, '0')}`)
  return { value: shown!, ...(shownMask === undefined ? {} : { mask: shownMask }) }
}

/**
 * What a match compares, from text like `10.0.0.0/8`: bits outside the mask are zero. Nothing if it compares no bit.
 * Throws `CodecError`.
 */
export function comparedFrom(name: FieldName, text: string): AnyValue | Bits | undefined {
  const isVariable = fieldOf(name).isVariable === true
  if (text === '' && isVariable) return { value: '0x00', mask: '0x00' }
  if (text === '' || text === '*' || text === 'ANY') return undefined
  const { value, mask } = bitsFrom(name, text)
  if (mask === undefined) return value
  const compared = toInt(name, mask)
  if (isVariable) return { value: sameSize(toInt(name, value) & compared, `${value}`), mask }
  if ((compared & maskOf(name)) === 0n) return undefined
  if ((compared & maskOf(name)) === maskOf(name)) return value
  return { value: fromInt(name, toInt(name, value) & compared), mask }
}

const sameSize = (value: bigint, like: string): string =>
  `0x${value.toString(16).padStart(like.length - 2, '0')}`
