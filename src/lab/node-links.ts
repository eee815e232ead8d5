/**
 * A compute node's links (docs/lab.md): to the other nodes, by a trunk for provider networks and by the underlay for
 * tunnels, and to the world outside for VMs whose addresses the node translates. It knows nothing of controllers.
 */

import { addressLine } from './build.ts'
import { deviceOf } from './ids.ts'
import { createVeth, ip, loadRules, setParameters } from './namespace.ts'
import { addNodeBridge, bridgeMacOf } from './node.ts'
import type { ExternalPlan, NodePlan, UnderlayPlan } from './plan.ts'
import { joinSegment } from './segment.ts'
import { switchAt } from './switch.ts'

/** Joins the provider bridges of two nodes, as a trunk that carries every VLAN. */
export async function joinNodes(a: NodePlan, b: NodePlan): Promise<void> {
  for (const [physical, bridge] of Object.entries(a.bridges)) {
    const ends = [a, b].map((node, index) => {
      const device = deviceOf('tr', 'trunk', `${b.key} ${physical} ${index}`)
      return { node, namespace: node.namespace, device }
    })
    await createVeth(ends[0]!, ends[1]!)
    for (const { node, device } of ends)
      await switchAt(node.switchDirectory).vsctl('add-port', bridge, device)
  }
}

/** Links a node to the underlay and to the world outside, as far as its plan has them. */
export async function linkNode(node: NodePlan, outside: string | undefined): Promise<void> {
  const { namespace, underlay, external } = node
  if (underlay === undefined && external === undefined) return
  // The node has addresses from here on: no VM may reach its kernel, and none of its networks another one through it.
  await loadRules(namespace, rules)
  if (underlay !== undefined) await joinUnderlay(node, underlay)
  if (external !== undefined) await openOutside(node, external, outside!)
}

/**
 * Open vSwitch encapsulates by itself: it takes the way to a tunnel's far end from the kernel's routes, which lead to the
 * local port of this bridge, and the MAC there from the ARP that it sees on it.
 */
async function joinUnderlay(
  node: NodePlan,
  { namespace, bridge, device, address }: UnderlayPlan,
): Promise<void> {
  await addNodeBridge(node, bridge, 'standalone')
  await joinSegment(namespace, { namespace: node.namespace, device, key: node.key, mtu: underlayMtu })
  await switchAt(node.switchDirectory).vsctl('add-port', bridge, device)
  await ip(node.namespace, [`link set ${bridge} up mtu ${underlayMtu}`, addressLine(address, bridge)])
  await setParameters(node.namespace, { [`ipv4/conf/${bridge}/arp_ignore`]: '1' })
}

/**
 * Tells each node's switch the MACs of the others on the underlay. It would find them by itself, but drops what is to go
 * through a tunnel until it has, and whoever asked there by ARP asks again only after a second.
 */
export async function introduceNodes(nodes: readonly NodePlan[]): Promise<void> {
  for (const { switchDirectory, key, underlay } of nodes)
    for (const other of nodes)
      if (underlay !== undefined && other.key !== key) {
        const mac = bridgeMacOf(other, underlay.bridge)
        await switchAt(switchDirectory).appctl('tnl/neigh/set', underlay.bridge, other.ip, mac)
      }
}

/** Room for 1500 bytes and the headers of a tunnel. */
const underlayMtu = 1600

/**
 * The node's kernel is the router between the external bridge and the segment outside: it answers there for the external
 * addresses, and sends what comes for them into the bridge.
 */
async function openOutside(node: NodePlan, external: ExternalPlan, outside: string): Promise<void> {
  const { bridge, hostIps, kernelAddress, subnets } = external
  const { namespace } = node
  await addNodeBridge(node, bridge, 'standalone')
  await joinSegment(outside, { namespace, device: outsideDevice, key: node.key })
  await setParameters(namespace, {
    [`ipv4/conf/${bridge}/forwarding`]: '1',
    [`ipv4/conf/${outsideDevice}/forwarding`]: '1',
    [`ipv6/conf/${bridge}/disable_ipv6`]: '0',
    [`ipv6/conf/${outsideDevice}/disable_ipv6`]: '0',
    'ipv6/conf/all/forwarding': '1',
    [`ipv6/conf/${outsideDevice}/proxy_ndp`]: '1',
    // The kernel would let a question for somebody else wait for up to 0.8 s.
    [`ipv4/neigh/${outsideDevice}/proxy_delay`]: '0',
    [`ipv6/neigh/${outsideDevice}/proxy_delay`]: '0',
  })
  await ip(namespace, [
    `link set ${bridge} up`,
    addressLine(kernelAddress, bridge),
    ...subnets.map((subnet) => `route replace ${subnet} dev ${outsideDevice}`),
    ...hostIps.flatMap((hostIp) => [
      `route add ${hostIp} dev ${bridge}`,
      `neighbour add proxy ${hostIp} dev ${outsideDevice}`,
    ]),
  ])
}

/** The node's link to the segment outside. */
const outsideDevice = 'outside'

const rules = `
table inet node {
  chain input {
    type filter hook input priority filter; policy drop
    iifname { "lo", "br-phy" } accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } iifname { "br-ext", "${outsideDevice}" } accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop
    iifname "br-ext" oifname "${outsideDevice}" accept
    iifname "${outsideDevice}" oifname "br-ext" accept
  }
}
`
