/**
 * A switch with one client for figures of a peer: a namespace with a private Open vSwitch (userspace datapath) and a
 * namespace with a veth into its integration bridge. It knows no peer. Addresses are private ones.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createNamespace, createVeth, deleteNamespace, ip } from '../../src/lab/namespace.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'

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
  /** Makes a host with a link into the namespace of the switch; its device there is given back. */
  addHost(name: string, address: string, mac: string): Promise<{ namespace: string; device: string }>
  stop(): Promise<void>
}

/** Starts a switch without bridges, and a client whose link is `client` in the namespace of the switch. */
export async function createTestbed(root: string, name: string): Promise<Testbed> {
  const directory = join(root, name)
  mkdirSync(directory, { recursive: true })
  const namespace = `dfb-${process.pid}-${name}`
  const namespaces = [namespace]
  await createNamespace(namespace, { 'ipv6/conf/default/disable_ipv6': '1' })
  const ovs = await startSwitch({ directory: join(directory, 'ovs'), namespace })
  const addHost = async (host: string, address: string, mac: string) => {
    const own = `${namespace}-${host}`
    namespaces.push(own)
    await createNamespace(own, { 'ipv6/conf/default/disable_ipv6': '1' })
    await createVeth({ namespace, device: host }, { namespace: own, device: 'eth0', mac })
    await ip(own, [`address add ${address}/24 dev eth0`])
    return { namespace: own, device: host }
  }
  const { namespace: clientNamespace } = await addHost('client', client.ip, client.mac)
  return {
    ...{ directory, namespace, clientNamespace, ovs, addHost },
    vswitchd: ovs.processes[1]!.pid,
    async stop() {
      await ovs.stop()
      for (const each of namespaces) await deleteNamespace(each)
    },
  }
}
