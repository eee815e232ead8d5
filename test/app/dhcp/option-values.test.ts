import { describe, expect, test } from 'vitest'
import { routesBytes, valueBytes } from '../../../src/app/dhcp/option-values.ts'
import { datagram } from '../../../src/packet/index.ts'
import { decoded, payloadOf } from './asking.ts'

/** What tcpdump says of an option. */
function shown(code: number, value: Buffer): string {
  const option = Buffer.concat([Buffer.from([code, value.length]), value]).toString('hex')
  const end = (port: number) => ({ mac: 'fa:16:3e:00:00:01', ip: '10.0.0.2', port })
  const payload = payloadOf({ op: 2, options: `350105${option}` })
  return decoded([datagram(end(67), end(68), payload)])[0]!.options[code]!
}

describe('the text of a row becomes', () => {
  // biome-ignore format: an option a line
  test.each<[number, string, string]>([
    [1, '255.255.255.0', '255.255.255.0'],
    [2, '-3600', '-3600'],
    [3, '10.0.0.9', '10.0.0.9'],
    [6, '10.0.0.9, 10.0.0.10', '10.0.0.9,10.0.0.10'],
    [12, 'vm', '"vm"'],
    [15, 'tenant.example.org', '"tenant.example.org"'],
    [23, '64', '64'],
    [26, '9000', '9000'],
    [28, '10.0.0.255', '10.0.0.255'],
    [33, '192.0.2.1,10.0.0.9', '(192.0.2.1:10.0.0.9)'],
    [42, '10.0.0.3', '10.0.0.3'],
    [51, '3600', '3600'],
    [51, '-1', '4294967295'],
    [66, '10.0.0.250', '"10.0.0.250"'],
    [67, 'pxelinux.0', '"pxelinux.0"'],
    [121, '10.17.0.0/16,10.0.0.9', '(10.17.0.0/16:10.0.0.9)'],
    [121, '10.17.0.0/16,10.0.0.9, 0.0.0.0/0,10.0.0.1', '(10.17.0.0/16:10.0.0.9),(default:10.0.0.1)'],
  ])('option %i: %s', (code, text, wanted) => {
    expect(shown(code, valueBytes(code, text)!)).toBe(wanted)
  })

  test.each<[number, string, string]>([
    [19, '1', '01'],
    [25, '68,1500', '004405dc'],
    [108, '1800', '00000708'],
    [119, 'eng.example.org', '03656e67076578616d706c65036f726700'],
    [119, 'a.example., b.example', '0161076578616d706c65000162076578616d706c6500'],
    [
      252,
      'http://wpad.example.org/wpad.dat',
      Buffer.from('http://wpad.example.org/wpad.dat').toString('hex'),
    ],
    [224, 'anything, really', Buffer.from('anything, really').toString('hex')],
  ])('option %i: %s, on the wire', (code, text, hex) => {
    expect(valueBytes(code, text)!.toString('hex')).toBe(hex)
  })

  // biome-ignore format: an option a line
  test.each<[number, string]>([
    [1, '24'], [3, 'router.example.org'], [3, 'fd00::1'], [3, '10.0.0.9,'], [3, '10.0.0.256'], [6, '10.0.0.9 10.0.0.10'],
    [12, ''], [12, ' '], [23, '256'], [23, '-1'], [26, '65536'], [26, '1e3'], [26, '1.5'], [19, '2'], [33, '192.0.2.1'],
    [51, '-2'], [51, '4294967296'], [2, '-2147483649'], [119, 'a..b'], [119, 'a_b'], [121, '10.0.0.0/8'], [121, '10.0.0.0/33,10.0.0.1'],
    [121, '10.0.0.0/8,fd00::1'], [121, 'fd00::/8,10.0.0.1'], [121, 'a,b'],
  ])('nothing: option %i: %j', (code, text) => {
    expect(valueBytes(code, text)).toBeUndefined()
  })
})

describe('routes', () => {
  /** The examples of RFC 3442. */
  // biome-ignore format: a route a line
  test.each([
    ['0.0.0.0/0', '00'], ['10.0.0.0/8', '080a'], ['10.0.0.0/24', '180a0000'], ['10.17.0.0/16', '100a11'],
    ['10.27.129.0/24', '180a1b81'], ['10.229.0.128/25', '190a e50080'], ['10.198.122.47/32', '200ac67a2f'],
  ])('%s', (destination, hex) => {
    const bytes = routesBytes([{ destination, nexthop: '10.0.0.1' }])
    expect(bytes.toString('hex')).toBe(`${hex.replace(' ', '')}0a000001`)
  })

  test('an address is a route, bits behind a prefix do not count, IPv6 is left out', () => {
    const nexthop = '10.0.0.1'
    const routes = [
      { destination: '192.0.2.1', nexthop },
      { destination: '192.0.2.77/24', nexthop },
      { destination: 'fd00::/8', nexthop: 'fd00::1' },
      { destination: '198.51.100.0/24', nexthop: 'fd00::1' },
      { destination: 'nowhere', nexthop },
    ]
    expect(routesBytes(routes).toString('hex')).toBe('20c00002010a00000118c000020a000001')
  })
})
