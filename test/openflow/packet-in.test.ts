/** The reader in place against the codec that is declared: the same message, or the same refusal. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodecError, decode, encode, type Match, type Message } from '../../src/openflow/index.ts'
import { isPacketIn, PacketIn } from '../../src/openflow/packet-in.ts'
import { recordedSession } from '../support/recorded.ts'
import { allVectors } from '../support/vectors.ts'

const recorded = [...allVectors().map(({ bytes }) => bytes), ...recordedSession().map(({ frame }) => frame)]
const ofSwitches = recorded.filter((bytes) => bytes.length > 15 && isPacketIn(bytes))

/** The same packet of two tenants: only the key of the asker differs. */
const made = [1, 4].map((reg6) =>
  encode({
    ...{
      kind: 'packetIn2',
      xid: 7,
      packet: Buffer.from('the same frame'),
      tableId: 33,
      cookie: 5n,
      reason: 1,
    },
    metadata: { inPort: 10 + reg6, metadata: BigInt(reg6), reg6, reg15: 0xffff_fffe },
    userdata: Buffer.from('dns'),
    continuation: Buffer.from('a state.'),
  } as Message),
)

/** What stands before and behind a message in what the switch sent. */
const noise = Buffer.alloc(24, 0xff)

/** What both readers make of the bytes, or undefined if they are refused. */
function byCodec(bytes: Buffer) {
  const message = attempt(() => decode(bytes))
  if (message?.kind !== 'packetIn2') return undefined
  const { packet, userdata, continuation, metadata, xid } = message
  const owner = userdata.toString('latin1')
  const isPaused = continuation.length > 0
  return { xid, packet: packet.toString('hex'), owner, isPaused, registers: registersOf(metadata) }
}

/** Reads one message after the other, so that nothing of the last one may be left. */
const used = new PacketIn(made[1]!)

function inPlace(bytes: Buffer) {
  const chunk = Buffer.concat([noise, bytes, noise])
  const message = attempt(() => {
    used.moveTo(chunk, noise.length, noise.length + bytes.length)
    return used
  })
  if (message === undefined) return undefined
  const { xid, packet, owner, isPaused } = message
  const registers = Array.from({ length: 16 }, (_, number) => message.register(number))
  return { xid, packet: packet.toString('hex'), owner, isPaused, registers }
}

/** A register with a mask is none of those that a switch sends. */
const registersOf = (metadata: Match) =>
  Array.from({ length: 16 }, (_, number) => {
    const value = (metadata as Record<string, unknown>)[`reg${number}`]
    return typeof value === 'number' ? value : undefined
  })

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return undefined
  }
}

test('there are recorded packet-ins', () => expect(ofSwitches.length).toBeGreaterThan(0))

describe('a packet-in reads in place as the codec has it', () => {
  test.each([...ofSwitches, ...made].map((bytes, index) => [index, bytes] as const))('%i', (_, bytes) => {
    const expected = byCodec(bytes)
    expect(expected).toBeDefined()
    expect(inPlace(bytes)).toEqual(expected)
    expect(new PacketIn(bytes).decoded()).toEqual(decode(bytes))
  })
})

test.each([
  ['dns', true],
  ['dn', false],
  ['dnss', false],
  ['dnz', false],
  ['', false],
])('the owner is compared with %o without making a string', (owner, expected) => {
  expect(new PacketIn(made[0]!).isOf(owner)).toBe(expected)
})

test('two tenants are told apart by nothing but the register', () => {
  expect(made.map((bytes) => new PacketIn(bytes).register(6))).toEqual([1, 4])
})

test('whatever the codec reads of mutated messages, the reader in place reads the same', () => {
  const mutated = fc
    .tuple(
      fc.constantFrom(...ofSwitches, ...made),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([bytes, changes]) => {
      const copy = Buffer.from(bytes)
      for (const [at, value] of changes) copy[16 + (at % (copy.length - 16))] = value
      return copy
    })
  let count = 0
  fc.assert(
    fc.property(mutated, (bytes) => {
      const expected = byCodec(bytes)
      if (expected === undefined) return void inPlace(bytes) // refused too, or not looked at; never anything but a CodecError
      count += 1
      expect(inPlace(bytes)).toEqual(expected)
    }),
    { numRuns: 20_000 },
  )
  expect(count).toBeGreaterThan(1000)
})

test('every message that is cut short is refused, as the codec refuses it', () => {
  for (const bytes of [...ofSwitches, ...made])
    for (let size = 16; size < bytes.length; size += 1) {
      const short = Buffer.from(bytes.subarray(0, size))
      short.writeUInt16BE(size, 2)
      const expected = byCodec(short)
      if (expected !== undefined) expect(inPlace(short)).toEqual(expected)
      else inPlace(short)
    }
})
