import { describe, expect, test } from 'vitest'
import { masksOf, servicesOf } from '../../../src/app/sg/services.ts'
import type { SecurityGroupRule } from '../../../src/app/view.ts'
import { formatMatch } from '../../../src/openflow/index.ts'
import { ruleOf } from '../../support/guarded.ts'

const v6 = { ethertype: 'IPv6' } as const
const ports = (protocol: number, min: number, max = min) => ({
  protocol,
  portRangeMin: min,
  portRangeMax: max,
})
const type = (protocol: number, portRangeMin: number, portRangeMax?: number) => ({
  protocol,
  portRangeMin,
  portRangeMax,
})

const fragment = (protocol: number, state: string) => `ct_state=-inv+trk,ct_nw_proto=${protocol},${state}`

// biome-ignore format: one rule a row
describe('what a rule says of a packet', () => {
  test.each<[string, Partial<SecurityGroupRule>, string[] | undefined]>([
    ['everything',                    {},                       undefined],
    ['everything over IPv6',          v6,                       undefined],
    ['a protocol',                    { protocol: 6 },          ['tcp']],
    ['a protocol over IPv6',          { ...v6, protocol: 17 },  ['udp6']],
    ['a protocol without a name',     { protocol: 47 },         ['ip,nw_proto=47']],
    ['a protocol without ports that OpenFlow could match', { protocol: 136 }, ['ip,nw_proto=136']],
    ['ICMP',                          { protocol: 1 },          ['icmp']],
    ['ICMP over IPv6 is ICMPv6',      { ...v6, protocol: 1 },   ['icmp6']],
    ['ICMPv6',                        { ...v6, protocol: 58 },  ['icmp6']],
    ['one port',                      ports(6, 22),
      ['tcp,nw_frag=no,tp_dst=22', `${fragment(6, 'ct_tp_dst=22')},tcp,nw_frag=first`, 'tcp,nw_frag=later']],
    ['two ports',                     { ...v6, ...ports(17, 22, 23) },
      ['udp6,nw_frag=no,tp_dst=0x16/0xfffe', `${fragment(17, 'ct_tp_dst=0x16/0xfffe')},udp6,nw_frag=first`, 'udp6,nw_frag=later']],
    ['SCTP',                          ports(132, 9),
      ['sctp,nw_frag=no,tp_dst=9', `${fragment(132, 'ct_tp_dst=9')},sctp,nw_frag=first`, 'sctp,nw_frag=later']],
    ['the port 0',                    ports(6, 0),
      ['tcp,nw_frag=no,tp_dst=0', `${fragment(6, 'ct_tp_dst=0')},tcp,nw_frag=first`, 'tcp,nw_frag=later']],
    ['all ports',                     ports(6, 0, 65535),       ['tcp']],
    ['a type of ICMP',                type(1, 8),
      ['icmp,nw_frag=no,icmp_type=8', `${fragment(1, 'ct_tp_src=8')},icmp,nw_frag=first`, 'icmp,nw_frag=later']],
    ['a type and a code',             type(1, 3, 4),
      ['icmp,nw_frag=no,icmp_type=3,icmp_code=4', `${fragment(1, 'ct_tp_src=3,ct_tp_dst=4')},icmp,nw_frag=first`, 'icmp,nw_frag=later']],
    ['a type 0 and a code 0',         type(1, 0, 0),
      ['icmp,nw_frag=no,icmp_type=0,icmp_code=0', `${fragment(1, 'ct_tp_src=0,ct_tp_dst=0')},icmp,nw_frag=first`, 'icmp,nw_frag=later']],
    ['a type of ICMPv6, by either number', { ...v6, ...type(1, 128, 0) },
      ['icmp6,nw_frag=no,icmp_type=128,icmp_code=0', `${fragment(58, 'ct_tp_src=128,ct_tp_dst=0')},icmp6,nw_frag=first`, 'icmp6,nw_frag=later']],
  ])('%s', (_, rule, matches) => {
    expect(servicesOf(ruleOf(rule))?.map(formatMatch)).toEqual(matches)
  })
})

describe('the masks of a range', () => {
  test.each([
    [0, 65535, 1],
    [1, 65535, 16],
    [1, 65534, 30],
    [1024, 2047, 1],
    [5000, 5000, 1],
    [9, 8, 0],
  ])('%d to %d: %d', (min, max, count) => {
    expect(masksOf(min, max)).toHaveLength(count)
  })

  test('hold every port of the range once, and no other one', () => {
    let state = 3
    const random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0 // ISO C's example of rand()
      return state >>> 16
    }
    for (let round = 0; round < 100; round++) {
      const [min, max] = [random(), random()].sort((a, b) => a - b) as [number, number]
      const masks = masksOf(min, max)
      for (const port of [min - 1, min, max, max + 1, ...Array.from({ length: 50 }, random)]) {
        if (port < 0 || port > 65535) continue
        const holding = masks.filter(({ value, mask }) => (port & mask) === value)
        expect(holding, `${port} in ${min} to ${max}`).toHaveLength(port >= min && port <= max ? 1 : 0)
      }
    }
  })
})
