/**
 * Who reaches whom: `npm run matrix -- [--ports 200] [--elsewhere 1600] [--every 1] [--packets 2000] [--underlay ipv4|ipv6]`.
 * Two nodes with so many ports each, a switch and a controller each, one etcd; two tenants with the same addresses, MAC
 * addresses and names, a router each. From every port (or every nth) a packet to every address is traced through both
 * switches, and must come to the tenant's own port with that address and to nothing else; then so many packets are really
 * sent. Exit code 1 if anything came where it should not, or did not come. test/system/matrix.test.ts runs it small.
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpuMs, load, machineLine } from './machine.ts'
import { addressOfNode, hosts, type MatrixPort, portsOf, rowsOf, type Underlay } from './matrix/cloud.ts'
import { startNodes } from './matrix/node.ts'
import { heard, type Traced, traced } from './matrix/reach.ts'
import { connectTracer } from './matrix/trace.ts'
import { demand, refuse } from './needs.ts'
import type { BenchNode } from './node.ts'
import { measure, wholeNumbers } from './run.ts'
import { needsOfStore, startStore } from './store.ts'

const { values } = parseArgs({
  options: {
    ports: { type: 'string', default: '200' },
    elsewhere: { type: 'string', default: '1600' },
    every: { type: 'string', default: '1' },
    packets: { type: 'string', default: '2000' },
    underlay: { type: 'string', default: 'ipv4' },
  },
})
const { ports: perNode, every } = wholeNumbers(values, ['ports', 'every'], 1, 10_000)
const { elsewhere, packets: packetCount } = wholeNumbers(values, ['elsewhere', 'packets'], 0, 1_000_000)
const underlay: Underlay =
  values.underlay === 'ipv4' || values.underlay === 'ipv6'
    ? values.underlay
    : refuse(`--underlay ${values.underlay}: takes ipv4 or ipv6`)
demand([['ovs-vswitchd', 'openvswitch-switch'], ...needsOfStore('etcd')])
const say = (what: string, figure: string) =>
  process.stdout.write(`${what.padEnd(40)}${figure}  [load ${load()}]\n`)

const ports = portsOf(perNode, elsewhere)
const here = ports.filter(({ host }) => hosts.some((each) => each === host))
/** Each address once: both tenants have it. */
const targets = here.filter(({ tenant }) => tenant === 'red')
const ownerOf = (tenant: string, ip: string) => here.find((port) => port.tenant === tenant && port.ip === ip)!
process.stdout.write(`${machineLine()}\n`)
await measure('matrix', async ({ directory, signal, stopping }) => {
  const stored = stopping(await startStore('etcd', directory))
  await stored.driver.putAll([...rowsOf(ports, underlay)])
  const nodes = await startNodes(directory, stored.configuration, ports, underlay)
  for (const node of nodes) stopping(node)
  for (const [index, node] of nodes.entries()) {
    signal.throwIfAborted()
    const { readyMs, process: started } = await node.start(120_000)
    const { flows, localPorts } = (await node.status())!
    const cpu = (cpuMs(started.pid) / 1000).toFixed(1)
    say(
      `${hosts[index]}: start to ready`,
      `${(readyMs / 1000).toFixed(2)} s (CPU ${cpu} s), ${localPorts} of ${ports.length} ports, ${flows.installed} flows`,
    )
  }
  const faults = [...(await traceAll(nodes, signal)), ...(await sendSome(nodes))]
  for (const fault of faults.slice(0, 20)) process.stdout.write(`${fault}\n`)
  say('faults', String(faults.length))
  if (faults.length > 0) process.exitCode = 1
})

/** Traces from every nth port to every address; returns what is wrong. */
async function traceAll(nodes: readonly BenchNode[], signal: AbortSignal): Promise<string[]> {
  const tracedNodes = new Map<string, Traced>()
  for (const [index, host] of hosts.entries()) {
    const { ovs } = nodes[index]!
    const tunnel = Number(await ovs.vsctl('get', 'interface', 'geneve-vtp', 'ofport'))
    const tracer = connectTracer(join(ovs.rundir, 'ovs-vswitchd.ctl'))
    tracedNodes.set(host, { host, address: addressOfNode(host, underlay), tracer, tunnel })
  }
  const faults: string[] = []
  let [reached, across, traces] = [0, 0, 0]
  const beganAt = performance.now()
  const askers = here.filter((_, index) => index % every === 0)
  for (const from of askers) {
    signal.throwIfAborted()
    const asked = targets.filter(({ ip, side }) => ip !== from.ip || side !== from.side)
    const found = await Promise.all(asked.map((to) => traced(from, to, tracedNodes)))
    traces += found.length
    for (const [index, places] of found.entries()) {
      const owner = ownerOf(from.tenant, asked[index]!.ip)
      const [wanted, foreign] = [owner, ownerOf(otherThan(from.tenant), owner.ip)].map(placeOf)
      if (places.length === 1 && places[0] === wanted) reached += 1
      else faults.push(`${from.id} (${from.tenant}) to ${owner.ip}: ${places.join(', ') || 'nowhere'}`)
      if (places.includes(foreign!)) across += 1
    }
  }
  for (const { tracer } of tracedNodes.values()) tracer.close()
  const seconds = ((performance.now() - beganAt) / 1000).toFixed(1)
  const pairs = askers.length * (here.length - 1)
  say('pairs looked at, in order', `${pairs} by ${traces} packets traced, ${seconds} s`)
  say('of the same tenant, reached', `${reached} of ${traces}`)
  say('across tenants, reached', `${across} of ${pairs - traces}`)
  return faults
}

/** Sends packets from ports to addresses, evenly picked; returns what is wrong. */
async function sendSome(nodes: readonly BenchNode[]): Promise<string[]> {
  const pairs = packetCount === 0 ? 0 : here.length * targets.length
  const step = Math.max(1, Math.floor(pairs / Math.max(1, packetCount))) | 1 // odd: it meets all sources and targets
  const packets = Array.from({ length: Math.min(packetCount, pairs) }, (_, n) => {
    const at = (n * step) % pairs
    return { from: here[at % here.length]!, to: targets[Math.floor(at / here.length)]! }
  }).filter(({ from, to }) => from.ip !== to.ip)
  const byHost = new Map(hosts.map((host, index) => [host as string, nodes[index]!]))
  const found = await heard(packets, here, byHost)
  const wanted = new Map<string, string[]>(here.map(({ id }) => [id, []]))
  for (const { from, to } of packets) wanted.get(ownerOf(from.tenant, to.ip).id)!.push(`${from.id} ${to.ip}`)
  const heardBy = ({ id }: MatrixPort) => [...found.get(id)!].sort().join()
  const wrong = here.filter((port) => heardBy(port) !== wanted.get(port.id)!.sort().join())
  const arrived = [...found.values()].reduce((sum, words) => sum + words.length, 0)
  const crossing = packets.filter(({ from, to }) => ownerOf(from.tenant, to.ip).host !== from.host).length
  say('packets sent, heard', `${packets.length}, ${arrived}; ${crossing} through a tunnel`)
  return wrong.map((port) => `${port.id} heard ${heardBy(port) || 'nothing'}; wanted ${wanted.get(port.id)}`)
}

function placeOf({ host, ofport }: MatrixPort): string {
  return `${host}/${ofport}`
}

function otherThan(tenant: string): string {
  return tenant === 'red' ? 'blue' : 'red'
}
