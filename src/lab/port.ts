/**
 * A VM of the lab: a namespace with one interface, `eth0`, whose other end is plugged into the integration bridge of
 * its node as Nova and Neutron's agent would do it (docs/lab.md). It knows nothing of the northbound rows.
 */

import { addressLine, type Build, hostSettings } from './build.ts'
import { startDnsServer } from './dns-server.ts'
import { createNamespace, createVeth, ip } from './namespace.ts'
import type { NodePlan, PortPlan } from './plan.ts'
import { writeResolverFile } from './resolver-file.ts'
import { switchAt } from './switch.ts'

/**
 * Makes the VM and plugs it in. A VM that boots by itself has no addresses yet, and its link is down until then; another
 * one has everything, and its DNS server runs if the plan has one.
 */
export async function createPort(build: Build, port: PortPlan, node: NodePlan): Promise<void> {
  const { namespace, device, mac, mtu, boot } = port
  const isStatic = boot === 'static'
  await createNamespace(namespace, { ...hostSettings, ...(!isStatic && listening) })
  const outer = { namespace: node.namespace, device, mtu }
  // Its host cannot tell a VM what fits into the network: that is what its client is told.
  await createVeth(outer, { namespace, device: 'eth0', mac, ...(isStatic && { mtu }) })
  if (isStatic) await settle(build, port)
  else {
    await ip(namespace, ['link set eth0 down'])
    writeResolverFile(namespace, { nameservers: [], searchDomains: [] })
  }
  await plug(port, node)
}

/** Lets a VM make its IPv6 addresses and routes from router advertisements, and find its resolvers by DHCP. */
const listening = { 'ipv6/conf/default/accept_ra': '2' }

/** Gives a VM all that its row says. */
async function settle(build: Build, port: PortPlan): Promise<void> {
  const { key, namespace, records } = port
  await ip(namespace, [
    ...port.addresses.map(({ cidr }) => addressLine(cidr, 'eth0')),
    ...port.gateways.map((gateway) => `route add default via ${gateway}`),
  ])
  writeResolverFile(namespace, port)
  if (records === undefined) return
  const addresses = port.addresses.map(({ ip }) => ip)
  await startDnsServer(build, { key, namespace, addresses, records })
}

/** Plugs a port into its node's integration bridge, under the id of its lport. Does nothing if it is plugged. */
export async function plug(port: PortPlan, node: NodePlan): Promise<void> {
  const bridge = node.integrationBridge
  const settings = [
    `external_ids:iface-id=${port.id}`,
    `external_ids:attached-mac="${port.mac}"`,
    'external_ids:iface-status=active',
    `ofport_request=${port.ofport}`,
  ]
  const add = ['--may-exist', 'add-port', bridge, port.device]
  await switchAt(node.switchDirectory).vsctl(...add, '--', 'set', 'interface', port.device, ...settings)
}

/** Unplugs a port: its link stays, the switch forgets it. Does nothing if it is not plugged. */
export async function unplug(port: PortPlan, node: NodePlan): Promise<void> {
  await switchAt(node.switchDirectory).vsctl('--if-exists', 'del-port', node.integrationBridge, port.device)
}
