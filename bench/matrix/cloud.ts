/**
 * The cloud of the matrix: two tenants, each with a front and a back network that a router joins, the same addresses, MAC
 * addresses and names in both, and the ports of each network spread over two nodes. It knows no store.
 */

import type { RawRow } from '../../src/nb/index.ts'

/** The nodes that are there. */
export const hosts = ['compute-1', 'compute-2'] as const
/** Nodes that exist as rows alone. */
const elsewhere = Array.from({ length: 8 }, (_, index) => `compute-${index + 3}`)
export const tenants = ['red', 'blue'] as const
const sides = ['front', 'back'] as const

const networks = tenants.flatMap((tenant, at) =>
  sides.map((side, index) => ({ id: `${tenant}-${side}`, tenant, side, key: 2 * at + index + 1 })),
)

/** The family of the addresses between which tunnels are. */
export type Underlay = 'ipv4' | 'ipv6'

/** Where the tunnels of a node end. */
export const addressOfNode = (host: string, underlay: Underlay) =>
  `${underlay === 'ipv4' ? '192.0.2.' : '2001:db8::'}${host.split('-')[1]}`

/** One port. */
export interface MatrixPort {
  readonly id: string
  readonly key: number
  readonly tenant: string
  readonly side: string
  readonly network: string
  readonly host: string
  readonly mac: string
  readonly ip: string
  /** The OpenFlow port on its node. */
  readonly ofport: number
}

/** The ports of a cloud: so many on each node that is there, then so many on others, in the same networks. */
export function portsOf(perNode: number, others: number): MatrixPort[] {
  const plugged = new Map<string, number>()
  return Array.from({ length: hosts.length * perNode + others }, (_, index) => {
    const { id: network, tenant, side } = networks[index % networks.length]!
    const place = Math.floor(index / networks.length)
    const isThere = index < hosts.length * perNode
    const host = isThere ? hosts[place % hosts.length]! : elsewhere[place % elsewhere.length]!
    const ofport = (plugged.get(host) ?? 0) + 1
    plugged.set(host, ofport)
    const [high, low] = [(place + 10) >> 8, (place + 10) & 0xff]
    return {
      id: `port-${String(index + 1).padStart(4, '0')}`,
      key: index + 1,
      ...{ tenant, side, network, host, ofport },
      mac: `fa:16:3e:0${sides.indexOf(side)}:${hex(high)}:${hex(low)}`,
      ip: `10.${sides.indexOf(side)}.${high}.${low}`,
    }
  })
}

/** The MAC address of a tenant's router in a network: the same for both tenants. */
export const routerMac = (side: string) => `fa:16:3e:ff:00:0${sides.indexOf(side as never) + 1}`

/** The rows of these ports with their networks, subnets and routers. */
export function* rowsOf(ports: readonly MatrixPort[], underlay: Underlay): Iterable<RawRow> {
  for (const id of elsewhere)
    yield row('chassis', id, { ip: addressOfNode(id, underlay), tunnel_types: ['geneve'] })
  for (const { id, tenant, side, key } of networks) {
    const segment = { network_type: 'geneve', segmentation_id: 5000 + key, mtu: 1450 }
    yield row('lswitch', id, { topic: tenant, unique_key: key, version: 1, ...segment })
    const index = sides.indexOf(side)
    const subnet = { cidr: `10.${index}.0.0/16`, gateway_ip: `10.${index}.0.1` }
    yield row('lsubnet', `${id}-subnet`, { topic: tenant, version: 1, lswitch: id, ...subnet })
    yield row('domainname', `${id}-subnet`, {
      ...{ topic: tenant, version: 1, subnet: `${id}-subnet`, domain_name: `${side}.${tenant}.example.org` },
    })
  }
  for (const [index, tenant] of tenants.entries()) {
    yield row('secgroup', `${tenant}-open`, {
      ...{ topic: tenant, unique_key: index + 1, version: 1 },
      rules: ['ingress', 'egress'].map((direction) => ({
        ...{ id: `${tenant}-${direction}`, topic: tenant, direction, ethertype: 'IPv4' },
      })),
    })
    yield row('lrouter', `${tenant}-router`, {
      topic: tenant,
      unique_key: index + 1,
      version: 1,
      routes: [],
      ports: sides.map((side, at) => ({
        id: `${tenant}-router-${side}`,
        topic: tenant,
        unique_key: 9000 + 2 * index + at,
        lswitch: `${tenant}-${side}`,
        mac: routerMac(side),
        network: `10.${at}.0.1/16`,
      })),
    })
  }
  for (const { id, key, tenant, network, mac, ip, host } of ports) {
    yield row('lport', id, {
      ...{ topic: tenant, unique_key: key, version: 1, lswitch: network, ips: [ip], macs: [mac] },
      ...{ subnets: [`${network}-subnet`], enabled: true, port_security_enabled: true },
      security_groups: [`${tenant}-open`],
      ...{ binding: { type: 'chassis', chassis: host }, device_owner: 'compute:nova' },
    })
    yield row('dnsname', id, {
      topic: tenant,
      lport: id,
      dns_name: `vm-${ip.replaceAll('.', '-')}`,
      version: 1,
    })
  }
}

const hex = (byte: number) => byte.toString(16).padStart(2, '0')

const row = (table: string, id: string, fields: object): RawRow => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})
