/**
 * The northbound tables as data: the fields of each row, what a row refers to, and the two tables of internal
 * DNS. Rows are read and written from here; it knows nothing of stores. Dragonflow's models: dragonflow.md
 * 5.2; DNS tables: docs/northbound.md. A table is read after those it refers to, so their order here is the
 * order of reading.
 */

import type { z } from 'zod'
import {
  choice,
  dhcpOptions,
  domain,
  filledText,
  flag,
  integer,
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
  uniqueKey,
  whole,
} from './values.ts'

/** A field's reference to a row of `table`. */
export interface Reference {
  readonly table: string
  readonly isOwner?: true
}

const unique_key = required(uniqueKey)
const version = optional(integer)
const port = optional(whole(0, 65535))
const id = required(filledText)
const reference = required(filledText)
const references = list(required(filledText))
const topic = required(text)
const route = object({ destination: required(network), nexthop: required(ip) })

const binding = object({
  type: required(choice('chassis', 'vtep')),
  chassis: optional(filledText),
  vtep_address: optional(ip),
})

const routerPort = object({
  id,
  topic,
  unique_key,
  lswitch: optional(filledText),
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
  remote_group_id: optional(filledText),
  remote_ip_prefix: optional(network),
  security_group_id: optional(filledText),
})

/**
 * The tables that are read, each with `fields` and with `refersTo`: the fields that name a row without which
 * this one does not count. `isOwner` marks the reference of a DNS row: the two have the same id and must have
 * the same topic.
 */
export const tables = {
  chassis: {
    fields: {
      id,
      ip: required(ip),
      tunnel_types: list(required(choice('geneve', 'vxlan', 'gre'))),
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
    fields: { id, topic, unique_key, version, name: optional(text), rules: list(securityRule) },
    refersTo: {},
  },
  lswitch: {
    fields: {
      id,
      topic,
      unique_key,
      version,
      name: optional(text),
      is_external: optional(flag),
      mtu: optional(whole(0, 0x7fffffff)),
      segmentation_id: optional(whole(0, 0xffffffff)),
      network_type: optional(text),
      physical_network: optional(text),
      qos_policy: optional(filledText),
    },
    refersTo: {},
  },
  lsubnet: {
    fields: {
      id,
      topic,
      version,
      name: optional(text),
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
      name: optional(text),
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
      name: optional(text),
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
      qos_policy: optional(filledText),
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
      lport: optional(filledText),
      floating_lport: optional(filledText),
      lrouter: optional(filledText),
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
    fields: { id, topic, version, lport: reference, dns_name: required(filledText) },
    refersTo: { lport: { table: 'lport', isOwner: true } },
  },
} as const satisfies Record<string, { fields: z.ZodRawShape; refersTo: Record<string, Reference> }>

/**
 * Dragonflow's other tables: stored and shown, but not read. Those of service function chaining begin with
 * `sfc_`.
 */
export const otherTables: readonly string[] = [
  'publisher',
  'listener',
  'qospolicy',
  'migration',
  'activeport',
  'child_port_segmentation',
  'bgp_peer',
  'bgp_speaker',
]
