import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ipv4,
  ipv4Bytes,
  ipv4Text,
  ipv6,
  ipv6Bytes,
  ipv6Text,
  mac,
  macBytes,
  macText,
} from '../../src/wire/address.ts'
import { CodecError, decodeWith, encodeWith } from '../../src/wire/codec.ts'

const seed = 20

// biome-ignore format: one address a line
const addresses: [string, (text: string) => Buffer, (bytes: Buffer) => string, string, string][] = [
  ['MAC',                                    macBytes,  macText,  'fa:16:3e:00:00:02',        'fa163e000002'],
  ['IPv4',                                   ipv4Bytes, ipv4Text, '10.0.0.11',                '0a00000b'],
  ['IPv4, all ones',                         ipv4Bytes, ipv4Text, '255.255.255.255',          'ffffffff'],
  // RFC 5952, the examples of §4 and §5.
  ['4.1 no leading zeros',                   ipv6Bytes, ipv6Text, '2001:db8::1',              '20010db8000000000000000000000001'],
  ['4.2.1 as short as possible',             ipv6Bytes, ipv6Text, '2001:db8::2:1',            '20010db8000000000000000000020001'],
  ['4.2.2 one zero group stays',             ipv6Bytes, ipv6Text, '2001:db8:0:1:1:1:1:1',     '20010db8000000010001000100010001'],
  ['4.2.3 the longest run',                  ipv6Bytes, ipv6Text, '2001:0:0:1::1',            '20010000000000010000000000000001'],
  ['4.2.3 the first of equal runs',          ipv6Bytes, ipv6Text, '2001:db8::1:0:0:1',        '20010db8000000000001000000000001'],
  ['4.3 lower case',                         ipv6Bytes, ipv6Text, '2001:db8::abcd:ef',        '20010db8000000000000000 0abcd00ef'.replace(' ', '')],
  ['5 IPv4-mapped',                          ipv6Bytes, ipv6Text, '::ffff:192.0.2.1',         '00000000000000000000ffffc0000201'],
  ['unspecified',                            ipv6Bytes, ipv6Text, '::',                       '00000000000000000000000000000000'],
  ['loopback',                               ipv6Bytes, ipv6Text, '::1',                      '00000000000000000000000000000001'],
  ['zeros at the end',                       ipv6Bytes, ipv6Text, 'fd00:a::',                 'fd00000a000000000000000000000000'],
]

describe('the canonical text', () => {
  test.each(addresses)('%s', (_name, toBytes, toText, text, hex) => {
    expect(toBytes(text).toString('hex')).toBe(hex)
    expect(toText(Buffer.from(hex, 'hex'))).toBe(text)
  })
})

describe('other texts of the same address', () => {
  test.each([
    ['FA:16:3E:00:00:0A', macBytes, 'fa163e00000a'],
    ['2001:DB8:0:0:0:0:0:1', ipv6Bytes, '20010db8000000000000000000000001'],
    ['2001:0db8::0001', ipv6Bytes, '20010db8000000000000000000000001'],
    ['1:2:3:4:5:6:7::', ipv6Bytes, '00010002000300040005000600070000'],
    ['::2:3:4:5:6:7:8', ipv6Bytes, '00000002000300040005000600070008'],
    ['64:ff9b::192.0.2.1', ipv6Bytes, '0064ff9b0000000000000000c0000201'],
    ['1:2:3:4:5:6:192.0.2.1', ipv6Bytes, '000100020003000400050006c0000201'],
  ] as const)('%s', (text, toBytes, hex) => {
    expect(toBytes(text).toString('hex')).toBe(hex)
  })
})

describe('no address', () => {
  test.each([
    ...['', 'fa:16:3e:00:00', 'fa:16:3e:00:00:0', 'fa-16-3e-00-00-02', 'fa:16:3e:00:00:0g'].map(
      (text) => [text, macBytes] as const,
    ),
    ...['', '10.0.0', '10.0.0.0.0', '10.0.0.256', '10.0.0.01', '10.0.0.-1', '10.0.0.0/24', ' 10.0.0.1'].map(
      (text) => [text, ipv4Bytes] as const,
    ),
    ...[
      ...[
        '',
        ':',
        ':::',
        '1::2::3',
        '1:2:3:4:5:6:7',
        '1:2:3:4:5:6:7:8:9',
        '1:2:3:4:5:6:7:8::',
        '12345::',
        'g::',
      ],
      ...[
        'fe80::1%eth0',
        '::/0',
        '1:2:3:4:5:6:7:192.0.2.1',
        '192.0.2.1::',
        '::192.0.2',
        '::192.0.2.256',
        ' ::',
      ],
      ...[':1:2:3:4:5:6:7', '1:2:3:4:5:6:7:'],
    ].map((text) => [text, ipv6Bytes] as const),
  ])('%j', (text, toBytes) => {
    expect(() => toBytes(text)).toThrow(CodecError)
    expect(() => toBytes(text)).toThrow(/is not an? (MAC|IPv4|IPv6) address/)
  })
})

describe('over any bytes', () => {
  const cases = [
    ['mac', mac, 6],
    ['ipv4', ipv4, 4],
    ['ipv6', ipv6, 16],
  ] as const
  test.each(cases)('%s text goes back to the same bytes', (_name, codec, size) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: size, maxLength: size }), (bytes) => {
        expect(encodeWith(codec, decodeWith(codec, bytes)).equals(Buffer.from(bytes))).toBe(true)
      }),
      { seed },
    )
  })

  test('Node takes the texts for addresses', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(isIPv4(ipv4Text(bytes))).toBe(true)
        expect(isIPv6(ipv6Text(bytes))).toBe(true)
      }),
      { seed },
    )
  })

  test('Node and we agree on what is an address', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.g'), maxLength: 24 })
    const takes = (toBytes: (text: string) => Buffer, text: string) => {
      try {
        return toBytes(text).length > 0
      } catch {
        return false
      }
    }
    fc.assert(
      fc.property(letters, (text) => {
        expect(takes(ipv4Bytes, text)).toBe(isIPv4(text))
        expect(takes(ipv6Bytes, text)).toBe(isIPv6(text))
      }),
      { seed, numRuns: 5000 },
    )
  })
})
