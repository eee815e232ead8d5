/**
 * Flows, groups and meters from the text that `ovs-ofctl` takes (`add-flow`, `add-group`, `add-meter`) and prints
 * (`dump-flows`, `dump-groups`): the way back from `formatFlow` and `formatGroup`. It knows no message.
 */

import { CodecError, inside } from '../wire/codec.ts'
import { checkFlow, type Flow, flowFlags } from './flow.ts'
import type { Bucket, Group, GroupType } from './group.ts'
import { type MeterBand, meterFlags, meterIds } from './meter.ts'
import { parseActions, parseInstructions } from './parse-actions.ts'
import { matchOf } from './parse-match.ts'
import { bigFrom, intFrom, portFrom, type Readers, readWord, type Word, words } from './scan.ts'

// biome-ignore format: one setting a line
const settings: Readers<Partial<Flow>> = {
  table:        (text) => ({ tableId: intFrom(text, 8) }),
  priority:     (text) => ({ priority: intFrom(text, 16) }),
  cookie:       (text) => ({ cookie: bigFrom(text, 64) }),
  idle_timeout: (text) => ({ idleTimeout: intFrom(text, 16) }),
  hard_timeout: (text) => ({ hardTimeout: intFrom(text, 16) }),
}

// biome-ignore format: one flag a line
const flags: Readonly<Record<string, number>> = {
  send_flow_rem:    flowFlags.sendFlowRem,
  check_overlap:    flowFlags.checkOverlap,
  reset_counts:     flowFlags.resetCounts,
  no_packet_counts: flowFlags.noPktCounts,
  no_byte_counts:   flowFlags.noBytCounts,
}

/** What a dump says besides: it is no part of the flow. */
const counters = ['duration', 'n_packets', 'n_bytes', 'idle_age', 'hard_age', 'importance']

/**
 * The flow of a text such as `table=5, priority=9,udp,tp_dst=53 actions=resubmit(,6)`; without them table 0 and priority
 * 32768. Throws `CodecError` with the word that is wrong, also for what a switch would refuse (`checkFlow`).
 */
export function parseFlow(text: string): Flow {
  const [, head = '', actions] = /^(.*?)(?:(?:^|[\s,])actions?=(.*))?$/s.exec(text.trim()) ?? []
  if (actions === undefined) throw new CodecError("has no 'actions='")
  const flow: Record<string, unknown> = { tableId: 0, priority: 0x8000 }
  const match: Word[] = []
  let bits = 0
  for (const word of words(head)) {
    if (Object.hasOwn(settings, word.key)) Object.assign(flow, readWord(settings, word))
    else if (Object.hasOwn(flags, word.key)) bits |= flags[word.key]!
    else if (!counters.includes(word.key)) match.push(word)
  }
  const compared = inside('match', () => matchOf(match))
  const instructions = inside('actions', () => parseInstructions(actions, compared))
  const parsed = { ...flow, match: compared, instructions, ...(bits === 0 ? {} : { flags: bits }) } as Flow
  checkFlow(parsed)
  return parsed
}

const groupTypes: Readonly<Record<string, GroupType>> = {
  all: 'all',
  select: 'select',
  indirect: 'indirect',
  ff: 'fastFailover',
  fast_failover: 'fastFailover',
}

/** The group of a text such as `group_id=4,type=select,bucket=weight:10,actions=output:1`. Throws `CodecError`. */
export function parseGroup(text: string): Group {
  const [head = '', ...bodies] = text.trim().split(/(?:^|[,\s])bucket=/)
  const given: { groupId?: number; type?: GroupType } = {}
  for (const word of words(head)) Object.assign(given, readWord(groupWords, word))
  const { groupId, type } = given
  if (groupId === undefined || type === undefined) throw new CodecError('needs group_id and type')
  return {
    groupId,
    type,
    buckets: bodies.map((body, i) => inside(`bucket ${i}`, () => bucketFrom(body, type))),
  }
}

