/**
 * What is measured in one thread: the pure functions on the way of a query and the whole way, from the bytes of a chunk to
 * those that leave, beside a loop that depends on nothing of this project. A case does its work many times over, so
 * that one call takes some ten microseconds and the clock costs nothing.
 */

import { KeyReader } from '../../src/app/dns/keys.ts'
import { readQuery } from '../../src/app/dns/question.ts'
import { decode } from '../../src/openflow/index.ts'
import { PacketIn } from '../../src/openflow/packet-in.ts'
import { parseFrame } from '../../src/packet/index.ts'
import { checksum } from '../../src/wire/checksum.ts'
import { connectedSession, createLane } from './lane.ts'

/** One thing to measure. */
export interface Case {
  readonly name: string
  /** How often `run` does it. */
  readonly times: number
  readonly run: () => unknown
}

const packetCount = 64

/** The reference: what a packet's way is made of, bytes read and written, small objects, look-ups and a copy. */
export function referenceCase(): Case {
  const from = Buffer.alloc(1024, 0x5a)
  const into = Buffer.alloc(1024)
  const words = Array.from({ length: 64 }, (_, i) => `word-${i}`)
  const byWord = new Map(words.map((word, i) => [word, { word, i }]))
  const made: { hash: number; found: unknown }[] = new Array(16)
  const round = () => {
    let hash = 0
    for (let i = 0; i < 512; i++) {
      hash = Math.imul(hash ^ from[i]!, 0x0100_0193)
      into[i] = hash
    }
    for (let i = 0; i < 16; i++) {
      hash = Math.imul(hash, 0x0100_0193)
      made[i] = { hash, found: byWord.get(words[hash & 63]!) }
    }
    from.copy(into, 512, 0, 128)
    return made[hash & 15]!.found
  }
  return { name: 'reference', times: packetCount, run: () => repeat(packetCount, round) }
}

/** The pure functions and the whole way on bytes. */
export function cases(): readonly Case[] {
  const lane = createLane({ tenants: 2, networks: 10, ports: 1000, localPorts: 20 })
  const message = lane.packetIn(lane.localPorts[0]!, 7, 1)
  const frame = new PacketIn(message).packet
  const { payloadOffset, payloadEnd } = parseFrame(frame) as Exclude<ReturnType<typeof parseFrame>, string>
  const hits = chunkOf((i) => lane.packetIn(lane.localPorts[i % 20]!, (i * 31) % 100, i))
  const misses = chunkOf((i) => lane.foreign(lane.localPorts[i % 20]!, i))
  const session = connectedSession(lane)
  const reader = new KeyReader(Buffer.alloc(8, 1))
  const each = (name: string, run: () => unknown): Case => ({
    ...{ name, times: packetCount },
    run: () => repeat(packetCount, run),
  })
  return [
    each('packet-in, read in place', () => new PacketIn(message).register(6)),
    each('packet-in, decoded', () => decode(message)),
    each('frame parsed', () => parseFrame(frame)),
    each('checksum of 64 bytes', () => checksum(frame, 0, 64)),
    each('question read', () => readQuery(frame, payloadOffset, payloadEnd)),
    each('name read and hashed', () => reader.read(frame, payloadOffset + 12, payloadEnd - 4)),
    { name: 'answer, chunk to write', times: packetCount, run: () => session.receive(hits) },
    { name: 'pass, chunk to write', times: packetCount, run: () => session.receive(misses) },
  ]
}

const chunkOf = (message: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: packetCount }, (_, index) => message(index)))

/** Does it so many times and keeps the last value, so that nothing is left out as of no use. */
function repeat(times: number, run: () => unknown): unknown {
  let last: unknown
  for (let i = 0; i < times; i++) last = run()
  return last
}
