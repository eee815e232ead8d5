/** What is written for every packet, against the codec and against `ovs-ofctl`. */

import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { CodecError, decode, encode, type Message, output, ports } from '../../src/openflow/index.ts'
import { Outbox } from '../../src/openflow/outbox.ts'
import { recordedSession } from '../support/recorded.ts'

const frame = Buffer.from('02000000000102000000000288b5', 'hex')
const packetIn = recordedSession().find(({ ovs }) => ovs.startsWith('NXT_PACKET_IN2'))!.frame

/** An outbox whose bytes wait, or leave at once where that is said of their turn. */
function outbox(hasLeft = (_turn: number) => false) {
  const written: Buffer[] = []
  const write = (bytes: Buffer): boolean => {
    const isGone = hasLeft(written.length)
    written.push(isGone ? Buffer.from(bytes) : bytes)
    return isGone
  }
  return { box: new Outbox(write), written }
}

const shown = (bytes: Buffer) =>
  execFileSync('ovs-ofctl', ['ofp-print', bytes.toString('hex')], { encoding: 'utf8' })

describe('a frame for a port', () => {
  test.each([14, 11])('%i is the bytes of the codec', (port) => {
    const { box, written } = outbox()
    box.addPacketOut(9, port, frame)
    box.flush()
    const message: Message = {
      ...{ kind: 'packetOut', xid: 9, inPort: ports.controller, actions: [output(port)], data: frame },
    }
    expect(written.map((bytes) => bytes.toString('hex'))).toEqual([encode(message).toString('hex')])
    expect(shown(written[0]!)).toMatch(
      new RegExp(
        `^OFPT_PACKET_OUT \\(OF1.3\\) \\(xid=0x9\\): in_port=CONTROLLER actions=output:${port} data_len=14`,
      ),
    )
  })

  test.each([
    ['is missing', undefined, 'packetOut.data: is no Buffer'],
    [
      'is longer than a message',
      Buffer.alloc(65_536),
      'packetOut.data: 65536 bytes are more than fit a message',
    ],
  ])('that %s is refused, and the others go out', (_name, data, reason) => {
    const { box, written } = outbox()
    box.addPacketOut(1, 11, frame)
    expect(() => box.addPacketOut(2, 11, data as Buffer)).toThrow(reason)
    box.addPacketOut(3, 14, frame)
    box.flush()
    expect(written[0]!.length).toBe(2 * (24 + 16 + frame.length))
  })
})

describe('a frame that was written where it leaves from', () => {
  test('is the bytes of the one that is copied', () => {
    const [copied, inPlace] = [outbox(), outbox()]
    copied.box.addPacketOut(9, 11, frame)
    copied.box.flush()
    const { bytes, at } = inPlace.box.room
    frame.copy(bytes, at)
    inPlace.box.addRoom(9, 11, frame.length)
    inPlace.box.flush()
    expect(inPlace.written).toEqual(copied.written)
  })

  test('has its room however full the block is, and nothing of it leaves that was not given', () => {
    const { box, written } = outbox()
    for (let xid = 1; xid <= 200; xid += 1) {
      const { bytes, at } = box.room
      bytes.fill(xid, at, at + 1514)
      if (xid % 3 === 0) box.addRoom(xid, 11, 1514)
      else box.addPacketOut(xid, 11, frame)
    }
    box.flush()
    const all = Buffer.concat(written)
    for (let xid = 1, at = 0; xid <= 200; xid += 1) {
      const size = all.readUInt16BE(at + 2)
      const data = all.subarray(at + 40, at + size)
      expect(data).toEqual(xid % 3 === 0 ? Buffer.alloc(1514, xid) : frame)
      at += size
    }
  })

  test.each([-1, 1515, Number.NaN, undefined as unknown as number])('cannot have %s bytes', (size) => {
    const { box, written } = outbox()
    expect(() => box.addRoom(1, 11, size)).toThrow(CodecError)
    box.flush()
    expect(written).toEqual([])
  })
})

test('a resume is the packet-in with another subtype', () => {
  const { box, written } = outbox()
  box.addResume(5, Buffer.concat([frame, packetIn, frame]), frame.length, frame.length + packetIn.length)
  box.flush()
  const { kind, xid, ...properties } = decode(packetIn) as Message & { kind: 'packetIn2' }
  expect(written[0]!.toString('hex')).toBe(encode({ ...properties, kind: 'resume', xid: 5 }).toString('hex'))
  expect(shown(written[0]!)).toMatch(/^NXT_RESUME \(OF1.3\) \(xid=0x5\): /)
})

test.each([
  ['what waits is not written to again, however much follows', () => false],
  ['what has left is', () => true],
  ['each as it is told', (turn: number) => turn % 3 === 0],
])('%s', (_, hasLeft) => {
  const { box, written } = outbox(hasLeft)
  const sizes: number[] = []
  for (let xid = 1; xid <= 3000; xid += 1) {
    box.addPacketOut(xid, 11, frame)
    if (xid % 7 === 0) box.flush()
    sizes.push(24 + 16 + frame.length)
  }
  box.flush()
  const all = Buffer.concat(written)
  expect(all.length).toBe(sizes.reduce((sum, size) => sum + size, 0))
  for (let xid = 1, at = 0; xid <= 3000; at += sizes[xid - 1]!, xid += 1)
    expect(all.readUInt32BE(at + 4)).toBe(xid)
})

test('the largest message fits, and nothing is written when nothing is there', () => {
  const { box, written } = outbox()
  box.flush()
  box.add(Buffer.alloc(65_535))
  box.add(Buffer.alloc(65_535))
  box.flush()
  expect(written.map(({ length }) => length)).toEqual([65_535, 65_535])
})

test('a block that is full is filled again once its bytes have left', () => {
  const blocks = new Set<ArrayBufferLike>()
  const box = new Outbox(({ buffer }) => blocks.add(buffer).size > 0)
  for (let n = 0; n < 20; n += 1) box.add(Buffer.alloc(30_000))
  box.flush()
  expect(blocks.size).toBe(1)
})
