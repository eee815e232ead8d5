/** The text of messages that no switch happened to send while the vectors were recorded; `ovs-ofctl` is the judge. */

import { describe, expect, test } from 'vitest'
import { output } from '../../src/openflow/flow.ts'
import { formatMessage } from '../../src/openflow/format.ts'
import { decode, encode, type Message } from '../../src/openflow/messages.ts'
import type { Port } from '../../src/openflow/port.ts'
import { ofpPrint } from '../support/ofctl.ts'

const xid = 0x1234
const none = 0xffff_ffff
const unknownCount = 0xffff_ffff_ffff_ffffn
const frame = Buffer.from(
  '0e00000000020e000000000108004500001c00000000401100000a00000bc6336435d431003500080000',
  'hex',
)
const port: Port = {
  ...{
    portNo: 7,
    hwAddr: '0e:00:00:00:00:01',
    name: 'tap1',
    config: 0,
    state: 4,
    curr: 0,
    advertised: 0,
    supported: 0,
  },
  ...{ peer: 0, currSpeed: 10_000, maxSpeed: 100_000 },
}
const packetIn: Message = {
  ...{ kind: 'packetIn', xid, bufferId: none, totalLen: frame.length, reason: 0, tableId: 5, cookie: 0x2an },
  ...{ match: { inPort: 3, metadata: 5n, tunnelId: 9n }, data: frame },
}
const packetIn2: Message = {
  ...{ kind: 'packetIn2', xid, packet: frame, tableId: 0, cookie: 0n, reason: 3, metadata: { inPort: 3 } },
  ...{ userdata: Buffer.from('dns'), continuation: Buffer.alloc(0) },
}
const flowStats = {
  ...{ tableId: 3, durationSec: 12, durationNsec: 0, priority: 5, idleTimeout: 0, hardTimeout: 0, flags: 0 },
  ...{ cookie: 0n, packetCount: 0n, byteCount: 0n, match: {}, instructions: [] },
}
const groupStats = {
  ...{
    groupId: 1,
    refCount: 2,
    packetCount: 3n,
    byteCount: 4n,
    durationSec: 5,
    durationNsec: 120_000_000,
    buckets: [],
  },
}
const flowMod: Message = {
  ...{ kind: 'flowMod', xid, command: 'modify', tableId: 0, priority: 5, match: {}, instructions: [] },
}
const flowRemoved: Message = {
  ...{ kind: 'flowRemoved', xid, cookie: 0n, priority: 5, reason: 'eviction', tableId: 255, match: {} },
  ...{ durationSec: 1, durationNsec: 500, idleTimeout: 2, hardTimeout: 0, packetCount: 7n, byteCount: 8n },
}
const continuation = (hex: string) => ({
  ...packetIn2,
  continuation: Buffer.from(hex.replaceAll(' ', ''), 'hex'),
})
const flows = (...parts: Partial<typeof flowStats>[]): Message => ({
  kind: 'multipartReply',
  xid,
  flags: 0,
  body: { kind: 'flow', parts: parts.map((part) => ({ ...flowStats, ...part })) },
})

