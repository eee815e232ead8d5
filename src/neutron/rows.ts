/**
 * From Neutron's resources to the northbound rows that Dragonflow's plugin would write for them (dragonflow.md 5.2 and
 * `dragonflow/neutron/db/models`), with Neutron's ids, the project as topic and the revision as version; and the two
 * tables of internal DNS. Unique keys are not its business. Pure.
 */

import type { JsonObject, TableName } from '../nb/index.ts'
import { dhcpOptionNumber } from './dhcp-options.ts'
import { namesOf } from './names.ts'
import type {
  Cloud,
  CollectionName,
  FloatingIp,
  Network,
  Port,
  Router,
  SecurityGroup,
  Subnet,
} from './resources.ts'

/** The tables that the feed writes, in the order of writing, and the collection whose resource each row is about. */
export const fedTables = {
  lswitch: 'networks',
  lsubnet: 'subnets',
  domainname: 'subnets',
  secgroup: 'securityGroups',
  lport: 'ports',
  dnsname: 'ports',
  lrouter: 'routers',
  floatingip: 'floatingips',
} as const satisfies { readonly [T in TableName]?: CollectionName }

export type FedTable = keyof typeof fedTables
export const fedTableNames = Object.keys(fedTables) as FedTable[]

/** A row as it shall be, without its unique key. */
export interface WantedRow {
  readonly table: FedTable
  readonly id: string
  readonly fields: JsonObject
}

/** What of a cloud cannot be kept, for people; `kind` is one of a fixed set of words. */
export interface Problem {
  readonly kind: string
  readonly text: string
}

/** The rows of a cloud in the order of writing. */
export interface Wanted {
  readonly rows: readonly WantedRow[]
  readonly problems: readonly Problem[]
  /** False if the server has no DNS extension: it says nothing about names, and names stay as they are. */
  readonly hasNames: boolean
}

/** The northbound rows of a cloud. */
export function wantedOf(cloud: Cloud): Wanted {
  const ports = [...cloud.ports.values()]
  const names = namesOf(ports)
  const problems: Problem[] = names.problems.map(({ portId, kind, reason }) => ({
    kind,
    text: `port ${portId} ${reason}`,
  }))
  const hasNames = ports.length === 0 || ports.some(({ dns_assignment }) => dns_assignment !== undefined)
  const rows: Record<FedTable, JsonObject[]> = {
    lswitch: Array.from(cloud.networks.values(), networkRow),
    lsubnet: Array.from(cloud.subnets.values(), subnetRow),
    domainname: [...cloud.subnets.values()].flatMap((subnet) => {
      const domain = names.domains.get(subnet.id)
      return domain === undefined ? [] : [domainRow(subnet, domain)]
    }),
    secgroup: Array.from(cloud.securityGroups.values(), (group) => groupRow(group, problems)),
    lport: ports.map(portRow),
    dnsname: ports.flatMap((port) => {
      const name = names.hosts.get(port.id)
      return name === undefined ? [] : [nameRow(port, name)]
    }),
    lrouter: routerRows(cloud, ports),
    floatingip: floatingIpRows(cloud, ports),
  }
  const unread = Object.entries(cloud.unread).flatMap(([collection, found]) =>
    Array.from(found, ([id, reason]) => ({ kind: 'not understood', text: `${collection} ${id}: ${reason}` })),
  )
  return {
    rows: fedTableNames.flatMap((table) =>
      rows[table].map((fields) => ({ table, id: fields.id as string, fields })),
    ),
    problems: [...problems, ...unread],
    hasNames,
  }
}

const common = ({
  id,
  project_id,
  revision_number,
}: {
  id: string
  project_id: string
  revision_number?: number | null | undefined
}) => ({
  id,
  topic: project_id,
  version: revision_number ?? 0,
})

const named = (resource: Network | Subnet | Port | Router | SecurityGroup) => ({
  ...common(resource),
  name: resource.name,
})

function networkRow(network: Network): JsonObject {
  // A network of several segments has them in a list; the first is the one that its ports are bound to by default.
  const segment = network.segments[0] ?? network
  return {
    ...named(network),
    is_external: network['router:external'] ?? false,
    mtu: network.mtu,
    network_type: segment['provider:network_type'],
    physical_network: segment['provider:physical_network'],
    segmentation_id: segment['provider:segmentation_id'],
    qos_policy: network.qos_policy_id,
  }
}

/** `dhcp_ip` stays empty, as Dragonflow leaves it: where a DHCP agent runs, its address is a port's. */
function subnetRow(subnet: Subnet): JsonObject {
  return {
    ...named(subnet),
    cidr: subnet.cidr,
    enable_dhcp: subnet.enable_dhcp,
    gateway_ip: subnet.gateway_ip,
    dns_nameservers: subnet.dns_nameservers,
    host_routes: subnet.host_routes,
    lswitch: subnet.network_id,
  }
}

const domainRow = (subnet: Subnet, domain_name: string): JsonObject => ({
  ...common(subnet),
  subnet: subnet.id,
  domain_name,
})

