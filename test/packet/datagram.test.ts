import { describe, expect, test } from 'vitest'
import { datagram, parseFrame, type UdpFrame } from '../../src/packet/index.ts'
import { recorded, recordedFrame } from '../support/dhcp.ts'
import { tcpdumpOf } from './foreign.ts'

/** Frames without an address to answer to, or to a group. */
const toAnybody = [
  ['a client without an address, to everybody', recordedFrame('plain udhcpc: DISCOVER')],
  ['a server that refuses, to everybody', recordedFrame('dhclient that comes back to another network: NAK')],
  ['over IPv6, to a group', frameOfSolicit()],
] as const

/** What Linux sends to ff02::1:2 from a link-local address, here with four bytes of DHCPv6. */
function frameOfSolicit(): Buffer {
  const from = { mac: 'fa:16:3e:00:00:01', ip: 'fe80::f816:3eff:fe00:1', port: 546 }
  return datagram(
    from,
    { mac: '33:33:00:01:00:02', ip: 'ff02::1:2', port: 547 },
    Buffer.from('01020304', 'hex'),
  )
}

describe('parseFrame', () => {
  test.each(toAnybody)('reads for anybody, but not as what can be answered: %s', (_, frame) => {
    expect(parseFrame(frame, 'anybody')).toMatchObject({ payloadEnd: frame.length })
    expect(['source', 'destination']).toContain(parseFrame(frame))
  })

  test('reads every recorded frame of DHCP', () => {
    for (const { frame, side } of recorded)
      expect(parseFrame(frame, 'anybody')).toEqual({
        family: 4,
        start: 0,
        udpOffset: 34,
        payloadOffset: 42,
        payloadEnd: frame.length,
        destinationPort: side === 'client' ? 67 : 68,
      })
  })

  test.each<[string, string, (frame: Buffer) => void]>([
    ['a source MAC with the group bit', 'source', (frame) => frame.writeUInt8(1, 6)],
    ['a wrong IPv4 header checksum', 'checksum', (frame) => frame.writeUInt16BE(0xbeef, 24)],
    ['a changed byte', 'checksum', (frame) => frame.writeUInt8(frame[50]! ^ 1, 50)],
    ['source port 0', 'source', (frame) => frame.writeUInt16BE(0, 34)],
  ])('for anybody, too, refuses %s: %s', (_, why, spoil) => {
    const frame = recordedFrame('plain udhcpc: DISCOVER')
    spoil(frame)
    expect(parseFrame(frame, 'anybody')).toBe(why)
  })
})

describe('datagram', () => {
  test('is what dnsmasq sends for the same payload, but for type of service and id', () => {
    for (const { frame, text } of recorded.filter(({ side }) => side === 'server')) {
      const { payloadOffset, payloadEnd } = parseFrame(frame, 'anybody') as UdpFrame
      const [ours, theirs] = tcpdumpOf([
        datagram(endOf(frame, 6, 26, 34), endOf(frame, 0, 30, 36), frame.subarray(payloadOffset, payloadEnd)),
        frame,
      ])
      expect(ours, text).toBe(
        theirs!
          .replace(/tos 0x\w+, /, 'tos 0x0, ')
          .replace(/ id \d+/, ' id 0')
          .replace('flags [none]', 'flags [DF]'),
      )
      expect(ours, text).toContain('[udp sum ok]')
    }
  })

  test('goes over IPv6', () => {
    expect(tcpdumpOf([frameOfSolicit()])[0]).toBe(
      'fa:16:3e:00:00:01 > 33:33:00:01:00:02, ethertype IPv6 (0x86dd), length 66: (hlim 64, next-header UDP (17) payload ' +
        'length: 12) fe80::f816:3eff:fe00:1.546 > ff02::1:2.547: [udp sum ok] dhcp6 solicit (xid=20304)',
    )
  })
})

function endOf(frame: Buffer, mac: number, ip: number, port: number) {
  const hex = frame.toString('hex', mac, mac + 6)
  return {
    mac: hex.match(/../g)!.join(':'),
    ip: [...frame.subarray(ip, ip + 4)].join('.'),
    port: frame.readUInt16BE(port),
  }
}