// biome-ignore format: one message a line
const messages: [string, Message][] = [
  ['hello of another version',             { kind: 'hello', xid, version: 6 }],
  ['hello with one version',               { kind: 'hello', xid, versions: [4] }],
  ['features with an auxiliary connection',{ kind: 'featuresReply', xid, datapathId: 0xe0000000001n, bufferCount: 256, tableCount: 254, auxiliaryId: 3, capabilities: 0x16f, reserved: 0 }],
  ['features without capabilities',        { kind: 'featuresReply', xid, datapathId: 1n, bufferCount: 0, tableCount: 1, auxiliaryId: 0, capabilities: 0, reserved: 0 }],
  ['configuration: drop',                  { kind: 'setConfig', xid, flags: 1, missSendLen: 128 }],
  ['configuration: reassemble',            { kind: 'getConfigReply', xid, flags: 2, missSendLen: 0xffff }],
  ['packet-in',                            packetIn],
  ['packet-in with a buffer',              { ...packetIn, bufferId: 0x100, totalLen: 1000, reason: 2 }],
  ['packet-in, cut short',                 { ...packetIn, totalLen: 1000 }],
  ['packet-in of table 0',                 { ...packetIn, tableId: 0, cookie: unknownCount }],
  ['packet-in 2',                          packetIn2],
  ['packet-in 2 with a buffer',            { ...packetIn2, bufferId: 5, fullLength: 1000, cookie: unknownCount }],
  ['a continuation with a stack',          continuation('8001000c 0000000500000006 00000000 80010005 07000000')],
  ['a continuation with mirrors',          continuation('80020008 00000005')],
  ['a continuation with a table and cookie', continuation('80040005 09000000 80050010 00000000 000000000000002a 80060018 00000000 00000010 00000001 0000000000000000')],
  ['a continuation with an action set',    continuation('80070018 00000000 00000010 00000001 0000000000000000')],
  ['flow removed',                         flowRemoved],
  ['flow removed with its group',          { ...flowRemoved, reason: 'groupDelete', tableId: 3, cookie: 5n, durationNsec: 0, hardTimeout: 9 }],
  ['port changed',                         { kind: 'portStatus', xid, reason: 'modify', port }],
  ['port with everything',                 { kind: 'portStatus', xid, reason: 'add', port: { ...port, portNo: 0xfffffffe, config: 0x65, state: 7, curr: 0x820, advertised: 0xffff, supported: 0x6a, peer: 0x2001 } }],
  ['packet-out of a buffer',               { kind: 'packetOut', xid, bufferId: 0x21, inPort: 3, actions: [output(1)], data: Buffer.alloc(0) }],
  ['packet-out of nothing',                { kind: 'packetOut', xid, actions: [], data: Buffer.alloc(0) }],
  ['flow-mod with a cookie and its mask',  { ...flowMod, cookie: 5n, cookieMask: 7n }],
  ['flow-mod that keeps the cookie',       { ...flowMod, cookie: unknownCount }],
  ['flow-mod with a buffer',               { ...flowMod, command: 'add', bufferId: 0x21, cookie: 5n, idleTimeout: 3, hardTimeout: 4 }],
  ['flow-mod of one port',                 { ...flowMod, command: 'delete', outPort: 5, tableId: 0xff }],
  ['group-mod',                            { kind: 'groupMod', xid, command: 'modify', groupId: 5, type: 'select', buckets: [{ weight: 1, actions: [] }, { actions: [output(1)] }, { weight: 9, watchPort: 3, watchGroup: 4, actions: [output(2)] }] }],
  ['role: primary',                        { kind: 'roleRequest', xid, role: 2, generationId: 5n }],
  ['role: equal, with a generation',       { kind: 'roleReply', xid, role: 1, generationId: 6n }],
  ['role: equal is asked for',             { kind: 'roleRequest', xid, role: 1, generationId: 6n }],
  ['role: what is mine?',                  { kind: 'roleRequest', xid, role: 0, generationId: 6n }],
  ['role: unchanged',                      { kind: 'roleReply', xid, role: 0, generationId: 6n }],
  ['role: secondary',                      { kind: 'roleReply', xid, role: 3, generationId: unknownCount }],
  ['packet-ins as OpenFlow has them',      { kind: 'setPacketInFormat', xid, format: 'standard' }],
  ['packet-ins as Nicira had them',        { kind: 'setPacketInFormat', xid, format: 'nxtPacketIn' }],
  ['a request for flows',                  { kind: 'multipartRequest', xid, body: { kind: 'flow', tableId: 3, outPort: 5, match: { reg6: 1 } } }],
  ['a request for all flows',              { kind: 'multipartRequest', xid, body: { kind: 'flow' } }],
  ['a request for a group',                { kind: 'multipartRequest', xid, body: { kind: 'groupStats', groupId: 7 } }],
  ['a request for any group',              { kind: 'multipartRequest', xid, body: { kind: 'groupStats', groupId: none } }],
  ['flows, and more to come',              { ...flows({ durationNsec: 5_000_000 }), flags: 1 } as Message],
  ['flows that are not counted',           flows({ durationNsec: 123_456_700, packetCount: unknownCount, byteCount: unknownCount, flags: 24 })],
  ['groups without a duration',            { kind: 'multipartReply', xid, flags: 0, body: { kind: 'groupStats', parts: [{ ...groupStats, durationSec: none, durationNsec: none }, { ...groupStats, buckets: [{ packetCount: 1n, byteCount: 2n }, { packetCount: unknownCount, byteCount: unknownCount }] }] } }],
  ['no groups',                            { kind: 'multipartReply', xid, flags: 0, body: { kind: 'groupDesc', parts: [] } }],
  ['ports in disorder',                    { kind: 'multipartReply', xid, flags: 0, body: { kind: 'portDesc', parts: [{ ...port, portNo: 0xfffffffe }, port, { ...port, portNo: 1 }] } }],
  ['meter-mod with everything',            { kind: 'meterMod', xid, command: 'add', flags: 0x15, meterId: 5, bands: [{ kind: 'drop', rate: 5, burstSize: 6 }, { kind: 'dscpRemark', rate: 7, burstSize: 8, level: 2 }] }],
  ['meter-mod that deletes',               { kind: 'meterMod', xid, command: 'delete', flags: 0, meterId: 0xffffffff, bands: [] }],
  ['meter-mod of the slow path',           { kind: 'meterMod', xid, command: 'modify', flags: 2, meterId: 0xfffffffd, bands: [] }],
  ['meter statistics',                     { kind: 'multipartReply', xid, flags: 0, body: { kind: 'meterStats', parts: [{ meterId: 5, flowCount: 1, packetInCount: 2n, byteInCount: 3n, durationSec: 4, durationNsec: 5_000_000, bands: [{ packetCount: 6n, byteCount: 7n }, { packetCount: 8n, byteCount: 9n }] }] } }],
  ['meter features',                       { kind: 'multipartReply', xid, flags: 0, body: { kind: 'meterFeatures', parts: [{ maxMeters: 1, bandTypes: 0xe, capabilities: 0x1f, maxBands: 2, maxColor: 3 }] } }],
  ['one port\'s counters',                 { kind: 'multipartReply', xid, flags: 0, body: { kind: 'portStats', parts: [{ portNo: 12, rxPackets: 1n, txPackets: 2n, rxBytes: 3n, txBytes: 4n, rxDropped: 5n, txDropped: 6n, rxErrors: 7n, txErrors: 8n, rxFrameErr: unknownCount, rxOverErr: 9n, rxCrcErr: 10n, collisions: 11n, durationSec: none, durationNsec: none }] } }],
  ['queues',                               { kind: 'multipartReply', xid, flags: 0, body: { kind: 'queueStats', parts: [{ portNo: 1, queueId: 2, txBytes: 3n, txPackets: 4n, txErrors: 5n, durationSec: 6, durationNsec: 0 }, { portNo: 1, queueId: none, txBytes: unknownCount, txPackets: 4n, txErrors: 5n, durationSec: none, durationNsec: none }] } }],
  ['no queues',                            { kind: 'multipartReply', xid, flags: 0, body: { kind: 'queueStats', parts: [] } }],
  ['queues as they are configured',        { kind: 'queueGetConfigReply', xid, portNo: 3, queues: [{ queueId: 7, portNo: 3, minRate: 125, maxRate: 1001, others: [] }, { queueId: 5, portNo: 3, maxRate: 1000, others: [{ type: 9, body: Buffer.alloc(4) }] }] }],
  ['tables alike',                         { kind: 'multipartReply', xid, flags: 0, body: { kind: 'table', parts: [1, 2, 3, 4, 9].map((tableId) => ({ tableId, activeCount: tableId === 4 ? 1 : 0, lookupCount: 0n, matchedCount: 0n })) } }],
  ['group features of two types',          { kind: 'multipartReply', xid, flags: 0, body: { kind: 'groupFeatures', parts: [{ types: 9, capabilities: 0, maxGroups: { all: 0, select: 0, indirect: 0, fastFailover: 16 }, actions: { all: 0, select: 0, indirect: 0, fastFailover: 0x00ff8001 } }] } }],
  ['port-mod with features',               { kind: 'portMod', xid, portNo: 5, hwAddr: '0e:00:00:00:00:01', config: 1, mask: 0x65, advertise: 0x2820 }],
  ['a port of its own to be monitored',    { kind: 'multipartRequest', xid, body: { kind: 'flowMonitor', monitors: [{ id: 7, flags: 6, outPort: 5, tableId: 9, match: { ethType: 0x0800 } }, { id: 8, flags: 2, outPort: none, tableId: 255, match: {} }] } }],
  ['changes of flows',                     { kind: 'multipartReply', xid, flags: 0, body: { kind: 'flowMonitor', parts: [{ event: 'abbreviated', xid: 0x1234 }, { event: 'added', reason: 0, priority: 5, idleTimeout: 0, hardTimeout: 9, tableId: 3, cookie: 0n, match: {}, instructions: [] }, { event: 'deleted', reason: 1, priority: 5, idleTimeout: 1, hardTimeout: 0, tableId: 3, cookie: 5n, match: { inPort: 3 }, instructions: [] }] } }],
  ['a monitor that ends',                  { kind: 'flowMonitorCancel', xid, id: 7 }],
  ['monitors paused',                      { kind: 'flowMonitorPaused', xid }],
  ['monitors resumed',                     { kind: 'flowMonitorResumed', xid }],
  ['a role that changed',                  { kind: 'roleStatus', xid, role: 3, reason: 0, generationId: 5n }],
  ['a role that was configured',           { kind: 'roleStatus', xid, role: 1, reason: 1, generationId: unknownCount }],
  ['a bundle that is thrown away',         { kind: 'bundleControl', xid, bundleId: 5, type: 'discardRequest', flags: 0 }],
  ['a port-mod in a bundle',               { kind: 'bundleAdd', xid, bundleId: 5, message: { kind: 'portMod', portNo: 5, hwAddr: '0e:00:00:00:00:01', config: 0, mask: 1, advertise: 0 } }],
  ['the id of a controller',               { kind: 'setControllerId', xid, controllerId: 77 }],
  ['a zone that is forgotten',             { kind: 'ctFlushZone', xid, zone: 9 }],
  ['options of tunnels',                   { kind: 'tlvTableMod', xid, command: 'add', mappings: [{ optionClass: 0xffff, optionType: 0, optionLength: 4, index: 0 }, { optionClass: 0x102, optionType: 0x80, optionLength: 124, index: 63 }] }],
  ['no options of tunnels',                { kind: 'tlvTableMod', xid, command: 'clear', mappings: [] }],
  ['what options are there?',              { kind: 'tlvTableRequest', xid }],
  ['options that are there',               { kind: 'tlvTableReply', xid, maxOptionSpace: 256, maxFields: 64, mappings: [{ optionClass: 0xffff, optionType: 0, optionLength: 4, index: 0 }] }],
  ['an error without its message',         { kind: 'error', xid, type: 1, code: 1, data: Buffer.alloc(0) }],
  ['an error with a part of its message',  { kind: 'error', xid, type: 1, code: 1, data: encode(flowMod).subarray(0, 30) }],
  ['no common version',                    { kind: 'error', xid, type: 0, code: 0, data: Buffer.from('no version') }],
  ['an unknown message',                   { kind: 'unknown', xid, type: 99, body: Buffer.from('abcdefghij') }],
]

describe('as ovs-ofctl prints it', () => {
  test.each(messages)('%s', async (_name, message) => {
    expect(formatMessage(message)).toBe(await ofpPrint(encode(message)))
    expect(encode(decode(encode(message))).equals(encode(message))).toBe(true)
  })
})

test('a refused message that cannot be decoded is shown with the reason of the switch', async () => {
  // OFPBMC_BAD_PREREQ for a flow-mod that matches udp_dst alone.
  const refused = `040e004000000005${'00'.repeat(16)}0000000000000064${'ff'.repeat(12)}000000000001000a800020020035000000000000`
  const message: Message = { kind: 'error', xid, type: 4, code: 9, data: Buffer.from(refused, 'hex') }
  expect(formatMessage(message)).toBe(await ofpPrint(encode(message)))
})

test('a continuation that cannot be read does not keep the packet from being shown', () => {
  const text = formatMessage(continuation('80060009 00000000 ff'))
  expect(text).toContain(' continuation=9 bytes\n')
  expect(text).toContain('nw_dst=198.51.100.53')
})
