/**
 * The text of what tables can do (lib/ofp-table.c of Open vSwitch): a table like the one before it is only named. It
 * knows no bytes.
 */

import { instructionTable } from './instructions.ts'
import { type FieldName, fieldOf, fields } from './oxm.ts'
import { hexText } from './show.ts'
import { actionNames } from './statistics.ts'
import type { FeatureId, KnownField, TableFeatures, UnknownHeader } from './table-features.ts'

type FieldList = readonly (KnownField | UnknownHeader)[] | undefined

/** The order of the fields inside Open vSwitch (include/openvswitch/meta-flow.h). */
const order: readonly string[] = [
  ...['dp_hash', 'recirc_id', 'packet_type', 'conj_id', 'tun_id', 'tun_src', 'tun_dst', 'tun_ipv6_src'],
  ...['tun_ipv6_dst', 'tun_flags', 'tun_gbp_id', 'tun_gbp_flags', 'tun_erspan_idx', 'tun_erspan_ver'],
  ...['tun_erspan_dir', 'tun_erspan_hwid', 'tun_gtpu_flags', 'tun_gtpu_msgtype', 'tun_metadata', 'metadata'],
  ...['in_port', 'in_port_oxm', 'actset_output', 'pkt_mark', 'ct_state', 'ct_zone', 'ct_mark', 'ct_label'],
  ...['ct_nw_proto', 'ct_nw_src', 'ct_nw_dst', 'ct_ipv6_src', 'ct_ipv6_dst', 'ct_tp_src', 'ct_tp_dst'],
  ...['reg', 'xreg', 'xxreg', 'eth_src', 'eth_dst', 'eth_type', 'vlan_tci', 'vlan_vid', 'vlan_pcp'],
  ...['mpls_label', 'mpls_tc', 'mpls_bos', 'mpls_ttl', 'ip_src', 'ip_dst', 'ipv6_src', 'ipv6_dst'],
  ...['ipv6_label', 'nw_proto', 'nw_tos', 'ip_dscp', 'nw_ecn', 'nw_ttl', 'ip_frag', 'arp_op', 'arp_spa'],
  ...['arp_tpa', 'arp_sha', 'arp_tha', 'tcp_src', 'tcp_dst', 'tcp_flags', 'udp_src', 'udp_dst', 'sctp_src'],
  ...['sctp_dst', 'icmp_type', 'icmp_code', 'icmpv6_type', 'icmpv6_code', 'nd_target', 'nd_sll', 'nd_tll'],
  ...['nd_reserved', 'nd_options_type', 'nsh_flags', 'nsh_mdtype', 'nsh_np', 'nsh_spi', 'nsh_si', 'nsh_c'],
  'nsh_ttl',
]

/** Fields by their place in that order; numbered ones (`reg7`) stand together. */
const placeOf = (name: string): number => {
  const [, stem = name, number = '0'] = /^(.*?)(\d+)$/.exec(name) ?? []
  return order.indexOf(order.includes(name) ? name : stem) * 64 + (order.includes(name) ? 0 : Number(number))
}
const sorted = (Object.keys(fields) as FieldName[]).map((name) => fieldOf(name).name)
sorted.sort((a, b) => placeOf(a) - placeOf(b))

type Names = ReadonlySet<string>
const namesOf = (list: FieldList = []): Names =>
  new Set(list.flatMap((one) => ('class' in one ? [] : [fieldOf(one.field).name])))

const isNext = (before: string, after: string | undefined): boolean => {
  const [, stem, number] = /^(.*?)(\d+)$/.exec(before) ?? []
  return stem !== undefined && after === `${stem}${Number(number) + 1}`
}

/** Names with what they have in common told once: `eth_{src,dst}`, `reg0...reg15`. */
function joined(names: readonly string[], prefix = ''): string {
  const words: string[] = []
  for (let at = 0; at < names.length; ) {
    const rest = names.slice(at)
    const shown = (name: string) => name.slice(prefix.length)
    const numbered = rest.findIndex((name, i) => !isNext(name, rest[i + 1])) + 1
    const run = numbered < 3 ? 1 : numbered
    const stem = commonStem(rest, prefix)
    const alike =
      stem === '' ? 1 : rest.findIndex((name, i) => i > 0 && commonStem([rest[0]!, name], prefix) === '')
    const similar = alike === -1 ? rest.length : alike
    if (run >= similar) words.push(shown(rest[0]!) + (run > 1 ? `...${shown(rest[run - 1]!)}` : ''))
    else words.push(`${shown(stem)}{${joined(rest.slice(0, similar), stem)}}`)
    at += Math.max(run, similar)
  }
  return words.join(prefix === '' ? ' ' : ',')
}

