/**
 * The requests of src/openflow to a real switch: bundles, flow monitors, meters, roles, asynchronous configuration,
 * counters. What the switch answers is printed as `ovs-ofctl` prints it.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  decode,
  encode,
  type Flow,
  formatFlow,
  formatMessage,
  type Message,
  type MessageOf,
  type MultipartRequest,
  meterIds,
  monitorFlags,
  parseFlow,
  parseGroup,
  parseMeter,
} from '../../src/openflow/index.ts'
import { ofpPrint } from '../support/ofctl.ts'
import { type RawSwitch, startRawSwitch } from '../support/raw-switch.ts'

let raw: RawSwitch

beforeAll(async () => {
  raw = await startRawSwitch('ofr')
})
afterAll(() => raw?.stop())

const tenants = ['metadata=0x1', 'metadata=0x2']
const flowMod = (text: string): Omit<MessageOf<'flowMod'>, 'xid'> => ({
  kind: 'flowMod',
  command: 'add',
  ...parseFlow(text),
})

/** The reply to a message, which is printed as ovs-ofctl prints it. */
async function replyTo(message: Message): Promise<Message> {
  raw.peer.send(encode(message))
  return judged(await raw.peer.take((bytes) => bytes.readUInt32BE(4) === message.xid))
}

async function judged(bytes: Buffer): Promise<Message> {
  const message = decode(bytes)
  expect(encode(message).equals(bytes)).toBe(true)
  expect(formatMessage(message)).toBe(await ofpPrint(bytes))
  return message
}

const flowsIn = async (tableId: number) =>
  (await raw.replies({ kind: 'flow', tableId })).flatMap((bytes) => {
    const reply = decode(bytes)
    return reply.kind === 'multipartReply' && reply.body.kind === 'flow'
      ? reply.body.parts.map(formatFlow)
      : []
  })

describe('a bundle', () => {
  const step = (bundleId: number, type: MessageOf<'bundleControl'>['type'], xid: number): Message => ({
    ...{ kind: 'bundleControl', xid, bundleId, type },
  })
  const add = (bundleId: number, message: Omit<MessageOf<'flowMod'>, 'xid'>, xid: number): Message => ({
    ...{ kind: 'bundleAdd', xid, bundleId, message },
  })
  const texts = tenants.map((tenant) => `table=7,udp,${tenant},nw_dst=10.0.0.11,tp_dst=53 actions=output:1`)

  test('that is committed is there at once, and not before', async () => {
    expect(await replyTo(step(1, 'openRequest', 11))).toMatchObject({ type: 'openReply' })
    raw.peer.send(...texts.map((text, i) => encode(add(1, flowMod(text), 12 + i))))
    expect(await flowsIn(7)).toEqual([])
    expect(await replyTo(step(1, 'commitRequest', 14))).toMatchObject({ type: 'commitReply' })
    expect((await flowsIn(7)).sort()).toEqual(texts.map((text) => formatFlow(parseFlow(text))).sort())
  })

  test('with a flow that the switch refuses changes nothing', async () => {
    const before = await flowsIn(7)
    expect(await replyTo(step(2, 'openRequest', 21))).toMatchObject({ type: 'openReply' })
    const bad = flowMod('table=7,actions=group:77')
    raw.peer.send(encode(add(2, flowMod('table=7,priority=1,actions=drop'), 22)), encode(add(2, bad, 23)))
    raw.peer.send(encode(step(2, 'commitRequest', 24)))
    const errors = [
      await raw.peer.take(([, type]) => type === 1),
      await raw.peer.take(([, type]) => type === 1),
    ]
    const names = await Promise.all(
      errors.map(async (bytes) => formatMessage(await judged(bytes)).split('\n')[0]),
    )
    expect(names).toEqual([
      'OFPT_ERROR (OF1.3) (xid=0x17): OFPBAC_BAD_OUT_GROUP',
      'OFPT_ERROR (OF1.3) (xid=0x18): OFPBFC_MSG_FAILED',
    ])
    expect(await flowsIn(7)).toEqual(before)
  })

  test('that is thrown away changes nothing', async () => {
    const before = await flowsIn(7)
    await replyTo(step(3, 'openRequest', 31))
    raw.peer.send(encode(add(3, flowMod('table=7,priority=2,actions=drop'), 32)))
    expect(await replyTo(step(3, 'discardRequest', 33))).toMatchObject({ type: 'discardReply' })
    expect(await flowsIn(7)).toEqual(before)
  })

  test('that was not opened cannot be committed', async () => {
    expect(formatMessage(await replyTo(step(9, 'commitRequest', 91)))).toContain('OFPBFC_BAD_ID')
  })
})

