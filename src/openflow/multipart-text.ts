/**
 * The text of the multipart messages as one table, kind by kind (lib/ofp-print.c and its neighbours in Open vSwitch). It
 * knows no other message.
 */

import { portText } from './config-text.ts'
import { matchAndActionsText, timesText } from './flow.ts'
import { flowUpdateText, monitorText } from './flow-monitor.ts'
import { formatGroup } from './group.ts'
import { matchText } from './match-text.ts'
import { meterConfigText, meterFeaturesText, meterIds, meterIdText, meterStatsText } from './meter.ts'
import { type MultipartReply, type MultipartRequest, moreFlag, type PartOf } from './multipart.ts'
import { durationText, portShown } from './show.ts'
import {
  aggregateText,
  groupFeaturesText,
  portStatsText,
  queueRequestText,
  queueStatsText,
  tableStatsText,
} from './statistics.ts'
import { tableFeaturesText } from './table-features-text.ts'

type Kind = Exclude<MultipartRequest['kind'], 'unknown'>
type RequestOf<K extends Kind> = Extract<MultipartRequest, { kind: K }>

interface Texts<K extends Kind> {
  readonly request: (body: RequestOf<K>) => string
  readonly reply: (parts: readonly PartOf<K>[]) => string
}

const none = 0xffff_ffff
const unknownCount = 0xffff_ffff_ffff_ffffn
const nothing = (): string => ''
const each =
  <T>(text: (part: T) => string, before = '') =>
  (parts: readonly T[]): string =>
    parts.map((part) => `${before}${text(part)}`).join('')

// biome-ignore format: one kind a line, in columns
const texts: { readonly [K in Kind]: Texts<K> } = {
  desc:          { request: nothing,                                                reply: each(descriptionText) },
  flow:          { request: flowRequestText,                                        reply: each(flowStatsText, '\n ') },
  aggregate:     { request: flowRequestText,                                        reply: each(aggregateText) },
  table:         { request: nothing,                                                reply: tableStatsText },
  portStats:     { request: ({ portNo = none }) => ` port_no=${portShown(portNo)}`, reply: (parts) => ` ${parts.length} ports\n${each(portStatsText)(parts)}` },
  queueStats:    { request: queueRequestText,                                       reply: (parts) => ` ${parts.length} queues\n${each(queueStatsText)(parts)}` },
  groupStats:    { request: ({ groupId }) => ` group_id=${groupIdText(groupId)}`,   reply: each(groupStatsText, '\n ') },
  groupDesc:     { request: () => ' group_id=ALL',                                  reply: each(formatGroup, '\n ') },
  groupFeatures: { request: nothing,                                                reply: each(groupFeaturesText) },
  meterStats:    { request: meterRequestText,                                       reply: each(meterStatsText, '\n') },
  meterConfig:   { request: meterRequestText,                                       reply: each(meterConfigText, '\n') },
  meterFeatures: { request: nothing,                                                reply: each(meterFeaturesText) },
  tableFeatures: { request: ({ tables = [] }) => tableFeaturesText(tables),          reply: tableFeaturesText },
  flowMonitor:   { request: ({ monitors }) => each(monitorText)(monitors),           reply: each(flowUpdateText) },
  portDesc:      { request: () => ' port=ANY',                                      reply: portsText },
}

const moreText = (flags = 0): string => (flags & moreFlag ? ' flags=[more]' : '')

/** What follows the head of a request. */
export function requestText({
  flags,
  body,
}: {
  readonly flags?: number
  readonly body: MultipartRequest
}): string {
  if (body.kind === 'unknown') return moreText(flags)
  return `${moreText(flags)}${(texts[body.kind].request as (body: MultipartRequest) => string)(body)}`
}

/** What follows the head of a reply. */
export function replyText({
  flags,
  body,
}: {
  readonly flags?: number
  readonly body: MultipartReply
}): string {
  if (body.kind === 'unknown') return moreText(flags)
  return `${moreText(flags)}${(texts[body.kind].reply as (parts: readonly unknown[]) => string)(body.parts)}`
}

function flowRequestText({
  tableId = 255,
  outPort = none,
  match = {},
}: RequestOf<'flow'> | RequestOf<'aggregate'>): string {
  const table = tableId === 255 ? '' : ` table=${tableId}`
  return `${table}${outPort === none ? '' : ` out_port=${portShown(outPort)}`} ${matchText(match)}`
}

const groupIdText = (id = 0xffff_fffc): string => (id === 0xffff_fffc ? 'ALL' : id === none ? 'ANY' : `${id}`)

function meterRequestText({ meterId = meterIds.all }: { readonly meterId?: number }): string {
  return ` ${meterIdText(meterId, '=')}`
}

function portsText(parts: readonly PartOf<'portDesc'>[]): string {
  return `\n${[...parts]
    .sort((a, b) => a.portNo - b.portNo)
    .map(portText)
    .join('')}`
}

function descriptionText(part: PartOf<'desc'>): string {
  return (
    `\nManufacturer: ${part.manufacturer}\nHardware: ${part.hardware}\nSoftware: ${part.software}\n` +
    `Serial Num: ${part.serialNumber}\nDP Description: ${part.datapath}\n`
  )
}

function flowStatsText(part: PartOf<'flow'>): string {
  return (
    `cookie=0x${part.cookie.toString(16)}, duration=${durationText(part.durationSec, part.durationNsec)}, ` +
    `table=${part.tableId}, ${countText('n_packets', part.packetCount)}${countText('n_bytes', part.byteCount)}` +
    `${timesText(part)}${matchAndActionsText(part)}`
  )
}

/** A counter that the switch does not keep is all ones. */
const countText = (name: string, count: bigint): string => `${name}=${count === unknownCount ? '?' : count}, `

function groupStatsText(part: PartOf<'groupStats'>): string {
  const duration = `duration=${durationText(part.durationSec, part.durationNsec)},`
  const buckets = part.buckets.map((one, i) =>
    one.packetCount === unknownCount
      ? ''
      : `,bucket${i}:packet_count=${one.packetCount},byte_count=${one.byteCount}`,
  )
  return (
    `group_id=${part.groupId},${part.durationSec === none ? '' : duration}ref_count=${part.refCount},` +
    `packet_count=${part.packetCount},byte_count=${part.byteCount}${buckets.join('')}`
  )
}
