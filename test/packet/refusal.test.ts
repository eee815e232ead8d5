/** ICMP errors and resets, as tcpdump reads them. */

import { describe, expect, test } from 'vitest'
import { type IpFrame, readIpFrame } from '../../src/packet/ip-frame.ts'
import { type Complaint, icmpError, tcpReset } from '../../src/packet/refusal.ts'
import { eth, ipv4, ipv6, tcp, tcpFlags, udp } from '../support/frames.ts'
import { tcpdumpOf } from './foreign.ts'

const [host, router] = ['fa:16:3e:00:00:11', 'fa:16:3e:00:00:f1']
const families = [
  { ip: ipv4, own: '10.0.0.11', other: '10.0.1.12', from: '10.0.0.1', limit: 576, icmp: 34 },
  { ip: ipv6, own: 'fd00:a::11', other: 'fd00:b::12', from: 'fd00:a::1', limit: 1280, icmp: 54 },
]
const read = (frame: Buffer) => readIpFrame(frame) as IpFrame

describe.each(families)('$own', ({ ip, own, other, from, limit, icmp }) => {
  const route = { fromMac: router, toMac: host, from }
  const frameOf = (size: number) => eth(host, router, ip(own, other, udp(4000, 4001, 'x'.repeat(size))))
  const complain = (frame: Buffer, complaint: Complaint, mtu?: number) =>
    icmpError(frame, read(frame), complaint, route, mtu)

  test.each<[Complaint, RegExp]>([
    ['no_route', /net \S+ unreachable|unreachable route/],
    ['no_host', /host \S+ unreachable|unreachable address/],
    ['no_protocol', /protocol 17 unreachable|parameter problem.*next header - octet 6/],
    ['no_port', /udp port 4001/],
    ['too_big', /need to frag \(mtu 1400\)|packet too big, mtu 1400/],
    ['hop_limit', /time exceeded in-transit/],
    ['beyond_scope', /net \S+ unreachable|beyond scope/],
  ])('%s', (complaint, text) => {
    const [line] = tcpdumpOf([complain(frameOf(20), complaint, 1400)])
    expect(line).toMatch(text)
    expect(line).not.toMatch(/bad|wrong|incorrect/i)
    expect(line).toContain(`${from} > ${own}`)
  })

  test.each([0, 1, 500, 1400])('of a packet with %i bytes, as much is quoted as fits', (size) => {
    const frame = frameOf(size)
    const error = complain(frame, 'no_route')
    expect(error.subarray(0, 14)).toEqual(
      Buffer.concat([frame.subarray(6, 12), frame.subarray(0, 6), frame.subarray(12, 14)]),
    )
    const quoted = error.subarray(icmp + 8)
    expect(error.length - 14).toBe(Math.min(limit, frame.length - 14 + icmp + 8 - 14))
    expect(quoted).toEqual(frame.subarray(14, 14 + quoted.length))
    expect(tcpdumpOf([error])[0]).not.toMatch(/bad|wrong|incorrect/i)
  })

  test('bytes behind the packet are not quoted', () => {
    const frame = Buffer.concat([frameOf(1), Buffer.alloc(30, 0xee)])
    expect(complain(frame, 'no_route').includes(Buffer.alloc(4, 0xee))).toBe(false)
  })

  const segment = (more: Parameters<typeof tcp>[2]) => eth(host, router, ip(own, from, tcp(5000, 80, more)))
  const { syn, ack, fin, rst } = tcpFlags

  // RFC 9293 §3.10.7.1: without ACK the reset acknowledges what was sent; else it has the number that was expected.
  test.each<[string, Parameters<typeof tcp>[2], string]>([
    ['an opening', { flags: syn, seq: 100 }, 'Flags [R.], cksum 0x (correct), seq 0, ack 101, win 0'],
    [
      'an opening with data',
      { flags: syn, seq: 0xffffffff, data: 'hello' },
      'Flags [R.], cksum 0x (correct), seq 0, ack 5, win 0',
    ],
    ['data', { flags: ack, seq: 7, ack: 900, data: 'x' }, 'Flags [R], cksum 0x (correct), seq 900, win 0'],
    ['an end', { flags: fin, seq: 7 }, 'Flags [R.], cksum 0x (correct), seq 0, ack 8, win 0'],
  ])('%s is reset', (_, more, text) => {
    const frame = segment(more)
    const reset = tcpReset(frame, read(frame), route)
    expect(typeof reset).not.toBe('string')
    const [line] = tcpdumpOf([reset as Buffer])
    expect(line!.replace(/cksum 0x\w+/, 'cksum 0x')).toContain(`${from}.80 > ${own}.5000: ${text}`)
  })

  test.each<[string, (frame: Buffer) => void, string]>([
    ['a reset', () => {}, 'reset'],
    ['half a header', () => {}, 'short'],
    ['a header that is too small', (frame) => frame.writeUInt8(0x40, icmp + 12), 'length'],
    ['a header that is larger than the packet', (frame) => frame.writeUInt8(0xf0, icmp + 12), 'length'],
    ['a wrong checksum', (frame) => frame.writeUInt8(1, icmp + 4), 'checksum'],
  ])('%s is not', (_, change, word) => {
    const frame = segment({ flags: rst })
    const parts = read(frame)
    change(frame)
    expect(tcpReset(frame, word === 'short' ? { ...parts, end: parts.end - 1 } : parts, route)).toBe(word)
  })
})
