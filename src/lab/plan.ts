/**
 * From a lab file to everything that will exist: ids, namespaces, devices, addresses, directories. Pure, and the same
 * file gives the same plan, so that flows can be compared and `down` can find what an interrupted `up` left behind.
 * It knows nothing of processes. A plan is plain JSON: it is stored in the lab's state.
 */

import { join } from 'node:path'
import { isInside, withPrefix } from './address.ts'
import { deviceOf, macOf, uuidOf } from './ids.ts'
import type { LabFile } from './lab-file.ts'
import {
  addressPlan,
  dhcpPortPlans,
  groupIdOf,
  groupPlans,
  networkPlans,
  routerPlans,
} from './plan-network.ts'
import { bridgesOf, nodePlans } from './plan-node.ts'
import type {
  EtcdPlan,
  GatewayPlan,
  GroupPlan,
  NetworkPlan,
  NodePlan,
  OwnPortPlan,
  PortPlan,
  RouterPlan,
  ServerPlan,
} from './plan-parts.ts'

export { northboundOf } from './plan-node.ts'
export type * from './plan-parts.ts'

/** A lab as it will be. */
export interface Plan {
  readonly name: string
  /** Everything that the lab writes, but for /etc/netns/<namespace>. */
  readonly directory: string
  readonly nodes: readonly NodePlan[]
  readonly networks: readonly NetworkPlan[]
  readonly routers: readonly RouterPlan[]
  readonly groups: readonly GroupPlan[]
  readonly ports: readonly PortPlan[]
  /** The networks' `network:dhcp` ports. */
  readonly dhcpPorts: readonly OwnPortPlan[]
  readonly gateways: readonly GatewayPlan[]
  readonly servers: readonly ServerPlan[]
  /** Where the northbound rows are: undefined for files in `<directory>/nb`. */
  readonly etcd: EtcdPlan | undefined
  /** The namespace with the bridge that gateways and outside servers share; undefined if the lab has no outside. */
  readonly outside: string | undefined
}

/** What a lab is made with. */
export interface PlanOptions {
  readonly name: string
  readonly directory: string
  /** What holds the northbound rows; files by default. */
  readonly nb?: 'file' | 'etcd'
}

/** Plans a lab. */
export function planOf(lab: LabFile, { name, directory, nb = 'file' }: PlanOptions): Plan {
  const namespaceOf = (key: string) => (name === 'default' ? `df-${key}` : `df-${name}-${key}`)
  const networks = networkPlans(lab)
  const networkOf = (key: string) => networks.find((network) => network.key === key)!
  const bridges = bridgesOf(lab)
  const node = lab.nodes[0]!
  const outsideSubnets = lab.outside?.subnets ?? []
  const etcd =
    nb === 'etcd'
      ? { key: 'etcd', namespace: namespaceOf('etcd'), directory: join(directory, 'etcd') }
      : undefined
  return {
    name,
    directory,
    nodes: nodePlans(lab, { directory, etcd, namespaceOf }),
    networks,
    routers: routerPlans(lab, networks),
    groups: groupPlans(lab),
    ports: Object.entries(lab.ports).map(([key, port], index) => ({
      ...portPlan(key, port, networkOf(port.network)),
      node: port.node ?? node,
      namespace: namespaceOf(key),
      ofport: firstOfport + index,
    })),
    dhcpPorts: dhcpPortPlans(lab, networks),
    gateways: Object.entries(lab.gateways).map(([key, { network, outside }]) => ({
      ...gatewayPlan(key, networkOf(network), bridges),
      node,
      namespace: namespaceOf(key),
      outsideAddresses: outside.map((ip) => withPrefix(ip, outsideSubnets)),
    })),
    servers: Object.entries(lab.outside?.servers ?? {}).map(([key, { addresses, records }]) => ({
      key,
      namespace: namespaceOf(key),
      addresses: addresses.map((ip) => withPrefix(ip, outsideSubnets)),
      records,
    })),
    etcd,
    outside: lab.outside === undefined ? undefined : namespaceOf('outside'),
  }
}

/** Every namespace of a lab. */
export function namespacesOf(plan: Plan): string[] {
  const { nodes, ports, gateways, servers, etcd } = plan
  const parts = [...nodes, ...ports, ...gateways, ...servers, ...(etcd === undefined ? [] : [etcd])]
  return [...parts.map(({ namespace }) => namespace), ...segmentsOf(plan)]
}

/** The namespaces that hold a segment: the underlay and the world outside, if the lab has them. */
export function segmentsOf({ nodes, outside }: Pick<Plan, 'nodes' | 'outside'>): string[] {
  return [nodes[0]?.underlay?.namespace, outside].filter((segment) => segment !== undefined)
}

/** Leaves the low numbers to the patch ports, which the controller makes. */
const firstOfport = 11

function portPlan(
  key: string,
  port: LabFile['ports'][string],
  network: NetworkPlan,
): Omit<PortPlan, 'node' | 'namespace' | 'ofport'> {
  const subnets = port.ips.map((ip) => network.subnets.find(({ cidr }) => isInside(ip, cidr))!)
  const { 'server-ip-address': nextServer, ...dhcpOptions } = port.dhcp_options ?? {}
  return {
    key,
    id: uuidOf('lport', key),
    topic: network.topic,
    networkId: network.id,
    device: deviceOf('tap', 'lport', key),
    mac: port.mac ?? macOf(key),
    mtu: network.mtu,
    addresses: port.ips.map((ip) => addressPlan(network, ip)),
    gateways: unique(subnets.flatMap(({ gateway }) => gateway ?? [])),
    nameservers: unique(subnets.flatMap(({ nameservers }) => nameservers)),
    searchDomains: unique(subnets.flatMap(({ domain }) => domain ?? [])),
    dnsName: port.dns_name,
    isPortSecurityEnabled: port.security,
    securityGroups: port.security_groups.map(groupIdOf),
    boot: port.boot,
    dhcpOptions: port.dhcp_options && dhcpOptions,
    nextServer,
    records: port.dns_server?.records,
  }
}

function gatewayPlan(key: string, network: NetworkPlan, bridges: Readonly<Record<string, string>>) {
  return {
    key,
    bridge: bridges[network.physicalNetwork!]!,
    device: deviceOf('gw', 'gateway', key),
    tag: network.segmentationId,
    mtu: network.mtu,
    insideAddresses: network.subnets.flatMap(({ gateway, cidr }) =>
      gateway === undefined ? [] : [withPrefix(gateway, [cidr])],
    ),
  }
}

const unique = (values: readonly string[]) => [...new Set(values)]
