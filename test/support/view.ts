/** Views for tests. The default cloud is always two tenants with the same addresses and the same names. */

import { isWithin, reachOf } from '../../src/app/reach.ts'
import type { Address, LocalPort, Network, Port, Router, Subnet, View } from '../../src/app/view.ts'

export const tenants = { red: '0000000000000000000000000000000a', blue: '0000000000000000000000000000000b' }

export type Tenant = keyof typeof tenants

let versions = 0

/** A network of a tenant with 10.0.0.0/24 and fd00:a::/64, both under `<tenant>.example.org`. */
export function networkOf(tenant: Tenant, key: number, more: Partial<Network> = {}): Network {
  const id = `net-${tenant}`
  const domain = { name: `${tenant}.example.org`, ttl: undefined, isAuthoritative: false }
  const common = {
    topic: tenants[tenant],
    networkId: id,
    isDhcpEnabled: false,
    dhcpIp: undefined,
    dnsNameservers: [],
    hostRoutes: [],
    domain,
  }
  const subnets: Subnet[] = [
    { id: `subnet-${tenant}-v4`, cidr: '10.0.0.0/24', gatewayIp: '10.0.0.1', ...common },
    { id: `subnet-${tenant}-v6`, cidr: 'fd00:a::/64', gatewayIp: 'fd00:a::1', ...common },
  ]
  return {
    id,
    key,
    topic: tenants[tenant],
    name: id,
    mtu: 1500,
    networkType: 'vlan',
    physicalNetwork: 'physnet1',
    segmentationId: 100 + key,
    subnets,
    ...more,
  }
}

/** A port of `network`, bound to this node; its MAC is fa:16:3e:00:00:<key>. Each IP finds the subnet that holds it. */
export function portOf(network: Network, key: number, dnsName: string | undefined, ips: string[]): Port {
  const addresses: Address[] = ips.map((ip) => ({
    ip,
    subnet: network.subnets.find((subnet) => holds(subnet, ip)),
  }))
  return {
    id: `${network.id}-${key}`,
    key,
    topic: network.topic,
    networkId: network.id,
    name: '',
    dnsName,
    macs: [`fa:16:3e:00:00:${key.toString(16).padStart(2, '0')}`],
    addresses,
    allowedAddressPairs: [],
    isPortSecurityEnabled: true,
    isEnabled: true,
    deviceOwner: 'compute:nova',
    chassis: 'compute-1',
    vtepAddress: undefined,
    securityGroups: [],
    dhcp: undefined,
  }
}

/** Also of a text that is no address or no range, so that applications can be shown it. */
function holds({ cidr }: Subnet, ip: string): boolean {
  const [address, range] = [reachOf(ip), reachOf(cidr)]
  return address && range ? isWithin(address, [range]) : cidr.includes(':') === ip.includes(':')
}

/** The tenant's router with a port at each gateway address of these networks. */
export function routerOf(tenant: Tenant, key: number, networks: readonly Network[]): Router {
  const ports = networks.map(({ id, subnets }, index) => ({
    id: `router-${tenant}-${id}`,
    key: 0x1000 * key + index,
    networkId: id,
    networks: subnets.map(({ gatewayIp, cidr }) => `${gatewayIp}/${cidr.split('/')[1]}`),
    mac: 'fa:16:3e:00:00:fe',
  }))
  return { id: `router-${tenant}`, key, topic: tenants[tenant], name: `router-${tenant}`, ports, routes: [] }
}

/** A view of these networks, ports and routers; a port is local if `ofports` has its key. */
export function viewOf(
  networks: Network[],
  ports: Port[],
  ofports: Record<number, number> = {},
  routers: Router[] = [],
): View {
  const localPorts: LocalPort[] = ports
    .filter((port) => ofports[port.key] !== undefined)
    .map((port) => ({ ...port, ofport: ofports[port.key]! }))
    .sort((a, b) => a.key - b.key)
  versions += 1
  return {
    version: versions,
    host: 'compute-1',
    networks: new Map(networks.map((network) => [network.id, network])),
    subnets: new Map(networks.flatMap((network) => network.subnets).map((subnet) => [subnet.id, subnet])),
    ports: new Map(ports.map((port) => [port.id, port])),
    routers: new Map(routers.map((router) => [router.id, router])),
    localPorts,
    uplinks: new Map([['physnet1', 1]]),
    uplinkMacs: new Map(),
    chassis: new Map(),
    tunnels: new Map(),
    securityGroups: new Map(),
  }
}

/**
 * Two tenants, each with 10.0.0.0/24 and fd00:a::/64, and in each: `web` (.11, local), `db` (.12, local, IPv4 only),
 * `cache` (.13, bound to compute-2). Keys: red 1 to 3, blue 4 to 6; ofport = 10 + key; networks and routers have the keys
 * 1 and 2.
 */
export function twoTenants(): View {
  const networks = [networkOf('red', 1), networkOf('blue', 2)]
  const ports = networks.flatMap((network, index) => [
    portOf(network, 3 * index + 1, 'web', ['10.0.0.11', 'fd00:a::11']),
    portOf(network, 3 * index + 2, 'db', ['10.0.0.12']),
    { ...portOf(network, 3 * index + 3, 'cache', ['10.0.0.13', 'fd00:a::13']), chassis: 'compute-2' },
  ])
  const routers = [routerOf('red', 1, [networks[0]!]), routerOf('blue', 2, [networks[1]!])]
  return viewOf(networks, ports, { 1: 11, 2: 12, 4: 14, 5: 15 }, routers)
}
