/**
 * Frames as a guest may send them, for property tests: a grammar of Ethernet, IP, UDP and DNS in which each field is
 * mostly right and sometimes not, then bytes changed anywhere. It shares no code with the source.
 */

import fc from 'fast-check'

/** The names that the questions use: owned ones, their neighbours, and others. */
const knownNames = [
  'web.red.example.org',
  'web.blue.example.org',
  'many.red.example.org',
  'many.blue.example.org',
  'red.example.org',
  'blue.example.org',
  'db.red.example.org',
  'nosuch.red.example.org',
  'x.web.red.example.org',
  'example.org',
  'web',
  'many',
  'localhost',
  'host-10-0-0-99.red.example.org',
  '11.0.0.10.in-addr.arpa',
  '77.0.0.10.in-addr.arpa',
  '0.0.10.in-addr.arpa',
  '1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.0.0.0.0.0.d.f.ip6.arpa',
  'a.0.0.0.0.0.d.f.ip6.arpa',
  '',
]

/** Mostly the first, sometimes one of the others. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.nat(others.length * 40).map((n) => others[n] ?? usual)

const byte = fc.nat(255)
const word = fc.nat(0xffff)
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const words = (...values: number[]) =>
  Buffer.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]))

/** The name's wire form, with upper case where a bit of `caseBits` is set. */
function wireOf(name: string, caseBits: number): Buffer {
  const text = [...name].map((c, i) => ((caseBits >> (i % 16)) & 1 ? c.toUpperCase() : c)).join('')
  const labels = text === '' ? [] : text.split('.')
  return Buffer.concat([...labels.flatMap((l) => [Buffer.from([l.length]), Buffer.from(l)]), Buffer.alloc(1)])
}

const plainName = fc
  .record({ at: fc.oneof(fc.nat(5), fc.nat(knownNames.length - 1)), bits: fc.oneof(fc.constant(0), word) })
  .map(({ at, bits }) => wireOf(knownNames[at]!, bits))
const oddName = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 6 })
    .map((labels) => Buffer.concat([...labels.map((l) => Buffer.from([l.length, ...l])), Buffer.alloc(1)])),
  fc.constantFrom(hex('c00c'), hex('c010'), hex('03776562c000'), hex('4161 00'), hex('8161 00'), hex('3f61')),
)
const name = fc.nat(9).chain((n) => (n === 0 ? oddName : plainName))

const option = fc
  .record({
    code: fc.oneof(fc.constantFrom(10, 10, 10, 10, 3, 8, 11, 12), word),
    size: fc.constantFrom(8, 8, 8, 24, 40, 0, 1, 4, 7, 16, 41),
    off: mostly(0, 1, 200, 65535),
  })
  .map(({ code, size, off }) => Buffer.concat([words(code, (size + off) & 0xffff), Buffer.alloc(size, 0x5a)]))

const opt = fc
  .record({
    owner: mostly('00', '0161 00', 'c00c'),
    type: mostly(41, 250, 24, 1),
    udpSize: fc.oneof(fc.constantFrom(0, 511, 512, 1232, 4096, 65535), word),
    version: mostly(0, 1, 255),
    rcode: mostly(0, 7),
    flags: mostly(0x8000, 0, 0xffff, 1),
    off: mostly(0, 1, 7, 65535),
    options: fc.array(option, { maxLength: 3 }),
  })
  .map(({ owner, type, udpSize, version, rcode, flags, off, options }) => {
    const rest = Buffer.concat(options)
    const fixed = [
      hex(owner),
      words(type, udpSize),
      Buffer.from([rcode, version]),
      words(flags, (rest.length + off) & 0xffff),
    ]
    return Buffer.concat([...fixed, rest])
  })

