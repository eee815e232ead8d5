/** The laws of the codec, over every recorded message. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatMessage } from '../../src/openflow/format.ts'
import { decode, encode, type Message, messageTable } from '../../src/openflow/messages.ts'
import { CodecError } from '../../src/wire/codec.ts'
import { allVectors, vectorsOf } from '../support/vectors.ts'

const seed = 20
const vectors = allVectors()

test('all of the 203 messages of the real controller are here', () => {
  expect(vectorsOf('dragonflow')).toHaveLength(203)
})

// The others are judged message by message in format.test.ts.
const unrecorded = [
  ...['packetIn', 'setControllerId', 'tlvTableMod', 'tlvTableRequest', 'tlvTableReply', 'ctFlushZone'],
  ...['flowMonitorCancel', 'flowMonitorPaused', 'flowMonitorResumed', 'roleStatus'],
]

test('every kind of message but these was recorded', () => {
  const kinds = new Set<string>(vectors.map(({ bytes }) => decode(bytes).kind))
  expect(Object.keys(messageTable).filter((kind) => !kinds.has(kind))).toEqual(unrecorded)
  expect(kinds).not.toContain('unknown')
})

describe.each(vectors)('$name', ({ bytes, text }) => {
  test('decodes to its text', () => {
    expect(formatMessage(decode(bytes))).toBe(text)
  })

  test('encodes to its bytes, which the value owns', () => {
    const copy = Buffer.from(bytes)
    const value = decode(copy)
    copy.fill(0)
    expect(encode(value).toString('hex')).toBe(bytes.toString('hex'))
  })

  test('throws CodecError at every truncation', () => {
    for (let size = 0; size < bytes.length; size++)
      expect(() => decode(bytes.subarray(0, size))).toThrow(CodecError)
  })

  test('throws CodecError or is another message where its header agrees to the truncation', () => {
    for (let size = 8; size < bytes.length; size++) expectValueOrCodecError(sized(bytes.subarray(0, size)))
  })
})

describe('anything', () => {
  const anyVector = fc.constantFrom(...vectors.map(({ bytes }) => bytes))
  const change = fc.record({ at: fc.nat(0xffff), byte: fc.nat(255), isInsertion: fc.boolean() })
  const mutated = fc
    .tuple(anyVector, fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([bytes, changes]) => {
      const parts = [...bytes]
      for (const { at, byte, isInsertion } of changes)
        parts.splice(at % parts.length, isInsertion ? 0 : 1, byte)
      return sized(Buffer.from(parts))
    })
  const random = fc
    .tuple(fc.nat(30), fc.uint8Array({ maxLength: 300 }))
    .map(([type, body]) => sized(Buffer.concat([Buffer.from([4, type, 0, 0, 0, 0, 0, 1]), body])))

  test.each([
    ['mutated messages', mutated, 100_000],
    ['random messages', random, 10_000],
    ['random byte strings', fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)), 10_000],
  ] as const)(
    '%s give a value or a CodecError',
    (_name, bytes, numRuns) => {
      fc.assert(fc.property(bytes, expectValueOrCodecError), { seed, numRuns })
    },
    120_000,
  )
})

describe('messages in one another without end', () => {
  const nested = (head: string, times: number): Buffer => {
    let all: Buffer = Buffer.alloc(0)
    for (let i = 0; i < times; i++) all = sized(Buffer.concat([Buffer.from(head, 'hex'), all]))
    return all
  }
  test('clones are refused', () => {
    const clones = nested('ffff000000002320002a000000000000', 3500)
    const head = Buffer.from('040d000000000001fffffffffffffffd0000000000000000', 'hex')
    head.writeUInt16BE(clones.length, 16)
    expect(() => decode(sized(Buffer.concat([head, clones])))).toThrow('more than 100 parts in one another')
  })

  test('errors are printed as bytes from the tenth on', () => {
    const errors = nested('040100000000000100010001', 5000)
    const text = formatMessage(decode(errors))
    expect(text.match(/^OFPT_ERROR/gm)).toHaveLength(11)
    expect(text).toContain('decode error')
  })
})

/** The bytes with the size that they have in their header. */
function sized(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  if (copy.length >= 4) copy.writeUInt16BE(copy.length & 0xffff, 2)
  return copy
}

/** What was decoded can be printed and encoded or is refused with a CodecError; what was encoded is the same value. */
function expectValueOrCodecError(bytes: Buffer): void {
  const value = orCodecError(() => decode(bytes))
  if (value === undefined) return
  orCodecError(() => formatMessage(value))
  const again = orCodecError(() => encode(value))
  if (again !== undefined) expect(decode(again)).toEqual(value)
}

function orCodecError<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError)
    return undefined
  }
}

