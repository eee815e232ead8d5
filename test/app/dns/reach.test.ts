import { describe, expect, test } from 'vitest'
import { bytesOf, destination, distinct, isWithin, reachOf } from '../../../src/app/dns/reach.ts'
import { formatMatch } from '../../../src/openflow/index.ts'

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
