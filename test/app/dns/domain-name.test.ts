import { decode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import {
  isSpecialUse,
  keyOf,
  reverseKeyOf,
  reverseZoneSize,
  reverseZonesOf,
} from '../../../src/app/dns/domain-name.ts'
import { askedKey, readQuery } from '../../../src/app/dns/question.ts'
import { bytesOf, reachOf } from '../../../src/app/reach.ts'
import { parseFrame, type UdpFrame } from '../../../src/packet/index.ts'
import { captured } from '../../packet/foreign.ts'

test('labels with a meaning of their own', () => {
  expect(['localhost', 'LOCAL', 'onion', 'web'].map(isSpecialUse)).toEqual([true, true, true, false])
})

describe('keys are what dig sends', () => {
  const keyOfDig = (text: string): string => {
    const { frame } = captured.find((row) => row.text === text)!
    const packet = parseFrame(frame) as UdpFrame
    expect(decode(frame, packet.payloadOffset).questions).toHaveLength(1)
    const query = readQuery(frame, packet.payloadOffset, packet.payloadEnd)
    return typeof query === 'string' ? query : askedKey(query, frame)
  }

  test.each([
    ['dig -x 10.0.0.12', reverseKeyOf(bytesOf('10.0.0.12')!)],
    ['dig -x 10.0.1.12', reverseKeyOf(bytesOf('10.0.1.12')!)],
    ['dig -x fd00:a::11', reverseKeyOf(bytesOf('fd00:a::11')!)],
    ['dig WeB.rEd.eXample.ORG A', keyOf('web.RED.example.org')],
  ])('%s', (text, key) => {
    expect(key).toBe(keyOfDig(text))
  })
})

describe('reverse zones', () => {
  const zones = (cidr: string) =>
    reverseZonesOf(reachOf(cidr)!).map((key) => {
      const labels: string[] = []
      for (let at = 0; key.charCodeAt(at) > 0; at += key.charCodeAt(at) + 1)
        labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
      return labels.join('.')
    })
  const inside = (ip: string, cidr: string) =>
    reverseKeyOf(bytesOf(ip)!).slice(
      -reverseZoneSize(reverseKeyOf(bytesOf(ip)!), bytesOf(ip)!, reachOf(cidr)!),
    )
  const zone = (text: string) => keyOf(text)
  const fd00 = '0.0.0.0.d.f.ip6.arpa'

  // biome-ignore format: one CIDR a line
  test.each([
    ['10.0.0.0/24',   ['0.0.10.in-addr.arpa']],
    ['10.0.0.77/24',  ['0.0.10.in-addr.arpa']],
    ['10.0.0.0/8',    ['10.in-addr.arpa']],
    ['10.0.2.0/23',   ['2.0.10.in-addr.arpa', '3.0.10.in-addr.arpa']],
    ['10.0.3.0/23',   ['2.0.10.in-addr.arpa', '3.0.10.in-addr.arpa']],
    ['10.0.0.8/30',   ['8.0.0.10.in-addr.arpa', '9.0.0.10.in-addr.arpa', '10.0.0.10.in-addr.arpa', '11.0.0.10.in-addr.arpa']],
    ['10.0.0.9/32',   ['9.0.0.10.in-addr.arpa']],
    ['fd00::/24',     [fd00]],
    ['fd00::/23',     [fd00, '1.0.0.0.d.f.ip6.arpa']],
    ['fd00::/20',     ['0.0.0.d.f.ip6.arpa']],
    ['0.0.0.0/0',     []],
  ])('%s', (cidr, expected) => {
    expect(zones(cidr)).toEqual(expected)
  })

  test('there are never more than 128', () => {
    expect(zones('10.0.0.128/25')).toHaveLength(128)
    expect(zones('10.0.0.128/25').at(-1)).toBe('255.0.0.10.in-addr.arpa')
  })

  test.each([
    ['10.0.0.12', '10.0.0.0/24', '0.0.10.in-addr.arpa'],
    ['10.0.3.12', '10.0.2.0/23', '3.0.10.in-addr.arpa'],
    ['10.0.0.12', '10.0.0.0/26', '12.0.0.10.in-addr.arpa'],
    ['10.0.0.12', '10.0.0.12/32', '12.0.0.10.in-addr.arpa'],
    ['10.0.0.12', 'fd00::/64', '12.0.0.10.in-addr.arpa'],
    ['fd00:a::11', 'fd00:a::/64', `0.0.0.0.0.0.0.0.a.0.${fd00}`],
    ['fd00:a::11', 'fd00:a::/62', `0.0.0.0.0.0.0.0.a.0.${fd00}`],
  ])('the one of %s inside %s is %s', (ip, cidr, expected) => {
    expect(inside(ip, cidr)).toBe(zone(expected))
  })
})
