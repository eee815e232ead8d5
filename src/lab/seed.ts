/**
 * The northbound rows of a lab, as Neutron's plugin would write them (docs/northbound.md): from the plan to the store,
 * through the driver that the controller reads with.
 */

import { type JsonObject, type NbDriver, pythonJson } from '../nb/index.ts'
import { uuidOf } from './ids.ts'
import type { Plan } from './plan.ts'
import { tunnelTypes } from './plan-node.ts'
import type {
  GroupPlan,
  NetworkPlan,
  NodePlan,
  OwnPortPlan,
  PortPlan,
  RoutePlan,
  RouterPlan,
  RulePlan,
  SubnetPlan,
} from './plan-parts.ts'

/** Writes every row of the lab. Keys are allocated in the order of the file, so they are the same each time. */
export async function seed(plan: Plan, store: NbDriver): Promise<void> {
  const put = (table: string, row: JsonObject & { readonly id: string }) =>
    store.create(table, row.id, pythonJson(row))
  for (const node of plan.nodes) await put('chassis', chassisRow(node))
  for (const group of plan.groups)
    await put('secgroup', groupRow(group, await store.allocateUniqueKey('secgroup')))
  for (const network of plan.networks) {
    await put('lswitch', networkRow(network, await store.allocateUniqueKey('lswitch')))
    for (const subnet of network.subnets) {
      await put('lsubnet', subnetRow(subnet, network))
      if (subnet.domain !== undefined)
        await put('domainname', domainRow(subnet, network.topic, subnet.domain))
    }
  }
  for (const port of plan.ports) {
    await put('lport', portRow(port, await store.allocateUniqueKey('lport')))
    if (port.dnsName !== undefined) await put('dnsname', nameRow(port, port.dnsName))
  }
  for (const port of plan.dhcpPorts)
    await put('lport', ownPortRow(port, await store.allocateUniqueKey('lport')))
  for (const router of plan.routers) {
    const keys: number[] = []
    for (const port of router.ports) {
      const key = await store.allocateUniqueKey('lport')
      await put('lport', ownPortRow(port, key))
      keys.push(key)
    }
    await put('lrouter', routerRow(router, await store.allocateUniqueKey('lrouter'), keys))
  }
}

const chassisRow = ({ key, ip, underlay, external }: NodePlan) => ({
  id: key,
  ip,
  tunnel_types: underlay === undefined ? [] : tunnelTypes,
  external_host_ip: external?.hostIps[0],
})

const networkRow = (
  { id, topic, key, type, physicalNetwork, segmentationId, mtu }: NetworkPlan,
  unique: number,
) => ({
  id,
  topic,
  unique_key: unique,
  version: 1,
  name: key,
  is_external: false,
  mtu,
  network_type: type,
  physical_network: physicalNetwork,
  segmentation_id: segmentationId,
})

const subnetRow = (subnet: SubnetPlan, network: NetworkPlan) => ({
  id: subnet.id,
  topic: network.topic,
  version: 1,
  name: subnet.name,
  enable_dhcp: subnet.isDhcpEnabled,
  dhcp_ip: subnet.dhcpIp,
  cidr: subnet.cidr,
  gateway_ip: subnet.gateway,
  dns_nameservers: subnet.nameservers,
  host_routes: subnet.hostRoutes.map(routeOf),
  lswitch: network.id,
})

const domainRow = ({ id, domainTtl, isAuthoritative }: SubnetPlan, topic: string, domain: string) => ({
  id,
  topic,
  version: 1,
  subnet: id,
  domain_name: domain,
  ttl: domainTtl,
  authoritative: isAuthoritative,
})

const portRow = (port: PortPlan, unique: number) => ({
  ...commonRow(port, unique),
  name: port.key,
  binding: { type: 'chassis', chassis: port.node },
  security_groups: port.securityGroups,
  port_security_enabled: port.isPortSecurityEnabled,
  device_owner: 'compute:nova',
  device_id: uuidOf('instance', port.key),
  dhcp_params: port.dhcpOptions && { opts: port.dhcpOptions, siaddr: port.nextServer },
})

const ownPortRow = (port: OwnPortPlan, unique: number) => ({
  ...commonRow(port, unique),
  name: '',
  security_groups: [],
  port_security_enabled: false,
  device_owner: port.owner,
  device_id: port.deviceId,
  dhcp_params: { opts: {} },
})

const commonRow = (port: PortPlan | OwnPortPlan, unique: number) => ({
  id: port.id,
  topic: port.topic,
  unique_key: unique,
  version: 1,
  ips: port.addresses.map(({ ip }) => ip),
  subnets: port.addresses.map(({ subnetId }) => subnetId),
  macs: [port.mac],
  enabled: true,
  lswitch: port.networkId,
  allowed_address_pairs: [],
  binding_vnic_type: 'normal',
})

const routerRow = ({ id, topic, key, ports, routes }: RouterPlan, unique: number, keys: number[]) => ({
  id,
  topic,
  unique_key: unique,
  version: 1,
  name: key,
  ports: ports.map((port, index) => ({
    id: port.id,
    topic: port.topic,
    unique_key: keys[index]!,
    lswitch: port.networkId,
    mac: port.mac,
    network: port.addresses[0]!.cidr,
  })),
  routes: routes.map(routeOf),
})

const groupRow = ({ id, topic, key, rules }: GroupPlan, unique: number) => ({
  id,
  topic,
  unique_key: unique,
  version: 1,
  name: key,
  rules: rules.map((rule) => ruleRow(rule, topic, id)),
})

const ruleRow = (rule: RulePlan, topic: string, group: string) => ({
  id: rule.id,
  topic,
  version: 0,
  direction: rule.direction,
  ethertype: rule.ethertype,
  protocol: rule.protocol,
  port_range_min: rule.portRangeMin,
  port_range_max: rule.portRangeMax,
  remote_ip_prefix: rule.remoteIpPrefix,
  remote_group_id: rule.remoteGroupId,
  security_group_id: group,
})

const nameRow = ({ id, topic }: PortPlan, name: string) => ({
  id,
  topic,
  version: 1,
  lport: id,
  dns_name: name,
})

const routeOf = ({ destination, nexthop }: RoutePlan) => ({ destination, nexthop })
