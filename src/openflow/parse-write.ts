/**
 * The actions that write fields, from the text that `ovs-ofctl` takes. Open vSwitch has no masked set-field in OpenFlow
 * 1.3, but loads of adjacent bits, and so it is here. It knows no other action.
 */

import { CodecError } from '../wire/codec.ts'
import type { Action } from './actions.ts'
import { move, setField } from './flow.ts'
import { type Match, toInt } from './match.ts'
import { type FieldName, fieldOf, headerOf } from './oxm.ts'
import { bitsFrom, fieldFrom, subfieldFrom } from './parse-field.ts'
import { dscpFrom, fieldIn } from './parse-match.ts'
import { bigFrom, halvesOf, intFrom, sidesOf } from './scan.ts'

/** What the actions before have made of the packet, as far as a later one depends on it. */
export interface Packet {
  readonly match: Match
  readonly isTagged: boolean
}

/** A field whose bits no load can name: its header has 8 bytes, or no size of its own. */
const needsSetField = (name: FieldName): boolean =>
  fieldOf(name).isVariable === true || headerOf(name, 'nxm').experimenter !== undefined

function written(name: FieldName, text: string): Action[] {
  const { value, mask } = bitsFrom(name, text)
  const { size } = fieldOf(name).is
  const all = (1n << BigInt(size * 8)) - 1n
  const bits = mask === undefined ? all : toInt(name, mask)
  if (bits === all) return [setField({ [name]: value } as Match)]
  if (needsSetField(name)) return [setField({ [name]: { value, mask } } as Match)]
  return loads(name, toInt(name, value), bits)
}

/** One load for each run of bits in the mask, at most 64 bits long, from the lowest up. */
function loads(name: FieldName, value: bigint, mask: bigint): Action[] {
  const all: Action[] = []
  const isIn = (bit: number) => ((mask >> BigInt(bit)) & 1n) === 1n
  for (let offset = 0; mask >> BigInt(offset) !== 0n; ) {
    let bits = 0
    while (bits < 64 && isIn(offset + bits)) bits++
    if (bits > 0)
      all.push({
        ...{ kind: 'load', value: BigInt.asUintN(bits, value >> BigInt(offset)), bits },
        to: { field: name, offset },
      })
    offset += Math.max(bits, 1)
  }
  return all
}

function loadFrom(text: string): Action[] {
  const [value, to] = sidesOf(text)
  const { bits, ...place } = subfieldFrom(to)
  const number = bigFrom(value, bits)
  if (!needsSetField(place.field)) return [{ kind: 'load', value: number, bits, to: place }]
  const shift = BigInt(place.offset)
  const size = 2 * Math.ceil((place.offset + bits) / 8)
  const shown = (int: bigint) =>
    fieldOf(place.field).isVariable === true
      ? `0x${(int << shift).toString(16).padStart(size, '0')}`
      : Number(int << shift)
  const mask = (1n << BigInt(bits)) - 1n
  return [setField({ [place.field]: { value: shown(number), mask: shown(mask) } } as Match)]
}

/** Adds a tag where the packet has none: `mod_vlan_vid` is older than `push_vlan`. */
const tagged = (action: Action, { isTagged }: Packet): Action[] =>
  isTagged ? [action] : [{ kind: 'pushVlan', ethertype: 0x8100 }, action]

const vid = (text: string): Action => setField({ vlanVid: intFrom(text, 12) | 0x1000 })
const pcp = (text: string): Action => setField({ vlanPcp: intFrom(text, 3) })
const plain =
  (name: FieldName) =>
  (text: string): Action[] =>
    written(name, halvesOf(text)[0])

type Reader = (text: string, packet: Packet) => Action[]

// biome-ignore format: one action a line
/** The readers of the actions that write fields, by their words. */
export const writeReaders: Readonly<Record<string, Reader>> = {
  set_field:      (text) => { const [value, to] = sidesOf(text); return written(fieldFrom(to), value) },
  load:           loadFrom,
  move:           (text) => [moveFrom(text)],
  delete_field:   (text) => [{ kind: 'deleteField', field: { field: fieldFrom(text) } }],
  set_vlan_vid:   (text) => [vid(text)],
  set_vlan_pcp:   (text) => [pcp(text)],
  mod_vlan_vid:   (text, packet) => tagged(vid(text), packet),
  mod_vlan_pcp:   (text, packet) => tagged(pcp(text), packet),
  mod_dl_src:     plain('ethSrc'),
  mod_dl_dst:     plain('ethDst'),
  mod_nw_src:     plain('ipv4Src'),
  mod_nw_dst:     plain('ipv4Dst'),
  mod_nw_tos:     (text) => [setField({ ipDscp: dscpFrom(text) })],
  mod_nw_ecn:     plain('ipEcn'),
  mod_tp_src:     (text, { match }) => plain(fieldIn(match, 'tp_src'))(text),
  mod_tp_dst:     (text, { match }) => plain(fieldIn(match, 'tp_dst'))(text),
  set_mpls_label: plain('mplsLabel'),
  set_mpls_tc:    plain('mplsTc'),
  set_tunnel:     plain('tunnelId'),
  set_tunnel64:   plain('tunnelId'),
}

function moveFrom(text: string): Action {
  const [from, to] = sidesOf(text).map(subfieldFrom)
  if (from!.bits !== to!.bits) throw new CodecError(`${from!.bits} bits do not fit ${to!.bits}`)
  return move(from!.field, to!.field, { bits: from!.bits, fromOffset: from!.offset, toOffset: to!.offset })
}