test('a flow monitor tells what another controller changes, until it is cancelled', async () => {
  const flags = monitorFlags.add | monitorFlags.delete | monitorFlags.modify | monitorFlags.actions
  const monitor = { id: 5, flags, outPort: 0xffff_ffff, tableId: 8, match: {} }
  const started = await replyTo({
    ...{ kind: 'multipartRequest', xid: 41 },
    body: { kind: 'flowMonitor', monitors: [monitor] },
  })
  expect(started).toMatchObject({ body: { kind: 'flowMonitor', parts: [] } })

  const update = async () => {
    const message = await judged(
      await raw.peer.take((bytes) => bytes[1] === 19 && bytes.readUInt32BE(4) === 0),
    )
    if (message.kind !== 'multipartReply' || message.body.kind !== 'flowMonitor')
      throw new Error(message.kind)
    return message.body.parts
  }
  const flow = (tenant: string, actions: string) => `table=8,ip,${tenant},actions=${actions}`
  await raw.subject.ofctl('add-flow', 'br0', flow(tenants[0]!, 'output:1'))
  expect(await update()).toMatchObject([{ event: 'added', match: { metadata: 1n } }])
  await raw.subject.ofctl('mod-flows', 'br0', flow(tenants[0]!, 'output:2'))
  expect(await update()).toMatchObject([
    { event: 'modified', instructions: [{ actions: [{ kind: 'output', port: 2 }] }] },
  ])
  await raw.subject.ofctl('add-flow', 'br0', flow(tenants[1]!, 'drop'))
  expect(await update()).toMatchObject([{ event: 'added', match: { metadata: 2n } }])
  await raw.subject.ofctl('del-flows', 'br0', `table=8,${tenants[0]}`)
  expect(await update()).toMatchObject([{ event: 'deleted', match: { metadata: 1n } }])

  expect(await raw.errorsOf({ kind: 'flowMonitorCancel', xid: 42, id: 5 })).toEqual([])
  await raw.subject.ofctl('del-flows', 'br0', 'table=8')
  expect(await raw.errorsOf()).toEqual([])
  expect(await raw.errorsOf({ kind: 'flowMonitorCancel', xid: 43, id: 5 })).toEqual([
    'OFPMOFC_UNKNOWN_MONITOR',
  ])
})

test('a meter goes in as its text, is counted and goes out', async () => {
  const meter = parseMeter('meter=3 pktps burst stats bands=type=drop rate=500 burst_size=50')
  const add = { kind: 'meterMod', xid: 51, ...meter } as const
  expect(await raw.errorsOf({ ...add, command: 'add' })).toEqual([])
  expect(await raw.errorsOf({ ...add, command: 'add' })).toEqual(['OFPMMFC_METER_EXISTS'])
  const metered: Flow = parseFlow('table=9,ip,actions=meter:3,output:1')
  expect(await raw.errorsOf({ kind: 'flowMod', xid: 52, command: 'add', ...metered })).toEqual([])
  expect(
    await replyTo({ kind: 'multipartRequest', xid: 53, body: { kind: 'meterConfig', meterId: 3 } }),
  ).toMatchObject({
    body: { parts: [meter] },
  })
  expect(
    await replyTo({ kind: 'multipartRequest', xid: 54, body: { kind: 'meterStats', meterId: 3 } }),
  ).toMatchObject({
    body: { parts: [{ meterId: 3, flowCount: 1, bands: [{ packetCount: 0n }] }] },
  })
  expect(
    await raw.errorsOf({ ...add, command: 'delete', meterId: meterIds.all, flags: 0, bands: [] }),
  ).toEqual([])
  expect(await flowsIn(9)).toEqual([])
})