/** The longest beginning up to an underscore that the first two names have in common beyond the prefix. */
function commonStem([a, b]: readonly string[], prefix: string): string {
  if (a === undefined || b === undefined || a === b) return ''
  let length = prefix.length
  while (length < a.length && a[length] === b[length]) length++
  const stem = a.slice(0, a.lastIndexOf('_', length - 1) + 1)
  return stem.length > prefix.length ? stem : ''
}

const shownNames = (names: Names): string => joined(sorted.filter((name) => names.has(name)))

interface ActionFeatures {
  readonly actions: number
  readonly setFields: string
}
/** What the instructions of one kind of packet can do. */
interface InstructionFeatures {
  readonly next: ReadonlySet<number>
  readonly instructions: string
  readonly write: ActionFeatures
  readonly apply: ActionFeatures
}

const bitsOf = (ids: readonly FeatureId[] = []): number =>
  ids.reduce<number>((bits, id) => (typeof id === 'number' && id < 32 ? bits | (1 << id) : bits), 0) >>> 0

const instructionRows = Object.entries(instructionTable).map(([kind, { type }]) => ({
  name: kind.replace(/([A-Z])/g, '_$1').toLowerCase(),
  type,
}))

function instructionFeatures({ features }: TableFeatures, isMiss: boolean): InstructionFeatures {
  const pick = <T>(usual: T | undefined, miss: T | undefined) => (isMiss ? (miss ?? usual) : usual)
  const types = bitsOf(pick(features.instructions, features.instructionsMiss))
  return {
    next: new Set(pick(features.nextTables, features.nextTablesMiss)),
    instructions: instructionRows
      .filter(({ type }) => (types >>> type) & 1)
      .map(({ name }) => name)
      .join(' '),
    write: {
      actions: bitsOf(pick(features.writeActions, features.writeActionsMiss)),
      setFields: shownNames(namesOf(pick(features.writeSetField, features.writeSetFieldMiss))),
    },
    apply: {
      actions: bitsOf(pick(features.applyActions, features.applyActionsMiss)),
      setFields: shownNames(namesOf(pick(features.applySetField, features.applySetFieldMiss))),
    },
  }
}

const isSameActions = (a: ActionFeatures, b: ActionFeatures): boolean =>
  a.actions === b.actions && a.setFields === b.setFields

/** One may go on to the other, which cannot to itself; that does not count. */
function isSameNext(a: ReadonlySet<number>, aId: number, b: ReadonlySet<number>, bId: number): boolean {
  const own = bId === aId + 1 && a.has(bId) && !b.has(bId) ? bId : -1
  const other = aId === bId + 1 && b.has(aId) && !a.has(aId) ? aId : -1
  const differing = [...a, ...b].filter((id) => a.has(id) !== b.has(id))
  return differing.every((id) => id === own || id === other)
}

interface Shown {
  readonly tableId: number
  readonly head: string
  readonly usual: InstructionFeatures
  readonly miss: InstructionFeatures
  readonly matching: readonly (readonly [string, string])[]
  /** The names of all that can be matched, as one text. */
  readonly matched: string
}

const isSameInstructions = (
  a: InstructionFeatures,
  aId: number,
  b: InstructionFeatures,
  bId: number,
): boolean =>
  isSameNext(a.next, aId, b.next, bId) &&
  a.instructions === b.instructions &&
  isSameActions(a.write, b.write) &&
  isSameActions(a.apply, b.apply)

const isEmpty = ({ next, instructions, write, apply }: InstructionFeatures): boolean =>
  next.size === 0 &&
  instructions === '' &&
  [write, apply].every((one) => one.actions === 0 && one.setFields === '')

function shownOf(table: TableFeatures): Shown {
  const masked = namesOf(table.features.match?.filter((one) => one.isMasked))
  const matched = namesOf(table.features.match)
  const wild = namesOf(table.features.wildcards)
  const those = (fits: (name: string) => boolean) => shownNames(new Set([...matched].filter(fits)))
  const metadata = table.metadataMatch !== 0n || table.metadataWrite !== 0n
  return {
    tableId: table.tableId,
    head:
      (metadata
        ? `    metadata: match=${hexText(table.metadataMatch)} write=${hexText(table.metadataWrite)}\n`
        : '') + (table.maxEntries === 0 ? '' : `    max_entries=${table.maxEntries}\n`),
    usual: instructionFeatures(table, false),
    miss: instructionFeatures(table, true),
    matching: [
      ['arbitrary mask', those((name) => masked.has(name))],
      ['exact match or wildcard', those((name) => !masked.has(name) && wild.has(name))],
      ['must exact match', those((name) => !masked.has(name) && !wild.has(name))],
    ],
    matched: shownNames(matched),
  }
}

