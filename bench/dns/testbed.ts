/**
 * A switch with one client for figures of a peer: a namespace with a private Open vSwitch (userspace datapath) and a
 * namespace with a veth into its integration bridge. Whatever the switch has costs every packet a little, since one thread
 * looks after all of it: so this one has as many bridges and ports as that of examples/two-tenants.yaml. It knows no peer.
 * Addresses are private ones.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createNamespace, createVeth, deleteNamespace, ip } from '../../src/lab/namespace.ts'
import { addBridge, type Switch, startSwitch } from '../../src/lab/switch.ts'

/** Where queries come from and go to, the same for every peer but ours. */
export const client = { ip: '10.0.0.11', mac: 'fa:16:3e:00:00:11' } as const
export const server = { ip: '10.0.0.53', mac: 'fa:16:3e:00:00:53' } as const

export interface Testbed {
  readonly directory: string
  /** The namespace of the switch. */
  readonly namespace: string
  readonly clientNamespace: string
  readonly ovs: Switch
  /** The pid of ovs-vswitchd. */
  readonly vswitchd: number
  /** The namespace of the first of the other hosts, which has the server's addresses. */
  readonly serverNamespace: string
  stop(): Promise<void>
}

/** Hosts of the example besides the client, by the bridge that they are plugged into. */
const others = {
  'br-int': ['server', 'third', 'fourth', 'fifth'],
  'br-ex': ['gateway', 'other-gateway'],
} as const

/**
 * Starts a switch whose `br-int` has the client at port 1, as the interface `client`, and the server at port 2, and is
 * joined by a patch to `br-ex`. `failMode` is that of `br-int`.
 */
export async function createTestbed(
  root: string,
  name: string,
  failMode: 'secure' | 'standalone',
): Promise<Testbed> {
  const directory = join(root, name)
  mkdirSync(directory, { recursive: true })
  const namespace = `dfb-${process.pid}-${name}`
  const undo: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of undo.toReversed()) await step()
  }
  const addNamespace = async (added: string) => {
    undo.push(() => deleteNamespace(added))
    await createNamespace(added, { 'ipv6/conf/default/disable_ipv6': '1' })
    return added
  }
  try {
    await addNamespace(namespace)
    const ovs = await startSwitch({ directory: join(directory, 'ovs'), namespace })
    undo.push(() => ovs.stop())
    const addHost = async (host: string, bridge: string, mac?: string) => {
      const own = await addNamespace(`${namespace}-${host}`)
      await createVeth({ namespace, device: host }, { namespace: own, device: 'eth0', ...(mac && { mac }) })
      await ovs.vsctl('add-port', bridge, host)
      return own
    }
    await addBridge(ovs, 'br-int', failMode)
    await addBridge(ovs, 'br-ex', 'secure')
    const clientNamespace = await addHost('client', 'br-int', client.mac)
    for (const bridge of ['br-int', 'br-ex'] as const)
      for (const host of others[bridge])
        await addHost(host, bridge, host === 'server' ? server.mac : undefined)
    const serverNamespace = `${namespace}-server`
    await ip(clientNamespace, [`address add ${client.ip}/24 dev eth0`])
    await ip(serverNamespace, [`address add ${server.ip}/24 dev eth0`])
    await ovs.vsctl(...patchTo('br-int', 'br-ex'), '--', ...patchTo('br-ex', 'br-int'))
    return {
      ...{ directory, namespace, clientNamespace, serverNamespace, ovs, stop },
      vswitchd: ovs.processes[1]!.pid,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The words that give a bridge its end of a patch. */
const patchTo = (bridge: string, peer: string): string[] => [
  ...['add-port', bridge, `to-${peer}`, '--', 'set', 'interface', `to-${peer}`],
  ...['type=patch', `options:peer=to-${bridge}`],
]