test('roles: one controller is primary, and the other is told', async () => {
  const other = await raw.connect()
  try {
    const primary = { kind: 'roleRequest', xid: 61, role: 2, generationId: 5n } as const
    expect(await replyTo(primary)).toMatchObject({ kind: 'roleReply', role: 2 })
    other.send(encode({ ...primary, xid: 62, generationId: 6n }))
    expect(decode(await other.take((bytes) => bytes[1] === 25))).toMatchObject({ role: 2, generationId: 6n })
    const told = await judged(await raw.peer.take((bytes) => bytes[1] === 4))
    expect(told).toMatchObject({ kind: 'roleStatus', role: 3, reason: 0 })
    expect(await raw.errorsOf({ xid: 63, ...flowMod('table=9,actions=drop') } as Message)).toEqual([
      'OFPBRC_IS_SECONDARY',
    ])
    expect(formatMessage(await replyTo({ ...primary, xid: 64, generationId: 4n }))).toContain('OFPRRFC_STALE')
  } finally {
    other.close()
    await replyTo({ kind: 'roleRequest', xid: 65, role: 1, generationId: 0n })
  }
})

test('what is told without being asked is what was set', async () => {
  const masks = {
    ...{ packetInMask: [7, 0], portStatusMask: [7, 7], flowRemovedMask: [0, 0] },
  } satisfies Pick<MessageOf<'setAsync'>, 'packetInMask' | 'portStatusMask' | 'flowRemovedMask'>
  expect(await raw.errorsOf({ kind: 'setAsync', xid: 71, ...masks })).toEqual([])
  expect(await replyTo({ kind: 'getAsyncRequest', xid: 72 })).toMatchObject(masks)
})

test('a group of each type is changed and counted', async () => {
  const texts = [
    'group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2',
    'group_id=2,type=select,bucket=weight:10,actions=output:1,bucket=weight:20,actions=output:2',
    'group_id=3,type=indirect,bucket=actions=output:5',
    'group_id=4,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:3,actions=output:2',
  ]
  const all = texts.map(parseGroup)
  const mods = (command: 'add' | 'modify' | 'delete') =>
    all.map(
      (group): Message => ({
        ...{ kind: 'groupMod', xid: 81, command, ...group },
        // A deletion tells no buckets.
        ...(command === 'delete' ? { buckets: [] } : {}),
      }),
    )
  expect(await raw.errorsOf(...mods('add'))).toEqual([])
  expect(await raw.errorsOf(...mods('modify'))).toEqual([])
  expect(await raw.errorsOf(...mods('add'))).toEqual(all.map(() => 'OFPGMFC_GROUP_EXISTS'))
  const stats = await replyTo({ kind: 'multipartRequest', xid: 82, body: { kind: 'groupStats' } })
  expect(stats).toMatchObject({
    body: { parts: expect.arrayContaining(all.map(({ groupId }) => expect.objectContaining({ groupId }))) },
  })
  expect(await raw.errorsOf(...mods('delete'))).toEqual([])
})

const counters: MultipartRequest[] = [
  { kind: 'desc' },
  { kind: 'flow' },
  { kind: 'aggregate' },
  { kind: 'table' },
  { kind: 'portStats' },
  { kind: 'queueStats' },
  { kind: 'groupStats' },
  { kind: 'groupDesc' },
  { kind: 'groupFeatures' },
  { kind: 'meterStats' },
  { kind: 'meterConfig' },
  { kind: 'meterFeatures' },
  { kind: 'portDesc' },
]

test.each(counters)('the answer to $kind has the same bytes and the same text', async (body) => {
  for (const bytes of await raw.replies(body)) await judged(bytes)
})
