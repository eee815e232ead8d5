import { describe, expect, test } from 'vitest'
import type { Network } from '../../../src/app/view.ts'
import { formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { networkOf, portOf, routerOf, twoTenants, viewOf } from '../../support/view.ts'

const [provider] = appsOf(['provider'], { bridge_mappings: ['physnet1:br-ex'] })
const textOf = (view = twoTenants()) => Array.from(provider!.flows(view), formatFlow)

const always = 'table=2, priority=1 actions=goto_table:55'
const unicast = 'dl_dst=00:00:00:00:00:00/01:00:00:00:00:00'
const untagged = 'vlan_tci=0x0000/0x1000'

test('asks for its bridges', () => {
  expect([...provider!.bridges!]).toEqual([['physnet1', 'br-ex']])
})

test("each tenant's network has its own tag", () => {
  expect(textOf()).toEqual([
    always,
    'priority=50,in_port=1,dl_vlan=101 actions=set_field:0x1->metadata,pop_vlan,goto_table:2',
    `table=55, priority=50,metadata=0x1,${unicast} actions=goto_table:75`,
    'table=75, priority=51,reg6=0,metadata=0x1 actions=drop',
    `table=75, priority=50,metadata=0x1,${untagged} actions=push_vlan:0x8100,set_field:4197->vlan_vid,goto_table:80`,
    'table=80, priority=100,metadata=0x1 actions=output:1',
    'priority=50,in_port=1,dl_vlan=102 actions=set_field:0x2->metadata,pop_vlan,goto_table:2',
    `table=55, priority=50,metadata=0x2,${unicast} actions=goto_table:75`,
    'table=75, priority=51,reg6=0,metadata=0x2 actions=drop',
    `table=75, priority=50,metadata=0x2,${untagged} actions=push_vlan:0x8100,set_field:4198->vlan_vid,goto_table:80`,
    'table=80, priority=100,metadata=0x2 actions=output:1',
  ])
})

test('a network that only a router leads to is left to, and not listened to', () => {
  const [front, back] = [networkOf('red', 1), networkOf('red', 3, { id: 'net-back', segmentationId: 103 })]
  const view = viewOf([front, back], [portOf(front, 1, 'web', ['10.0.0.11'])], { 1: 11 }, [
    routerOf('red', 1, [front, back]),
  ])
  expect(textOf(view).filter((text) => /metadata=0x3|0x3->metadata/.test(text))).toEqual([
    `table=75, priority=50,metadata=0x3,${untagged} actions=push_vlan:0x8100,set_field:4199->vlan_vid,goto_table:80`,
    'table=80, priority=100,metadata=0x3 actions=output:1',
  ])
})

/** The flows of one network with a port on this node. */
function flowsOf(more: Partial<Network>): string[] {
  const network = networkOf('red', 1, more)
  return textOf(viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11'])], { 1: 11 }))
}

test('a flat network has no tag', () => {
  expect(flowsOf({ networkType: 'flat', segmentationId: undefined })).toEqual([
    always,
    `priority=50,in_port=1,${untagged} actions=set_field:0x1->metadata,goto_table:2`,
    `table=55, priority=50,metadata=0x1,${unicast} actions=goto_table:75`,
    'table=75, priority=51,reg6=0,metadata=0x1 actions=drop',
    `table=75, priority=50,metadata=0x1,${untagged} actions=goto_table:80`,
    'table=80, priority=100,metadata=0x1 actions=output:1',
  ])
})

describe('not attached is', () => {
  test.each<[string, Partial<Network>]>([
    ['a network of another type', { networkType: 'vxlan' }],
    ['a network without a type', { networkType: undefined }],
    ['a network of a physical network that is not here', { physicalNetwork: 'physnet9' }],
    ['a network without a physical network', { physicalNetwork: undefined }],
    ['a VLAN without a tag', { segmentationId: undefined }],
    ['VLAN 0', { segmentationId: 0 }],
    ['VLAN 4095', { segmentationId: 4095 }],
  ])('%s', (_, more) => {
    expect(flowsOf(more)).toEqual([always])
  })

  test('a network without a port here', () => {
    expect(textOf({ ...twoTenants(), localPorts: [] })).toEqual([always])
  })

  test('the second of two networks with the same tag: it would join two tenants', () => {
    const networks = [networkOf('blue', 2, { segmentationId: 101 }), networkOf('red', 1)]
    const ports = networks.map((network) => portOf(network, network.key, 'web', ['10.0.0.11']))
    const texts = textOf(viewOf(networks, ports, { 1: 11, 2: 12 }))
    expect(texts.filter((text) => text.includes('metadata=0x2'))).toEqual([])
    expect(texts.filter((text) => text.includes('metadata=0x1'))).toHaveLength(4)
  })

  test('nor where the first of them has no port: another node may have one', () => {
    const networks = [networkOf('blue', 2, { segmentationId: 101 }), networkOf('red', 1)]
    const ports = [portOf(networks[0]!, 2, 'web', ['10.0.0.11'])]
    expect(textOf(viewOf(networks, ports, { 2: 12 }))).toEqual([always])
  })
})
