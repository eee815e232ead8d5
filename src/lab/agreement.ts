/**
 * What the parts of a lab file say about each other, and should not (docs/lab.md). Pure: it looks at a file whose shape
 * is right, and yields what is wrong with the place and the remedy.
 */

import { isInside, isIpv6 } from './address.ts'
import { isTunnelled, type LabFile } from './lab-file.ts'

/** A place in the file and what is wrong there. */
export type Fault = readonly [path: string, message: string]

/** Everything that does not fit together. */
export function* disagreements(lab: LabFile): Iterable<Fault> {
  yield* keysTwice(lab)
  yield* faultsOfNetworks(lab)
  yield* faultsOfGroups(lab)
  yield* faultsOfPorts(lab)
  yield* faultsOfRouters(lab)
  yield* faultsOfOutside(lab)
}

function* faultsOfNetworks(lab: LabFile): Iterable<Fault> {
  const segments = new Map<string, string>()
  for (const [name, network] of Object.entries(lab.networks)) {
    const path = `networks.${name}`
    yield* faultsOfSegment(path, network)
    const { type, physical_network, segmentation_id } = network
    const segment = `${physical_network ?? type} ${segmentation_id ?? 'untagged'}`
    const other = segments.get(segment)
    if (other !== undefined)
      yield [path, `${other} is on ${segment} already; give each network a segment of its own`]
    segments.set(segment, name)
    for (const [index, subnet] of network.subnets.entries())
      yield* faultsOfSubnet(`${path}.subnets.${index}`, subnet)
  }
}

type Network = LabFile['networks'][string]

function* faultsOfSegment(path: string, network: Network): Iterable<Fault> {
  const { type, physical_network, segmentation_id } = network
  if (type !== 'flat' && segmentation_id === undefined)
    yield [path, `a ${type} network needs a segmentation_id`]
  if (type === 'flat' && segmentation_id !== undefined) yield [path, 'a flat network has no segmentation_id']
  if (type === 'vlan' && segmentation_id !== undefined && segmentation_id > 4094)
    yield [`${path}.segmentation_id`, 'a VLAN is 1 to 4094']
  if (isTunnelled(type) && physical_network !== undefined)
    yield [path, `a ${type} network has no physical_network`]
  if (!isTunnelled(type) && physical_network === undefined)
    yield [path, `a ${type} network needs a physical_network`]
}

function* faultsOfSubnet(path: string, subnet: Network['subnets'][number]): Iterable<Fault> {
  const { cidr, gateway, dhcp_ip, host_routes } = subnet
  for (const [name, ip] of Object.entries({ gateway, dhcp_ip }))
    if (ip !== undefined && !isInside(ip, cidr))
      yield [`${path}.${name}`, `${ip} is not inside ${cidr}; use one of its addresses`]
  for (const [index, { destination, nexthop }] of host_routes.entries())
    if (isIpv6(destination) !== isIpv6(cidr) || isIpv6(nexthop) !== isIpv6(cidr))
      yield [`${path}.host_routes.${index}`, `the routes of ${cidr} are of its own IP version`]
}

function* faultsOfGroups({ security_groups: groups }: LabFile): Iterable<Fault> {
  for (const [name, { tenant, rules }] of Object.entries(groups))
    for (const [index, { remote_group, remote_ip_prefix }] of rules.entries()) {
      const path = `security_groups.${name}.rules.${index}`
      if (remote_group === undefined) continue
      if (groups[remote_group]?.tenant !== tenant)
        yield [`${path}.remote_group`, `${tenant} has no security group ${remote_group}`]
      if (remote_ip_prefix !== undefined)
        yield [path, 'a rule has a remote_group or a remote_ip_prefix, not both']
    }
}

function* faultsOfPorts(lab: LabFile): Iterable<Fault> {
  const owners = new Map<string, string>()
  for (const [name, { network, node, ips, security_groups, boot, dns_server }] of Object.entries(lab.ports)) {
    const path = `ports.${name}`
    if (boot !== 'static' && dns_server !== undefined)
      yield [`${path}.boot`, 'a port with a dns_server boots static: its server needs its addresses at once']
    if (boot === 'udhcpc' && ips.every(isIpv6))
      yield [`${path}.boot`, 'udhcpc speaks IPv4 alone; give the port an IPv4 address or another client']
    const { subnets, tenant } = lab.networks[network] ?? {}
    if (!subnets) yield [`${path}.network`, noNetwork(lab, network)]
    if (node !== undefined && !lab.nodes.includes(node)) yield [`${path}.node`, noNode(lab, node)]
    for (const [index, ip] of ips.entries()) {
      if (subnets && !subnets.some(({ cidr }) => isInside(ip, cidr)))
        yield [
          `${path}.ips.${index}`,
          `${ip} is in no subnet of ${network}; add the subnet or change the address`,
        ]
      const owner = owners.get(`${network} ${ip}`)
      if (owner !== undefined)
        yield [`${path}.ips.${index}`, `${ip} is ${owner}'s already; each port has its own`]
      owners.set(`${network} ${ip}`, name)
    }
    for (const [index, group] of security_groups.entries())
      if (lab.security_groups[group]?.tenant !== tenant)
        yield [`${path}.security_groups.${index}`, `${tenant} has no security group ${group}`]
  }
}

