import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyFrame, headersSize, parseFrame, type UdpFrame, writeAnswer } from '../../src/packet/index.ts'
import { checksum } from '../../src/wire/checksum.ts'
import { captured, frameOf, tcpdumpOf } from './foreign.ts'

const ask4 = 'dig +noedns web.red.example.org A'
const ask6 = 'dig -6 +noedns web.red.example.org A'

const parsed = (frame: Buffer): UdpFrame => {
  const result = parseFrame(frame)
  if (typeof result === 'string') throw new Error(`not understood: ${result}`)
  return result
}

/** A captured frame with some bytes replaced; `isSummed` makes the IPv4 header checksum right again. */
function changed(text: string, patches: [offset: number, hex: string][], isSummed = true): Buffer {
  const frame = frameOf(text)
  for (const [offset, hex] of patches) frame.set(Buffer.from(hex, 'hex'), offset)
  if (isSummed && frame.readUInt16BE(12) === 0x0800) {
    frame.writeUInt16BE(0, 24)
    frame.writeUInt16BE(checksum(frame, 14, 34), 24)
  }
  return frame
}

describe('parseFrame reads what real tools send', () => {
  const notUnderstood: Record<string, string> = {
    'with IPv4 options: dig +noedns web.red.example.org A': 'header',
    'in fragments: dig +noedns web.red.example.org A': 'fragment',
  }

  test.each(captured)('$text', ({ text, frame }) => {
    const result = parseFrame(frame)
    if (notUnderstood[text]) return expect(result).toBe(notUnderstood[text])
    const isIpv6 = frame.readUInt16BE(12) === 0x86dd
    const payloadOffset = isIpv6 ? 62 : 42
    expect(result).toEqual({
      family: isIpv6 ? 6 : 4,
      start: 0,
      udpOffset: payloadOffset - 8,
      payloadOffset,
      payloadEnd: frame.length,
      destinationPort: 53,
    })
  })

  test('bytes after the UDP packet are no error', () => {
    const frame = frameOf(ask4)
    expect(parseFrame(Buffer.concat([frame, Buffer.alloc(18, 0xee)]))).toEqual(parseFrame(frame))
  })

  test('bytes between the end of UDP and the end of IP are no error', () => {
    const frame = frameOf(ask4)
    const longer = Buffer.concat([frame, Buffer.alloc(5, 0xee)])
    longer.writeUInt16BE(frame.length - 14 + 5, 16)
    longer.writeUInt16BE(0, 24)
    longer.writeUInt16BE(checksum(longer, 14, 34), 24)
    expect(parseFrame(longer)).toEqual(parseFrame(frame))
  })
})

describe('a frame among the bytes of others', () => {
  const [before, behind] = [Buffer.alloc(13, 0xee), Buffer.alloc(99, 0x5a)]

  test.each(captured)('is read and answered as if it stood alone: $text', ({ frame }) => {
    const bytes = Buffer.concat([before, frame, behind])
    const end = before.length + frame.length
    const alone = parseFrame(frame)
    const among = parseFrame(bytes, 'host', emptyFrame(), before.length, end)
    if (typeof alone === 'string' || typeof among === 'string') return expect(among).toBe(alone)
    const { family, destinationPort, ...offsets } = alone
    const moved = Object.entries(offsets).map(([name, offset]) => [name, offset + before.length])
    expect(among).toEqual({ family, destinationPort, ...Object.fromEntries(moved) })
    expect(headersSize(among)).toBe(alone.payloadOffset)
    expect(answer(bytes, among, Buffer.alloc(5))).toEqual(answer(frame, alone, Buffer.alloc(5)))
  })

  test('ends where it is said to end, whatever follows', () => {
    for (const { frame } of captured)
      for (let size = 0; size < frame.length; size++)
        expect(parseFrame(frame, 'host', emptyFrame(), 0, size)).toBe(parseFrame(frame.subarray(0, size)))
  })
})

