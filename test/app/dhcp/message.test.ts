import { describe, expect, test } from 'vitest'
import { type Reply, type Request, readRequest, writeReply } from '../../../src/app/dhcp/message.ts'
import { datagram } from '../../../src/packet/index.ts'
import { decoded, payloadOf, type Said } from './asking.ts'

const discover = '350101'
const read = (said: Said) => readRequest(payloadOf(said))

function understood(said: Said): Request {
  const request = read(said)
  if (typeof request === 'string') throw new Error(`not understood: ${request}`)
  return request
}

describe('a message is read', () => {
  test('with what a decision needs', () => {
    const options = `${discover}32040a00000b36040a000002370401030f7739020240520401020304`
    expect(understood({ options, flags: 0x8000, ciaddr: '10.0.0.11', giaddr: '10.0.0.9' })).toEqual({
      type: 'discover',
      xid: 0x12345678,
      flags: 0x8000,
      ciaddr: '10.0.0.11',
      giaddr: '10.0.0.9',
      chaddr: 'fa:16:3e:00:00:01',
      requestedAddress: '10.0.0.11',
      serverIdentifier: '10.0.0.2',
      parameters: new Set([1, 3, 15, 119]),
      maxMessageSize: 576,
      clientIdentifier: [],
      relayAgent: [[82, Buffer.from([1, 2, 3, 4])]],
    })
  })

  test.each<[string, string, number]>([
    ['none', '', 576],
    ['1,500', '390205dc', 1500],
    ['less than every client takes', '39020040', 576],
  ])('the largest message: %s', (_, option, size) => {
    expect(understood({ options: discover + option }).maxMessageSize).toBe(size)
  })

  test.each<[string, Said]>([
    ['padding between options', { options: `0000${discover}0032040a00000b00` }],
    ['an option in two pieces (RFC 3396)', { options: `${discover}32020a0032 02000b`.replace(' ', '') }],
    ['options in the file field', { options: `${discover}340101`, file: '32040a00000bff' }],
    ['options in the server name field', { options: `${discover}340102`, sname: '32040a00000bff' }],
    ['an option in pieces in both', { options: `${discover}340103`, file: '32020a00', sname: '3202000b' }],
  ])('with %s', (_, said) => {
    expect(understood(said)).toMatchObject({ type: 'discover', requestedAddress: '10.0.0.11' })
  })

  test('without the end of its options', () => {
    const payload = payloadOf({ options: discover })
    expect(readRequest(payload.subarray(0, -1))).toMatchObject({ type: 'discover' })
  })

  // biome-ignore format: a fault a line
  test.each<[string, string, Said]>([
    ['a reply', 'operation', { options: discover, op: 2 }],
    ['no operation', 'operation', { options: discover, op: 0 }],
    ['token ring', 'hardware', { options: discover, hardware: [6, 6] }],
    ['a hardware address of 16 bytes', 'hardware', { options: discover, hardware: [1, 16] }],
    ['no hardware address', 'hardware', { options: discover, hardware: [1, 0] }],
    ['BOOTP vendor information', 'bootp', { options: discover, cookie: '00000000' }],
    ['BOOTP with options', 'bootp', { options: '32040a00000b' }],
    ['no option at all', 'bootp', { options: '' }],
    ['an OFFER', 'type', { options: '350102' }],
    ['LEASEQUERY', 'type', { options: '35010a' }],
    ['type 0', 'type', { options: '350100' }],
    ['a type without a value', 'type', { options: '3500' }],
    ['a type of two bytes', 'options', { options: '35020101' }],
    ['a type that comes twice', 'options', { options: discover + discover }],
    ['an option that is cut', 'options', { options: `${discover}32ff0a00` }],
    ['a requested address of 3 bytes', 'options', { options: `${discover}32030a0000` }],
    ['a server identifier of 5 bytes', 'options', { options: `${discover}36050a00000200` }],
    ['a largest message of 1 byte', 'options', { options: `${discover}390140` }],
    ['an option cut in the file field', 'options', { options: `${discover}340101`, file: '0c'.repeat(128) }],
    ['an option cut in the server name field', 'options', { options: `${discover}340102`, sname: '0c'.repeat(64) }],
  ])('%s: %s', (_, why, said) => {
    expect(read(said)).toBe(why)
  })

  test('not if it is cut in the fixed part, nor if an option has no length', () => {
    const payload = payloadOf({ options: discover })
    for (let size = 0; size < 240; size += 1)
      expect(readRequest(payload.subarray(0, size))).toBe('message_size')
    expect(readRequest(Buffer.concat([payload.subarray(0, -1), Buffer.from([12])]))).toBe('options')
  })
})

describe('a reply is written', () => {
  const request = understood({ options: discover, giaddr: '10.0.0.9' })
  const nothing = Buffer.alloc(0)
  const ack: Reply = {
    type: 'ack',
    flags: 0x8000,
    ciaddr: '10.0.0.11',
    yiaddr: '10.0.0.12',
    siaddr: '10.0.0.250',
    sname: Buffer.from('boot.example.org'),
    file: Buffer.from('pxelinux.0'),
    options: [[54, Buffer.from([10, 0, 0, 2])]],
  }

  function written(reply: Partial<Reply>, maxSize = 548): { payload: Buffer; leftOut: number[] } {
    const leftOut: number[] = []
    const payload = writeReply(request, { ...ack, ...reply }, maxSize, (code) => leftOut.push(code))
    return { payload, leftOut }
  }

  const end = (port: number) => ({ mac: 'fa:16:3e:00:00:01', ip: '10.0.0.2', port })
  const decodedPayload = (payload: Buffer) => decoded([datagram(end(67), end(68), payload)])[0]!

  test('as tcpdump reads it', () => {
    const { line, options } = decodedPayload(written({}).payload)
    expect(line).toContain('Reply, length 300, xid 0x12345678, Flags [Broadcast] (0x8000)')
    expect(line).toContain('Client-IP 10.0.0.11 Your-IP 10.0.0.12 Server-IP 10.0.0.250 Gateway-IP 10.0.0.9')
    expect(line).toContain(
      'Client-Ethernet-Address fa:16:3e:00:00:01 sname "boot.example.org" file "pxelinux.0"',
    )
    expect(options).toEqual({ 53: 'ACK', 54: '10.0.0.2' })
  })

  test('in 300 bytes at least', () => {
    expect(written({}).payload).toHaveLength(300)
    expect(written({ options: [[43, Buffer.alloc(100)]] }).payload).toHaveLength(240 + 3 + 102 + 1)
  })

  test('with a long option in pieces (RFC 3396), none of them empty', () => {
    const { payload } = written(
      {
        options: [
          [43, Buffer.alloc(300, 7)],
          [60, nothing],
        ],
      },
      1472,
    )
    const options = payload.subarray(240).toString('hex')
    expect(options).toBe(`3501052bff${'07'.repeat(255)}2b2d${'07'.repeat(45)}ff`)
  })

  test('without what does not fit, but with what fits behind it', () => {
    const options: Reply['options'] = [
      [54, Buffer.from([10, 0, 0, 2])],
      [43, Buffer.alloc(299)],
      [12, Buffer.from('web')],
    ]
    const { payload, leftOut } = written({ options }, 548)
    expect(leftOut).toEqual([43])
    expect(decodedPayload(payload).options).toEqual({ 53: 'ACK', 54: '10.0.0.2', 12: '"web"' })
    const whole = 240 + 3 + 6 + 303 + 5 + 1
    expect(written({ options }, whole).payload).toHaveLength(whole)
    expect(written({ options }, whole - 1).leftOut).toEqual([12])
  })
})
