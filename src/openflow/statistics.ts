/**
 * The counters of the switch's tables, ports and queues, what its groups can do, and the text of all that (OpenFlow
 * 1.3.5 §7.3.5.3 to §7.3.5.7 and §7.3.5.10; lib/ofp-table.c, ofp-port.c, ofp-queue.c and ofp-group.c of Open vSwitch).
 */

import { optional, pad, struct, u8, u32, u64, type ValueOf } from '../wire/codec.ts'
import { durationText, hexText, paddedHex, portShown, ports } from './show.ts'

const none = 0xffff_ffff
const unknownCount = 0xffff_ffff_ffff_ffffn

/** `struct ofp_aggregate_stats_reply`. */
export const aggregate = struct({ packetCount: u64, byteCount: u64, flowCount: u32, _: pad(4) })

export const aggregateText = (part: ValueOf<typeof aggregate>): string =>
  ` packet_count=${part.packetCount} byte_count=${part.byteCount} flow_count=${part.flowCount}`

/** `struct ofp_table_stats`. */
export const tableStats = struct({
  tableId: u8,
  _: pad(3),
  activeCount: u32,
  lookupCount: u64,
  matchedCount: u64,
})

type TableStats = ValueOf<typeof tableStats>

/** Tables with the counters of the one before them are joined. */
export function tableStatsText(parts: readonly TableStats[]): string {
  let text = ''
  let dittos: number[] = []
  const flush = (): void => {
    const [first, last] = [dittos[0], dittos.at(-1)]
    if (first === undefined) return
    text += first === last ? `\n  table ${first}: ditto\n` : `\n  tables ${first}...${last}: ditto\n`
    dittos = []
  }
  for (const [i, one] of parts.entries()) {
    const before = parts[i - 1]
    if (before !== undefined && isSame(before, one)) {
      dittos.push(one.tableId)
      continue
    }
    flush()
    text +=
      `\n  table ${one.tableId}:\n` +
      `    active=${one.activeCount}, lookup=${one.lookupCount}, matched=${one.matchedCount}\n`
  }
  flush()
  return text
}

const isSame = (a: TableStats, b: TableStats): boolean =>
  a.activeCount === b.activeCount && a.lookupCount === b.lookupCount && a.matchedCount === b.matchedCount

/** Which port is asked for. */
export const portRequest = struct({ portNo: optional(u32, none), _: pad(4) })

// biome-ignore format: one field a line
/** `struct ofp_port_stats`; a counter that the switch does not keep is all ones. */
export const portStats = struct({
  portNo:       u32,
  _:            pad(4),
  rxPackets:    u64,
  txPackets:    u64,
  rxBytes:      u64,
  txBytes:      u64,
  rxDropped:    u64,
  txDropped:    u64,
  rxErrors:     u64,
  txErrors:     u64,
  rxFrameErr:   u64,
  rxOverErr:    u64,
  rxCrcErr:     u64,
  collisions:   u64,
  durationSec:  u32,
  durationNsec: u32,
})

const counted = (words: readonly (readonly [string, bigint])[]): string =>
  words.map(([word, count]) => `${word}=${count === unknownCount ? '?' : count}`).join(', ')

// biome-ignore format: one counter a line
export function portStatsText(p: ValueOf<typeof portStats>): string {
  const received = counted([
    ['pkts',  p.rxPackets],
    ['bytes', p.rxBytes],
    ['drop',  p.rxDropped],
    ['errs',  p.rxErrors],
    ['frame', p.rxFrameErr],
    ['over',  p.rxOverErr],
    ['crc',   p.rxCrcErr],
  ])
  const sent = counted([
    ['pkts',  p.txPackets],
    ['bytes', p.txBytes],
    ['drop',  p.txDropped],
    ['errs',  p.txErrors],
    ['coll',  p.collisions],
  ])
  const duration = p.durationSec === none ? '' : `           duration=${durationText(p.durationSec, p.durationNsec)}\n`
  const port = `${p.portNo < 10 ? ' ' : ''}${portShown(p.portNo)}`
  return `  port ${port}: rx ${received}\n           tx ${sent}\n${duration}`
}

/** Which queue of which port is asked for. */
export const queueRequest = struct({ portNo: optional(u32, ports.any), queueId: optional(u32, none) })

// biome-ignore format: one field a line
/** `struct ofp_queue_stats`. */
export const queueStats = struct({
  portNo:       u32,
  queueId:      u32,
  txBytes:      u64,
  txPackets:    u64,
  txErrors:     u64,
  durationSec:  u32,
  durationNsec: u32,
})

const queueText = (id: number): string => (id === none ? 'ALL' : `${id}`)

export const queueRequestText = ({
  portNo = ports.any,
  queueId = none,
}: ValueOf<typeof queueRequest>): string => ` port=${portShown(portNo)} queue=${queueText(queueId)}`

export function queueStatsText(q: ValueOf<typeof queueStats>): string {
  const counts = counted([
    ['bytes', q.txBytes],
    ['pkts', q.txPackets],
    ['errors', q.txErrors],
  ])
  const duration = q.durationSec === none ? '?' : durationText(q.durationSec, q.durationNsec)
  return `  port ${portShown(q.portNo)} queue ${queueText(q.queueId)}: ${counts}, duration=${duration}\n`
}

const perType = struct({ all: u32, select: u32, indirect: u32, fastFailover: u32 })

/** `struct ofp_group_features`: bits of types, capabilities and actions, and how many groups of each type. */
export const groupFeatures = struct({ types: u32, capabilities: u32, maxGroups: perType, actions: perType })

// biome-ignore format: one action a line
/** The actions of OpenFlow by name, in the order in which ovs-ofctl prints a set of them. */
const actionBits: readonly (readonly [number, string])[] = [
  [0,  'output'],
  [22, 'group'],
  [25, 'set_field'],
  [18, 'strip_vlan'],
  [17, 'push_vlan'],
  [23, 'mod_nw_ttl'],
  [24, 'dec_ttl'],
  [15, 'set_mpls_ttl'],
  [16, 'dec_mpls_ttl'],
  [19, 'push_mpls'],
  [20, 'pop_mpls'],
  [21, 'set_queue'],
]

/** The actions whose bits are set, in words. */
export function actionNames(bits: number): string {
  const words = actionBits.filter(([bit]) => (bits >>> bit) & 1).map(([, name]) => name)
  return words.length === 0 ? '<none>' : words.join(' ')
}

const types = [
  [0, 'all', 'all'],
  [1, 'select', 'select'],
  [2, 'indirect', 'indirect'],
  [3, 'fastFailover', 'fast failover'],
] as const

export function groupFeaturesText(features: ValueOf<typeof groupFeatures>): string {
  const groups = types
    .filter(([bit]) => (features.types >>> bit) & 1)
    .map(
      ([, type, name]) =>
        `    ${name} group:\n       max_groups=${hexText(features.maxGroups[type])}\n` +
        `       actions: ${actionNames(features.actions[type])}\n`,
    )
  return (
    `\n Group table:\n    Types:  ${paddedHex(features.types, 1)}\n` +
    `    Capabilities:  ${paddedHex(features.capabilities, 1)}\n${groups.join('')}`
  )
}
