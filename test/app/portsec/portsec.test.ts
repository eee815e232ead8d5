import { describe, expect, test } from 'vitest'
import type { Port, View } from '../../../src/app/view.ts'
import { flowIdentity, formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { networkOf, portOf, twoTenants, viewOf } from '../../support/view.ts'

const [portsec] = appsOf(['portsec'])
const flowsOf = (view: View) => [...portsec!.flows(view)]

/** The rows of the port with key 1, with this in its row. */
function rowsOf(more: Partial<Port>): string[] {
  const red = networkOf('red', 1)
  const port = { ...portOf(red, 1, 'web', ['10.0.0.11', 'fd00:a::11']), ...more }
  const texts = flowsOf(viewOf([red], [port], { 1: 11 })).map(formatFlow)
  return texts.filter((text) => text.includes('reg6=0x1')).sort()
}

const sender = 'reg6=0x1,dl_src=fa:16:3e:00:00:01'

test('what a port with port security may send', () => {
  const allowed = (address: string) => [
    `table=5, priority=200,ipv6,${sender},ipv6_src=${address} actions=goto_table:10`,
    `table=5, priority=250,icmp6,${sender},ipv6_src=${address} actions=goto_table:6`,
    `table=6, priority=100,icmp6,${sender},icmp_type=136,nd_target=${address},nd_tll=00:00:00:00:00:00 actions=goto_table:20`,
    `table=6, priority=100,icmp6,${sender},icmp_type=136,nd_target=${address},nd_tll=fa:16:3e:00:00:01 actions=goto_table:20`,
  ]
  const unspecified = [131, 132, 133, 135, 143].map(
    (type) => `table=5, priority=280,icmp6,${sender},ipv6_src=::,icmp_type=${type} actions=goto_table:20`,
  )
  expect(rowsOf({})).toEqual(
    [
      `table=5, priority=200,ip,${sender},nw_src=10.0.0.11 actions=goto_table:10`,
      `table=5, priority=200,arp,${sender},arp_spa=10.0.0.11,arp_sha=fa:16:3e:00:00:01 actions=goto_table:20`,
      `table=5, priority=200,arp,${sender},arp_spa=0.0.0.0,arp_op=1,arp_sha=fa:16:3e:00:00:01 actions=goto_table:20`,
      `table=5, priority=200,udp,${sender},nw_src=0.0.0.0,tp_src=68,tp_dst=67 actions=goto_table:10`,
      `table=5, priority=200,udp6,${sender},dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,ipv6_src=fe80::/10,tp_src=546,tp_dst=547 actions=goto_table:10`,
      `table=5, priority=50,${sender} actions=goto_table:20`,
      `table=6, priority=100,icmp6,${sender},icmp_type=135,nd_sll=00:00:00:00:00:00 actions=goto_table:20`,
      `table=6, priority=100,icmp6,${sender},icmp_type=135,nd_sll=fa:16:3e:00:00:01 actions=goto_table:20`,
      ...unspecified,
      ...allowed('fd00:a::11'),
      ...allowed('fe80::f816:3eff:fe00:1'),
    ].sort(),
  )
})

test('a port without port security may send everything', () => {
  expect(rowsOf({ isPortSecurityEnabled: false })).toEqual([
    'table=5, priority=300,reg6=0x1 actions=goto_table:10',
  ])
})

describe('what may stand in a row', () => {
  const count = rowsOf({}).length

  test.each<[string, Partial<Port>, number]>([
    [
      'a pair that says what the port says',
      { allowedAddressPairs: [{ ip: '10.0.0.11/32', mac: 'fa:16:3e:00:00:01' }] },
      0,
    ],
    [
      'a pair that is its link-local address',
      { allowedAddressPairs: [{ ip: 'fe80::f816:3eff:fe00:1', mac: 'fa:16:3e:00:00:01' }] },
      0,
    ],
    ['a pair that is no address', { allowedAddressPairs: [{ ip: 'nonsense', mac: 'fa:16:3e:00:00:01' }] }, 0],
    [
      'a pair with another address',
      { allowedAddressPairs: [{ ip: '10.0.0.0/24', mac: 'fa:16:3e:00:00:01' }] },
      2,
    ],
    [
      'the same pair twice',
      { allowedAddressPairs: [1, 2].map(() => ({ ip: '0.0.0.0/0', mac: 'fa:16:3e:00:00:01' })) },
      2,
    ],
    ['a pair with another MAC', { allowedAddressPairs: [{ ip: 'fd00:a::7', mac: '00:00:5e:00:02:09' }] }, 19],
  ])('%s adds %3$s rows', (_, more, added) => {
    expect(rowsOf(more)).toHaveLength(count + added)
  })
})

test('the rows of all tenants are rows of their own', () => {
  const identities = flowsOf(twoTenants()).map(flowIdentity)
  expect(new Set(identities).size).toBe(identities.length)
})
