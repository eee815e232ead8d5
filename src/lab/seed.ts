/**
 * The northbound rows of a lab, as Neutron's plugin would write them (docs/northbound.md): from the plan to the store,
 * through the driver that the controller reads with.
 */

import { type JsonObject, type NbDriver, pythonJson } from '../nb/index.ts'
import { type NetworkPlan, type Plan, type PortPlan, type SubnetPlan, uuidOf } from './plan.ts'

/** Writes every row of the lab. Keys are allocated in the order of the file, so they are the same each time. */
export async function seed(plan: Plan, store: NbDriver): Promise<void> {
  const put = (table: string, row: JsonObject & { readonly id: string }) =>
    store.create(table, row.id, pythonJson(row))
  for (const [index, { key }] of plan.nodes.entries())
    await put('chassis', { id: key, ip: `192.0.2.${index + 1}`, tunnel_types: [] })
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
}

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

const subnetRow = ({ id, name, cidr, gateway, nameservers }: SubnetPlan, network: NetworkPlan) => ({
  id,
  topic: network.topic,
  version: 1,
  name,
  enable_dhcp: false,
  cidr,
  gateway_ip: gateway,
  dns_nameservers: nameservers,
  host_routes: [],
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
  id: port.id,
  topic: port.topic,
  unique_key: unique,
  version: 1,
  name: port.key,
  ips: port.addresses.map(({ ip }) => ip),
  subnets: port.addresses.map(({ subnetId }) => subnetId),
  macs: [port.mac],
  enabled: true,
  binding: { type: 'chassis', chassis: port.node },
  lswitch: port.networkId,
  security_groups: [],
  allowed_address_pairs: [],
  port_security_enabled: port.isPortSecurityEnabled,
  device_owner: 'compute:nova',
  device_id: uuidOf('instance', port.key),
  binding_vnic_type: 'normal',
})

const nameRow = ({ id, topic }: PortPlan, name: string) => ({
  id,
  topic,
  version: 1,
  lport: id,
  dns_name: name,
})
