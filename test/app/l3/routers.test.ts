/** Which routers there are, what they reach, and what becomes of rows that quarrel. */

import { describe, expect, test } from 'vitest'
import { createRouters, networkTowards, type Routing } from '../../../src/app/l3/routers.ts'
import { createSegments } from '../../../src/app/segments.ts'
import type { Port, Router, View } from '../../../src/app/view.ts'
import { checkFlow, formatFlow } from '../../../src/openflow/index.ts'
import { appsOf, cloudOf } from '../../support/cloud.ts'
import { eth, ipv4, udp } from '../../support/frames.ts'
import { macs, routedView } from '../../support/routed.ts'
import { tenants } from '../../support/view.ts'

const routersOf = (view: View) => createRouters()(view, createSegments()(view))
const flowsOf = (view: View) =>
  appsOf(['l3_proactive']).flatMap((app) => Array.from(app.flows(view), formatFlow))
const names = ['classifier', 'portsec', 'l2', 'provider', 'l3_proactive']

/** Red's main router, changed; every other one as it is. */
const changed = (change: Partial<Router>) =>
  routedView((router) => (router.id === 'main-red' ? { ...router, ...change } : router))
const main = (view: View): Routing => routersOf(view)[0]!
const route = (destination: string, nexthop: string) => ({ destination, nexthop })

test('routers in order of their keys, each with what it sees', () => {
  expect(
    routersOf(routedView()).map(({ key, interfaces, ways }) => [
      key,
      interfaces.map(({ ip }) => ip),
      ways.map(({ destination, next }) => `${destination} ${next.kind}`),
    ]),
  ).toEqual(
    [1, 3].flatMap((key) => [
      [
        key,
        ['10.0.0.1', 'fd00:a::1', '10.0.1.1', 'fd00:b::1'],
        ['10.0.2.0/24 router', '10.0.1.254/32 router'],
      ],
      [key + 1, ['10.0.1.254', '10.0.2.1'], ['10.0.0.0/24 router', '10.0.1.1/32 router']],
    ]),
  )
})

test('a router that no port of this node comes to is not there', () => {
  const view = routedView()
  const localPorts = view.localPorts.filter(({ topic }) => topic === tenants.blue)
  expect(routersOf({ ...view, localPorts }).map(({ key }) => key)).toEqual([3, 4])
})

test('a router with the link-local address of another one does not contradict it', () => {
  const plain = routedView((router) => {
    const [first] = router.ports
    const claim = { ...first!, id: 'claim', key: 0x100, networks: ['fe80::f816:3eff:fe00:f2/64'] }
    return router.id === 'second-red' ? { ...router, ports: [...router.ports, claim] } : router
  })
  const back = plain.networks.get('back-red')!
  const subnet = { ...back.subnets[0]!, id: 'link-local', cidr: 'fe80::/64' }
  const networks = new Map([...plain.networks, [back.id, { ...back, subnets: [...back.subnets, subnet] }]])
  const asked = flowsOf({ ...plain, networks }).filter((text) => /fe80::f816:3eff:fe00:f2 /.test(text))
  expect(new Set(asked.map((text) => text.split(' actions=')[0])).size).toBe(new Set(asked).size)
})

test('networks that take more than a switch can measure do not stop the others', () => {
  const view = routedView()
  const networks = new Map(
    Array.from(view.networks, ([id, one]) => [id, { ...one, mtu: id.startsWith('back') ? 70_000 : 80_000 }]),
  )
  expect(flowsOf({ ...view, networks }).join('\n')).not.toContain('check_pkt_larger')
  for (const app of appsOf(['l3_proactive']))
    for (const flow of app.flows({ ...view, networks })) expect(() => checkFlow(flow)).not.toThrow()
})

describe('the next hop of a route', () => {
  test.each([
    ['a port', route('192.0.2.0/25', '10.0.1.12'), { kind: 'port', key: 2, mac: macs.db }],
    ['a port on another node', route('192.0.2.0/25', '10.0.1.13'), { kind: 'port', key: 3, mac: macs.far }],
    ['a router', route('192.0.2.0/25', '10.0.1.254'), { kind: 'router', mac: macs.backOfRear }],
    ['nobody', route('192.0.2.0/25', '10.0.1.99'), { kind: 'nobody' }],
  ])('%s', (_, row, next) => {
    expect(main(changed({ routes: [row] })).ways[0]).toMatchObject({ destination: row.destination, next })
  })

  test('leads there, with the MTU of its network in mind', () => {
    const flows = flowsOf(
      changed({
        routes: [
          route('192.0.2.0/25', '10.0.1.12'),
          route('192.0.2.128/25', '10.0.0.11'),
          route('::/0', 'fd00:b::99'),
        ],
      }),
    )
    expect(flows).toEqual(
      expect.arrayContaining([
        'table=60, priority=150,ip,reg5=0x1,nw_dst=192.0.2.0/25 actions=set_field:0x2->reg8,check_pkt_larger(1414)->NXM_NX_REG8[0],dec_ttl,set_field:0x2->metadata,set_field:fa:16:3e:00:00:f2->eth_src,load:0->OXM_OF_IN_PORT[],set_field:fa:16:3e:00:00:12->eth_dst,set_field:0x2->reg7,goto_table:65',
        'table=60, priority=150,ip,reg5=0x1,nw_dst=192.0.2.128/25 actions=dec_ttl,set_field:0x1->metadata,set_field:fa:16:3e:00:00:f1->eth_src,load:0->OXM_OF_IN_PORT[],set_field:fa:16:3e:00:00:11->eth_dst,set_field:0x1->reg7,goto_table:75',
        'table=60, priority=100,ipv6,reg5=0x1 actions=set_field:0x13->reg8,goto_table:66',
      ]),
    )
  })

  test.each([
    [udp(1, 2), true],
    [udp(1, 2, 'x'.repeat(1400)), false],
  ])('takes what fits', (payload, isDelivered) => {
    const cloud = cloudOf(changed({ routes: [route('192.0.2.0/25', '10.0.1.12')] }), appsOf(names))
    const sent = cloud
      .port('red-web')
      .sends(eth(macs.web, macs.frontGateway, ipv4('10.0.0.11', '192.0.2.1', payload)))
    const arrived = eth(macs.backGateway, macs.db, ipv4('10.0.0.11', '192.0.2.1', payload, { ttl: 63 }))
    expect(sent).toEqual(isDelivered ? { 'red-db': [arrived] } : {})
    expect(cloud.fake.punts.map(({ metadata }) => metadata.reg8)).toEqual(isDelivered ? [] : [22n])
  })

  test('of two routes the one with the longer prefix counts, and a connected subnet before an equal one', () => {
    const view = changed({ routes: [route('0.0.0.0/0', '10.0.0.11'), route('10.0.1.128/25', '10.0.0.11')] })
    const towards = (ip: string) => networkTowards(main(view), ip)?.id
    expect(['10.0.1.1', '10.0.1.200', '203.0.113.1', '2001:db8::1'].map(towards)).toEqual([
      'back-red',
      'front-red',
      'front-red',
      undefined,
    ])
  })
})

