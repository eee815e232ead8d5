/**
 * The parts of a view but for ports (`view-port.ts`), each from its northbound row and what it is joined with. Pure, one row
 * at a time; it knows nothing of what has changed. A row that is not there gives no part.
 */

import type { Chassis, Network, Router, SecurityGroup, Subnet } from '../app/view.ts'
import type {
  Chassis as ChassisRow,
  DomainName,
  LogicalRouter,
  LogicalSubnet,
  LogicalSwitch,
  Northbound,
  SecurityGroup as SecurityGroupRow,
} from '../nb/index.ts'
import { describedRule } from '../nb/index.ts'

/** A network, which its subnets are found for. */
export function networkOf(row: LogicalSwitch | undefined, subnets: readonly Subnet[]): Network | undefined {
  return (
    row && {
      id: row.id,
      key: row.unique_key,
      topic: row.topic,
      name: row.name ?? '',
      mtu: row.mtu || undefined,
      networkType: row.network_type,
      physicalNetwork: row.physical_network,
      segmentationId: row.segmentation_id,
      subnets,
    }
  )
}

/** A subnet with its domain. */
export function subnetOf(row: LogicalSubnet | undefined, domain: DomainName | undefined): Subnet | undefined {
  return (
    row && {
      id: row.id,
      topic: row.topic,
      networkId: row.lswitch,
      cidr: row.cidr,
      gatewayIp: row.gateway_ip,
      isDhcpEnabled: row.enable_dhcp ?? false,
      dhcpIp: row.dhcp_ip,
      dnsNameservers: row.dns_nameservers,
      hostRoutes: row.host_routes,
      domain: domain && {
        name: domain.domain_name,
        ttl: domain.ttl,
        isAuthoritative: domain.authoritative ?? false,
      },
    }
  )
}

/** A router, with those of its ports that are on networks that exist. */
export function routerOf(row: LogicalRouter | undefined, lswitch: Northbound['lswitch']): Router | undefined {
  if (row === undefined) return undefined
  const ports = row.ports.flatMap((port) =>
    port.lswitch !== undefined && lswitch.has(port.lswitch)
      ? {
          id: port.id,
          key: port.unique_key,
          networkId: port.lswitch,
          networks: port.network ? [port.network] : [],
          mac: port.mac,
        }
      : [],
  )
  const { id, unique_key: key, topic, name = '', routes } = row
  return { id, key, topic, name, ports, routes }
}

/** A compute node. */
export const chassisOf = (row: ChassisRow | undefined): Chassis | undefined =>
  row && { id: row.id, ip: row.ip, tunnelTypes: row.tunnel_types, externalHostIp: row.external_host_ip }

/** A security group with its rules. */
export function securityGroupOf(row: SecurityGroupRow | undefined): SecurityGroup | undefined {
  if (row === undefined) return undefined
  const { id, unique_key: key, topic, name = '' } = row
  const rules = row.rules.map((rule) => ({ id: rule.id, direction: rule.direction, ...describedRule(rule) }))
  return { id, key, topic, name, rules }
}