describe('parseFrame says why not', () => {
  const tagged = (frame: Buffer) =>
    Buffer.concat([frame.subarray(0, 12), Buffer.from('81000064', 'hex'), frame.subarray(12)])

  test.each<[string, string, Buffer]>([
    ['nothing at all', 'short', Buffer.alloc(0)],
    ['an Ethernet header alone', 'short', frameOf(ask4).subarray(0, 14)],
    ['a VLAN tag', 'ethertype', tagged(frameOf(ask4))],
    ['ARP', 'ethertype', changed(ask4, [[12, '0806']])],
    ['IPv6 announced as IPv4', 'header', changed(ask6, [[12, '0800']], false)],
    ['IPv4 announced as IPv6', 'header', changed(ask4, [[12, '86dd']], false)],
    ['an IPv4 header of 16 bytes', 'header', changed(ask4, [[14, '44']])],
    ['IPv4 options', 'header', changed(ask4, [[14, '46']])],
    ['a wrong IPv4 header checksum', 'checksum', changed(ask4, [[24, 'beef']], false)],
    ['a total length beyond the frame', 'length', changed(ask4, [[16, 'ffff']])],
    ['a total length inside the header', 'length', changed(ask4, [[16, '0013']])],
    ['a total length without room for UDP', 'length', changed(ask4, [[16, '0016']])],
    ['more fragments', 'fragment', changed(ask4, [[20, '2000']])],
    ['a later fragment', 'fragment', changed(ask4, [[20, '0001']])],
    ['the reserved flag', 'fragment', changed(ask4, [[20, '8000']])],
    ['TCP over IPv4', 'protocol', changed(ask4, [[23, '06']])],
    ['TCP over IPv6', 'protocol', changed(ask6, [[20, '06']])],
    ['a hop-by-hop header', 'protocol', changed(ask6, [[20, '00']])],
    ['a routing header', 'protocol', changed(ask6, [[20, '2b']])],
    ['a fragment header', 'protocol', changed(ask6, [[20, '2c']])],
    ['an IPv6 payload beyond the frame', 'length', changed(ask6, [[18, 'ffff']])],
    ['an IPv6 jumbogram', 'length', changed(ask6, [[18, '0000']])],
    ['a UDP length beyond IP', 'length', changed(ask4, [[38, '002e']])],
    ['a UDP length below 8', 'length', changed(ask4, [[38, '0007']])],
    ['a UDP length of 0', 'length', changed(ask6, [[58, '0000']])],
    ['a wrong UDP checksum', 'checksum', changed(ask4, [[40, 'beef']])],
    ['a wrong UDP checksum on IPv6', 'checksum', changed(ask6, [[60, 'beef']])],
    ['no UDP checksum on IPv6', 'checksum', changed(ask6, [[60, '0000']])],
    ['a changed payload byte', 'checksum', changed(ask4, [[60, '00']])],
    ['source port 0', 'source', changed(ask4, [[34, '0000']])],
    ['destination port 0', 'destination', changed(ask4, [[36, '0000']])],
    ['source 0.0.0.0', 'source', changed(ask4, [[26, '00000000']])],
    ['source 127.0.0.1', 'source', changed(ask4, [[26, '7f000001']])],
    ['source 224.0.0.251', 'source', changed(ask4, [[26, 'e00000fb']])],
    ['source 255.255.255.255', 'source', changed(ask4, [[26, 'ffffffff']])],
    ['source ::', 'source', changed(ask6, [[22, '0'.repeat(32)]])],
    ['source ::1', 'source', changed(ask6, [[22, `${'0'.repeat(31)}1`]])],
    ['source ff02::1', 'source', changed(ask6, [[22, `ff02${'0'.repeat(27)}1`]])],
    ['source ::ffff:10.0.0.11', 'source', changed(ask6, [[22, `${'0'.repeat(20)}ffff0a00000b`]])],
    ['a source MAC with the group bit', 'source', changed(ask4, [[6, '01']])],
    ['destination 0.0.0.0', 'destination', changed(ask4, [[30, '00000000']])],
    ['destination 224.0.0.251', 'destination', changed(ask4, [[30, 'e00000fb']])],
    ['destination 255.255.255.255', 'destination', changed(ask4, [[30, 'ffffffff']])],
    ['destination ff02::fb', 'destination', changed(ask6, [[38, `ff02${'0'.repeat(26)}fb`]])],
    ['a broadcast MAC', 'destination', changed(ask4, [[0, 'ffffffffffff']])],
  ])('%s: %s', (_name, reason, frame) => {
    expect(parseFrame(frame)).toBe(reason)
  })

  test('no UDP checksum on IPv4 is valid', () => {
    expect(parsed(changed(ask4, [[40, '0000']]))).toEqual(parsed(frameOf(ask4)))
  })

  test('every truncation of every frame', () => {
    for (const { frame } of captured)
      for (let size = 0; size < frame.length; size++)
        expect(parseFrame(frame.subarray(0, size))).toBeTypeOf('string')
  })

  test('never looks beyond the frame, whatever its bytes', () => {
    const offset = fc.integer({ min: 0, max: 61 })
    const change = fc.record({ row: fc.nat(captured.length - 1), offset, byte: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const frame = Buffer.from(captured[changes[0]!.row]!.frame)
        for (const { offset, byte } of changes) if (offset < frame.length) frame[offset] = byte
        const result = parseFrame(frame)
        if (typeof result !== 'string') expect(result.payloadEnd).toBeLessThanOrEqual(frame.length)
      }),
      { numRuns: 5000 },
    )
  })
})

