/**
 * A VM for a port that the lab's file does not have: somebody else (df-neutron-sync, df-db) wrote it into the northbound
 * store. What the file says of its own ports, the rows say of this one. Pure.
 */

import { ConfigError } from '../errors.ts'
import { northboundOf, type RawRow } from '../nb/index.ts'
import type { Plan, PortPlan } from './plan.ts'

/** The VM of the lport `id`, on the node that it is bound to. Throws `ConfigError` with what it lacks. */
export function adoptedPort(plan: Plan, id: string, rows: readonly RawRow[]): PortPlan {
  const { lport, lswitch, lsubnet, domainname, dnsname } = northboundOf(rows)
  const row = lport.get(id)
  const network = row && lswitch.get(row.lswitch)
  if (!row || !network)
    throw new ConfigError(
      `there is no port ${id} in lab ${plan.name} nor in its store; see df-db ls lport and df-lab status`,
    )
  const chassis = row.binding?.chassis
  const node = plan.nodes.find(({ key }) => key === chassis)
  if (!node)
    throw new ConfigError(
      `lport ${id} is bound to ${chassis ?? 'no node'}; bind it to one of ${plan.nodes.map(({ key }) => key).join(', ')}`,
    )
  const [mac] = row.macs
  if (mac === undefined)
    throw new ConfigError(`lport ${id} has no MAC address; write one: df-db update lport ${id} macs=...`)
  const subnets = row.subnets.flatMap((subnet) => lsubnet.get(subnet) ?? [])
  const key = id.slice(0, 8)
  return {
    key,
    id,
    topic: row.topic,
    networkId: network.id,
    node: node.key,
    namespace: plan.name === 'default' ? `df-${key}` : `df-${plan.name}-${key}`,
    device: `tap${id.slice(0, 11)}`,
    ofport: Math.max(firstAdopted, ...plan.ports.map(({ ofport }) => ofport + 1)),
    mac,
    mtu: network.mtu ?? 1500,
    addresses: row.ips.flatMap((ip, index) => {
      const subnet = lsubnet.get(row.subnets[index] ?? '')
      return subnet ? [{ ip, cidr: `${ip}/${subnet.cidr.split('/')[1]}`, subnetId: subnet.id }] : []
    }),
    gateways: unique(subnets.flatMap(({ gateway_ip }) => gateway_ip ?? [])),
    nameservers: unique(subnets.flatMap(({ dns_nameservers }) => dns_nameservers)),
    searchDomains: unique(subnets.flatMap((subnet) => domainname.get(subnet.id)?.domain_name ?? [])),
    dnsName: dnsname.get(id)?.dns_name,
    isPortSecurityEnabled: row.port_security_enabled ?? false,
    securityGroups: row.security_groups,
    boot: 'static',
    dhcpOptions: row.dhcp_params?.opts,
    nextServer: row.dhcp_params?.siaddr,
    records: undefined,
  }
}

/** Beyond the ports of any lab file. */
const firstAdopted = 1001

const unique = (values: readonly string[]) => [...new Set(values)]
