/** The reader in place against the codec that is declared, on what Open vSwitch sent. */

import { describe, expect, test } from 'vitest'
import { decodeFlow, FlowLook, FlowReply, isFlowReply } from '../../src/openflow/flow-reply.ts'
import { CodecError, decode, encode, type FlowStats, type MessageOf } from '../../src/openflow/index.ts'
import { recordedSession } from '../support/recorded.ts'
import { allVectors } from '../support/vectors.ts'

const recorded = [...allVectors().map(({ bytes }) => bytes), ...recordedSession().map(({ frame }) => frame)]
const replies = recorded.filter((bytes) => bytes.length >= 8 && isFlowReply(bytes, 0, bytes.length))
const whole = replies.filter((bytes) => bytes.readUInt16BE(2) === bytes.length && bytes.length > 16)

/** What stands before and behind a message in what the switch sent. */
const noise = Buffer.alloc(24, 0xff)

function flowsOf(bytes: Buffer): FlowStats[] {
  const chunk = Buffer.concat([noise, bytes, noise])
  const flows: FlowStats[] = []
  const reply = new FlowReply(chunk, noise.length, noise.length + bytes.length)
  reply.visit((...place) => flows.push(decodeFlow(...place)))
  return flows
}

/** What one flow alone looks like. */
function lookOf(flow: FlowStats, secret = Buffer.alloc(8, 1)): string {
  const bytes = encode({ kind: 'multipartReply', xid: 0, body: { kind: 'flow', parts: [flow] } })
  const look = new FlowLook(secret)
  new FlowReply(bytes, 0, bytes.length).visit((...place) => look.read(...place))
  return `${look.low} ${look.high}`
}

test('there are replies to read', () => {
  expect(whole.length).toBeGreaterThan(1)
  expect(whole.flatMap(flowsOf).length).toBeGreaterThan(5)
})

describe.each(whole.map((bytes, i) => [i + 1, bytes] as const))('reply %i', (_number, bytes) => {
  test('has the flows that the codec reads, its xid, and tells whether more follow', () => {
    const { xid, flags, body } = decode(bytes) as MessageOf<'multipartReply'>
    expect({ kind: 'flow', parts: flowsOf(bytes) }).toEqual(body)
    for (const more of [0, 1]) {
      const copy = Buffer.from(bytes)
      copy.writeUInt16BE(flags! | more, 10)
      const reply = new FlowReply(copy, 0, copy.length)
      expect([reply.xid, reply.isLast]).toEqual([xid, more === 0])
    }
  })

  test('is refused wherever it is cut, but between two flows', () => {
    const ends = new Set([16])
    new FlowReply(bytes, 0, bytes.length).visit((_, __, end) => ends.add(end))
    for (let size = 16; size < bytes.length; size += 1) {
      const read = () => flowsOf(bytes.subarray(0, size))
      if (ends.has(size)) read()
      else expect(read, `${size} bytes`).toThrow(CodecError)
    }
  })

  test('is refused if a flow is no multiple of eight bytes', () => {
    const copy = Buffer.from(bytes)
    copy.writeUInt16BE(copy.readUInt16BE(16) - 4, 16)
    expect(() => flowsOf(copy)).toThrow(/flowReply: a flow has \d+ bytes/)
  })
})

describe('a flow', () => {
  const flow: FlowStats = whole.flatMap(flowsOf).find(({ instructions }) => instructions.length > 0)!

  test('looks the same whatever its age and its counters are', () => {
    const later = { durationSec: 9, durationNsec: 0xffff_ffff, packetCount: 1n << 63n, byteCount: 7n }
    expect(lookOf({ ...flow, ...later })).toBe(lookOf(flow))
  })

  test.each<[string, Partial<FlowStats>]>([
    ['table', { tableId: flow.tableId ^ 1 }],
    ['priority', { priority: flow.priority ^ 1 }],
    ['idle timeout', { idleTimeout: 1 }],
    ['hard timeout', { hardTimeout: 1 }],
    ['flags', { flags: 1 }],
    ['cookie', { cookie: 1n }],
    ['match, as that of another tenant with the same address', { match: { ...flow.match, metadata: 2n } }],
    ['actions', { instructions: [] }],
  ])('looks different with another %s', (_what, other) => {
    expect(lookOf({ ...flow, ...other })).not.toBe(lookOf(flow))
  })

  test('looks different to whoever has another secret', () => {
    expect(lookOf(flow, Buffer.alloc(8, 2))).not.toBe(lookOf(flow))
  })
})
