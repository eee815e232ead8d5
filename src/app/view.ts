/**
 * The network as applications see it: immutable, and whole at every moment. It knows nothing of where the rows come
 * from (northbound store, OVSDB); `controller/topology.ts` makes a new one after each batch of changes. Names and
 * meaning of the fields are those of Dragonflow's models (`db/models/l2.py`).
 */

import type { DescribedRule } from '../security-rule.ts'

/** One moment of the network. Two views never share a version; a higher one is newer. */
export interface View {
  readonly version: number
  /** The chassis id of this compute node (`[DEFAULT] host`). */
  readonly host: string
  /** Every network (Dragonflow's lswitch) by id. */
  readonly networks: ReadonlyMap<string, Network>
  /** Every subnet by id. */
  readonly subnets: ReadonlyMap<string, Subnet>
  /** Every logical port by id: bound or not, up or down, enabled or not. */
  readonly ports: ReadonlyMap<string, Port>
  /** Every router (Dragonflow's lrouter) by id. */
  readonly routers: ReadonlyMap<string, Router>
  /** The ports that are bound to this node, enabled and plugged into its integration bridge, in order of `key`. */
  readonly localPorts: readonly LocalPort[]
  /** The OpenFlow port on the integration bridge behind which a physical network lies, by the network's name. */
  readonly uplinks: ReadonlyMap<string, number>
  /** The node's own MAC address behind an uplink, by the same name: for whom the node is the way on. */
  readonly uplinkMacs: ReadonlyMap<string, string>
  /** Every compute node by id, this one too. */
  readonly chassis: ReadonlyMap<string, Chassis>
  /** The OpenFlow port of the flow-based tunnel of each type (`geneve`, `vxlan`) on the integration bridge. */
  readonly tunnels: ReadonlyMap<string, number>
  /** Every security group (Dragonflow's secgroup) by id. */
  readonly securityGroups: ReadonlyMap<string, SecurityGroup>
}

/** A layer 2 network (lswitch). */
export interface Network {
  readonly id: string
  /** `unique_key`, 1 to 2^32 - 1; stands in the register `metadata`. */
  readonly key: number
  /** The tenant that owns it. */
  readonly topic: string
  readonly name: string
  /** Bytes; undefined if the row says none, or 0, as Neutron does. */
  readonly mtu: number | undefined
  readonly networkType: string | undefined
  readonly physicalNetwork: string | undefined
  readonly segmentationId: number | undefined
  readonly subnets: readonly Subnet[]
}

/** A subnet with what its `domainname` row says. */
export interface Subnet {
  readonly id: string
  readonly topic: string
  readonly networkId: string
  /** Canonical text, `10.0.0.0/24`. */
  readonly cidr: string
  readonly gatewayIp: string | undefined
  /** Whether its ports get their addresses from DHCP; a row that does not say so wants none. */
  readonly isDhcpEnabled: boolean
  readonly dhcpIp: string | undefined
  readonly dnsNameservers: readonly string[]
  readonly hostRoutes: readonly Route[]
  readonly domain: Domain | undefined
}

/** A way to other networks. */
export interface Route {
  /** An address or a CIDR, canonical text. */
  readonly destination: string
  readonly nexthop: string
}

/** A `domainname` row that counts: same topic as its subnet, and a valid name. */
export interface Domain {
  /** Without the trailing dot, in the row's case. */
  readonly name: string
  /** Seconds; undefined means the application's default. */
  readonly ttl: number | undefined
  readonly isAuthoritative: boolean
}

/** A logical port (lport). What it says is read from its row: to spread it copies nothing. */
export interface Port {
  readonly id: string
  /** `unique_key`, 1 to 2^32 - 1; stands in the registers `reg6` (source) and `reg7` (destination). */
  readonly key: number
  readonly topic: string
  readonly networkId: string
  /** The port's Neutron name: a label for people, not a DNS name. */
  readonly name: string
  /** What its `dnsname` row says, if that row counts (same topic); not validated as a host name. */
  readonly dnsName: string | undefined
  /** Lower case, `fa:16:3e:00:00:02`. */
  readonly macs: readonly string[]
  /** In the row's order; the subnet is undefined if the row names none, one that does not exist or that does not hold it. */
  readonly addresses: readonly Address[]
  readonly allowedAddressPairs: readonly AddressPair[]
  readonly isPortSecurityEnabled: boolean
  readonly isEnabled: boolean
  readonly deviceOwner: string
  /** The chassis id it is bound to; undefined if unbound or bound to something else (a VTEP). */
  readonly chassis: string | undefined
  /** The address of the VTEP it is bound to. */
  readonly vtepAddress: string | undefined
  /** The ids of its security groups, whether they exist or not. */
  readonly securityGroups: readonly string[]
  /** What its row adds to its DHCP leases. */
  readonly dhcp: DhcpParams | undefined
}

/** What a port's row says of its DHCP leases (Dragonflow's `dhcp_params`). */
export interface DhcpParams {
  /** The text of each option by its number. */
  readonly options: ReadonlyMap<number, string>
  /** The address of the server that the client boots from. */
  readonly siaddr: string | undefined
}

export interface Address {
  /** Canonical text (RFC 5952 for IPv6). */
  readonly ip: string
  readonly subnet: Subnet | undefined
}

export interface AddressPair {
  /** An address or a CIDR, canonical text. */
  readonly ip: string
  readonly mac: string
}

/** A router of a tenant (lrouter). */
export interface Router {
  readonly id: string
  /** `unique_key`, 1 to 2^32 - 1. */
  readonly key: number
  readonly topic: string
  readonly name: string
  /** In the row's order; only those on networks that exist. */
  readonly ports: readonly RouterPort[]
  /** The extra routes, in the row's order. */
  readonly routes: readonly Route[]
}

/** Where a router stands in a network. */
export interface RouterPort {
  /** The id of the lport that it is. */
  readonly id: string
  /** The `unique_key` of that lport. */
  readonly key: number
  readonly networkId: string
  /** Its addresses with the length of the subnet's prefix, host bits kept: `10.0.0.1/24`. */
  readonly networks: readonly string[]
  readonly mac: string | undefined
}

/** A port of this compute node, with the OpenFlow port it is plugged into. */
export interface LocalPort extends Port {
  readonly ofport: number
}

/** A compute node (chassis). */
export interface Chassis {
  readonly id: string
  /** Where its tunnels end. */
  readonly ip: string
  readonly tunnelTypes: readonly string[]
  /** The address that its ports have outside. */
  readonly externalHostIp: string | undefined
}

/** A security group of a tenant (secgroup). */
export interface SecurityGroup {
  readonly id: string
  /** `unique_key`, 1 to 2^32 - 1. */
  readonly key: number
  readonly topic: string
  readonly name: string
  readonly rules: readonly SecurityGroupRule[]
}

/** What a security group lets by. */
export interface SecurityGroupRule extends DescribedRule {
  readonly id: string
  readonly direction: 'ingress' | 'egress'
}
