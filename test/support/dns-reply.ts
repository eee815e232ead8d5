/**
 * A frame with a DNS message taken apart by hand, and what every reply must be whatever was asked: the acceptance rules
 * of ISC's genreport, and a packet that a host takes. Written from the RFCs, apart from the code under test.
 */

import { expect } from 'vitest'

/** Where a DNS message stood. */
export interface Payload {
  readonly destinationMac: string
  readonly source: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly isLaterFragment: boolean
  readonly dns: Buffer
}

/** Takes a frame apart; lengths are those of UDP. */
export function payloadOf(frame: Buffer): Payload {
  const isIpv6 = frame.readUInt16BE(12) === 0x86dd
  const headerSize = isIpv6 ? 40 : (frame[14]! & 15) * 4
  const at = 14 + headerSize
  const isLaterFragment = !isIpv6 && (frame.readUInt16BE(20) & 0x1fff) !== 0
  const isUdp = !isLaterFragment && at + 8 <= frame.length
  const size = isUdp ? frame.readUInt16BE(at + 4) : 0
  return {
    destinationMac: frame.toString('hex', 0, 6).replace(/(..)(?=.)/g, '$1:'),
    source: isIpv6 ? frame.toString('hex', 22, 38) : [...frame.subarray(26, 30)].join('.'),
    sourcePort: isUdp ? frame.readUInt16BE(at) : 0,
    destinationPort: isUdp ? frame.readUInt16BE(at + 2) : 0,
    isLaterFragment,
    dns: Buffer.from(frame.subarray(at + 8, at + size)),
  }
}

/** The bits of a DNS header (RFC 1035 §4.1.1, RFC 6895 §2.1). */
export const bits = {
  qr: 0x8000,
  aa: 0x0400,
  tc: 0x0200,
  rd: 0x0100,
  ra: 0x0080,
  z: 0x40,
  ad: 0x20,
  cd: 0x10,
}

/** Expects of a DNS message what genreport expects of the reply of every server to the message `asked`. */
export function judgeReply(asked: Buffer, dns: Buffer): void {
  const [word, replyWord] = [asked.readUInt16BE(2), dns.readUInt16BE(2)]
  const opcode = (word >> 11) & 15
  const has = (bit: number) => (replyWord & bit) !== 0
  const opt = optOf(asked)
  const replyOpt = optOf(dns)
  expect(dns.readUInt16BE(0), 'the id').toBe(asked.readUInt16BE(0))
  expect(has(bits.qr), 'qr').toBe(true)
  expect((replyWord >> 11) & 15, 'the opcode').toBe(opcode)
  expect(dns.readUInt16BE(4), 'at most one question').toBeLessThanOrEqual(1)
  const questionEnd = endOfQuestion(asked)
  if (dns.readUInt16BE(4) === 1)
    expect(dns.subarray(12, questionEnd).toString('hex'), 'the question, in the same case').toBe(
      asked.subarray(12, questionEnd).toString('hex'),
    )
  expect(endOfRecords(dns), 'no bytes after the last record').toBe(dns.length)
  expect(has(bits.rd), 'rd as asked').toBe((word & bits.rd) !== 0)
  expect([has(bits.z), has(bits.ad), has(bits.cd)], 'z, ad and cd clear').toEqual([false, false, false])
  expect(replyOpt === undefined, 'OPT if and only if it was in the query').toBe(opt === undefined)
  if (opt !== undefined && replyOpt !== undefined) {
    expect(replyOpt.version, 'EDNS version').toBe(0)
    expect(replyOpt.flags & 0x7fff, 'EDNS flags other than DO').toBe(0)
    expect(replyOpt.options, 'the unknown option').not.toContain(100)
    if (opt.version > 0) expect((replyOpt.extendedRcode << 4) | (replyWord & 15), 'BADVERS').toBe(16)
  }
  expect(dns.length, 'the size').toBeLessThanOrEqual(Math.max(opt?.udpSize ?? 512, 512))
}

/** What an OPT record says (RFC 6891 §6.1.2). */
export interface Opt {
  readonly udpSize: number
  readonly extendedRcode: number
  readonly version: number
  readonly flags: number
  /** The codes of its options. */
  readonly options: readonly number[]
}

/** The OPT record of a message; undefined if there is none. Expects that there are not two. */
export function optOf(message: Buffer): Opt | undefined {
  let found: Opt | undefined
  walk(message, (type, at) => {
    if (type !== 41) return
    expect(found, 'at most one OPT').toBeUndefined()
    const end = at + 10 + message.readUInt16BE(at + 8)
    const options: number[] = []
    for (let i = at + 10; i + 4 <= end; i += 4 + message.readUInt16BE(i + 2))
      options.push(message.readUInt16BE(i))
    found = {
      udpSize: message.readUInt16BE(at + 2),
      extendedRcode: message[at + 4]!,
      version: message[at + 5]!,
      flags: message.readUInt16BE(at + 6),
      options,
    }
  })
  return found
}

const endOfQuestion = (message: Buffer) => endOfName(message, 12) + 4

const endOfRecords = (message: Buffer) => walk(message, () => {})

/** Goes through all records; `at` is where the type stands. Gives the offset behind the last one. */
function walk(message: Buffer, seen: (type: number, at: number) => void): number {
  let at = 12
  for (let left = message.readUInt16BE(4); left > 0; left -= 1) at = endOfName(message, at) + 4
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
  for (let left = records; left > 0; left -= 1) {
    const typeAt = endOfName(message, at)
    seen(message.readUInt16BE(typeAt), typeAt)
    at = typeAt + 10 + message.readUInt16BE(typeAt + 8)
  }
  return at
}

function endOfName(message: Buffer, start: number): number {
  let at = start
  while (at < message.length && message[at] !== 0) {
    if (message[at]! >= 0xc0) return at + 2
    at += message[at]! + 1
  }
  return at + 1
}
