/**
 * A VM of the lab: a namespace with one interface, `eth0`, whose other end is plugged into the integration bridge of
 * its node as Nova and Neutron's agent would do it (docs/lab.md). It knows nothing of the northbound rows.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressLine, type Build, hostSettings } from './build.ts'
import { startDnsServer } from './dns-server.ts'
import { createNamespace, createVeth, ip } from './namespace.ts'
import type { NodePlan, PortPlan } from './plan.ts'
import { removeIfEmpty } from './state.ts'
import { switchAt } from './switch.ts'

/** Makes the VM and plugs it in; its DNS server runs if the plan has one. */
export async function createPort(build: Build, port: PortPlan, node: NodePlan): Promise<void> {
  const { namespace, mac, mtu, records } = port
  await createNamespace(namespace, hostSettings)
  const outer = { namespace: node.namespace, device: port.device, mtu }
  await createVeth(outer, { namespace, device: 'eth0', mac, mtu })
  await ip(namespace, [
    ...port.addresses.map(({ cidr }) => addressLine(cidr, 'eth0')),
    ...port.gateways.map((gateway) => `route add default via ${gateway}`),
  ])
  writeResolverFile(port)
  if (records !== undefined) {
    const addresses = port.addresses.map(({ ip }) => ip)
    await startDnsServer(build, { key: port.key, namespace, addresses, records })
  }
  await plug(port, node)
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

/** `ip netns exec` shows this file as /etc/resolv.conf (ip-netns(8)). */
function writeResolverFile({ namespace, nameservers, searchDomains }: PortPlan): void {
  const directory = join(perNamespace, namespace)
  mkdirSync(directory, { recursive: true })
  const lines = nameservers.map((server) => `nameserver ${server}`)
  if (searchDomains.length > 0) lines.push(`search ${searchDomains.join(' ')}`)
  writeFileSync(join(directory, 'resolv.conf'), `${lines.join('\n')}\n`)
}

/** Removes what `createPort` left outside the lab's directory. */
export function removeResolverFile(namespace: string): void {
  rmSync(join(perNamespace, namespace), { recursive: true, force: true })
  removeIfEmpty(perNamespace)
}

const perNamespace = '/etc/netns'
