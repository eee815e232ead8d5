import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import type { Kind } from '../../src/nb/values.ts'
import {
  choice,
  dhcpOptions,
  domain,
  filledText,
  flag,
  hostName,
  interfaceAddress,
  ip,
  ipOrNetwork,
  mac,
  maxUniqueKey,
  network,
  seconds,
  text,
  uniqueKey,
  whole,
} from '../../src/nb/values.ts'

const label = 'x'.repeat(63)

describe('a value is kept in its canonical form', () => {
  test.each<[Kind<unknown>, unknown, unknown]>([
    [ip, '10.0.0.1', '10.0.0.1'],
    [ip, 'FD00:A::0011', 'fd00:a::11'],
    [ip, '2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    [ip, '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    [ip, '::FFFF:10.0.0.1', '::ffff:10.0.0.1'],
    [network, '10.0.0.0/24', '10.0.0.0/24'],
    [network, '10.0.0.77/24', '10.0.0.0/24'],
    [network, '10.0.3.255/23', '10.0.2.0/23'],
    [network, '10.0.0.1/32', '10.0.0.1/32'],
    [network, '255.255.255.255/0', '0.0.0.0/0'],
    [network, 'FD00:A::5/64', 'fd00:a::/64'],
    [network, 'fd00:a::ffff/127', 'fd00:a::fffe/127'],
    [network, '2001:db8::/032', '2001:db8::/32'],
    [interfaceAddress, '10.0.0.1/24', '10.0.0.1/24'],
    [interfaceAddress, 'FD00:A:0::1/64', 'fd00:a::1/64'],
    [ipOrNetwork, 'fd00:0:0::1', 'fd00::1'],
    [ipOrNetwork, '10.0.0.9/8', '10.0.0.0/8'],
    [mac, 'FA:16:3E:00:00:0a', 'fa:16:3e:00:00:0a'],
    [domain, 'Blue.Example.org.', 'Blue.Example.org'],
    [domain, `${label}.${label}.${label}.${'x'.repeat(61)}.`, `${label}.${label}.${label}.${'x'.repeat(61)}`],
    [domain, '10-0.xn--mnchen-3ya', '10-0.xn--mnchen-3ya'],
    [hostName, 'Web', 'Web'],
    [hostName, 'web.Blue.Example.org.', 'web.Blue.Example.org.'],
    [
      hostName,
      `${label}.${label}.${label}.${'x'.repeat(61)}.`,
      `${label}.${label}.${label}.${'x'.repeat(61)}.`,
    ],
    [uniqueKey, 1, 1],
    [uniqueKey, maxUniqueKey, 0xfffffffe],
    [whole(0, 5), 0, 0],
    [seconds, 1795374678.2038152, 1795374678.2038152],
    [flag, false, false],
    [text, '', ''],
    [choice('a', 'b'), 'b', 'b'],
    [dhcpOptions, { 66: 'x' }, { 66: 'x' }],
    [dhcpOptions, {}, {}],
  ])('%# %o %j -> %j', (kind, value, canonical) => {
    expect(kind.read(value)).toEqual(canonical)
  })
})

describe('what is no such value is none', () => {
  test.each<[string, Kind<unknown>, unknown[]]>([
    [
      'ip',
      ip,
      ['', '10.0.0', '010.0.0.1', '10.0.0.256', '0x0a.0.0.1', '10.0.0.1 ', '10.0.0.1/32', 167772161],
    ],
    [
      'ip, version 6',
      ip,
      ['fe80::1%eth0', '1::2::3', '[::1]', ':::', 'fd00::12345', '::1/128', 'x', null, []],
    ],
    [
      'network',
      network,
      ['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '/24', '10.0.0.0/255.0.0.0', 24],
    ],
    ['interface address', interfaceAddress, ['10.0.0.1', 'x/24', '10.0.0.1/-1', '10.0.0.1/24/24', {}]],
    [
      'mac',
      mac,
      ['fa-16-3e-00-00-02', 'fa163e000002', 'fa:16:3e:0:0:2', 'fa:16:3e:00:00:02:03', 'gg:16:3e:00:00:02', 0],
    ],
    [
      'domain',
      domain,
      ['', '.', 'a..b', '.a', 'a..', '-a.b', 'a-.b', 'a_b', 'a b', `x${label}`, 'ä.example', 'a\u0000'],
    ],
    [
      'host name',
      hostName,
      ['', '.', 'a..b', '.a', 'a..', '-a.b', 'a-.b', 'a_b', 'a b', `x${label}`, 'ä.example', 'a\u0000'],
    ],
    ['long domain', domain, [`${label}.${label}.${label}.${'x'.repeat(62)}`]],
    ['long host name', hostName, [`${label}.${label}.${label}.${'x'.repeat(62)}`]],
    ['unique key', uniqueKey, [0, -1, 1.5, 0xffffffff, 2 ** 32, '1', Number.NaN]],
    ['whole', whole(0, 5), [-1, 6, '3', true, null]],
    ['seconds', seconds, ['1', Number.POSITIVE_INFINITY]],
    ['flag', flag, ['true', 1, 'false']],
    ['text', text, [1, [], {}]],
    ['filled text', filledText, ['', 1]],
    ['choice', choice('a', 'b'), ['c', 'A', '']],
    ['DHCP options', dhcpOptions, [{ x: 'y' }, { 66: 1 }, [], 'x']],
  ])('%s', (_, kind, values) => {
    for (const value of values) expect(kind.read(value), JSON.stringify(value)).toBeUndefined()
  })
})

test('addresses have the form that Python gives them', () => {
  const addresses = [
    '1:0:0:2:0:0:0:3',
    '0:0:0:1::',
    '::',
    '::1',
    '1::',
    'a:0:b:0:c:0:d:0',
    'FE80::0:1',
    '0:1:0:1:0:1:0:1',
  ]
  const script =
    'import ipaddress,json,sys; print(json.dumps([str(ipaddress.ip_address(a)) for a in json.load(sys.stdin)]))'
  const answer = execFileSync('python3', ['-c', script], {
    input: JSON.stringify(addresses),
    encoding: 'utf8',
  })
  expect(addresses.map((address) => ip.read(address))).toEqual(JSON.parse(answer))
})