describe('rows that quarrel', () => {
  const port = (ip: string, mac: string) => ({
    ...{ id: 'twin', key: 18, networkId: 'back-red', networks: [ip], mac },
  })
  const twin = (more: Router['ports'][number]) =>
    routedView((router) =>
      router.id === 'second-red' ? { ...router, ports: [...router.ports.slice(1), more] } : router,
    )

  test.each<[string, Router['ports'][number], number]>([
    ['address', port('10.0.1.1/24', 'fa:16:3e:00:00:99'), 2],
    ['MAC address', port('10.0.1.254/24', macs.backGateway), 1],
  ])('of two routers with one %s the one with the lower key has it', (_, more, leftOut) => {
    const [first, second] = routersOf(twin(more))
    expect(first!.interfaces.map(({ ip }) => ip)).toContain('10.0.1.1')
    expect(second!.interfaces.map(({ ip }) => ip)).toEqual(['10.0.2.1'])
    expect(second!.ways).toEqual([])
    // With the address its route has the router itself as the next hop.
    expect([first!.leftOut, second!.leftOut]).toEqual([0, leftOut])
    // Else packets for the other would go round and round.
    expect(first!.ways.map(({ next }) => next.kind)).toEqual(['nobody'])
  })

  test('a port without an address is left out', () => {
    const ports = [{ ...port('', macs.backGateway), networks: [] }]
    const { interfaces, leftOut } = main(changed({ ports }))
    expect([interfaces, leftOut]).toEqual([[], 2]) // its route has no port any more
  })
})

test('addresses that a port may use besides its own are found behind those that ports have', () => {
  const view = routedView()
  const pairs = (port: Port): Port => {
    if (port.key === 2)
      return {
        ...port,
        allowedAddressPairs: ['10.0.1.50', '10.0.1.13', '10.0.1.64/26'].map((ip) => ({ ip, mac: macs.db })),
      }
    if (port.key === 3) return { ...port, allowedAddressPairs: [{ ip: '10.0.1.50', mac: macs.far }] }
    return port
  }
  const ports = new Map([...view.ports].map(([id, port]) => [id, pairs(port)]))
  expect(flowsOf({ ...view, ports }).filter((flow) => flow.startsWith('table=65, priority=100,'))).toEqual([
    'table=65, priority=100,ip,metadata=0x2,nw_dst=10.0.1.50 actions=set_field:fa:16:3e:00:00:12->eth_dst,set_field:0x2->reg7,goto_table:75',
    'table=65, priority=100,ip,metadata=0x2,nw_dst=10.0.1.13 actions=set_field:fa:16:3e:00:00:12->eth_dst,set_field:0x2->reg7,goto_table:75',
  ])
})

test('what comes by a wire for a router is not routed: every node would', () => {
  const view = routedView()
  const front = { ...view.networks.get('front-red')!, networkType: 'flat', physicalNetwork: 'physnet1' }
  const wired = { ...view, networks: new Map([...view.networks, [front.id, front]]) }
  expect(flowsOf(wired)).toContain(
    'table=55, priority=210,reg6=0,metadata=0x1,dl_dst=fa:16:3e:00:00:f1 actions=drop',
  )
  const cloud = cloudOf(wired, appsOf(names))
  const frame = eth('02:00:00:00:00:01', macs.frontGateway, ipv4('10.0.0.99', '10.0.1.12', udp(1, 2)))
  expect(cloud.port('physnet1').sends(frame)).toEqual({})
})

test.each([/./, /front/])('networks without an MTU (%s) are not compared', (which) => {
  const view = routedView()
  const networks = new Map(
    [...view.networks].map(([id, network]) => [
      id,
      which.test(id) ? { ...network, mtu: undefined } : network,
    ]),
  )
  const isFromFront = (flow: string) => flow.includes('reg5=0x1,') && flow.includes('check_pkt_larger')
  expect(flowsOf({ ...view, networks }).filter(isFromFront)).toEqual([])
})
