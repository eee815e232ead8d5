/** A node of the matrix: a switch with dummy ports, a controller, and an underlay over which its tunnels really go. */

import { join } from 'node:path'
import { ip } from '../../src/lab/namespace.ts'
import { type BenchNode, startNode } from '../node.ts'
import { addressOfNode, hosts, type MatrixPort, type Underlay } from './cloud.ts'

const apps = 'portbinding,classifier,portsec,l2,l3_proactive,dhcp,sg,tunneling,dns'

/** Starts the switches of both nodes with their ports and the underlay between them; the controllers are started later. */
export async function startNodes(
  directory: string,
  store: string,
  ports: readonly MatrixPort[],
  underlay: Underlay,
): Promise<BenchNode[]> {
  const nodes: BenchNode[] = []
  try {
    for (const host of hosts) {
      const plugged = ports.filter((port) => port.host === host).map(({ id }) => id)
      const options = `${store}\napps_list = ${apps}\nlocal_ip = ${addressOfNode(host, underlay)}\ntunnel_types = geneve`
      const node = await startNode({
        directory: join(directory, host),
        name: host,
        host,
        store: options,
        plugged,
        isCapturing: true,
      })
      nodes.push(node)
      await joinUnderlay(node, { host, underlay, socket: join(directory, 'underlay.sock') })
    }
    return nodes
  } catch (error) {
    for (const node of nodes) await node.stop()
    throw error
  }
}

const macOf = (host: string) => `02:00:00:00:00:0${host.split('-')[1]}`

/**
 * A bridge of the dummy datapath whose dummy port is joined to the other node's by a socket. The switch takes the way to a
 * tunnel's far end, and whether an address is its own, from the kernel's routes (lib/ovs-router.c): hence a link there that
 * bears the bridge's name.
 */
async function joinUnderlay(
  { ovs, namespace }: BenchNode,
  { host, underlay, socket }: { host: string; underlay: Underlay; socket: string },
): Promise<void> {
  const bridge = 'br-phy'
  const isIpv4 = underlay === 'ipv4'
  const address = `${addressOfNode(host, underlay)}/${isIpv4 ? 24 : 64}`
  const link = host === hosts[0] ? `options:pstream=punix:${socket}` : `options:stream=unix:${socket}`
  await ovs.vsctl(
    ...['add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=dummy', 'fail_mode=standalone'],
    ...[`other_config:hwaddr="${macOf(host)}"`, '--', 'add-port', bridge, 'p0', '--'],
    ...['set', 'interface', 'p0', 'type=dummy', link],
  )
  await ip(namespace, [
    `link add ${bridge} type veth peer name phy`,
    `link set ${bridge} up`,
    'link set phy up',
    `addr add ${address} dev ${bridge}${isIpv4 ? '' : ' nodad'}`,
  ])
  await ovs.appctl(`netdev-dummy/ip${isIpv4 ? 4 : 6}addr`, bridge, address)
  for (const other of hosts)
    if (other !== host)
      await ovs.appctl('tnl/neigh/set', bridge, addressOfNode(other, underlay), macOf(other))
}
