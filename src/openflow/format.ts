/**
 * Any message as `ovs-ofctl ofp-print` prints it, without the last line feed. It follows the tables of messages, fields
 * and actions; what stands here is how each message arranges them (lib/ofp-print.c and its neighbours in Open vSwitch).
 */

import { CodecError } from '../wire/codec.ts'
import { actionsText } from './actions.ts'
import { bundleAddText, bundleControlText } from './bundle.ts'
import {
  asyncText,
  capabilityNames,
  configText,
  helloText,
  portModText,
  portText,
  roleStatusText,
  roleText,
} from './config-text.ts'
import { continuationText } from './continuation.ts'
import { errorName } from './errors.ts'
import { flagsText } from './flow.ts'
import { frameText } from './frame-text.ts'
import { formatGroup } from './group.ts'
import { instructionsText } from './instructions.ts'
import { matchText } from './match-text.ts'
import { decode, encode, type Message, type MessageOf, messageTable } from './messages.ts'
import { meterModText } from './meter.ts'
import type { MultipartRequest } from './multipart.ts'
import { replyText, requestText } from './multipart-text.ts'
import { tlvTableModText, tlvTableReplyText } from './nicira-messages.ts'
import { packetInReasons } from './port-actions.ts'
import { bitNames, dotted, durationText, hexDump, paddedHex, portShown } from './show.ts'
import { queueConfigRequestText, queueConfigText, tableModText } from './switch-config.ts'

/** The text of a message. Throws `CodecError` for values that have no bytes. */
export function formatMessage(message: Message): string {
  return messageText(message, 0)
}

/** An error may hold an error, and so on: from the tenth on they are bytes. */
const maxErrors = 10

function messageText(message: Message, errorCount: number): string {
  const bytes = encode(message)
  if (message.kind === 'unknown') return `***decode error: OFPBRC_BAD_TYPE***\n${hexDump(bytes)}`.trimEnd()
  return `${headText(message)}${bodyText(message, errorCount)}`.replace(/[ \n]$/, '')
}

function headText(message: Exclude<Message, { kind: 'unknown' }>): string {
  return `${nameOf(message)} (${versions[versionOf(message)] ?? 'OF1.3'}) (xid=0x${message.xid.toString(16)}):`
}

const versions = ['', 'OF1.0', 'OF1.1', 'OF1.2', 'OF1.3', 'OF1.4', 'OF1.5']
const versionOf = (message: Message): number => (message.kind === 'hello' ? (message.version ?? 4) : 4)

const snake = (name: string): string => name.replace(/([A-Z])/g, '_$1').toUpperCase()

function nameOf(message: Exclude<Message, { kind: 'unknown' }>): string {
  switch (message.kind) {
    case 'multipartRequest':
      return `${partName(message.body.kind)} request`
    case 'multipartReply':
      return `${partName(message.body.kind)} reply`
    case 'bundleAdd':
      return 'ONFT_BUNDLE_ADD_MESSAGE'
    default: {
      const row = messageTable[message.kind]
      return `${'vendor' in row ? 'ONFT' : 'subtype' in row ? 'NXT' : 'OFPT'}_${snake(message.kind)}`
    }
  }
}

const partName = (kind: MultipartRequest['kind']): string =>
  `${kind === 'flowMonitor' ? 'ONFST' : 'OFPST'}_${snake(kind.replace(/Stats$/, ''))}`

