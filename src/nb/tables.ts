/**
 * The northbound tables as data: the fields of each row, what a row refers to, and the two tables of internal
 * DNS. Rows are read and written from here; it knows nothing of stores. Dragonflow's models: dragonflow.md
 * 5.2; DNS tables: docs/northbound.md. A table is read after those it refers to, so their order here is the
 * order of reading; tables that no application of ours uses are `feature-tables.ts`.
 */

import { featureTables } from './feature-tables.ts'
import {
  id,
  maybeReference,
  name,
  reference,
  references,
  route,
  type TableShape,
  topic,
  unique_key,
  version,
} from './fields.ts'
import {
  choice,
  dhcpOptions,
  domain,
  filledText,
  flag,
  hostName,
  interfaceAddress,
  ip,
  ipOrNetwork,
  list,
  mac,
  maybe,
  network,
  object,
  optional,
  required,
  seconds,
  text,
  whole,
} from './values.ts'

/** The types of networks that tunnels carry, and of the tunnels. */
export const tunnelTypes = ['geneve', 'vxlan', 'gre'] as const

const port = optional(whole(0, 65535))

const binding = object({
  type: required(choice('chassis', 'vtep')),
  chassis: maybeReference,
  vtep_address: optional(ip),
})

const routerPort = object({
  id,
  topic,
  unique_key,
  lswitch: maybeReference,
  mac: optional(mac),
  network: optional(interfaceAddress),
})

const securityRule = object({
  id,
  topic,
  version,
  direction: required(choice('ingress', 'egress')),
  ethertype: required(choice('IPv4', 'IPv6')),
  protocol: optional(whole(0, 255)),
  port_range_min: port,
  port_range_max: port,
  remote_group_id: maybeReference,
  remote_ip_prefix: optional(network),
  security_group_id: maybeReference,
})

/** The tables by name. */
export const tables = {
  chassis: {
    fields: {
      id,
      ip: required(ip),
      tunnel_types: list(required(choice(...tunnelTypes))),
      external_host_ip: optional(ip),
    },
    refersTo: {},
  },
  service: {
    fields: {
      id,
      chassis: reference,
      binary: required(filledText),
      last_seen_up: optional(seconds),
      disabled: optional(flag),
      disabled_reason: optional(text),
    },
    refersTo: {},
  },
  secgroup: {
    fields: { id, topic, unique_key, version, name, rules: list(securityRule) },
    refersTo: {},
  },
  lswitch: {
    fields: {
      id,
      topic,
      unique_key,
      version,
      name,
      is_external: optional(flag),
      mtu: optional(whole(0, 0x7fffffff)),
      segmentation_id: optional(whole(0, 0xffffffff)),
      network_type: optional(text),
      physical_network: optional(text),
      qos_policy: maybeReference,
    },
    refersTo: {},
  },
  lsubnet: {
    fields: {
      id,
      topic,
      version,
      name,
      enable_dhcp: optional(flag),
      dhcp_ip: optional(ip),
      cidr: required(network),
      gateway_ip: optional(ip),
      dns_nameservers: list(required(ip)),
      host_routes: list(route),
      lswitch: reference,
    },
    refersTo: { lswitch: { table: 'lswitch' } },
  },
  lrouter: {
    fields: {
      id,
      topic,
      unique_key,
      version,
      name,
      ports: list(routerPort),
      routes: list(route),
    },
    refersTo: {},
  },
  lport: {
    fields: {
      id,
      topic,
      unique_key,
      version,
      name,
      ips: list(required(ip)),
      subnets: references,
      macs: list(required(mac)),
      enabled: optional(flag),
      binding: maybe(binding),
      lswitch: reference,
      security_groups: references,
      allowed_address_pairs: list(object({ ip_address: required(ipOrNetwork), mac_address: required(mac) })),
      port_security_enabled: optional(flag),
      device_owner: optional(text),
      device_id: optional(text),
      qos_policy: maybeReference,
      dhcp_params: maybe(object({ opts: optional(dhcpOptions), siaddr: optional(ip) })),
      binding_vnic_type: optional(text),
    },
    refersTo: { lswitch: { table: 'lswitch' } },
  },
  floatingip: {
    fields: {
      id,
      topic,
      version,
      floating_ip_address: optional(ip),
      fixed_ip_address: optional(ip),
      lport: maybeReference,
      floating_lport: maybeReference,
      lrouter: maybeReference,
    },
    refersTo: {},
  },
  domainname: {
    fields: {
      id,
      topic,
      version,
      subnet: reference,
      domain_name: required(domain),
      ttl: optional(whole(0, 0x7fffffff)),
      authoritative: optional(flag),
    },
    refersTo: { subnet: { table: 'lsubnet', isOwner: true } },
  },
  dnsname: {
    fields: { id, topic, version, lport: reference, dns_name: required(hostName) },
    refersTo: { lport: { table: 'lport', isOwner: true } },
  },
  ...featureTables,
} as const satisfies Record<string, TableShape>

/** Where the Neutron feed remembers which rows it has made: `/dfneutronsync/<table>/<id>` (docs/neutron.md). */
export const feedTable = 'dfneutronsync'

/** The tables that are stored without being declared above: their rows are nobody else's business. */
export const otherTables: readonly string[] = [feedTable]