/** Neither the status nor the kind of binding is looked at: a port that nobody has plugged yet has its name already. */
function portRow(port: Port): JsonObject {
  const host = port['binding:host_id']
  const dhcp = dhcpParamsOf(port)
  return {
    ...named(port),
    ips: port.fixed_ips.map(({ ip_address }) => ip_address),
    subnets: port.fixed_ips.map(({ subnet_id }) => subnet_id),
    macs: [port.mac_address],
    enabled: port.admin_state_up,
    ...(host ? { binding: { type: 'chassis', chassis: host } } : {}),
    lswitch: port.network_id,
    security_groups: port.security_groups,
    allowed_address_pairs: port.allowed_address_pairs,
    port_security_enabled: port.port_security_enabled,
    device_owner: port.device_owner,
    device_id: port.device_id,
    qos_policy: port.qos_policy_id,
    ...(dhcp && { dhcp_params: dhcp }),
    binding_vnic_type: port['binding:vnic_type'],
  }
}

const nameRow = (port: Port, dns_name: string): JsonObject => ({ ...common(port), lport: port.id, dns_name })

/** An empty value stays: it says that there is no such option. Those of unknown names, and of IPv6, are left out. */
function dhcpParamsOf({ extra_dhcp_opts }: Port): JsonObject | undefined {
  const given = extra_dhcp_opts.filter(({ ip_version }) => Number(ip_version ?? 4) === 4)
  const siaddr = given.find(({ opt_name }) => opt_name === 'server-ip-address')?.opt_value
  const opts = given.flatMap(({ opt_name, opt_value }) => {
    const number = dhcpOptionNumber(opt_name)
    return number === undefined ? [] : [[number, opt_value ?? ''] as const]
  })
  if (opts.length === 0 && !siaddr) return undefined
  return { opts: Object.fromEntries(opts), siaddr: siaddr || undefined }
}

/** How Neutron calls the ports by which a router stands in its networks. */
const interfaceOwners: ReadonlySet<string> = new Set([
  'network:router_interface',
  'network:router_interface_distributed',
  'network:ha_router_replicated_interface',
])

function routerRows({ routers, subnets }: Cloud, ports: readonly Port[]): JsonObject[] {
  const interfaces = new Map<string, JsonObject[]>()
  for (const port of ports) {
    const [address] = port.fixed_ips
    const cidr = address && subnets.get(address.subnet_id)?.cidr
    if (!interfaceOwners.has(port.device_owner) || !cidr) continue
    const found = interfaces.get(port.device_id) ?? []
    interfaces.set(port.device_id, found)
    found.push({
      ...{ id: port.id, topic: port.project_id, lswitch: port.network_id, mac: port.mac_address },
      network: `${address.ip_address}/${cidr.split('/')[1]}`,
    })
  }
  return Array.from(routers.values(), (router) => ({
    ...named(router),
    ports: (interfaces.get(router.id) ?? []).toSorted((a, b) => (a.id! < b.id! ? -1 : 1)),
    routes: router.routes,
  }))
}

function floatingIpRows({ floatingips }: Cloud, ports: readonly Port[]): JsonObject[] {
  const own = new Map(
    ports
      .filter(({ device_owner }) => device_owner === 'network:floatingip')
      .map((port) => [port.device_id, port.id]),
  )
  return Array.from(floatingips.values(), (address: FloatingIp) => ({
    ...common(address),
    floating_ip_address: address.floating_ip_address,
    fixed_ip_address: address.fixed_ip_address,
    lport: address.port_id,
    floating_lport: own.get(address.id),
    lrouter: address.router_id,
  }))
}

/** Neutron's names of IP protocols (neutron-lib, `constants.IP_PROTOCOL_MAP`) with IANA's numbers. */
// biome-ignore format: a table
const protocols: Readonly<Record<string, number>> = {
  icmp: 1, igmp: 2, ipip: 4, tcp: 6, egp: 8, udp: 17, dccp: 33, 'ipv6-encap': 41, 'ipv6-route': 43, 'ipv6-frag': 44,
  rsvp: 46, gre: 47, esp: 50, ah: 51, icmpv6: 58, 'ipv6-icmp': 58, 'ipv6-nonxt': 59, 'ipv6-opts': 60, ospf: 89,
  pgm: 113, vrrp: 112, sctp: 132, udplite: 136,
}

function groupRow(group: SecurityGroup, problems: Problem[]): JsonObject {
  const rules = group.security_group_rules.flatMap((rule): JsonObject[] => {
    const { protocol = null } = rule
    const isAny = protocol === null || protocol === '' || protocol === 'any'
    const number = isAny ? undefined : (protocols[protocol] ?? Number(protocol))
    // A rule without its restriction would let more through than was asked for.
    if (Number.isNaN(number) || rule.remote_address_group_id) {
      const what = Number.isNaN(number) ? `protocol ${JSON.stringify(protocol)}` : 'a remote address group'
      problems.push({
        kind: 'rule left out',
        text: `rule ${rule.id} of security group ${group.id} has ${what}`,
      })
      return []
    }
    return [
      {
        ...common(rule),
        direction: rule.direction,
        ethertype: rule.ethertype,
        protocol: number,
        port_range_min: rule.port_range_min,
        port_range_max: rule.port_range_max,
        remote_group_id: rule.remote_group_id,
        remote_ip_prefix: rule.remote_ip_prefix,
        security_group_id: group.id,
      },
    ]
  })
  return { ...named(group), rules }
}
