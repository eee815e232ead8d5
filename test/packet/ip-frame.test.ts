/** Packets as a router reads them, and why nobody may be told of some. */

import { describe, expect, test } from 'vitest'
import { type IpFrame, readIpFrame } from '../../src/packet/ip-frame.ts'
import {
  behind,
  type Content,
  eth,
  fragmentsOf,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Payload,
  tagged,
  udp,
} from '../support/frames.ts'

const [a, b] = ['fa:16:3e:00:00:11', 'fa:16:3e:00:00:f1']
const hello = udp(4000, 4001)
const v4 = (payload: Payload = hello) => eth(a, b, ipv4('10.0.0.11', '10.0.1.12', payload))
const v6 = (payload: Payload = hello) => eth(a, b, ipv6('fd00:a::11', 'fd00:b::12', payload))

/** The frame with some bytes changed; an IPv4 header's checksum stays what it was. */
function changed(frame: Buffer, at: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(frame)
  copy.set(bytes, at)
  return copy
}

/** An IPv4 packet whose header was changed and summed up again. */
function resealed(frame: Buffer, at: number, ...bytes: number[]): Buffer {
  const copy = changed(frame, at, ...bytes)
  copy.writeUInt16BE(0, 24)
  const size = (copy[14]! & 0xf) * 4
  let sum = 0
  for (let i = 14; i < 14 + size; i += 2) sum += copy.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  copy.writeUInt16BE(0xffff - sum, 24)
  return copy
}

/** With one word of options, "no operation". */
function withOptions(frame: Buffer): Buffer {
  const whole = Buffer.concat([frame.subarray(0, 34), Buffer.from([1, 1, 1, 1]), frame.subarray(34)])
  return resealed(whole, 14, 0x46, 0, (whole.length - 14) >> 8, (whole.length - 14) & 0xff)
}

/** An IPv6 fragment header before a payload (RFC 8200 §4.5). */
const fragment = (payload: Payload, offset: number, hasMore: boolean): Payload => ({
  protocol: 44,
  bytesFor: (addresses) =>
    Buffer.concat([
      Buffer.from([payload.protocol, 0, offset >> 8, offset | (hasMore ? 1 : 0), 0, 0, 0, 7]),
      payload.bytesFor(addresses),
    ]),
})

const padded = (frame: Buffer) => Buffer.concat([frame, Buffer.alloc(20)])
const [first, later] = fragmentsOf(ipv4('10.0.0.11', '10.0.1.12', udp(1, 2, 'x'.repeat(2000))))
const from = (src: string): Content =>
  src.includes(':') ? ipv6(src, 'fd00:b::12', hello) : ipv4(src, '10.0.1.12', hello)
const to = (dst: string): Content =>
  dst.includes(':') ? ipv6('fd00:a::11', dst, hello) : ipv4('10.0.0.11', dst, hello)

// biome-ignore format: one row a line
test.each<[string, Buffer, Partial<IpFrame>]>([
  ['IPv4', v4(), { family: 4, protocol: 17, payloadOffset: 34, end: 47, isFragment: false }],
  ['padding is not the packet', padded(v4()), { end: 47 }],
  ['options', withOptions(v4()), { protocol: 17, payloadOffset: 38, end: 51 }],
  ['the first fragment', eth(a, b, first!), { protocol: 17, isFragment: true }],
  ['an echo request', v4(icmp(8, 0)), { protocol: 1 }],
  ['IPv6', v6(), { family: 6, protocol: 17, payloadOffset: 54, end: 67, isFragment: false }],
  ['an extension header', v6(behind(60, hello)), { protocol: 17, payloadOffset: 62 }],
  ['two of them', v6(behind(0, behind(60, hello))), { protocol: 17, payloadOffset: 70 }],
  ['the first IPv6 fragment', v6(fragment(hello, 0, true)), { protocol: 17, payloadOffset: 62, isFragment: true }],
  ['an IPv6 echo request', v6(icmpv6(128, Buffer.alloc(4))), { protocol: 58 }],
  ['an unknown protocol', v6({ protocol: 99, bytesFor: () => Buffer.alloc(0) }), { protocol: 99, payloadOffset: 54, end: 54 }],
])('%s', (_, frame, expected) => {
  expect(readIpFrame(frame)).toMatchObject(expected)
})

// biome-ignore format: one row a line
describe('nobody is told about', () => {
  test.each<[string, string, Buffer]>([
    ['short', 'half an Ethernet header', v4().subarray(0, 10)],
    ['short', 'half an IPv4 header', v4().subarray(0, 30)],
    ['short', 'half an IPv6 header', v6().subarray(0, 50)],
    ['source', 'a frame from a group', eth('01:00:5e:00:00:01', b, to('10.0.1.12'))],
    ['destination', 'a frame to a group', eth(a, 'ff:ff:ff:ff:ff:ff', to('10.0.1.12'))],
    ['ethertype', 'a tagged frame', tagged(v4(), 7)],
    ['header', 'another version in IPv4', changed(v4(), 14, 0x65)],
    ['header', 'an IPv4 header that is too small', changed(v4(), 14, 0x44)],
    ['header', 'another version in IPv6', changed(v6(), 14, 0x40)],
    ['length', 'an IPv4 length beyond the frame', changed(v4(), 16, 4, 0)],
    ['length', 'an IPv4 length within its header', changed(v4(), 16, 0, 19)],
    ['length', 'an IPv6 length beyond the frame', changed(v6(), 18, 4, 0)],
    ['length', 'an extension header that is not all there', changed(v6(behind(60, hello)), 18, 0, 4)],
    ['length', 'an extension header that is larger than the packet', changed(v6(behind(60, hello)), 55, 40)],
    ['checksum', 'a broken IPv4 header', changed(v4(), 22, 1)],
    ['fragment', 'a later fragment', eth(a, b, later!)],
    ['fragment', 'a later IPv6 fragment', v6(fragment(hello, 8, false))],
    ['source', 'a source that is a group', eth(a, b, from('224.0.0.1'))],
    ['source', 'nobody as a source', eth(a, b, from('::'))],
    ['destination', 'a group', eth(a, b, to('224.0.0.251'))],
    ['destination', 'an IPv6 group', eth(a, b, to('ff02::1'))],
    ['icmp_error', 'an error', v4(icmp(3, 1))],
    ['icmp_error', 'a redirect', v4(icmp(5, 1))],
    ['icmp_error', 'an IPv6 error', v6(icmpv6(3, Buffer.alloc(4)))],
    ['icmp_error', 'an IPv6 redirect', v6(icmpv6(137, Buffer.alloc(4)))],
    ['icmp_error', 'ICMP without a type', v4({ protocol: 1, bytesFor: () => Buffer.alloc(0) })],
  ])('%s: %s', (word, _, frame) => {
    expect(readIpFrame(frame)).toBe(word)
  })
})

test('whatever is cut off or changed gives a word or a packet, never an error', () => {
  for (const frame of [
    v4(),
    withOptions(v4()),
    v6(),
    v6(behind(0, behind(60, hello))),
    v6(fragment(hello, 0, true)),
  ]) {
    for (let size = 0; size < frame.length; size++)
      expect(readIpFrame(frame.subarray(0, size))).toBeTypeOf('string')
    for (let at = 12; at < frame.length; at++)
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
        const ip = readIpFrame(changed(frame, at, byte))
        if (typeof ip !== 'string') expect(ip.payloadOffset <= ip.end && ip.end <= frame.length).toBe(true)
      }
  }
})
