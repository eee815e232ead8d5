/**
 * The world outside the cloud (docs/lab.md): one Ethernet segment with DNS servers, and for each tenant network a
 * gateway that stands on the provider bridge with one foot and masquerades with the other.
 */

import { addressLine, type Build, hostSettings } from './build.ts'
import { startDnsServer } from './dns-server.ts'
import { createNamespace, createVeth, ip, loadRules } from './namespace.ts'
import type { GatewayPlan, NodePlan, ServerPlan } from './plan.ts'
import { joinSegment } from './segment.ts'
import { switchAt } from './switch.ts'

/** Makes a DNS server on the segment. */
export async function createServer(build: Build, server: ServerPlan, outside: string): Promise<void> {
  const { key, namespace, addresses, records } = server
  await createNamespace(namespace, hostSettings)
  await joinSegment(outside, { namespace, device: 'eth0', key })
  await ip(
    namespace,
    addresses.map((address) => addressLine(address, 'eth0')),
  )
  await startDnsServer(build, {
    key,
    namespace,
    addresses: addresses.map((address) => address.split('/')[0]!),
    records,
  })
}

/** Makes a gateway: `inside` at an access port of the provider bridge, `outside` on the segment, NAT in between. */
export async function createGateway(gateway: GatewayPlan, node: NodePlan, outside: string): Promise<void> {
  const { namespace, device, mtu } = gateway
  await createNamespace(namespace, {
    ...hostSettings,
    'ipv4/ip_forward': '1',
    'ipv6/conf/all/forwarding': '1',
  })
  await createVeth({ namespace: node.namespace, device, mtu }, { namespace, device: 'inside', mtu })
  await joinSegment(outside, { namespace, device: 'outside', key: gateway.key })
  await ip(namespace, [
    ...gateway.insideAddresses.map((address) => addressLine(address, 'inside')),
    ...gateway.outsideAddresses.map((address) => addressLine(address, 'outside')),
  ])
  await loadRules(namespace, masquerade)
  const tag = gateway.tag === undefined ? [] : [`tag=${gateway.tag}`]
  await switchAt(node.switchDirectory).vsctl('add-port', gateway.bridge, device, ...tag)
}

const masquerade = `
table inet gateway {
  chain postrouting {
    type nat hook postrouting priority srcnat
    oifname "outside" masquerade
  }
}
`
