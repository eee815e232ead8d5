/**
 * Northbound rows and the switch's ports, joined into the view that applications see. Pure, so that it does not matter
 * which of the two came first: a port plugged before its row exists is there as soon as the row is, and the other way
 * round. It knows no application and no session. Whether a port is local is decided by its binding row, not by where
 * it is plugged (Dragonflow's `controller/topology.py`).
 */

import type { LocalPort, Network, Port, Subnet, View } from '../app/view.ts'
import type {
  DnsName,
  DomainName,
  LogicalPort,
  LogicalSubnet,
  LogicalSwitch,
  Northbound,
} from '../nb/index.ts'
import type { SwitchPort } from '../ovsdb/index.ts'
import { share } from './share.ts'

/** What a view is made of. */
export interface Sources {
  readonly nb: Northbound
  /** The ports of the integration bridge. */
  readonly switchPorts: readonly SwitchPort[]
  /** The chassis id of this node. */
  readonly host: string
  /** The patch port on the integration bridge, by the physical network behind it. */
  readonly patchPorts: ReadonlyMap<string, string>
}

/**
 * The view of these sources. Whatever did not change since `previous` is the same object there and here, down to
 * addresses; if nothing changed, the result is `previous` itself.
 */
export function viewOf(sources: Sources, previous?: View): View {
  const { nb, switchPorts, host, patchPorts } = sources
  const subnets = share(previous?.subnets, subnetsOf(nb))
  const networks = share(previous?.networks, networksOf(nb, subnets))
  const ports = share(previous?.ports, portsOf(nb, subnets))
  const localPorts = share(previous?.localPorts, localPortsOf(sources, ports))
  const uplinks = share(previous?.uplinks, uplinksOf(switchPorts, patchPorts))
  const parts = { host, networks, subnets, ports, localPorts, uplinks }
  const isSame = Object.entries(parts).every(([name, part]) => part === previous?.[name as keyof View])
  return previous !== undefined && isSame ? previous : { version: (previous?.version ?? 0) + 1, ...parts }
}

/** Local ports by key, without those whose key or place another port has taken: identity must be beyond doubt. */
function localPortsOf({ switchPorts, host }: Sources, ports: ReadonlyMap<string, Port>): LocalPort[] {
  const plugs = new Map<string, number>()
  for (const { lport, ofport } of switchPorts)
    if (lport !== undefined && ofport !== undefined)
      plugs.set(lport, Math.min(ofport, plugs.get(lport) ?? ofport))
  const byKey = new Map<number, LocalPort>()
  for (const [id, ofport] of plugs) {
    const port = ports.get(id)
    if (port?.isEnabled && port.chassis === host) byKey.set(port.key, { ...port, ofport })
  }
  return [...byKey.values()].sort((a, b) => a.key - b.key)
}

function uplinksOf(switchPorts: readonly SwitchPort[], patchPorts: ReadonlyMap<string, string>) {
  const ofports = new Map(switchPorts.map(({ name, ofport }) => [name, ofport]))
  const uplinks = new Map<string, number>()
  for (const [physicalNetwork, name] of patchPorts) {
    const ofport = ofports.get(name)
    if (ofport !== undefined) uplinks.set(physicalNetwork, ofport)
  }
  return uplinks
}

function networksOf(nb: Northbound, subnets: ReadonlyMap<string, Subnet>): Map<string, Network> {
  const bySwitch = new Map<string, Subnet[]>()
  for (const subnet of subnets.values()) {
    const list = bySwitch.get(subnet.networkId)
    if (list) list.push(subnet)
    else bySwitch.set(subnet.networkId, [subnet])
  }
  return mapped(nb.lswitch, (row) => networkOf(row, bySwitch.get(row.id) ?? []))
}

function networkOf(row: LogicalSwitch, subnets: readonly Subnet[]): Network {
  return {
    id: row.id,
    key: row.unique_key,
    topic: row.topic,
    name: row.name ?? '',
    mtu: row.mtu,
    networkType: row.network_type,
    physicalNetwork: row.physical_network,
    segmentationId: row.segmentation_id,
    subnets,
  }
}

function subnetsOf(nb: Northbound): Map<string, Subnet> {
  return mapped(nb.lsubnet, (row) => subnetOf(row, nb.domainname.get(row.id)))
}

function subnetOf(row: LogicalSubnet, domain: DomainName | undefined): Subnet {
  return {
    id: row.id,
    topic: row.topic,
    networkId: row.lswitch,
    cidr: row.cidr,
    gatewayIp: row.gateway_ip,
    dhcpIp: row.dhcp_ip,
    dnsNameservers: row.dns_nameservers,
    domain: domain && {
      name: domain.domain_name,
      ttl: domain.ttl,
      isAuthoritative: domain.authoritative ?? false,
    },
  }
}

function portsOf(nb: Northbound, subnets: ReadonlyMap<string, Subnet>): Map<string, Port> {
  return mapped(nb.lport, (row) => portOf(row, nb.dnsname.get(row.id), subnets))
}

function portOf(row: LogicalPort, dns: DnsName | undefined, subnets: ReadonlyMap<string, Subnet>): Port {
  const { binding } = row
  return {
    id: row.id,
    key: row.unique_key,
    topic: row.topic,
    networkId: row.lswitch,
    name: row.name ?? '',
    dnsName: dns?.dns_name,
    macs: row.macs,
    addresses: row.ips.map((ip, index) => ({ ip, subnet: subnetAt(row, index, subnets) })),
    allowedAddressPairs: row.allowed_address_pairs.map((pair) => ({
      ip: pair.ip_address,
      mac: pair.mac_address,
    })),
    isPortSecurityEnabled: row.port_security_enabled ?? true,
    isEnabled: row.enabled ?? true,
    deviceOwner: row.device_owner ?? '',
    chassis: binding?.type === 'chassis' ? binding.chassis : undefined,
  }
}

/** The subnet that a row names for its address at `index`, if that subnet is one of the row's own network. */
function subnetAt(row: LogicalPort, index: number, subnets: ReadonlyMap<string, Subnet>): Subnet | undefined {
  const subnet = subnets.get(row.subnets[index] ?? '')
  return subnet?.networkId === row.lswitch ? subnet : undefined
}

function mapped<A, B>(rows: ReadonlyMap<string, A>, make: (row: A) => B): Map<string, B> {
  const made = new Map<string, B>()
  for (const [id, row] of rows) made.set(id, make(row))
  return made
}
