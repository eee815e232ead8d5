/**
 * Two tenants with routers, and the same addresses and MAC addresses in both: `front` (10.0.0.0/24, fd00:a::/64) with
 * `web`, `back` (10.0.1.0/24, fd00:b::/64; narrower) with `db` and, on another node, `far`, and behind a second router
 * the network `rear` (10.0.2.0/24) with `attic`.
 */

import type { LocalPort, Network, Port, Router, Subnet, View } from '../../src/app/view.ts'
import { networkOf, portOf, type Tenant, tenants, viewOf } from './view.ts'

export const macs = {
  web: 'fa:16:3e:00:00:11',
  db: 'fa:16:3e:00:00:12',
  far: 'fa:16:3e:00:00:13',
  attic: 'fa:16:3e:00:00:14',
  frontGateway: 'fa:16:3e:00:00:f1',
  backGateway: 'fa:16:3e:00:00:f2',
  backOfRear: 'fa:16:3e:00:00:f3',
  rearGateway: 'fa:16:3e:00:00:f4',
}

/** A tenant's network with one subnet of each version, or of one. */
function network(tenant: Tenant, name: string, key: number, cidrs: readonly string[], mtu = 1500): Network {
  const id = `${name}-${tenant}`
  const [model] = networkOf(tenant, key).subnets
  const subnets = cidrs.map(
    (cidr): Subnet => ({ ...model!, id: `${id} ${cidr}`, networkId: id, cidr, gatewayIp: undefined }),
  )
  return networkOf(tenant, key, { id, mtu, subnets, networkType: 'geneve', physicalNetwork: undefined })
}

const router = (tenant: Tenant, name: string, key: number, ports: Router['ports']): Router => ({
  ...{ id: `${name}-${tenant}`, key, topic: tenants[tenant], name, ports, routes: [] },
})

function cloud(tenant: Tenant, index: number) {
  const front = network(tenant, 'front', 3 * index + 1, ['10.0.0.0/24', 'fd00:a::/64'])
  const back = network(tenant, 'back', 3 * index + 2, ['10.0.1.0/24', 'fd00:b::/64'], 1400)
  const rear = network(tenant, 'rear', 3 * index + 3, ['10.0.2.0/24'])
  const key = (n: number) => 20 * index + n
  const port = (n: number, network: Network, name: string, mac: string, ips: string[]): Port => ({
    ...portOf(network, key(n), name, ips),
    macs: [mac],
  })
  const at = (n: number, network: Network, mac: string, address: string) => ({
    ...{ id: `${network.id}-gateway-${n}`, key: key(n), networkId: network.id, networks: [address], mac },
  })
  const main = router(tenant, 'main', 2 * index + 1, [
    at(11, front, macs.frontGateway, '10.0.0.1/24'),
    at(12, front, macs.frontGateway, 'fd00:a::1/64'),
    at(13, back, macs.backGateway, '10.0.1.1/24'),
    at(14, back, macs.backGateway, 'fd00:b::1/64'),
  ])
  const second = router(tenant, 'second', 2 * index + 2, [
    at(15, back, macs.backOfRear, '10.0.1.254/24'),
    at(16, rear, macs.rearGateway, '10.0.2.1/24'),
  ])
  return {
    networks: [front, back, rear],
    ports: [
      port(1, front, 'web', macs.web, ['10.0.0.11', 'fd00:a::11']),
      port(2, back, 'db', macs.db, ['10.0.1.12', 'fd00:b::12']),
      { ...port(3, back, 'far', macs.far, ['10.0.1.13', 'fd00:b::13']), chassis: 'compute-2' },
      port(4, rear, 'attic', macs.attic, ['10.0.2.14']),
    ],
    routers: [
      { ...main, routes: [{ destination: '10.0.2.0/24', nexthop: '10.0.1.254' }] },
      { ...second, routes: [{ destination: '10.0.0.0/24', nexthop: '10.0.1.1' }] },
    ],
  }
}

/** The clouds of both tenants; ofport = 10 + key, of all but `far`. `change` makes each router another. */
export function routedView(change: (router: Router) => Router = (each) => each): View {
  const clouds = (['red', 'blue'] as const).map(cloud)
  const ports = clouds.flatMap((each) => each.ports)
  const ofports = Object.fromEntries(
    ports.filter(({ chassis }) => chassis === 'compute-1').map(({ key }) => [key, 10 + key]),
  )
  const routers = clouds.flatMap((each) => each.routers).map(change)
  return viewOf(
    clouds.flatMap((each) => each.networks),
    ports,
    ofports,
    routers,
  )
}

/** A local port of that view. */
export const localPort = (view: View, name: string): LocalPort =>
  view.localPorts.find(({ topic, dnsName }) => name === `${nameOf(topic)}-${dnsName}`)!

const nameOf = (topic: string) => Object.entries(tenants).find(([, id]) => id === topic)?.[0]

/** The node's own MAC address outside. */
export const outsideMac = '02:00:00:00:00:fe'

/** The view with a way outside by the OpenFlow port 1, where its ports are 203.0.113.1, and a second address of red's `web`. */
export function withOutside(view: View): View {
  const second = [
    { ip: '10.0.0.77', mac: macs.web },
    { ip: 'fd00:a::77', mac: macs.web },
  ]
  return {
    ...view,
    localPorts: view.localPorts.map((port) =>
      port.key === 1 ? { ...port, allowedAddressPairs: second } : port,
    ),
    uplinks: new Map([['chassis_snat', 1]]),
    uplinkMacs: new Map([['chassis_snat', outsideMac]]),
    chassis: new Map([
      ['compute-1', { id: 'compute-1', ip: '192.0.2.1', tunnelTypes: [], externalHostIp: '203.0.113.1' }],
    ]),
  }
}
