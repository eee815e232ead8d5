/**
 * A switch with one client for figures of a peer: a namespace with a private Open vSwitch (userspace datapath) and a
 * namespace with a veth into its integration bridge. Whatever the switch has costs every packet a little, since one thread
 * looks after all of it: so this one has as many bridges and ports as that of examples/two-tenants.yaml. It knows no peer.
 * Addresses are private ones.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createNamespace, createVeth, deleteNamespace, ip } from '../../src/lab/namespace.ts'
import { type DaemonOptions, type ProcessRef, startDaemon, stopProcess } from '../../src/lab/process.ts'
import { addBridge, type Switch, startSwitch } from '../../src/lab/switch.ts'
import type { Peer } from './peer.ts'

/** Where queries come from and go to, the same for every peer but ours. */
export const client = { ip: '10.0.0.11', mac: 'fa:16:3e:00:00:11' } as const
export const server = { ip: '10.0.0.53', mac: 'fa:16:3e:00:00:53' } as const

export interface Testbed {
  readonly directory: string
  /** The namespace of the switch. */
  readonly namespace: string
  readonly clientNamespace: string
  readonly ovs: Switch
  /** The namespace of the first of the other hosts, which has the server's addresses. */
  readonly serverNamespace: string
  /** Starts a daemon that ends with the testbed. */
  start(command: string, args: readonly string[], options: DaemonOptions): Promise<ProcessRef>
}

/** Hosts of the example besides the client, by the bridge that they are plugged into. */
const others = {
  'br-int': ['server', 'third', 'fourth', 'fifth'],
  'br-ex': ['gateway', 'other-gateway'],
} as const

/** What answers on a testbed. */
export interface Answering extends Pick<Peer, 'about' | 'answersAlways'> {
  readonly controller: ProcessRef
}

/**
 * A peer on a switch of its own, whose `br-int` has the client at port 1, as the interface `client`, and the server at port
 * 2, and is joined by a patch to `br-ex`. `failMode` is that of `br-int`; `begin` starts what answers. If it throws,
 * nothing is left.
 */
export async function startPeer(
  root: string,
  name: string,
  failMode: 'secure' | 'standalone',
  begin: (bed: Testbed) => Promise<Answering>,
): Promise<Peer> {
  const undo: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of undo.toReversed()) await step()
  }
  try {
    const bed = await createTestbed(join(root, name), name, failMode, undo)
    const { controller, ...about } = await begin(bed)
    return {
      ...{ name, ...about, clientNamespace: bed.clientNamespace, server: server.ip },
      ...{ controller: controller.pid, vswitchd: bed.ovs.processes[1]!.pid, stop },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function createTestbed(
  directory: string,
  name: string,
  failMode: 'secure' | 'standalone',
  undo: (() => Promise<void>)[],
): Promise<Testbed> {
  mkdirSync(directory, { recursive: true })
  const namespace = `dfb-${process.pid}-${name}`
  const addNamespace = async (added: string) => {
    undo.push(() => deleteNamespace(added))
    await createNamespace(added, { 'ipv6/conf/default/disable_ipv6': '1' })
    return added
  }
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
    for (const host of others[bridge]) await addHost(host, bridge, host === 'server' ? server.mac : undefined)
  const serverNamespace = `${namespace}-server`
  await ip(clientNamespace, [`address add ${client.ip}/24 dev eth0`])
  await ip(serverNamespace, [`address add ${server.ip}/24 dev eth0`])
  await ovs.vsctl(...patchTo('br-int', 'br-ex'), '--', ...patchTo('br-ex', 'br-int'))
  return {
    ...{ directory, namespace, clientNamespace, serverNamespace, ovs },
    async start(command, args, options) {
      const daemon = await startDaemon(command, args, { ...options, diesWithParent: true })
      undo.push(() => stopProcess(daemon))
      return daemon
    },
  }
}

/** The words that give a bridge its end of a patch. */
const patchTo = (bridge: string, peer: string): string[] => [
  ...['add-port', bridge, `to-${peer}`, '--', 'set', 'interface', `to-${peer}`],
  ...['type=patch', `options:peer=to-${bridge}`],
]