/** What follows the head: it begins with its own space or line feed. */
function bodyText(message: Exclude<Message, { kind: 'unknown' }>, errorCount: number): string {
  switch (message.kind) {
    case 'hello':
      return helloText(message)
    case 'error':
      return errorText(message, errorCount)
    case 'echoRequest':
    case 'echoReply':
      return ` ${message.data.length} bytes of payload\n${hexDump(message.data)}`
    case 'featuresReply':
      return featuresText(message)
    case 'getConfigReply':
    case 'setConfig':
      return configText(message)
    case 'packetIn':
    case 'packetIn2':
    case 'resume':
      return packetInText(message)
    case 'flowRemoved':
      return flowRemovedText(message)
    case 'portStatus':
      return ` ${portReasons[message.reason]}:${portText(message.port)}`
    case 'packetOut':
      return packetOutText(message)
    case 'flowMod':
      return flowModText(message)
    case 'groupMod':
      return groupModText(message)
    case 'portMod':
      return portModText(message)
    case 'tableMod':
      return tableModText(message)
    case 'meterMod':
      return meterModText(message)
    case 'queueGetConfigRequest':
      return queueConfigRequestText(message)
    case 'queueGetConfigReply':
      return queueConfigText(message)
    case 'multipartRequest':
      return requestText(message)
    case 'multipartReply':
      return replyText(message)
    case 'roleRequest':
    case 'roleReply':
      return roleText(message)
    case 'getAsyncReply':
    case 'setAsync':
      return asyncText(message)
    case 'setPacketInFormat':
      return ` format=${formatNames[message.format]}`
    case 'setControllerId':
      return ` id=${message.controllerId}`
    case 'ctFlushZone':
      return ` zone_id=${message.zone}`
    case 'tlvTableMod':
      return tlvTableModText(message)
    case 'tlvTableReply':
      return tlvTableReplyText(message)
    case 'flowMonitorCancel':
      return ` id=${message.id}`
    case 'roleStatus':
      return roleStatusText(message)
    case 'bundleControl':
      return bundleControlText(message)
    case 'bundleAdd':
      return `${bundleAddText(message)}${formatMessage({ ...message.message, xid: message.xid })}\n`
    case 'tlvTableRequest':
    case 'flowMonitorPaused':
    case 'flowMonitorResumed':
    case 'featuresRequest':
    case 'getConfigRequest':
    case 'getAsyncRequest':
    case 'barrierRequest':
    case 'barrierReply':
      return ''
  }
}

const portReasons = { add: 'ADD', delete: 'DEL', modify: 'MOD' } as const
const formatNames = {
  standard: 'standard',
  nxtPacketIn: 'nxt_packet_in',
  nxtPacketIn2: 'nxt_packet_in2',
} as const
const noBuffer = 0xffff_ffff
const noCookie = 0xffff_ffff_ffff_ffffn

/** The message that failed; bytes if it cannot be decoded, with the reason that the switch gave. */
function errorText(message: MessageOf<'error'>, errorCount: number): string {
  const name = errorName(message)
  if (message.type === 0) return ` ${name}\n${message.data.toString('latin1')}`
  return ` ${name}\n${payloadText(message.data, name, errorCount + 1)}`
}

function payloadText(bytes: Buffer, reason: string, errorCount: number): string {
  if (bytes.length === 0) return 'OpenFlow message is empty\n'
  const length = bytes.length >= 4 ? bytes.readUInt16BE(2) : 0
  if (length > bytes.length) {
    const kind = kindOf(bytes[1]!)
    const head = kind === undefined ? '' : `OFPT_${snake(kind)} (OF1.3) (xid=0x${xidOf(bytes)}):\n`
    return `${head}(***truncated to ${bytes.length} bytes from ${length}***)\n${hexDump(bytes)}`
  }
  let head = ''
  try {
    const message = decode(bytes)
    if (message.kind !== 'unknown') head = `${headText(message)} `
    if (message.kind !== 'unknown' && errorCount < maxErrors) return messageText(message, errorCount)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
  }
  return `${head}***decode error: ${reason}***\n${hexDump(bytes)}`
}

const xidOf = (bytes: Buffer): string => (bytes.length < 8 ? 0 : bytes.readUInt32BE(4)).toString(16)

/** The kind that a type number alone tells. */
const kindOf = (type: number): string | undefined =>
  Object.entries(messageTable).find(([, row]) => row.type === type && !('subtype' in row))?.[0]

function featuresText(message: MessageOf<'featuresReply'>): string {
  const auxiliary = message.auxiliaryId === 0 ? '' : `, auxiliary_id:${message.auxiliaryId}`
  return (
    ` dpid:${message.datapathId.toString(16).padStart(16, '0')}\n` +
    `n_tables:${message.tableCount}, n_buffers:${message.bufferCount}${auxiliary}\n` +
    `capabilities: ${bitNames(message.capabilities, capabilityNames)}\n`
  )
}