/** The payload: a DNS message, or something that looks like one. */
export const messages: fc.Arbitrary<Buffer> = fc
  .record({
    id: word,
    flags: mostly(0x0100, 0, 0x0120, 0x0110, 0x8180, 0x2800, 0x7fff, 0x0300, 0x0040),
    counts: fc.tuple(
      mostly(1, 0, 2, 65535),
      mostly(0, 1, 65535),
      mostly(0, 1, 65535),
      mostly(0, 1, 2, 65535),
    ),
    name,
    type: fc.oneof(fc.constantFrom(1, 1, 28, 12, 255, 6, 2, 65, 43, 43, 16, 250, 252), word),
    class: mostly(1, 3, 255, 0x8001, 0),
    opts: mostly(1, 0, 0, 2).chain((length) => fc.array(opt, { minLength: length, maxLength: length })),
    tail: mostly(0, 1, 9),
    isHonest: mostly(true, false),
    hasQuestion: fc.nat(7).map((n) => n > 0),
  })
  .map((m) => {
    const counts = m.isHonest ? [m.hasQuestion ? 1 : 0, 0, 0, m.opts.length] : m.counts
    const question = m.hasQuestion ? [m.name, words(m.type, m.class)] : []
    return Buffer.concat([words(m.id, m.flags, ...counts), ...question, ...m.opts, Buffer.alloc(m.tail)])
  })

const ipv4s = {
  source: mostly('0a00000b', '00000000', '7f000001', 'e00000fb', 'ffffffff', '0a0000ff'),
  destination: fc.oneof(
    { weight: 5, arbitrary: mostly('c6336435', 'e00000fb', 'ffffffff', '00000000', '7f000001') },
    { weight: 1, arbitrary: fc.constant('0a000001') }, // the gateway
  ),
}
const ipv6s = {
  source: mostly(
    'fd00000a000000000000000000000011',
    '00'.repeat(16),
    `${'00'.repeat(15)}01`,
    `ff02${'00'.repeat(13)}01`,
    'fe80000000000000f8163efffe000001',
  ),
  destination: mostly('20010db8000000000000000000000053', `ff02${'00'.repeat(13)}fb`, '00'.repeat(16)),
}

const ipv4 = fc.record({
  ...ipv4s,
  tos: byte,
  options: mostly('', '01010101', '94040000', '8307040a00000100'),
  fragment: mostly(0, 0x4000, 0x2000, 0x8000, 1),
  ttl: mostly(64, 0, 1, 255),
  protocol: mostly(17, 6, 1, 136),
  off: mostly(0, 1, -1, 20, -60),
})
const extension = fc.constantFrom(
  { type: 0, body: '0001040000000000' },
  { type: 60, body: '0001040000000000' },
  { type: 43, body: '0000000000000000' },
  { type: 44, body: '0000000000000001' },
  { type: 51, body: '000100000000000100000001' },
)
const ipv6 = fc.record({
  ...ipv6s,
  word: mostly(0x6000_0000, 0x6b80_0001, 0x4000_0000),
  hops: mostly(64, 0, 255),
  extensions: mostly(0, 1, 2).chain((length) =>
    fc.array(extension, { minLength: length, maxLength: length }),
  ),
  protocol: mostly(17, 6, 59),
  off: mostly(0, 1, -1, -200),
})
const udp = fc.record({
  source: mostly(40_000, 0, 53, 65_535),
  destination: mostly(53, 0, 5353),
  off: mostly(0, 1, -1, -4, -1000),
  sum: mostly('right' as const, 'none' as const, 'wrong' as const),
})
const ethernet = fc.record({
  destination: mostly('fa163e0000fe', 'ffffffffffff', '01005e0000fb', '333300000001'),
  source: mostly('fa163e000001', '01163e000001', 'ffffffffffff'),
  tags: mostly('', '81000064', '88a800648100000a', '81000000'),
  padding: mostly(0, 4, 30),
})
const change = fc.record({ at: fc.nat(160), to: byte })
const changes = fc.record({
  bytes: mostly(0, 1, 2, 4).chain((length) => fc.array(change, { minLength: length, maxLength: length })),
  keep: mostly(1, 0.5, 0.9, 0.1),
  /** Whether the checksums are made right again behind the changes, so that they reach the message. */
  isMended: fc.boolean(),
})

