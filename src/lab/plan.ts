/**
 * From a lab file to everything that will exist: ids, namespaces, devices, addresses, directories. Pure, and the same
 * file gives the same plan, so that flows can be compared and `down` can find what an interrupted `up` left behind.
 * It knows nothing of processes. A plan is plain JSON: it is stored in the lab's state.
 */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isInside, isIpv6, withPrefix } from './address.ts'
import type { LabFile } from './schema.ts'

/** A lab as it will be. */
export interface Plan {
  readonly name: string
  /** Everything that the lab writes, but for /etc/netns/<namespace>. */
  readonly directory: string
  readonly nodes: readonly NodePlan[]
  readonly networks: readonly NetworkPlan[]
  readonly ports: readonly PortPlan[]
  readonly gateways: readonly GatewayPlan[]
  readonly servers: readonly ServerPlan[]
  /** Where the northbound rows are: undefined for files in `<directory>/nb`. */
  readonly etcd: EtcdPlan | undefined
  /** The namespace with the bridge that gateways and outside servers share; undefined if the lab has no outside. */
  readonly outside: string | undefined
}

/** A compute node: a namespace with a switch and a controller. */
export interface NodePlan {
  readonly key: string
  readonly namespace: string
  readonly directory: string
  readonly switchDirectory: string
  /** The controller's `run_dir`. */
  readonly runDir: string
  readonly integrationBridge: string
  /** The provider bridges, by physical network. */
  readonly bridges: Readonly<Record<string, string>>
  /** Text of its df.conf by section and option. */
  readonly config: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface NetworkPlan {
  readonly key: string
  readonly id: string
  readonly topic: string
  readonly type: string
  readonly physicalNetwork: string
  readonly segmentationId: number | undefined
  readonly mtu: number
  readonly subnets: readonly SubnetPlan[]
}

export interface SubnetPlan {
  readonly id: string
  readonly name: string
  readonly cidr: string
  readonly gateway: string | undefined
  readonly nameservers: readonly string[]
  readonly domain: string | undefined
  readonly domainTtl: number | undefined
  readonly isAuthoritative: boolean
}

/** A VM: a namespace with one interface, `eth0`, plugged into its node's integration bridge. */
export interface PortPlan {
  readonly key: string
  /** The lport's id, and the `iface-id` in the switch. */
  readonly id: string
  readonly topic: string
  readonly networkId: string
  readonly node: string
  readonly namespace: string
  /** The node's end of its link, named as Neutron names taps. */
  readonly device: string
  /** The OpenFlow port it asks for, so that flows are the same each time. */
  readonly ofport: number
  readonly mac: string
  readonly mtu: number
  readonly addresses: readonly { readonly ip: string; readonly cidr: string; readonly subnetId: string }[]
  readonly gateways: readonly string[]
  readonly nameservers: readonly string[]
  readonly searchDomains: readonly string[]
  readonly dnsName: string | undefined
  readonly isPortSecurityEnabled: boolean
  /** The zone of the DNS server that this VM runs; undefined if it runs none. */
  readonly records: Records | undefined
}

/** A tenant's way outside: `inside` is its end at the provider bridge, `outside` masquerades. */
export interface GatewayPlan {
  readonly key: string
  readonly namespace: string
  readonly node: string
  readonly bridge: string
  /** The access port on the provider bridge. */
  readonly device: string
  readonly tag: number | undefined
  readonly mtu: number
  /** With prefix lengths. */
  readonly insideAddresses: readonly string[]
  /** With prefix lengths. */
  readonly outsideAddresses: readonly string[]
}

/** A DNS server outside. */
export interface ServerPlan {
  readonly key: string
  readonly namespace: string
  /** With prefix lengths. */
  readonly addresses: readonly string[]
  readonly records: Records
}

/** The etcd that holds the northbound rows. */
export interface EtcdPlan {
  readonly key: string
  readonly namespace: string
  readonly directory: string
}

/** Addresses by name. */
export type Records = Readonly<Record<string, readonly string[]>>

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
  const bridges = bridgesOf(lab)
  const networks = Object.entries(lab.networks).map(([key, network]) => networkPlan(key, network))
  const networkOf = (key: string) => networks.find((network) => network.key === key)!
  const node = lab.nodes[0]!
  const outsideSubnets = lab.outside?.subnets ?? []
  const etcd =
    nb === 'etcd'
      ? { key: 'etcd', namespace: namespaceOf('etcd'), directory: join(directory, 'etcd') }
      : undefined
  return {
    name,
    directory,
    nodes: lab.nodes.map((key) => nodePlan(key, lab, { directory, etcd }, namespaceOf(key), bridges)),
    networks,
    ports: Object.entries(lab.ports).map(([key, port], index) => ({
      ...portPlan(key, port, networkOf(port.network)),
      node: port.node ?? node,
      namespace: namespaceOf(key),
      ofport: firstOfport + index,
    })),
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

/** Where the northbound rows are, as the options of `[df]` say it. */
export function northboundOf({ directory, etcd }: Pick<Plan, 'directory' | 'etcd'>) {
  const nb_path = join(directory, 'nb')
  if (etcd === undefined) return { nb_db_class: 'file_nb_db_driver', nb_path }
  const remote_db_hosts = [`unix:${join(etcd.directory, 'client:0')}`]
  return { nb_db_class: 'etcd_nb_db_driver', nb_path, remote_db_hosts }
}

/** Every namespace of a lab. */
export function namespacesOf({ nodes, ports, gateways, servers, etcd, outside }: Plan): string[] {
  const parts = [...nodes, ...ports, ...gateways, ...servers, ...(etcd === undefined ? [] : [etcd])]
  const named = parts.map(({ namespace }) => namespace)
  return outside === undefined ? named : [...named, outside]
}

/** A name-based UUID (RFC 9562 §5.5): the same kind and key give the same id in every lab. */
export function uuidOf(kind: string, key: string): string {
  const hash = createHash('sha1').update(Buffer.from(idSpace, 'hex')).update(`${kind}:${key}`).digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The name space of the lab's UUIDs: one of our own, made once. */
const idSpace = 'b4f3f0d2c1a94e5f8d6a7c3b2e1f0a95'

/** Leaves the low numbers to the patch ports, which the controller makes. */
const firstOfport = 11

function networkPlan(key: string, network: LabFile['networks'][string]): NetworkPlan {
  return {
    key,
    id: uuidOf('lswitch', key),
    topic: topicOf(network.tenant),
    type: network.type,
    physicalNetwork: network.physical_network,
    segmentationId: network.segmentation_id,
    mtu: network.mtu,
    subnets: network.subnets.map((subnet) => ({
      id: uuidOf('lsubnet', `${key} ${subnet.cidr}`),
      name: `${key} ${isIpv6(subnet.cidr) ? 'IPv6' : 'IPv4'}`,
      cidr: subnet.cidr,
      gateway: subnet.gateway,
      nameservers: subnet.dns_nameservers,
      domain: subnet.domain,
      domainTtl: subnet.domain_ttl,
      isAuthoritative: subnet.authoritative,
    })),
  }
}

function portPlan(
  key: string,
  port: LabFile['ports'][string],
  network: NetworkPlan,
): Omit<PortPlan, 'node' | 'namespace' | 'ofport'> {
  const id = uuidOf('lport', key)
  const subnets = port.ips.map((ip) => network.subnets.find(({ cidr }) => isInside(ip, cidr))!)
  return {
    key,
    id,
    topic: network.topic,
    networkId: network.id,
    device: `tap${id.slice(0, 11)}`,
    mac: port.mac ?? macOf(key),
    mtu: network.mtu,
    addresses: port.ips.map((ip, at) => ({
      ip,
      cidr: withPrefix(ip, [subnets[at]!.cidr]),
      subnetId: subnets[at]!.id,
    })),
    gateways: unique(subnets.flatMap(({ gateway }) => gateway ?? [])),
    nameservers: unique(subnets.flatMap(({ nameservers }) => nameservers)),
    searchDomains: unique(subnets.flatMap(({ domain }) => domain ?? [])),
    dnsName: port.dns_name,
    isPortSecurityEnabled: port.security,
    records: port.dns_server?.records,
  }
}

function gatewayPlan(key: string, network: NetworkPlan, bridges: Readonly<Record<string, string>>) {
  return {
    key,
    bridge: bridges[network.physicalNetwork]!,
    device: `gw${uuidOf('gateway', key).slice(0, 11)}`,
    tag: network.segmentationId,
    mtu: network.mtu,
    insideAddresses: network.subnets.flatMap(({ gateway, cidr }) =>
      gateway === undefined ? [] : [withPrefix(gateway, [cidr])],
    ),
  }
}

function nodePlan(
  key: string,
  lab: LabFile,
  plan: Pick<Plan, 'directory' | 'etcd'>,
  namespace: string,
  bridges: Readonly<Record<string, string>>,
): NodePlan {
  const directory = join(plan.directory, key)
  const switchDirectory = join(directory, 'ovs')
  const runDir = join(directory, 'run')
  const integrationBridge = 'br-int'
  const mappings = Object.entries(bridges).map(([physical, bridge]) => `${physical}:${bridge}`)
  const derived: Record<string, Record<string, string>> = {
    DEFAULT: { host: key, run_dir: runDir },
    df: {
      ...Object.fromEntries(Object.entries(northboundOf(plan)).map(([name, value]) => [name, String(value)])),
      integration_bridge: integrationBridge,
      ovsdb_connection: `unix:${join(switchDirectory, 'db.sock')}`,
      metrics_listen: '127.0.0.1:9476',
    },
    df_openflow: { listen: `unix:${join(switchDirectory, `${integrationBridge}.controller`)}` },
    df_provider_networks: { bridge_mappings: mappings.join(',') },
  }
  const config = { ...derived }
  for (const [section, options] of Object.entries(lab.options))
    config[section] = {
      ...derived[section],
      ...Object.fromEntries(Object.entries(options).map(([option, value]) => [option, String(value)])),
    }
  return { key, namespace, directory, switchDirectory, runDir, integrationBridge, bridges, config }
}

/** `br-ex` for the first physical network, `br-ex-2` for the second, and so on. */
function bridgesOf({ networks }: LabFile): Record<string, string> {
  const physical = unique(Object.values(networks).map(({ physical_network }) => physical_network))
  return Object.fromEntries(
    physical.map((name, index) => [name, index === 0 ? 'br-ex' : `br-ex-${index + 1}`]),
  )
}

/** A project id as Keystone makes them: 32 hexadecimal digits. */
const topicOf = (tenant: string) => uuidOf('tenant', tenant).replaceAll('-', '')

/** OpenStack's prefix and three bytes of the key's hash. */
const macOf = (key: string) => `fa:16:3e:${uuidOf('mac', key).slice(0, 6).match(/../g)!.join(':')}`

const unique = (values: readonly string[]) => [...new Set(values)]
