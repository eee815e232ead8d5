/** What a router's description must agree in: the rows of `df-db check` and what the application l3_proactive routes by. */

import { describe, expect, test } from 'vitest'
import { type DescribedPort, type DescribedRouter, soundRouter } from '../src/routing.ts'

const mac = (key: number) => `fa:16:3e:00:00:0${key}`
const port = (key: number, address: string, more: Partial<DescribedPort> = {}): DescribedPort => ({
  ...{ id: `port-${key}`, key, networkId: `net-${key}`, address, mac: mac(key) },
  ...more,
})

const sound = (described: Partial<DescribedRouter>, subnets: Record<string, string[]> = {}) =>
  soundRouter({ ports: [], routes: [], ...described }, (id) => subnets[id] ?? [])

const omitted = (described: Partial<DescribedRouter>, subnets?: Record<string, string[]>) =>
  sound(described, subnets).omitted.map(({ path, reason }) => `${path} ${reason}`)

test('ports come in order of their keys, with the subnet that they are in', () => {
  const ports = [
    port(2, '10.0.1.254/24'),
    port(1, '10.0.0.1/16', { networkId: 'net-0' }),
    port(3, 'fd00:a::1/64'),
  ]
  expect(sound({ ports }).interfaces.map(({ id, ip, cidr }) => [id, ip, cidr])).toEqual([
    ['port-1', '10.0.0.1', '10.0.0.0/16'],
    ['port-3', 'fd00:a::1', 'fd00:a::/64'],
  ])
})

// biome-ignore format: one row a line
test.each<[string, DescribedPort[], Record<string, string[]>, string[]]>([
  ['nothing wrong', [port(1, '10.0.0.1/24'), port(2, '10.0.1.1/24')], { 'net-1': ['10.0.0.0/24', 'fd00:a::/64'] }, []],
  ['no network', [port(1, '10.0.0.1/24', { networkId: undefined })], {}, ['ports.0.lswitch is on no network that exists']],
  ['no address', [port(1, '10.0.0.1/24', { address: undefined })], {}, ['ports.0.network has no address']],
  ['no MAC address', [port(1, '10.0.0.1/24', { mac: undefined })], {}, ['ports.0.mac has no MAC address']],
  ['a link-local address', [port(1, 'fe80::1/64')], { 'net-1': ['fe80::/64'] },
    ['ports.0.network fe80::1/64 is link-local: a router has there what its MAC address makes']],
  ['outside its subnet', [port(1, '10.0.9.1/24')], { 'net-1': ['10.0.0.0/24', 'fd00:a::/64'] },
    ['ports.0.network 10.0.9.1/24 is in no subnet of its network (10.0.0.0/24)']],
  ['another prefix length', [port(1, '10.0.0.1/25')], { 'net-1': ['10.0.0.0/24'] },
    ['ports.0.network 10.0.0.1/25 is in no subnet of its network (10.0.0.0/24)']],
  ['two addresses of one port in one subnet', [port(1, '10.0.0.1/24'), port(1, '10.0.0.2/24')], {},
    ['ports.1.network 10.0.0.2/24 overlaps 10.0.0.0/24 of the port port-1, which has the lower key']],
  ['equal subnets: the lower key stays, whatever the order', [port(2, '10.0.0.1/24'), port(1, '10.0.0.2/24')], {},
    ['ports.0.network 10.0.0.1/24 overlaps 10.0.0.0/24 of the port port-1, which has the lower key']],
  ['a subnet inside another', [port(1, '10.0.1.1/24'), port(2, '10.0.0.1/16')], {},
    ['ports.1.network 10.0.0.1/16 overlaps 10.0.1.0/24 of the port port-1, which has the lower key']],
])('ports: %s', (_, ports, subnets, expected) => {
  expect(omitted({ ports }, subnets)).toEqual(expected)
})

describe('extra routes', () => {
  const ports = [port(1, '10.0.0.1/24'), port(2, '10.0.1.1/24'), port(3, 'fd00:a::1/64')]
  const via = (destination: string, nexthop: string) => ({ destination, nexthop })

  test('lead to the port on whose subnet the next hop is', () => {
    const routes = [via('192.0.2.0/24', '10.0.1.9'), via('0.0.0.0/0', '10.0.0.9'), via('::/0', 'fd00:a::9')]
    const found = sound({ ports, routes })
    expect(found.routes.map(({ destination, by }) => [destination, by.id])).toEqual([
      ['192.0.2.0/24', 'port-2'],
      ['0.0.0.0/0', 'port-1'],
      ['::/0', 'port-3'],
    ])
    expect(found.omitted).toEqual([])
  })

  // biome-ignore format: one row a line
  test.each<[string, { destination: string; nexthop: string }[], string[]]>([
    ['two IP versions', [via('192.0.2.0/24', 'fd00:a::9')], ['routes.0 leads to 192.0.2.0/24 by fd00:a::9, an address of the other IP version']],
    ['next hop nowhere', [via('192.0.2.0/24', '10.0.2.9')], ['routes.0.nexthop 10.0.2.9 is in no subnet that the router has a port in']],
    ['next hop itself', [via('192.0.2.0/24', '10.0.1.1')], ['routes.0.nexthop 10.0.1.1 is the router itself']],
    ['a connected subnet', [via('10.0.1.0/24', '10.0.0.9')], ['routes.0.destination 10.0.1.0/24 is a subnet that the router has a port in']],
    ['one destination twice', [via('192.0.2.0/24', '10.0.0.9'), via('192.0.2.0/24', '10.0.1.9')], ['routes.1.destination 192.0.2.0/24 has a route above already']],
    ['link-local', [via('fe80::/64', 'fd00:a::9')], ['routes.0.destination fe80::/64 is in fe80::/10, which no router forwards']],
    ['multicast', [via('239.0.0.0/8', '10.0.0.9')], ['routes.0.destination 239.0.0.0/8 is in 224.0.0.0/3, which no router forwards']],
  ])('%s', (_, routes, expected) => {
    expect(omitted({ ports, routes })).toEqual(expected)
  })
})
