/**
 * Which port hears of a packet that a port sends to an address: by `ofproto/trace`, on the sender's node and then on the
 * node that its tunnel leads to, and by packets. It knows the cloud; what is right is judged by who asks.
 */

import { waitUntil } from '../../src/lab/process.ts'
import { framesIn } from '../../test/support/capture.ts'
import { eth, ipv4, udp } from '../../test/support/frames.ts'
import type { BenchNode } from '../node.ts'
import { hosts, type MatrixPort, routerMac } from './cloud.ts'
import type { Output, Tracer } from './trace.ts'

/** A node as traces see it. */
export interface Traced {
  readonly host: string
  /** Where its tunnels end. */
  readonly address: string
  readonly tracer: Tracer
  /** The OpenFlow port of its geneve tunnel. */
  readonly tunnel: number
}

/** What a port knows of an address: it is in its own network, or behind the router. */
export interface Target {
  readonly side: string
  readonly mac: string
  readonly ip: string
}

const hopOf = (from: MatrixPort, to: Target) => (from.side === to.side ? to.mac : routerMac(from.side))

/** The places that a packet comes to, `<host>/<OpenFlow port>`. */
export async function traced(
  from: MatrixPort,
  to: Target,
  nodes: ReadonlyMap<string, Traced>,
): Promise<string[]> {
  const payload = `nw_src=${from.ip},nw_dst=${to.ip},udp_src=4000,udp_dst=4001`
  const first = nodes.get(from.host)!
  const macs = `dl_src=${from.mac},dl_dst=${hopOf(from, to)}`
  const here = await first.tracer.trace('br-int', `udp,in_port=${from.ofport},${macs},${payload},nw_ttl=64`)
  const places = here.outputs.map(async ({ port, tunnel }) => {
    if (tunnel === undefined) return [`${from.host}/${port}`]
    const there = [...nodes.values()].find(({ address }) => address === tunnel.address)
    if (there === undefined) return [`lost ${tunnel.address}`]
    const { source, destination } = here.macs
    const family = first.address.includes(':') ? 'tun_ipv6' : 'tun'
    const tun = `tun_id=${tunnel.id},${family}_src=${first.address},${family}_dst=${tunnel.address}`
    const inside = `dl_src=${source},dl_dst=${destination},${payload},nw_ttl=63`
    const arrived = await there.tracer.trace('br-int', `udp,in_port=${there.tunnel},${tun},${inside}`)
    return arrived.outputs.map((output) => placeOf(there.host, output))
  })
  return (await Promise.all(places)).flat()
}

const placeOf = (host: string, { port, tunnel }: Output) =>
  tunnel ? `again ${tunnel.address}` : `${host}/${port}`

/** Sends these packets, and gives what each port of both nodes has heard, as `<sender> <address>`. */
export async function heard(
  packets: readonly { readonly from: MatrixPort; readonly to: Target }[],
  ports: readonly MatrixPort[],
  nodes: ReadonlyMap<string, BenchNode>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const there = ports.filter(({ host }) => hosts.some((each) => each === host))
  const sizes = new Map(there.map(({ id, host }) => [id, nodes.get(host)!.captureSize(id)]))
  const wordsAt = ({ id, host }: MatrixPort) => {
    const records = nodes.get(host)!.captured(id, sizes.get(id)!)
    const frames = framesIn(Buffer.concat([Buffer.alloc(24), records]))
    return frames.flatMap((frame) => /port-\d+ [\d.]+$/.exec(frame.toString('latin1'))?.[0] ?? [])
  }
  const total = () => there.reduce((sum, port) => sum + wordsAt(port).length, 0)
  /** Waits for so many; packets that do not come are found by who compares. */
  const arrival = (count: number) =>
    waitUntil('the packets', () => total() >= count, { timeoutMs: 10_000 }).catch(() => {})
  for (const [index, { from, to }] of packets.entries()) {
    const content = ipv4(from.ip, to.ip, udp(4000, 4001, `${from.id} ${to.ip}`))
    await nodes.get(from.host)!.inject(from.id, eth(from.mac, hopOf(from, to), content))
    if (index % 50 === 49) await arrival(index) // the queue of a dummy port holds 100 frames
  }
  await arrival(packets.length)
  await new Promise((resolve) => setTimeout(resolve, 500)) // what should not be there may be late
  return new Map(there.map((port) => [port.id, wordsAt(port)]))
}
