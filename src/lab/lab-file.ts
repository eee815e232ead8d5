/** The shape of a lab file (docs/lab.md): its sections, what each may hold, and what stands where nothing is written. */

import { z } from 'zod'
import { address, cidr, dhcpOptions, key, mac, object, records, routes } from './schema-values.ts'

const subnet = object({
  cidr,
  gateway: address.optional(),
  dns_nameservers: z.array(address).default([]),
  domain: z.string().min(1).optional(),
  domain_ttl: z.int().min(0).max(2_147_483_647).optional(),
  authoritative: z.boolean().default(false),
  dhcp: z.boolean().default(false),
  dhcp_ip: address.optional(),
  host_routes: routes,
})

const networkTypes = ['vlan', 'flat', 'geneve', 'vxlan'] as const

const network = object({
  tenant: z.string().min(1),
  type: z.enum(networkTypes, { error: 'the type is vlan, flat, geneve or vxlan' }).default('vlan'),
  physical_network: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, _ and - only')
    .optional(),
  segmentation_id: z.int().min(1).max(0xffffff, 'a VNI is 1 to 16777215').optional(),
  mtu: z.int().min(1280, 'IPv6 needs at least 1280').max(9000).optional(),
  dhcp_port: z.boolean().default(false),
  subnets: z.array(subnet).min(1, 'a network needs a subnet'),
}).transform((network) => ({ ...network, mtu: network.mtu ?? (isTunnelled(network.type) ? 1450 : 1500) }))

/** Whether a network of that type is carried between nodes in tunnels, not by a physical network. */
export function isTunnelled(type: (typeof networkTypes)[number]): boolean {
  return type === 'geneve' || type === 'vxlan'
}

const router = object({
  tenant: z.string().min(1),
  interfaces: z.record(key, z.array(address).min(1, 'an interface needs an address')),
  routes,
})

const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

const securityRule = object({
  direction: z.enum(['ingress', 'egress'], { error: 'the direction is ingress or egress' }),
  ethertype: z.enum(['IPv4', 'IPv6'], { error: 'the ethertype is IPv4 or IPv6' }).default('IPv4'),
  protocol: z
    .union([z.int().min(0).max(255), z.enum(Object.keys(protocols) as (keyof typeof protocols)[])], {
      error: 'the protocol is icmp, tcp, udp, icmpv6 or a number',
    })
    .transform((named) => (typeof named === 'number' ? named : protocols[named]))
    .optional(),
  port_range_min: z.int().min(0).max(65535).optional(),
  port_range_max: z.int().min(0).max(65535).optional(),
  remote_ip_prefix: cidr.optional(),
  remote_group: key.optional(),
})

const securityGroup = object({ tenant: z.string().min(1), rules: z.array(securityRule) })

const gateway = object({ network: z.string(), outside: z.array(address).min(1) })

const server = object({ addresses: z.array(address).min(1), records: records.default({}) })

const port = object({
  network: z.string(),
  node: z.string().optional(),
  dns_name: z.string().optional(),
  mac: mac.optional(),
  ips: z.array(address).min(1, 'a port needs an address'),
  security: z.boolean().default(true),
  security_groups: z.array(key).default([]),
  boot: z
    .enum(['static', 'dhclient', 'udhcpc', 'networkd'], {
      error: 'a port boots static, or by dhclient, udhcpc or networkd',
    })
    .default('static'),
  dhcp_options: dhcpOptions,
  dns_server: object({ records }).optional(),
})

const outside = object({
  subnets: z.array(cidr).min(1),
  external_host_ips: z.record(key, z.array(address).min(1).max(2)).default({}),
  servers: z.record(key, server).default({}),
})

export const labFile = object({
  nodes: z.array(key).min(1, 'a lab needs a compute node'),
  networks: z.record(key, network),
  routers: z.record(key, router).default({}),
  security_groups: z.record(key, securityGroup).default({}),
  ports: z.record(key, port),
  gateways: z.record(key, gateway).default({}),
  outside: outside.optional(),
  options: z
    .record(z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])))
    .default({}),
})

/** A lab file that was read and agrees with itself; addresses are canonical text, protocols are numbers. */
export type LabFile = z.infer<typeof labFile>
