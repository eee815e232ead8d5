import { describe, expect, test } from 'vitest'
import { flowIdentity, formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { networkOf, portOf, twoTenants, viewOf } from '../../support/view.ts'

const [l2] = appsOf(['l2'])
const textOf = (view = twoTenants()) => Array.from(l2!.flows(view), formatFlow)
const inTable = (id: number, view = twoTenants()) =>
  textOf(view).filter((text) => text.startsWith(`table=${id},`))

const many = 'dl_dst=01:00:00:00:00:00/01:00:00:00:00:00'

test('what nobody asked for goes on', () => {
  expect(textOf(viewOf([], []))).toEqual(
    expect.arrayContaining([
      'table=10, priority=1 actions=goto_table:20',
      'table=20, priority=1 actions=goto_table:55',
      'table=20, priority=100,arp actions=goto_table:25',
      'table=20, priority=100,icmp6 actions=goto_table:45',
      'table=25, priority=1 actions=goto_table:55',
      'table=45, priority=1 actions=goto_table:55',
      'table=105, priority=1 actions=goto_table:115',
    ]),
  )
})

test('MAC addresses are looked up inside a network, broadcast is copied to its local ports', () => {
  expect(inTable(55)).toEqual([
    'table=55, priority=100,metadata=0x1,dl_dst=fa:16:3e:00:00:01 actions=set_field:0x1->reg7,goto_table:75',
    'table=55, priority=100,metadata=0x1,dl_dst=fa:16:3e:00:00:02 actions=set_field:0x2->reg7,goto_table:75',
    'table=55, priority=100,metadata=0x1,dl_dst=fa:16:3e:00:00:03 actions=set_field:0x3->reg7,goto_table:75',
    `table=55, priority=100,metadata=0x1,${many} actions=set_field:0x1->reg7,resubmit(,75),set_field:0x2->reg7,resubmit(,75),set_field:0->reg7,resubmit(,75)`,
    'table=55, priority=100,metadata=0x2,dl_dst=fa:16:3e:00:00:04 actions=set_field:0x4->reg7,goto_table:75',
    'table=55, priority=100,metadata=0x2,dl_dst=fa:16:3e:00:00:05 actions=set_field:0x5->reg7,goto_table:75',
    'table=55, priority=100,metadata=0x2,dl_dst=fa:16:3e:00:00:06 actions=set_field:0x6->reg7,goto_table:75',
    `table=55, priority=100,metadata=0x2,${many} actions=set_field:0x4->reg7,resubmit(,75),set_field:0x5->reg7,resubmit(,75),set_field:0->reg7,resubmit(,75)`,
  ])
})

test('only local ports are behind egress', () => {
  const ports = [1, 2, 4, 5]
  expect(inTable(75)).toEqual(
    ports.map((key) => `table=75, priority=100,reg7=0x${key} actions=goto_table:105`),
  )
})

describe('the responders', () => {
  test('answer ARP for every port of the network, but not the port itself', () => {
    const reply = (ip: string, mac: string) =>
      `actions=set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:${mac}->eth_src,set_field:${mac}->arp_sha,set_field:${ip}->arp_spa,move:NXM_NX_REG6[]->NXM_NX_REG7[],load:0->OXM_OF_IN_PORT[],goto_table:115`
    expect(inTable(25)).toEqual([
      'table=25, priority=1 actions=goto_table:55',
      ...[1, 2].flatMap((network) =>
        [1, 2].map(
          (n) =>
            `table=25, priority=200,arp,reg6=0x${3 * (network - 1) + n},arp_tpa=10.0.0.1${n},arp_op=1 actions=goto_table:55`,
        ),
      ),
      ...[1, 2].flatMap((network) =>
        [1, 2, 3].map((n) => {
          const mac = `fa:16:3e:00:00:0${3 * (network - 1) + n}`
          return `table=25, priority=100,arp,metadata=0x${network},arp_tpa=10.0.0.1${n},arp_op=1 ${reply(`10.0.0.1${n}`, mac)}`
        }),
      ),
    ])
  })

  test('answer neighbour solicitations by their target', () => {
    expect(inTable(45)).toContain(
      'table=45, priority=100,icmp6,metadata=0x2,icmp_type=135,nd_target=fd00:a::13 actions=set_field:136->icmpv6_type,move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:fa:16:3e:00:00:06->eth_src,move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[],set_field:fd00:a::13->ipv6_src,goto_table:46',
    )
    expect(inTable(46)).toEqual([
      'table=46, priority=100,icmp6,icmp_type=136 actions=set_field:1610612736->nd_reserved,set_field:2->nd_options_type,move:NXM_OF_ETH_SRC[]->NXM_NX_ND_TLL[],move:NXM_NX_REG6[]->NXM_NX_REG7[],load:0->OXM_OF_IN_PORT[],goto_table:115',
    ])
  })

  test('can be switched off', () => {
    const [silent] = appsOf(['l2'], { l2_responder: false })
    const texts = Array.from(silent!.flows(twoTenants()), formatFlow)
    expect(texts.filter((text) => /arp_op|icmp_type/.test(text))).toEqual([])
    expect(texts.length).toBeGreaterThan(10)
  })
})

test('rows that contradict each other do not make flows that do', () => {
  const red = networkOf('red', 1)
  const twins = [1, 2].map((key) => ({
    ...portOf(red, key, 'web', ['10.0.0.11', '10.0.0.11', 'fd00:a::11']),
    macs: ['fa:16:3e:00:00:aa', 'fa:16:3e:00:00:aa'],
  }))
  const flows = [...l2!.flows(viewOf([red], twins, { 1: 11, 2: 12 }))]
  expect(new Set(flows.map(flowIdentity)).size).toBe(flows.length)
})