describe('what has no bytes', () => {
  const flow = {
    kind: 'flowMod',
    xid: 1,
    command: 'add',
    tableId: 20,
    priority: 100,
    match: {},
    instructions: [],
  } as const
  const tests: [string, Message, string][] = [
    [
      'a port',
      {
        ...flow,
        instructions: [{ kind: 'applyActions', actions: [{ kind: 'output', port: -1, maxLen: 0 }] }],
      },
      'flowMod.instructions.0.applyActions.actions.0.output.port: -1 is not a u32',
    ],
    ['a prerequisite', { ...flow, match: { udpDst: 53 } }, 'flowMod.match: udpDst needs ipProto to be 17'],
    ['a value', { ...flow, match: { ethDst: 'x' } }, "flowMod.match.ethDst: 'x' is not a MAC address"],
    ['a table', { ...flow, tableId: 256 }, 'flowMod.tableId: 256 is not a u8'],
    [
      'a word',
      { ...flow, command: 'replace' as never },
      "flowMod.command: 'replace' is none of add, modify, modifyStrict, delete, deleteStrict",
    ],
    [
      'an action',
      { ...flow, instructions: [{ kind: 'applyActions', actions: [{ kind: 'jump' } as never] }] },
      'flowMod.instructions.0.applyActions.actions.0.jump: there is no action jump',
    ],
    [
      'an instruction',
      { ...flow, instructions: [{ kind: 'jump' } as never] },
      'flowMod.instructions.0.jump: there is no instruction jump',
    ],
    ['a field', { ...flow, match: { colour: 1 } as never }, 'flowMod.match: there is no field colour'],
    ['a message', { kind: 'shout', xid: 1 } as never, 'shout: there is no such message'],
    [
      'a part of a request',
      { kind: 'multipartRequest', xid: 1, body: { kind: 'x' } as never },
      'multipartRequest: there is no multipart x',
    ],
    [
      'a packet that is too long',
      { kind: 'packetOut', xid: 1, actions: [], data: Buffer.alloc(70_000) },
      'packetOut: 70024 bytes do not fit a 16-bit length',
    ],
  ]
  test.each(tests)('%s', (_name, message, reason) => {
    expect(() => encode(message)).toThrow(CodecError)
    try {
      encode(message)
    } catch (error) {
      expect((error as Error).message).toBe(reason)
    }
  })
})

describe('what is no message', () => {
  test.each([
    ['a wrong length', '0400000900000000', 'the header says 9 bytes, but there are 8'],
    ['bytes left over', '041400090000000000', 'barrierRequest: 1 bytes left over'],
    ['another version', '0614000800000000', 'version 6 is not OpenFlow 1.3'],
    [
      'a match of another type',
      `040e003800000000${'00'.repeat(40)}0000000400000000`,
      'flowMod.match: type 0 is not OFPMT_OXM',
    ],
    [
      'a field that is there twice',
      '040e004800000000' +
        '00'.repeat(40) +
        '00010014' +
        '80000a020800' +
        '80000a020800' +
        '00000000' +
        '00000000',
      'flowMod.match: ethType is there twice',
    ],
    [
      'an action without a size',
      '040d002000000000' + 'fffffffffffffffd0008000000000000' + '0000000000000000',
      'packetOut.actions.0: an action of 0 bytes',
    ],
  ])('%s', (_name, hex, reason) => {
    expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(CodecError)
    try {
      decode(Buffer.from(hex, 'hex'))
    } catch (error) {
      expect((error as Error).message).toBe(reason)
    }
  })
})

describe('what we do not know', () => {
  test.each([
    [
      'a message',
      '0463000a00000001abcd',
      { kind: 'unknown', xid: 1, type: 99, body: Buffer.from('abcd', 'hex') },
    ],
    ['a message of another vendor', '0404001000000001' + '0000154d00000001', { kind: 'unknown', type: 4 }],
    ['a message of Nicira', '0404001000000001' + '0000232000000063', { kind: 'unknown', type: 4 }],
    [
      'a multipart',
      '0413001200000001' + '0063000000000000' + 'abcd',
      { kind: 'multipartReply', body: { kind: 'unknown', type: 99, bytes: Buffer.from('abcd', 'hex') } },
    ],
    // NXAST_DEBUG_RECIRC, and a move from a field that does not exist.
    [
      'an action',
      '040d002800000001' + 'fffffffffffffffd0010000000000000' + 'ffff00100000232000ff000000000000',
      { actions: [{ kind: 'unknown', type: 0xffff }] },
    ],
    [
      'an action on an unknown field',
      '040d003000000001' +
        'fffffffffffffffd0018000000000000' +
        'ffff00180000232000060020000000000001fd04000104 04'.replace(' ', ''),
      { actions: [{ kind: 'unknown', type: 0xffff }] },
    ],
    [
      'an instruction',
      `040e004000000001${'00'.repeat(40)}0001000400000000ffff0008000004ea`,
      { instructions: [{ kind: 'unknown', type: 0xffff }] },
    ],
    [
      'a field',
      `040e004000000001${'00'.repeat(40)}0001000a0001fc020005000000000000`,
      { match: { unknown: [{ class: 1, field: 126, isMasked: false }] } },
    ],
  ])('is kept: %s', (_name, hex, value) => {
    const message = decode(Buffer.from(hex, 'hex'))
    expect(message).toMatchObject(value)
    expect(encode(message).toString('hex')).toBe(hex)
    expect(formatMessage(message)).toMatch(/unknown|decode error|UNKNOWN/)
  })
})

describe('hello', () => {
  test.each([
    ['without a bitmap', '0600000800000001', { version: 6 }],
    ['with one', '0400001000000001' + '0001000800000012', { version: 4, versions: [1, 4] }],
    [
      'with another element first',
      '0400001800000001' + '0009000400000000' + '0001000800000010',
      { version: 4, versions: [4] },
    ],
  ])('%s', (_name, hex, value) => {
    expect(decode(Buffer.from(hex, 'hex'))).toEqual({ kind: 'hello', xid: 1, ...value })
  })
})