const groupWords: Readers<{ groupId?: number; type?: GroupType }> = {
  group_id: (text) => ({ groupId: intFrom(text, 32) }),
  type: (text) => {
    const type = Object.hasOwn(groupTypes, text) ? groupTypes[text] : undefined
    if (type === undefined) throw new CodecError(`'${text}' is none of ${Object.keys(groupTypes).join(', ')}`)
    return { type }
  },
  selection_method: () => {
    throw new CodecError('OpenFlow 1.3 has no selection methods')
  },
}

// biome-ignore format: one setting a line
const bucketWords: Readers<Partial<Bucket>> = {
  weight:      (text) => ({ weight: intFrom(text, 16) }),
  watch_port:  (text) => ({ watchPort: portFrom(text) }),
  watch_group: (text) => ({ watchGroup: intFrom(text, 32) }),
}

/** What is none of a bucket's settings is one of its actions; before them may stand `actions=`. */
function bucketFrom(text: string, type: GroupType): Bucket {
  const [, head = '', rest = ''] =
    /^((?:[,\s]*(?:weight|watch_port|watch_group)[:=][^,\s]*)*)[,\s]*(.*)$/s.exec(text) ?? []
  const given: Partial<Bucket> = Object.assign({}, ...words(head).map((word) => readWord(bucketWords, word)))
  const weight = given.weight ?? (type === 'select' ? 1 : 0)
  const { weight: _, ...others } = given
  return {
    ...(weight === 0 ? {} : { weight }),
    ...others,
    actions: inside('actions', () => parseActions(rest.replace(/^actions?=/, ''))),
  }
}

/** A meter with its bands, as `meterMod` has them. */
export interface Meter {
  readonly meterId: number
  /** Of `meterFlags`. */
  readonly flags: number
  readonly bands: readonly MeterBand[]
}

/** The meter of a text such as `meter=1 pktps burst bands=type=drop rate=5 burst_size=9`. Throws `CodecError`. */
export function parseMeter(text: string): Meter {
  const [head = '', bands = ''] = text.trim().split(/(?:^|[,\s])bands?=/)
  let meterId: number | undefined
  let bits = 0
  for (const { key, value } of words(head)) {
    if (key === 'meter') meterId = meterIdFrom(value)
    else if (Object.hasOwn(meterFlags, key)) bits |= meterFlags[key as keyof typeof meterFlags]
    else throw new CodecError(`'${key}' is none of meter, ${Object.keys(meterFlags).join(', ')}, bands`)
  }
  if (meterId === undefined) throw new CodecError('needs meter')
  const unit = (bits & (meterFlags.kbps | meterFlags.pktps)) === 0 ? meterFlags.kbps : 0
  return { meterId, flags: bits | unit, bands: bandsFrom(words(bands)) }
}

const meterIdFrom = (text: string): number =>
  ({ all: meterIds.all, controller: meterIds.controller, slowpath: meterIds.slowPath })[text] ??
  intFrom(text, 32)

function bandsFrom(all: readonly Word[]): MeterBand[] {
  const bands: Word[][] = []
  for (const word of all) {
    if (word.key === 'type') bands.push([])
    if (bands.length === 0) throw new CodecError('a band begins with type')
    bands.at(-1)!.push(word)
  }
  return bands.map((band, i) =>
    inside(`band ${i}`, () => bandFrom(new Map(band.map(({ key, value }) => [key, value])))),
  )
}

function bandFrom(given: ReadonlyMap<string, string>): MeterBand {
  const rate = intFrom(given.get('rate') ?? '', 32)
  const burstSize = intFrom(given.get('burst_size') ?? '0', 32)
  const type = given.get('type')
  if (type === 'drop') return { kind: 'drop', rate, burstSize }
  if (type !== 'dscp_remark') throw new CodecError(`'${type}' is none of drop, dscp_remark`)
  return { kind: 'dscpRemark', rate, burstSize, level: intFrom(given.get('prec_level') ?? '', 8) }
}
