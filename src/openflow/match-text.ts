/**
 * The text of a match as `ovs-ofctl` prints it (`match_format` in lib/match.c of Open vSwitch): in the order of the table
 * in oxm.ts, with the protocols' short names. It knows the few fields that print together, and no message.
 */

import { type Bits, canonical, shownBits } from './canonical.ts'
import type { Match } from './match.ts'
import { type FieldName, fieldOf, fields } from './oxm.ts'
import { hexDigits } from './show.ts'

const names = Object.keys(fields) as FieldName[]

// biome-ignore format: one Ethernet type a line
/** The short name of an Ethernet type, and those of an IP protocol on top of it. */
const protocols = new Map<bigint, { readonly name: string; readonly over: ReadonlyMap<bigint, string> }>([
  [0x0800n, { name: 'ip',    over: new Map([[1n,  'icmp'],  [6n, 'tcp'],  [17n, 'udp'],  [132n, 'sctp']]) }],
  [0x86ddn, { name: 'ipv6',  over: new Map([[58n, 'icmp6'], [6n, 'tcp6'], [17n, 'udp6'], [132n, 'sctp6']]) }],
  [0x0806n, { name: 'arp',   over: new Map() }],
  [0x8035n, { name: 'rarp',  over: new Map() }],
  [0x8847n, { name: 'mpls',  over: new Map() }],
  [0x8848n, { name: 'mplsm', over: new Map() }],
])

const defaultPriority = 0x8000

/** The text of a match, after the priority if there is one that is not 32768. It checks no prerequisites. */
export function matchText(match: Match, priority = defaultPriority): string {
  const bits = canonical(match)
  const short = shortName(bits)
  const words = priority === defaultPriority ? [] : [`priority=${priority}`]
  for (const name of names) {
    if (name === 'reg0' && short !== undefined) words.push(short.word)
    const its = bits.get(name)
    if (its === undefined || short?.covers.includes(name) || isMute(name, bits)) continue
    words.push(...(name === 'vlanTci' ? vlanWords(its) : [fieldWord(name, its)]))
  }
  for (const field of match.unknown ?? [])
    words.push(`unknown(class=${field.class},field=${field.field},bytes=${field.bytes.toString('hex')})`)
  return words.join(',')
}

/** Some fields are not printed unless another one has the value that gives them a sense. */
function isMute(name: FieldName, bits: Map<FieldName, Bits>): boolean {
  const beside = fieldOf(name).isShownBeside
  if (beside === undefined) return false
  const other = bits.get(beside.field as FieldName)
  return other === undefined || (beside.value !== undefined && other.value !== beside.value)
}

function fieldWord(name: FieldName, its: Bits): string {
  const field = fieldOf(name)
  const show = (field.inMatch?.show ?? field.show) as (value: unknown, mask?: unknown) => string
  const word = field.inMatch?.name ?? field.name
  if (its.mask === 0n) return word
  const { value, mask } = shownBits(name, its)
  return `${word}=${show(value, mask)}`
}

/** The word that stands for Ethernet type and IP protocol, and what it stands for. */
function shortName(bits: Map<FieldName, Bits>): { word: string; covers: readonly FieldName[] } | undefined {
  const protocol = protocols.get(bits.get('ethType')?.value ?? 0n)
  if (protocol === undefined) return undefined
  const over = protocol.over.get(bits.get('ipProto')?.value ?? -1n)
  return over === undefined
    ? { word: protocol.name, covers: ['ethType'] }
    : { word: over, covers: ['ethType', 'ipProto'] }
}

const presentBit = 0x1000n
const vidBits = 0x0fffn
const pcpBits = 0xe000n

/** `dl_vlan` and `dl_vlan_pcp` where a tag is there and they are compared whole, else the bits. */
function vlanWords({ value, mask }: Bits): string[] {
  const vid = mask & vidBits
  const pcp = mask & pcpBits
  const isTagged = (value & mask & presentBit) !== 0n
  const isWhole = (vid === 0n || vid === vidBits) && (pcp === 0n || pcp === pcpBits)
  if (isTagged && isWhole && (vid !== 0n || pcp !== 0n))
    return [
      ...(vid === 0n ? [] : [`dl_vlan=${value & vidBits}`]),
      ...(pcp === 0n ? [] : [`dl_vlan_pcp=${value >> 13n}`]),
    ]
  const show = hexDigits(4)
  return [`vlan_tci=${mask === 0xffffn ? show(value) : show(value, mask)}`]
}
