/** The plan of what tenants make without a VM: networks, routers, security groups, and the ports of the cloud itself. */

import ipaddr from 'ipaddr.js'
import { isInside, isIpv6, withPrefix } from './address.ts'
import { macOf, topicOf, uuidOf } from './ids.ts'
import type { LabFile } from './lab-file.ts'
import type { AddressPlan, GroupPlan, NetworkPlan, OwnPortPlan, RouterPlan } from './plan-parts.ts'

/** Plans the networks of a lab. */
export function networkPlans({ networks }: LabFile): NetworkPlan[] {
  return Object.entries(networks).map(([key, network]) => ({
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
      isDhcpEnabled: subnet.dhcp,
      dhcpIp: subnet.dhcp_ip,
      hostRoutes: subnet.host_routes,
    })),
  }))
}

/** The fixed address `ip` of a port in that network. */
export function addressPlan({ subnets }: NetworkPlan, ip: string): AddressPlan {
  const { id, cidr } = subnets.find((subnet) => isInside(ip, subnet.cidr))!
  return { ip, cidr: withPrefix(ip, [cidr]), subnetId: id }
}

/** Plans the routers, with a port for each of their addresses. */
export function routerPlans(lab: LabFile, networks: readonly NetworkPlan[]): RouterPlan[] {
  return Object.entries(lab.routers).map(([key, { tenant, interfaces, routes }]) => {
    const id = uuidOf('lrouter', key)
    const portOf = (network: NetworkPlan, ip: string): OwnPortPlan => ({
      id: uuidOf('lport', `${key} ${network.key} ${ip}`),
      topic: network.topic,
      networkId: network.id,
      owner: 'network:router_interface',
      deviceId: id,
      mac: macOf(`${key} ${network.key} ${ip}`),
      addresses: [addressPlan(network, ip)],
    })
    const ports = Object.entries(interfaces).flatMap(([name, ips]) => {
      const network = networks.find((one) => one.key === name)!
      return ips.map((ip) => portOf(network, ip))
    })
    return { key, id, topic: topicOf(tenant), ports, routes }
  })
}

/** Plans the ports that Neutron makes for DHCP: one for a network, with an address in each IPv4 subnet that has DHCP. */
export function dhcpPortPlans(lab: LabFile, networks: readonly NetworkPlan[]): OwnPortPlan[] {
  return networks
    .filter(({ key }) => lab.networks[key]!.dhcp_port)
    .map((network) => ({
      id: uuidOf('lport', `${network.key} dhcp`),
      topic: network.topic,
      networkId: network.id,
      owner: 'network:dhcp',
      deviceId: '',
      mac: macOf(`${network.key} dhcp`),
      addresses: network.subnets
        .filter(({ cidr, isDhcpEnabled }) => isDhcpEnabled && !isIpv6(cidr))
        .map(({ cidr, dhcpIp }) => addressPlan(network, dhcpIp ?? freeAddress(lab, network, cidr))),
    }))
}

/** The first address of an IPv4 subnet that nobody in the network has. */
function freeAddress({ ports, routers }: LabFile, { key, subnets }: NetworkPlan, cidr: string): string {
  const taken = new Set([
    ...subnets.map(({ gateway }) => gateway),
    ...Object.values(ports).flatMap(({ network, ips }) => (network === key ? ips : [])),
    ...Object.values(routers).flatMap(({ interfaces }) => interfaces[key] ?? []),
  ])
  const octets = ipaddr.IPv4.networkAddressFromCIDR(cidr).octets
  const base = Buffer.from(octets).readUInt32BE()
  const address = Buffer.alloc(4)
  for (let host = 1; ; host += 1) {
    address.writeUInt32BE(base + host)
    const ip = [...address].join('.')
    if (!taken.has(ip)) return ip
  }
}

/** Plans the security groups. */
export function groupPlans({ security_groups }: LabFile): GroupPlan[] {
  return Object.entries(security_groups).map(([key, { tenant, rules }]) => ({
    key,
    id: groupIdOf(key),
    topic: topicOf(tenant),
    rules: rules.map((rule, index) => ({
      id: uuidOf('secgrouprule', `${key} ${index}`),
      direction: rule.direction,
      ethertype: rule.ethertype,
      protocol: rule.protocol,
      portRangeMin: rule.port_range_min,
      portRangeMax: rule.port_range_max,
      remoteIpPrefix: rule.remote_ip_prefix,
      remoteGroupId: rule.remote_group === undefined ? undefined : groupIdOf(rule.remote_group),
    })),
  }))
}

/** The id of a security group. */
export const groupIdOf = (key: string) => uuidOf('secgroup', key)
