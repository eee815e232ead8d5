/** The parts of a plan (plan.ts): what will exist of each thing in the lab. Plain JSON: a plan is kept on disk. */

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
  /** The address of its chassis, where tunnels end. */
  readonly ip: string
  /** Its link to the other nodes, which carries the tunnels; undefined if no network is tunnelled. */
  readonly underlay: UnderlayPlan | undefined
  /** Its way outside by SNAT; undefined if it has none. */
  readonly external: ExternalPlan | undefined
  /** Text of its df.conf by section and option. */
  readonly config: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A node's end of the underlay. */
export interface UnderlayPlan {
  /** The namespace with the bridge that joins the nodes. */
  readonly namespace: string
  /** The bridge of the node's switch whose local port has the node's address. */
  readonly bridge: string
  /** The port of that bridge which leads to the other nodes. */
  readonly device: string
  /** With prefix length. */
  readonly address: string
}

/** What of the world a node shows when it translates its VMs' addresses. */
export interface ExternalPlan {
  /** The bridge whose local port is the next hop of what leaves the cloud. */
  readonly bridge: string
  /** The addresses that the world sees: of IPv4, and of IPv6 if it has one. */
  readonly hostIps: readonly string[]
  /** What the node's kernel calls itself when it looks for its neighbours there; with prefix length. */
  readonly kernelAddress: string
  /** The subnets outside. */
  readonly subnets: readonly string[]
}

export interface NetworkPlan {
  readonly key: string
  readonly id: string
  readonly topic: string
  readonly type: string
  /** Undefined if the network is tunnelled. */
  readonly physicalNetwork: string | undefined
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
  readonly isDhcpEnabled: boolean
  readonly dhcpIp: string | undefined
  readonly hostRoutes: readonly RoutePlan[]
}

export interface RoutePlan {
  readonly destination: string
  readonly nexthop: string
}

/** How a VM comes by its addresses: from the lab, or by a DHCP client of its own. */
export type Boot = 'static' | 'dhclient' | 'udhcpc' | 'networkd'

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
  /** What its row says, however it boots. */
  readonly addresses: readonly AddressPlan[]
  readonly gateways: readonly string[]
  readonly nameservers: readonly string[]
  readonly searchDomains: readonly string[]
  readonly dnsName: string | undefined
  readonly isPortSecurityEnabled: boolean
  /** Ids. */
  readonly securityGroups: readonly string[]
  readonly boot: Boot
  /** DHCP options by number that the port has beside its subnet's; undefined for none. */
  readonly dhcpOptions: Readonly<Record<string, string>> | undefined
  /** The next server's address (`siaddr`). */
  readonly nextServer: string | undefined
  /** The zone of the DNS server that this VM runs; undefined if it runs none. */
  readonly records: Records | undefined
}

/** A fixed address of a port. */
export interface AddressPlan {
  readonly ip: string
  /** With prefix length. */
  readonly cidr: string
  readonly subnetId: string
}

/** A port of the cloud itself: a router's interface or a network's DHCP port. Nothing is plugged in for it. */
export interface OwnPortPlan {
  readonly id: string
  readonly topic: string
  readonly networkId: string
  readonly owner: 'network:router_interface' | 'network:dhcp'
  /** The router's id; empty for a DHCP port. */
  readonly deviceId: string
  readonly mac: string
  readonly addresses: readonly AddressPlan[]
}

export interface RouterPlan {
  readonly key: string
  readonly id: string
  readonly topic: string
  /** With one address each. */
  readonly ports: readonly OwnPortPlan[]
  readonly routes: readonly RoutePlan[]
}

export interface GroupPlan {
  readonly key: string
  readonly id: string
  readonly topic: string
  readonly rules: readonly RulePlan[]
}

/** A rule of a security group, as its row has it. */
export interface RulePlan {
  readonly id: string
  readonly direction: 'ingress' | 'egress'
  readonly ethertype: 'IPv4' | 'IPv6'
  readonly protocol: number | undefined
  readonly portRangeMin: number | undefined
  readonly portRangeMax: number | undefined
  readonly remoteIpPrefix: string | undefined
  readonly remoteGroupId: string | undefined
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
