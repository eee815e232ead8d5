/**
 * A cloud of any size as northbound rows: tenants with networks whose addresses, MAC addresses and names are all the
 * same from network to network, so that whatever mixes two networks is seen. It knows no store. Tables: docs/northbound.md.
 */

import type { RawRow } from '../src/nb/index.ts'

/** How large a cloud is, and which part of it is on one node. */
export interface CloudSize {
  readonly tenants: number
  readonly networks: number
  readonly ports: number
  /** Ports of the node `compute-1`: one in each of the first networks, then a second one, and so on. */
  readonly localPorts: number
}

/** One port of the cloud. */
export interface CloudPort {
  readonly id: string
  readonly index: number
  readonly key: number
  readonly network: number
  /** The place in its network, from 0. */
  readonly place: number
  readonly isLocal: boolean
}

/** A network's number in ids and names; equal widths keep ids in order. */
const digits = (value: number, width: number) => String(value).padStart(width, '0')

/** The tenant of a network. */
export const topicOf = (network: number, { tenants }: CloudSize) => `tenant-${digits(network % tenants, 4)}`
export const networkId = (network: number) => `net-${digits(network, 5)}`
export const subnetId = (network: number) => `subnet-${digits(network, 5)}`
/** The same in every network. */
export const domainOf = (network: number, size: CloudSize) => `${topicOf(network, size)}.example.org`
export const addressOf = (place: number) => `10.0.${(place + 10) >> 8}.${(place + 10) & 0xff}`
export const macOf = (place: number) => `fa:16:3e:00:${hex(place >> 8)}:${hex(place & 0xff)}`
const hex = (byte: number) => byte.toString(16).padStart(2, '0')

/** The node that a port is bound to. */
export const hostOf = ({ isLocal, index }: CloudPort) =>
  isLocal ? 'compute-1' : `compute-${2 + (index % 999)}`

/** Every port of the cloud. */
export function portsOf({ networks, ports, localPorts }: CloudSize): CloudPort[] {
  return Array.from({ length: ports }, (_, index) => ({
    id: `port-${digits(index, 6)}`,
    index,
    key: index + 1,
    network: index % networks,
    place: Math.floor(index / networks),
    isLocal: index < localPorts,
  }))
}

/** Every row of the cloud: 3 for each network, 2 for each port. */
export function* rowsOf(size: CloudSize): Iterable<RawRow> {
  for (let network = 0; network < size.networks; network += 1) {
    const topic = topicOf(network, size)
    const [lswitch, subnet] = [networkId(network), subnetId(network)]
    const vlan = {
      network_type: 'vlan',
      physical_network: 'physnet1',
      segmentation_id: 1 + (network % 4094),
    }
    yield row('lswitch', lswitch, { topic, unique_key: network + 1, version: 1, ...vlan })
    yield row('lsubnet', subnet, {
      topic,
      lswitch,
      cidr: '10.0.0.0/16',
      gateway_ip: '10.0.0.1',
      version: 1,
    })
    yield domainRow(network, domainOf(network, size), size)
  }
  for (const port of portsOf(size)) {
    yield portRow(port, size)
    yield nameRow(port, `vm-${port.place}`, size)
  }
}

/** The `lport` row of a port, by default with the address of its place. */
export function portRow(port: CloudPort, size: CloudSize, address = addressOf(port.place)): RawRow {
  return row('lport', port.id, {
    topic: topicOf(port.network, size),
    unique_key: port.key,
    version: 1,
    lswitch: networkId(port.network),
    ips: [address],
    subnets: [subnetId(port.network)],
    macs: [macOf(port.place)],
    enabled: true,
    port_security_enabled: true,
    binding: { type: 'chassis', chassis: hostOf(port) },
    device_owner: 'compute:nova',
  })
}

/** The `dnsname` row of a port. */
export function nameRow(port: CloudPort, name: string, size: CloudSize): RawRow {
  return row('dnsname', port.id, {
    topic: topicOf(port.network, size),
    lport: port.id,
    dns_name: name,
    version: 1,
  })
}

/** The `domainname` row of a network's subnet. */
export function domainRow(network: number, domain: string, size: CloudSize): RawRow {
  const subnet = subnetId(network)
  return row('domainname', subnet, { topic: topicOf(network, size), subnet, domain_name: domain, version: 1 })
}

const row = (table: string, id: string, fields: object): RawRow => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})
