import { describe, expect, test } from 'vitest'
import { linkLocalOf, prefixOf, within } from '../../src/app/prefix.ts'

describe('prefixOf', () => {
  test.each([
    ['10.0.0.11', { family: 'ipv4', address: '10.0.0.11', length: 32 }],
    ['10.0.0.11/32', { family: 'ipv4', address: '10.0.0.11', length: 32 }],
    ['10.0.0.77/24', { family: 'ipv4', address: '10.0.0.0', length: 24 }],
    ['0.0.0.0/0', { family: 'ipv4', address: '0.0.0.0', length: 0 }],
    ['fd00:A::11', { family: 'ipv6', address: 'fd00:a::11', length: 128 }],
    ['fd00:a::11/65', { family: 'ipv6', address: 'fd00:a::', length: 65 }],
    ['::/0', { family: 'ipv6', address: '::', length: 0 }],
  ])('%s', (text, prefix) => {
    expect(prefixOf(text)).toEqual(prefix)
  })

  test.each(['', 'web', '10.0.0', '10.0.0.11/33', '10.0.0.11/', '10.1/8', 'fd00::/129', '/24', '10.0.0.300'])(
    '%j is none',
    (text) => {
      expect(prefixOf(text)).toBeUndefined()
    },
  )
})

/** RFC 4291, appendix A, and what Linux gave to interfaces with these addresses. */
test.each([
  ['34:56:78:9a:bc:de', 'fe80::3656:78ff:fe9a:bcde'],
  ['fa:16:3e:00:00:01', 'fe80::f816:3eff:fe00:1'],
  ['00:00:5e:00:02:09', 'fe80::200:5eff:fe00:209'],
])('the link-local address of %s is %s', (mac, address) => {
  expect(linkLocalOf(mac)).toEqual({ family: 'ipv6', address, length: 128 })
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
    expect(within(field, prefixOf(text)!)).toEqual(match)
  })
})
