/**
 * The northbound tables of what only some clouds have, as data: publishers and listeners of other controllers,
 * migration, detected addresses, trunks, QoS, BGP and service chains. No application of ours uses them; they
 * are declared so that `df-db` shows, checks and changes them. Dragonflow's models: dragonflow.md 5.2 and the
 * modules of `dragonflow/db/models`.
 */

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
  decimal,
  integer,
  ip,
  list,
  mac,
  network,
  objectWith,
  optional,
  portRange,
  required,
  seconds,
  text,
  whole,
} from './values.ts'

const asNumber = required(whole(1, 0xffffffff))
const rate = optional(whole(0, 0x7fffffff))

const qosRule = objectWith(
  {
    id,
    type: required(choice('dscp_marking', 'bandwidth_limit')),
    dscp_mark: optional(whole(0, 63)),
    max_kbps: rate,
    max_burst_kbps: rate,
    direction: optional(choice('egress')),
  },
  ({ type, dscp_mark, max_burst_kbps }) => {
    if (type === 'dscp_marking') return dscp_mark === undefined ? 'dscp_mark' : undefined
    return max_burst_kbps === undefined ? 'max_burst_kbps' : undefined
  },
)

/** The tables that are read for people alone, each after those it refers to. */
export const featureTables = {
  publisher: {
    fields: { id, name, uri: optional(text), last_activity_timestamp: optional(seconds) },
    refersTo: {},
  },
  listener: {
    fields: { id, ppid: optional(integer), timestamp: optional(seconds) },
    refersTo: {},
  },
  qospolicy: {
    fields: { id, topic, version, name, rules: list(qosRule) },
    refersTo: {},
  },
  migration: {
    fields: {
      id,
      dest_chassis: maybeReference,
      lport: maybeReference,
      status: required(choice('dest_plug', 'src_unplug', 'rebound')),
    },
    refersTo: {},
  },
  activeport: {
    fields: {
      id,
      topic,
      ip: optional(ip),
      network: maybeReference,
      detected_mac: optional(mac),
      detected_lport: maybeReference,
    },
    refersTo: {},
  },
  child_port_segmentation: {
    fields: {
      id,
      topic,
      parent: reference,
      port: reference,
      segmentation_type: required(choice('vlan', 'macvlan', 'ipvlan')),
      segmentation_id: optional(integer),
    },
    refersTo: { parent: { table: 'lport' }, port: { table: 'lport' } },
    fault: ({ segmentation_type, segmentation_id }) =>
      segmentation_type === 'vlan' && segmentation_id === undefined
        ? { field: 'segmentation_id', reason: 'is missing, and segmentation_type vlan needs one' }
        : undefined,
  },
  bgp_peer: {
    fields: {
      id,
      topic,
      name,
      peer_ip: required(ip),
      remote_as: asNumber,
      auth_type: optional(text),
      password: optional(text),
    },
    refersTo: {},
  },
  bgp_speaker: {
    fields: {
      id,
      topic,
      name,
      local_as: asNumber,
      peers: references,
      host_routes: list(route),
      prefix_routes: list(route),
      ip_version: required(choice(4, 6)),
    },
    refersTo: {},
  },
  sfc_portpair: {
    fields: {
      id,
      topic,
      name,
      ingress_port: maybeReference,
      egress_port: maybeReference,
      correlation_mechanism: optional(choice('none', 'mpls')),
      weight: optional(decimal),
    },
    refersTo: {},
  },
  sfc_portpairgroup: {
    fields: { id, topic, name, port_pairs: references },
    refersTo: {},
  },
  sfc_flowclassifier: {
    fields: {
      id,
      topic,
      unique_key,
      name,
      ether_type: optional(choice('IPv4', 'IPv6')),
      protocol: optional(choice('tcp', 'udp')),
      source_cidr: optional(network),
      dest_cidr: optional(network),
      source_transport_ports: optional(portRange),
      dest_transport_ports: optional(portRange),
      source_port: maybeReference,
      dest_port: maybeReference,
    },
    refersTo: {},
    fault: ({ source_port, dest_port }) => {
      if (source_port === undefined && dest_port === undefined)
        return { field: 'source_port', reason: 'is missing, and so is dest_port: one of them is needed' }
      if (source_port !== undefined && dest_port !== undefined)
        return { field: 'dest_port', reason: 'cannot be there together with source_port' }
      return undefined
    },
  },
  sfc_portchain: {
    fields: {
      id,
      topic,
      name,
      protocol: optional(choice('mpls')),
      chain_id: optional(integer),
      port_pair_groups: references,
      flow_classifiers: references,
    },
    refersTo: {},
  },
} as const satisfies Record<string, TableShape>
