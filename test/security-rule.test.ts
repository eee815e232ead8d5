import { expect, test } from 'vitest'
import { type DescribedRule, protocolOf, ruleFault } from '../src/security-rule.ts'

const any: DescribedRule = {
  ethertype: 'IPv4',
  protocol: undefined,
  portRangeMin: undefined,
  portRangeMax: undefined,
  remoteGroupId: undefined,
  remoteIpPrefix: undefined,
}
const v6 = { ethertype: 'IPv6' } as const
const ports = (protocol: number | undefined, portRangeMin?: number, portRangeMax?: number) => ({
  protocol,
  portRangeMin,
  portRangeMax,
})

// biome-ignore format: one rule a row
test.each<[string, Partial<DescribedRule>, string | undefined]>([
  ['everything',                     {},                        undefined],
  ['a protocol',                     ports(47),                 undefined],
  ['ports',                          ports(6, 22, 23),          undefined],
  ['the ports of SCTP',              ports(132, 0, 65535),      undefined],
  ['a type of ICMP',                 ports(1, 8),               undefined],
  ['a type and a code',              ports(1, 3, 4),            undefined],
  ['ICMP in IPv6',                   { ...v6, ...ports(1, 128) }, undefined],
  ['ICMPv6',                         { ...v6, ...ports(58, 128) }, undefined],
  ['a prefix',                       { remoteIpPrefix: '10.0.0.0/24' }, undefined],
  ['a prefix of IPv6',               { ...v6, remoteIpPrefix: 'fd00:a::/64' }, undefined],
  ['a group',                        { remoteGroupId: 'g' },    undefined],
  ['a group and a prefix',           { remoteGroupId: 'g', remoteIpPrefix: '10.0.0.0/24' }, 'remoteIpPrefix stands beside a remote group'],
  ['a prefix of the other family',   { remoteIpPrefix: 'fd00:a::/64' }, 'remoteIpPrefix is no prefix of IPv4'],
  ['a prefix that is none',          { ...v6, remoteIpPrefix: 'x/64' }, 'remoteIpPrefix is no prefix of IPv6'],
  ['ports without a protocol',       ports(undefined, 22, 22),  'protocol is missing, and there are ports'],
  ['ports of a protocol without',    ports(47, 22, 22),         'protocol 47 has no ports that a switch could match'],
  ['ports of DCCP',                  ports(33, 22, 22),         'protocol 33 has no ports that a switch could match'],
  ['ICMPv6 in IPv4',                 ports(58),                 'protocol 58 is ICMPv6, in a rule of IPv4'],
  ['a range without its beginning',  ports(6, undefined, 22),   'portRangeMin is missing'],
  ['a range without its end',        ports(6, 22),              'portRangeMax is missing'],
  ['a range the other way round',    ports(6, 23, 22),          'portRangeMin 23 is behind the end of the range, 22'],
  ['a code without a type',          ports(1, undefined, 4),    'portRangeMin is missing: a code needs a type'],
  ['a type that is none',            ports(1, 256),             'portRangeMin 256 is no type of ICMP'],
  ['a code that is none',            ports(1, 3, 256),          'portRangeMax 256 is no code of ICMP'],
])('%s', (_, rule, fault) => {
  const found = ruleFault({ ...any, ...rule })
  expect(found && `${found.field} ${found.reason}`).toBe(fault)
})

test('the protocol of a rule', () => {
  expect(
    [{}, { protocol: 1 }, { ...v6, protocol: 1 }, { ...v6, protocol: 6 }].map((rule) =>
      protocolOf({ ...any, ...rule }),
    ),
  ).toEqual([undefined, 1, 58, 6])
})
