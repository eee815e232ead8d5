/**
 * The floor: the least that a controller in this language can do for an answer. One flow sends queries up, one process
 * (bare-responder.ts) turns each packet-in into a packet-out. It looks nothing up and serves no tenant.
 */

import { join } from 'node:path'
import { ip } from '../../src/lab/namespace.ts'
import type { Peer } from './peer.ts'
import { server, startPeer } from './testbed.ts'

export const startBare = (root: string): Promise<Peer> =>
  startPeer(root, 'bare', 'secure', async (bed) => {
    await ip(bed.clientNamespace, [`neighbour add ${server.ip} lladdr ${server.mac} dev eth0`])
    const socket = join(bed.ovs.rundir, 'br-int.controller')
    const script = join(import.meta.dirname, 'bare-responder.js')
    const logFile = join(bed.directory, 'responder.log')
    const controller = await bed.start(process.execPath, [script, socket], { logFile })
    await bed.ovs.vsctl(
      ...['set-controller', 'br-int', `unix:${socket}`],
      ...['--', 'set', 'controller', 'br-int', 'controller_queue_size=511', 'max_backoff=1000'],
    )
    await bed.ovs.ofctl(
      'add-flow',
      'br-int',
      'udp,tp_dst=53,actions=controller(max_len=65535,userdata=64.6e.73)',
    )
    const about = 'packet-in to a fixed packet-out with checksums, nothing else'
    return { about, controller, answersAlways: '10.0.0.12' }
  })