function* faultsOfRouters(lab: LabFile): Iterable<Fault> {
  for (const [name, { tenant, interfaces }] of Object.entries(lab.routers))
    for (const [network, ips] of Object.entries(interfaces)) {
      const path = `routers.${name}.interfaces.${network}`
      const { subnets, tenant: owner } = lab.networks[network] ?? {}
      if (!subnets) {
        yield [path, noNetwork(lab, network)]
        continue
      }
      if (owner !== tenant)
        yield [path, `${network} is ${owner}'s; a router joins networks of its own tenant`]
      for (const [index, ip] of ips.entries()) {
        if (!subnets.some(({ cidr }) => isInside(ip, cidr)))
          yield [`${path}.${index}`, `${ip} is in no subnet of ${network}; use an address of one`]
        const port = Object.entries(lab.ports).find(
          ([, port]) => port.network === network && port.ips.includes(ip),
        )
        if (port) yield [`${path}.${index}`, `${ip} is ${port[0]}'s already; the router needs its own`]
      }
    }
}

function* faultsOfOutside(lab: LabFile): Iterable<Fault> {
  const { networks, gateways, outside } = lab
  const addresses: [path: string, ip: string][] = []
  for (const [name, gateway] of Object.entries(gateways)) {
    const path = `gateways.${name}`
    const type = networks[gateway.network]?.type
    if (type === undefined) yield [`${path}.network`, noNetwork(lab, gateway.network)]
    else if (isTunnelled(type))
      yield [
        `${path}.network`,
        `${gateway.network} is a ${type} network; a gateway stands on a vlan or flat one`,
      ]
    for (const [index, ip] of gateway.outside.entries()) addresses.push([`${path}.outside.${index}`, ip])
  }
  for (const [node, ips] of Object.entries(outside?.external_host_ips ?? {})) {
    const path = `outside.external_host_ips.${node}`
    if (!lab.nodes.includes(node)) yield [path, noNode(lab, node)]
    if (isIpv6(ips[0]!) || (ips[1] !== undefined && !isIpv6(ips[1])))
      yield [path, 'write one IPv4 address, and one IPv6 address behind it if need be']
    for (const [index, ip] of ips.entries()) addresses.push([`${path}.${index}`, ip])
  }
  for (const [name, server] of Object.entries(outside?.servers ?? {}))
    for (const [index, ip] of server.addresses.entries())
      addresses.push([`outside.servers.${name}.addresses.${index}`, ip])
  for (const [index, [path, ip]] of addresses.entries()) {
    if (!outside?.subnets.some((cidr) => isInside(ip, cidr)))
      yield [path, `${ip} is in no subnet of outside.subnets; add the subnet or change the address`]
    if (addresses.findIndex(([, other]) => other === ip) !== index)
      yield [path, `${ip} is used twice outside; give it to one of them`]
  }
}

/** Every key of these becomes a namespace `df-<key>`, so they share one room. */
function* keysTwice({ nodes, ports, gateways, outside }: LabFile): Iterable<Fault> {
  const sections = { nodes, ports, gateways, 'outside.servers': outside?.servers ?? {} }
  const seen = new Map(['outside', 'underlay', 'etcd'].map((name) => [name, 'the lab itself']))
  for (const [section, entries] of Object.entries(sections))
    for (const name of Array.isArray(entries) ? entries : Object.keys(entries)) {
      if (seen.has(name))
        yield [
          `${section}.${name}`,
          `the key is used by ${seen.get(name)} too; each key becomes one namespace`,
        ]
      seen.set(name, section)
    }
}

const noNetwork = (lab: LabFile, name: string) =>
  `there is no network ${name}; it is one of ${Object.keys(lab.networks).join(', ')}`

const noNode = (lab: LabFile, name: string) =>
  `there is no node ${name}; it is one of ${lab.nodes.join(', ')}`