function packetInText(message: MessageOf<'packetIn'> | MessageOf<'packetIn2'> | MessageOf<'resume'>): string {
  const isOld = message.kind === 'packetIn'
  const packet = isOld ? message.data : message.packet
  const fields = isOld ? message.match : message.metadata
  const totalLength = isOld ? message.totalLen : (message.fullLength ?? packet.length)
  const bufferId = message.bufferId ?? noBuffer
  const table = message.tableId === 0 ? '' : ` table_id=${message.tableId}`
  const cookie = message.cookie === noCookie ? '' : ` cookie=0x${message.cookie.toString(16)}`
  const buffer =
    bufferId === noBuffer
      ? ` (unbuffered)${totalLength === packet.length ? '' : ' (***total_len != data_len***)'}`
      : ` buffer=${paddedHex(bufferId, 8)}${totalLength < packet.length ? ' (***total_len < data_len***)' : ''}`
  const userdata = isOld || message.userdata.length === 0 ? '' : ` userdata=${dotted(message.userdata)}\n`
  return (
    `${table}${cookie} total_len=${totalLength} ${matchText(fields)} (via ${packetInReasons[message.reason] ?? message.reason})` +
    ` data_len=${packet.length}${buffer}\n${userdata}` +
    `${isOld ? '' : continuationText(message.continuation)}${frameText(packet)}\n`
  )
}

function packetOutText({
  inPort = 0xffff_fffd,
  bufferId = noBuffer,
  actions,
  data,
}: MessageOf<'packetOut'>): string {
  const head = ` in_port=${portShown(inPort)} actions=${actionsText(actions)}`
  if (bufferId !== noBuffer) return `${head} buffer=${paddedHex(bufferId, 8)}`
  return `${head} data_len=${data.length}${data.length === 0 ? '' : `\n${frameText(data)}\n`}`
}

const commands = {
  add: 'ADD',
  modify: 'MOD',
  modifyStrict: 'MOD_STRICT',
  delete: 'DEL',
  deleteStrict: 'DEL_STRICT',
} as const

function flowModText(message: MessageOf<'flowMod'>): string {
  const { command, tableId, priority, match, instructions } = message
  const { cookie = 0n, cookieMask = 0n, idleTimeout = 0, hardTimeout = 0 } = message
  const { bufferId = noBuffer, outPort = noBuffer, flags = 0 } = message
  const isNew = command === 'add' || cookieMask === 0n
  const words = [
    `${commands[command]}${tableId === 0 ? '' : ` table:${tableId}`}`,
    matchText(match, priority),
    isNew && cookie !== 0n && cookie !== noCookie && `cookie:0x${cookie.toString(16)}`,
    command !== 'add' && cookieMask !== 0n && `cookie:0x${cookie.toString(16)}/0x${cookieMask.toString(16)}`,
    idleTimeout !== 0 && `idle:${idleTimeout}`,
    hardTimeout !== 0 && `hard:${hardTimeout}`,
    bufferId !== noBuffer && `buf:0x${bufferId.toString(16)}`,
    outPort !== noBuffer && `out_port:${portShown(outPort)}`,
    flagsText(flags).trimEnd(),
    `actions=${instructionsText(instructions)}`,
  ]
  return ` ${words.filter((word) => word !== false && word !== '').join(' ')}`
}

const groupCommands = { add: 'ADD', modify: 'MOD', delete: 'DEL' } as const
const groupModText = (message: MessageOf<'groupMod'>): string =>
  `\n ${groupCommands[message.command]} ${formatGroup(message)}`

// biome-ignore format: one reason a line
const removedReasons = {
  idleTimeout: 'idle',
  hardTimeout: 'hard',
  delete:      'delete',
  groupDelete: 'group_delete',
  meterDelete: 'meter_delete',
  eviction:    'eviction',
} as const

function flowRemovedText(message: MessageOf<'flowRemoved'>): string {
  const words = [
    matchText(message.match, message.priority),
    `reason=${removedReasons[message.reason]}`,
    message.tableId !== 255 && `table_id=${message.tableId}`,
    message.cookie !== 0n && `cookie:0x${message.cookie.toString(16)}`,
    `duration${durationText(message.durationSec, message.durationNsec)}`,
    `idle${message.idleTimeout}`,
    message.hardTimeout !== 0 && `hard${message.hardTimeout}`,
    `pkts${message.packetCount} bytes${message.byteCount}`,
  ]
  return ` ${words.filter((word) => word !== false).join(' ')}\n`
}