/** The frame that answers. */
function answer(frame: Buffer, packet: UdpFrame, payload: Buffer): Buffer {
  const reply = Buffer.concat([Buffer.alloc(headersSize(packet), 0xff), payload])
  expect(writeAnswer(reply, 0, frame, packet, payload.length)).toBe(reply.length)
  return reply
}

describe('writeAnswer makes a frame that tcpdump has nothing to say against', () => {
  const understood = captured.filter(({ frame }) => typeof parseFrame(frame) !== 'string')
  const payloads = [Buffer.alloc(0), Buffer.from('ab'), Buffer.alloc(511, 0x5a), Buffer.alloc(1232, 0xff)]

  test('for every captured frame and several payloads', () => {
    const frames = understood.flatMap(({ frame }) =>
      payloads.map((payload) => answer(frame, parsed(frame), payload)),
    )
    const lines = tcpdumpOf(frames)
    expect(lines.length).toBe(frames.length)
    for (const line of lines) {
      expect(line).toContain('udp sum ok')
      expect(line).not.toMatch(/bad|no cksum/)
      expect(line).toMatch(/tos 0x0, ttl 64, id 0, offset 0, flags \[DF\]|hlim 64, next-header UDP/)
    }
  })

  test('over IPv4, back to the asker', () => {
    const frame = frameOf(ask4)
    const port = frame.readUInt16BE(34)
    const [line] = tcpdumpOf([answer(frame, parsed(frame), Buffer.alloc(40))])
    expect(line).toContain('fa:16:3e:00:00:fe > fa:16:3e:00:00:01, ethertype IPv4 (0x0800), length 82')
    expect(line).toContain(`198.51.100.53.53 > 10.0.0.11.${port}`)
  })

  test('over IPv6, back to the asker', () => {
    const frame = frameOf(ask6)
    const port = frame.readUInt16BE(54)
    const [line] = tcpdumpOf([answer(frame, parsed(frame), Buffer.alloc(40))])
    expect(line).toContain('fa:16:3e:00:00:fe > fa:16:3e:00:00:01, ethertype IPv6 (0x86dd), length 102')
    expect(line).toContain(`2001:db8::53.53 > fd00:a::11.${port}`)
  })

  test.each([ask4, ask6])('sends a checksum of 0 as 0xffff: %s', (text) => {
    const frame = frameOf(text)
    const at = parsed(frame).udpOffset + 6
    const plain = answer(frame, parsed(frame), Buffer.alloc(2)).readUInt16BE(at)
    const reply = answer(frame, parsed(frame), Buffer.from([plain >> 8, plain & 0xff]))
    expect(reply.readUInt16BE(at)).toBe(0xffff)
    expect(tcpdumpOf([reply])[0]).toContain('udp sum ok')
  })

  test('leaves what stands before and behind it alone', () => {
    const frame = frameOf(ask4)
    const at = 3
    const room = Buffer.alloc(100, 0x5a)
    room.fill(0, at + parsed(frame).payloadOffset, at + parsed(frame).payloadOffset + 4)
    const size = writeAnswer(room, at, frame, parsed(frame), 4)
    expect(room.subarray(at, at + size)).toEqual(answer(frame, parsed(frame), Buffer.alloc(4)))
    expect(room.subarray(0, at)).toEqual(Buffer.alloc(at, 0x5a))
    expect(room.subarray(at + size)).toEqual(Buffer.alloc(100 - at - size, 0x5a))
  })

  test('clears the DSCP of the query', () => {
    const frame = frameOf('with DSCP 46: dig +noedns web.red.example.org A')
    expect(tcpdumpOf([answer(frame, parsed(frame), Buffer.alloc(4))])[0]).toContain('tos 0x0')
  })
})