const isSame = (a: Shown, b: Shown): boolean =>
  a.head === b.head &&
  isSameInstructions(a.usual, a.tableId, b.usual, b.tableId) &&
  isSameInstructions(a.miss, a.tableId, b.miss, b.tableId) &&
  a.matched === b.matched

/** Tables as `ovs-ofctl` prints them; those like the one before are joined. */
export function tableFeaturesText(parts: readonly TableFeatures[]): string {
  let text = ''
  let dittos: number[] = []
  const flush = (): void => {
    const [first, last] = [dittos[0], dittos.at(-1)]
    if (first !== undefined)
      text += first === last ? `\n  table ${first}: ditto\n` : `\n  tables ${first}...${last}: ditto\n`
    dittos = []
  }
  const shown = parts.map(shownOf)
  for (const [i, one] of shown.entries()) {
    const before = shown[i - 1]
    const name = parts[i]!.name
    if (before !== undefined && isSame(one, before) && name === '') {
      dittos.push(one.tableId)
      continue
    }
    flush()
    text += `\n  table ${one.tableId}${name === '' ? '' : ` ("${name}")`}:`
    text += before !== undefined && isSame(one, before) ? ' ditto' : `\n${bodyText(one, before)}`
  }
  flush()
  return text
}

function bodyText(one: Shown, before: Shown | undefined): string {
  const matching = one.matching.filter(([, names]) => names !== '')
  const lines = matching.map(([title, names]) => `      ${title}: ${names}\n`)
  const isKnown = before !== undefined && one.matched === before.matched
  return (
    one.head +
    instructionsText(one, before) +
    (one.matched === '' ? '' : isKnown ? '    (same matching)\n' : `    matching:\n${lines.join('')}`)
  )
}

function instructionsText(one: Shown, before: Shown | undefined): string {
  const { usual, miss, tableId } = one
  const isKnown =
    before !== undefined &&
    isSameInstructions(usual, tableId, before.usual, before.tableId) &&
    isSameInstructions(miss, tableId, before.miss, before.tableId)
  if (isKnown) return isEmpty(usual) ? '' : '    (same instructions)\n'
  if (!isSameInstructions(usual, tableId, miss, tableId))
    return (
      `    instructions (other than table miss):\n${featuresText(usual, before?.usual)}` +
      `    instructions (table miss):\n${featuresText(miss, before?.miss)}`
    )
  return isEmpty(usual)
    ? ''
    : `    instructions (table miss and others):\n${featuresText(usual, before?.usual)}`
}

function featuresText(one: InstructionFeatures, before: InstructionFeatures | undefined): string {
  const { write, apply } = one
  const next = one.next.size === 0 ? '' : `      next tables: ${ranges(one.next)}\n`
  const isKnown = before !== undefined && one.instructions === before.instructions
  const names = isKnown ? '      (same instructions)\n' : `      instructions: ${one.instructions}\n`
  const instructions = one.instructions === '' ? '' : names
  const isSameAsBefore =
    before !== undefined && isSameActions(write, before.write) && isSameActions(apply, before.apply)
  if (isSameAsBefore && write.setFields !== '') return `${next}${instructions}      (same actions)\n`
  if (!isSameActions(write, apply))
    return (
      `${next}${instructions}      Write-Actions features:\n${actionsText(write)}` +
      `      Apply-Actions features:\n${actionsText(apply)}`
    )
  if (write.actions === 0 && write.setFields === '') return `${next}${instructions}`
  return `${next}${instructions}      Write-Actions and Apply-Actions features:\n${actionsText(write)}`
}

const actionsText = ({ actions, setFields }: ActionFeatures): string =>
  (actions === 0 ? '' : `        actions: ${actionNames(actions)}\n`) +
  (setFields === '' ? '' : `        supported on Set-Field: ${setFields}\n`)

/** `1-3,7`. */
function ranges(tables: ReadonlySet<number>): string {
  const words: string[] = []
  for (let first = 0; first < 255; first++) {
    if (!tables.has(first)) continue
    let last = first
    while (tables.has(last + 1) && last + 1 < 255) last++
    words.push(first === last ? `${first}` : `${first}-${last}`)
    first = last
  }
  return words.join(',')
}
