import { describe, expect, test } from 'vitest'
import {
  addressText,
  bytesOf,
  destination,
  distinct,
  interfaceAddress,
  isWithin,
  linkLocalOf,
  origin,
  reachOf,
  within,
} from '../../src/app/reach.ts'
import { formatMatch } from '../../src/openflow/index.ts'

// biome-ignore format: one text a line
test.each([
  ['10.0.0.1',       'ip,nw_dst=10.0.0.1'],
  ['10.0.0.1/32',    'ip,nw_dst=10.0.0.1'],
  ['10.0.0.77/24',   'ip,nw_dst=10.0.0.0/24'],
  ['10.0.3.0/23',    'ip,nw_dst=10.0.2.0/23'],
  ['0.0.0.0/0',      'ip'],
  ['fd00:a::1',      'ipv6,ipv6_dst=fd00:a::1'],
  ['fd00:a::1/64',   'ipv6,ipv6_dst=fd00:a::/64'],
  ['fe80::/10',      'ipv6,ipv6_dst=fe80::/10'],
  ['febf::1/10',     'ipv6,ipv6_dst=fe80::/10'],
])('%s is the match %s', (text, expected) => {
  expect(formatMatch(destination(reachOf(text)!))).toBe(expected)
  expect(formatMatch(origin(reachOf(text)!))).toBe(expected.replace('_dst', '_src'))
})

describe('within', () => {
  test.each([
    ['ipv4Src', '10.0.0.11', { ipv4Src: '10.0.0.11' }],
    ['arpSpa', '10.0.0.0/25', { arpSpa: { value: '10.0.0.0', mask: '255.255.255.128' } }],
    ['arpSpa', '0.0.0.0/0', {}],
    ['ipv6Src', 'fd00:a::/64', { ipv6Src: { value: 'fd00:a::', mask: 'ffff:ffff:ffff:ffff::' } }],
    ['ndTarget', 'fd00:a::11', { ndTarget: 'fd00:a::11' }],
    ['ndTarget', '::/0', {}],
  ] as const)('%s in %s', (field, text, match) => {
    expect(within(field, reachOf(text)!)).toEqual(match)
  })
})

/** RFC 4291, appendix A, and what Linux gave to interfaces with these addresses. */
test.each([
  ['34:56:78:9a:bc:de', 'fe80::3656:78ff:fe9a:bcde', 'fd00:a::3656:78ff:fe9a:bcde'],
  ['fa:16:3e:00:00:01', 'fe80::f816:3eff:fe00:1', 'fd00:a::f816:3eff:fe00:1'],
  ['00:00:5e:00:02:09', 'fe80::200:5eff:fe00:209', 'fd00:a::200:5eff:fe00:209'],
])('%s makes the addresses %s and %s', (mac, linkLocal, own) => {
  expect(addressText(linkLocalOf(mac))).toBe(linkLocal)
  expect(interfaceAddress(reachOf('fd00:a::/64')!, mac)).toEqual(reachOf(own))
})

test.each([
  '',
  'nonsense',
  '10.1',
  '10.0.0.256',
  '010.0.0.1',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  'fe80::1%eth0',
  'fd00::/129',
  '10.0.0.0/255.0.0.0',
])('%j is no range', (text) => {
  expect(reachOf(text)).toBeUndefined()
})

test.each(['', '10.1', 'fe80::1%eth0', '10.0.0.0/8'])('%j is no address', (text) => {
  expect(bytesOf(text)).toBeUndefined()
})

describe('isWithin', () => {
  test.each([
    ['10.0.0.1', '10.0.0.0/24', true],
    ['10.0.1.1', '10.0.0.0/24', false],
    ['10.0.1.1', '10.0.0.0/23', true],
    ['10.0.2.1', '10.0.0.0/23', false],
    ['10.0.0.0/24', '10.0.0.0/24', true],
    ['10.0.0.0/23', '10.0.0.0/24', false],
    ['10.0.0.0/24', '0.0.0.0/0', true],
    ['10.0.0.0/24', '::/0', false],
    ['fd00:a::1', 'fd00:a::/64', true],
    ['fd00:b::1', 'fd00:a::/31', true],
    ['fd00:b::1', 'fd00:a::/32', false],
  ])('%s in %s: %s', (inner, outer, expected) => {
    expect(isWithin(reachOf(inner)!, [reachOf('192.0.2.0/24')!, reachOf(outer)!])).toBe(expected)
  })

  test('in nothing', () => {
    expect(isWithin(reachOf('10.0.0.1')!, [])).toBe(false)
  })
})

test('ranges are equal by what counts', () => {
  const reaches = ['10.0.0.1/24', '10.0.0.2/24', '10.0.0.0', '10.0.0.0/25', 'fd00::1', 'fd00:0::1/128'].map(
    (text) => reachOf(text)!,
  )
  expect(distinct(reaches).map(destination).map(formatMatch)).toEqual([
    'ip,nw_dst=10.0.0.0/24',
    'ip,nw_dst=10.0.0.0',
    'ip,nw_dst=10.0.0.0/25',
    'ipv6,ipv6_dst=fd00::1',
  ])
})