/** Ones' complement sum of big-endian words (RFC 1071), the slow way. */
export function plainSum(...parts: Buffer[]): number {
  const bytes = Buffer.concat(parts)
  let total = 0
  for (let i = 0; i < bytes.length; i += 1) total += i % 2 === 0 ? bytes[i]! * 256 : bytes[i]!
  while (total >= 0x10000) total = (total % 0x10000) + Math.floor(total / 0x10000)
  return total
}

const clip = (value: number) => Math.max(0, Math.min(0xffff, value))

/** A frame of the grammar, changed bytes included. */
export const frames: fc.Arbitrary<Buffer> = fc
  .record({ isIpv6: fc.boolean(), ethernet, ipv4, ipv6, udp, message: messages, changes })
  .map(({ isIpv6, ethernet, ipv4, ipv6, udp, message, changes }) => {
    const segment = Buffer.concat([
      words(udp.source, udp.destination, clip(8 + message.length + udp.off), 0),
      message,
    ])
    const ip = isIpv6 ? ipv6Of(ipv6, segment.length) : ipv4Of(ipv4, segment.length)
    const type = words(isIpv6 ? 0x86dd : 0x0800)
    const head = Buffer.concat([hex(ethernet.destination), hex(ethernet.source), hex(ethernet.tags), type])
    const frame = Buffer.concat([head, ip, segment, Buffer.alloc(ethernet.padding, 0xee)])
    const at = {
      ip: head.length,
      udp: head.length + ip.length,
      end: head.length + ip.length + segment.length,
    }
    if (udp.sum !== 'none') mend(frame, at, isIpv6)
    if (udp.sum === 'wrong') frame[at.udp + 6]! ^= 0x40
    for (const { at: offset, to } of changes.bytes) if (offset < frame.length) frame[offset] = to
    if (changes.bytes.length > 0 && changes.isMended && udp.sum === 'right') mend(frame, at, isIpv6)
    return changes.keep === 1 ? frame : frame.subarray(0, Math.floor(frame.length * changes.keep))
  })

type Fields<T> = T extends fc.Arbitrary<infer V> ? V : never

function ipv4Of(ip: Fields<typeof ipv4>, size: number): Buffer {
  const options = hex(ip.options)
  const length = 20 + options.length
  const first = words(
    ((0x40 | (length / 4)) << 8) | ip.tos,
    clip(length + size + ip.off),
    0x1234,
    ip.fragment,
  )
  const rest = [Buffer.from([ip.ttl, ip.protocol, 0, 0]), hex(ip.source), hex(ip.destination), options]
  return Buffer.concat([first, ...rest])
}

function ipv6Of(ip: Fields<typeof ipv6>, size: number): Buffer {
  const types = [...ip.extensions.map(({ type }) => type), ip.protocol]
  const bodies = ip.extensions.map(({ body }, index) => {
    const bytes = hex(body)
    bytes[0] = types[index + 1]!
    return bytes
  })
  const length = bodies.reduce((sum, { length }) => sum + length, size)
  const first = Buffer.alloc(8)
  first.writeUInt32BE(ip.word)
  first.writeUInt16BE(clip(length + ip.off), 4)
  first[6] = types[0]!
  first[7] = ip.hops
  return Buffer.concat([first, hex(ip.source), hex(ip.destination), ...bodies])
}

/** Makes the checksums of the IPv4 header and of UDP right, whatever the bytes say. */
function mend(frame: Buffer, at: { ip: number; udp: number; end: number }, isIpv6: boolean): void {
  if (!isIpv6) {
    frame.writeUInt16BE(0, at.ip + 10)
    frame.writeUInt16BE(0xffff - plainSum(frame.subarray(at.ip, at.udp)), at.ip + 10)
  }
  const length = Math.min(frame.readUInt16BE(at.udp + 4), at.end - at.udp)
  frame.writeUInt16BE(0, at.udp + 6)
  const addresses = isIpv6 ? frame.subarray(at.ip + 8, at.ip + 40) : frame.subarray(at.ip + 12, at.ip + 20)
  const total = plainSum(addresses, words(17, length), frame.subarray(at.udp, at.udp + length))
  frame.writeUInt16BE(0xffff - total || 0xffff, at.udp + 6)
}
