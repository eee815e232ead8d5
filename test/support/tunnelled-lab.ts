/** The text of a lab with everything that a booting VM needs, for the tests of the lab file and its plan. */

import { parse, stringify } from 'yaml'

/** Two tenants with the same addresses and names on two nodes, a router each. */
export const tunnelledText = `
nodes: [compute-1, compute-2]
networks:
  red-front: { tenant: red, type: geneve, segmentation_id: 5001, dhcp_port: true, subnets: [
    { cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: true, host_routes: [{ destination: 192.168.0.0/16, nexthop: 10.0.0.9 }] },
    { cidr: fd00:a::/64, gateway: fd00:a::1, dhcp: true }] }
  red-back: { tenant: red, type: vxlan, segmentation_id: 5001, subnets: [{ cidr: 10.0.1.0/24, gateway: 10.0.1.1, dhcp: true, dhcp_ip: 10.0.1.3 }] }
  blue-front: { tenant: blue, type: geneve, segmentation_id: 5002, dhcp_port: true, subnets: [{ cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: true, dhcp_ip: 10.0.0.7 }] }
routers:
  red-router: { tenant: red, interfaces: { red-front: [10.0.0.1, fd00:a::1], red-back: [10.0.1.1] }, routes: [{ destination: 10.9.0.0/16, nexthop: 10.0.1.9 }] }
security_groups:
  red-open: { tenant: red, rules: [
    { direction: egress },
    { direction: ingress, protocol: tcp, port_range_min: 22, port_range_max: 22, remote_ip_prefix: 0.0.0.0/0 },
    { direction: ingress, ethertype: IPv6, protocol: icmpv6, remote_group: red-open }] }
  blue-open: { tenant: blue, rules: [{ direction: egress }] }
ports:
  red-web: { network: red-front, dns_name: web, ips: [10.0.0.2, fd00:a::11], security_groups: [red-open], boot: dhclient,
    dhcp_options: { "66": boot.example.org, "67": pxelinux.0, server-ip-address: 10.0.0.250 } }
  red-db: { network: red-back, dns_name: db, node: compute-2, ips: [10.0.1.12], boot: udhcpc }
  blue-web: { network: blue-front, dns_name: web, node: compute-2, ips: [10.0.0.2], boot: networkd }
outside:
  subnets: [198.51.100.0/24, 2001:db8::/64]
  external_host_ips: { compute-1: [198.51.100.21], compute-2: [198.51.100.22, 2001:db8::22] }
  servers: { resolver: { addresses: [198.51.100.53] } }
`

/** The text of a lab file with one place set to something else; undefined removes it. */
export function changedText(text: string, path: string, value: unknown): string {
  const lab = parse(text) as Record<string, unknown>
  const steps = path.split('.')
  const last = steps.pop()!
  const holder = steps.reduce((at, step) => at[step] as Record<string, unknown>, lab)
  if (value === undefined) delete holder[last]
  else holder[last] = value
  return stringify(lab)
}
