/** The flows of chassis_snat as text; test/system/snat.test.ts has the packets. */

import { expect, test } from 'vitest'
import type { View } from '../../../src/app/view.ts'
import { formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { routedView, withOutside } from '../../support/routed.ts'

const view = withOutside(routedView())
const textOf = (at: View, options: object = {}) =>
  appsOf(['chassis_snat'], { ...options }).flatMap((app) => Array.from(app.flows(at), formatFlow))
const external = (externalHostIp: string | undefined): View => ({
  ...view,
  chassis: new Map([['compute-1', { ...view.chassis.get('compute-1')!, externalHostIp }]]),
})

test('what all ports share', () => {
  const texts = textOf({ ...view, localPorts: [] })
  expect(texts).toEqual([
    'table=60, priority=50,ip actions=goto_table:70',
    'table=70, priority=200,ip,nw_dst=203.0.113.1 actions=drop',
    'table=71, priority=100,ct_state=-inv+trk,ip actions=ct(commit,table=72,zone=65280,nat(src=203.0.113.1),exec(move:NXM_NX_REG6[]->NXM_NX_CT_MARK[]))',
    'table=72, priority=100,ct_state=-inv+trk,ip,vlan_tci=0x0000/0x1000,nw_src=203.0.113.1 actions=set_field:02:df:cb:00:71:01->eth_src,set_field:02:00:00:00:00:fe->eth_dst,output:1',
    'priority=60,ip,in_port=1,vlan_tci=0x0000/0x1000,nw_dst=203.0.113.1 actions=goto_table:50',
    'table=50, priority=100,ip,nw_dst=203.0.113.1 actions=ct(table=51,zone=65280,nat)',
    'table=52, priority=100,ct_state=-new-inv+trk,ip actions=goto_table:75',
    'priority=60,arp,in_port=1,vlan_tci=0x0000/0x1000,arp_tpa=203.0.113.1,arp_op=1 actions=goto_table:50',
    'table=50, priority=200,arp,arp_tpa=203.0.113.1,arp_op=1 actions=set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:02:df:cb:00:71:01->eth_src,set_field:02:df:cb:00:71:01->arp_sha,set_field:203.0.113.1->arp_spa,IN_PORT',
  ])
})

test('the ports of both tenants have zones and addresses of their own', () => {
  const ports = textOf(view).filter((text) => /reg6=0x(1|15) |ct_mark=0x(1|15),/.test(text))
  expect(ports).toEqual([
    'table=70, priority=100,ip,reg6=0x1 actions=dec_ttl,ct(commit,table=71,zone=32779,nat(src=169.254.0.11))',
    'table=51, priority=100,ct_state=-new-inv+trk,ct_mark=0x1,ip,nw_dst=169.254.0.11 actions=dec_ttl,set_field:0x1->metadata,set_field:0x1->reg7,set_field:02:df:cb:00:71:01->eth_src,set_field:fa:16:3e:00:00:11->eth_dst,ct(table=52,zone=32779,nat)',
    'table=70, priority=100,ip,reg6=0x15 actions=dec_ttl,ct(commit,table=71,zone=32799,nat(src=169.254.0.31))',
    'table=51, priority=100,ct_state=-new-inv+trk,ct_mark=0x15,ip,nw_dst=169.254.0.31 actions=dec_ttl,set_field:0x4->metadata,set_field:0x15->reg7,set_field:02:df:cb:00:71:01->eth_src,set_field:fa:16:3e:00:00:11->eth_dst,ct(table=52,zone=32799,nat)',
  ])
})

test('IPv6 as well, with the option', () => {
  const texts = textOf(view, { external_host_ip6: '2001:db8::1' })
  expect(texts).toContain('table=60, priority=50,ipv6 actions=goto_table:70')
  expect(texts).toContain(
    'table=70, priority=100,ipv6,reg6=0x1 actions=dec_ttl,ct(commit,table=71,zone=32779,nat(src=fe80::b))',
  )
  expect(texts).toContain(
    'table=51, priority=200,icmp6,reg8=0x1,icmp_type=136 actions=set_field:1610612736->nd_reserved,set_field:2->nd_options_type,move:NXM_OF_ETH_SRC[]->NXM_NX_ND_TLL[],IN_PORT',
  )
})

test.each<[string, View]>([
  ['no patch port', { ...view, uplinks: new Map() }],
  ['no address of the node behind it', { ...view, uplinkMacs: new Map() }],
  ['no address outside', external(undefined)],
  ['no row of the node', { ...view, chassis: new Map() }],
])('nothing, with %s', (_, at) => {
  expect(textOf(at)).toEqual([])
})

test("the node's address may be one of IPv6, and then it is the one", () => {
  const texts = textOf(external('2001:db8::1'), { external_host_ip6: '2001:db8::2' })
  expect(texts.join('\n')).toContain('nat(src=2001:db8::1)')
  expect(texts.join('\n')).not.toMatch(/2001:db8::2|,ip,/)
})

test.each<[string, Partial<View>]>([
  ['on a network without a router', { routers: new Map() }],
  ['on a network that is gone', { networks: new Map() }],
  [
    'with a number that is too high',
    { localPorts: view.localPorts.map((port) => ({ ...port, ofport: 0x7f00 })) },
  ],
  [
    'whose zone is another port',
    { localPorts: [...view.localPorts.slice(0, 1), { ...view.localPorts[1]!, ofport: 0x8000 + 11 }] },
  ],
  ['without a MAC address', { localPorts: view.localPorts.map((port) => ({ ...port, macs: [] })) }],
])('a port %s is not translated', (_, change) => {
  expect(textOf({ ...view, ...change }).filter((text) => text.includes('reg6='))).toEqual([])
})

test('wants the bridge, and makes the same parts again as long as nothing changes', () => {
  const [app] = appsOf(['chassis_snat'], { external_network_bridge: 'br-ext' })
  expect([...app!.bridges!]).toEqual([['chassis_snat', 'br-ext']])
  const before = new Set(app!.units!(view))
  expect([...app!.units!({ ...view, version: view.version + 1 })].every((unit) => before.has(unit))).toBe(
    true,
  )
})
