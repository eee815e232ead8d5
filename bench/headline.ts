/**
 * `npm run bench:headline`: one service a node against one dnsmasq a network, as memory (PSS, when ready and at rest later)
 * and as the time from the start until all names are served, for 1, 10, 100 and 500 networks of 20 ports with one local port each. dnsmasq is the
 * real one with the arguments of Neutron's DHCP agent, one process a network in a namespace of its own.
 *
 *     npm run bench:headline -- [--networks 1,10,100,500] [--rounds 1] [--nb file|etcd] [--out DIRECTORY]
 *
 * With several rounds each size is started once in each, and figures are medians; what a further network costs is the median
 * of what it costs from the first size to the last one in each round.
 */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { createNamespace, deleteNamespace, ip } from '../src/lab/namespace.ts'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../src/lab/process.ts'
import { addressOf, type CloudSize, domainOf, portsOf, rowsOf } from './cloud.ts'
import { neutronArguments } from './dns/dnsmasq.ts'
import { middle, pssKb } from './machine.ts'
import { demand, provenance } from './needs.ts'
import { startNode } from './node.ts'
import { measure, type Run, wholeNumber } from './run.ts'
import { needsOfStore, startStore } from './store.ts'
import { linesSvg } from './svg.ts'

const portsPerNetwork = 20
/** Within this time our controller has looked at each of the flows in the switch: 2,000 in 1.5 s. */
const restSeconds = 45
/** So many of Neutron's processes are started at a time; it has a pool of ten. */
const atOnce = 10

interface Cost {
  /** When all names are served. */
  readonly readyKb: number
  /** Later, when nothing that the start has left to be done is left. */
  readonly restKb: number
  readonly startMs: number
}

interface Point {
  readonly networks: number
  readonly ours: Cost
  readonly dnsmasq: Cost
}

const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: '1,10,100,500' },
    rounds: { type: 'string', default: '1' },
    nb: { type: 'string', default: 'file' },
    out: { type: 'string' },
  },
})
demand([['ovs-vswitchd', 'openvswitch-switch'], ['dnsmasq', 'dnsmasq-base'], ...needsOfStore(values.nb)])

const say = (line: string) => void process.stderr.write(`${line}\n`)
const sizes = values.networks.split(',').map((size) => wholeNumber('networks', size, 1, 1000))
const roundCount = wholeNumber('rounds', values.rounds, 1, 100)
await measure('headline', async (run) => {
  const found: Point[][] = []
  for (let round = 0; round < roundCount; round += 1) {
    const points: Point[] = []
    for (const networks of sizes)
      points.push(await pointOf(networks, join(run.directory, `${round}-${networks}`), run))
    found.push(points)
  }
  report(found)
})

async function pointOf(networks: number, directory: string, run: Run): Promise<Point> {
  mkdirSync(directory)
  const size = sizeOf(networks)
  const ours = await ourCost(directory, size, run)
  say(`${networks} networks: ours ${text(ours)}`)
  run.signal.throwIfAborted()
  const dnsmasq = await dnsmasqCost(directory, size, run.signal)
  say(`${networks} networks: dnsmasq ${text(dnsmasq)}`)
  run.signal.throwIfAborted()
  return { networks, ours, dnsmasq }
}

function sizeOf(networks: number): CloudSize {
  return { tenants: 10, networks, ports: portsPerNetwork * networks, localPorts: networks }
}

async function ourCost(root: string, size: CloudSize, run: Run): Promise<Cost> {
  const store = await startStore(values.nb, root)
  try {
    await store.driver.putAll([...rowsOf(size)])
    const plugged = portsOf(size).filter(({ isLocal }) => isLocal)
    const node = await startNode({
      ...{ directory: join(root, 'node'), name: '1', host: 'compute-1', store: store.configuration },
      plugged: plugged.map(({ id }) => id),
      isCapturing: false,
    })
    try {
      const { process, readyMs } = await node.start(120_000)
      const readyKb = pssKb(process.pid)
      await run.sleep(restSeconds * 1000)
      return { readyKb, restKb: pssKb(process.pid), startMs: readyMs }
    } finally {
      await node.stop()
    }
  } finally {
    await store.stop()
  }
}

async function dnsmasqCost(root: string, size: CloudSize, signal: AbortSignal): Promise<Cost> {
  const namespaces: string[] = []
  const started: ProcessRef[] = []
  const all = Array.from({ length: size.networks }, (_, network) => network)
  const each = async (act: (network: number) => Promise<void>) => {
    for (let from = 0; from < all.length && !signal.aborted; from += atOnce)
      await Promise.all(all.slice(from, from + atOnce).map(act))
  }
  try {
    await each(async (network) => {
      const namespace = `dfh-${process.pid}-${network}`
      namespaces.push(namespace)
      await createNamespace(namespace)
      await ip(namespace, ['address add 10.0.255.2/16 dev lo', 'link set lo up'])
      writeNames(directoryOf(root, network), network, size)
    })
    const startedAt = performance.now()
    await each(async (network) => {
      const directory = directoryOf(root, network)
      const options = {
        logFile: join(directory, 'log'),
        namespace: namespaces[network]!,
        diesWithParent: true,
      }
      const daemon = await startDaemon('dnsmasq', neutronArguments(directory), options)
      started.push(daemon)
      const alive = [{ name: 'dnsmasq', process: daemon, logFile: options.logFile }]
      await waitUntil('dnsmasq', () => existsSync(join(directory, 'pid')), { alive })
    })
    const startMs = performance.now() - startedAt
    const allKb = started.reduce((sum, { pid }) => sum + pssKb(pid), 0)
    return { readyKb: allKb, restKb: allKb, startMs } // it does nothing unasked
  } finally {
    await Promise.all(started.map((daemon) => stopProcess(daemon)))
    for (const namespace of namespaces) await deleteNamespace(namespace)
  }
}

function directoryOf(root: string, network: number): string {
  return join(root, `dnsmasq-${network}`)
}

/** The names of a network as Neutron writes them into `addn_hosts`. */
function writeNames(directory: string, network: number, size: CloudSize): void {
  mkdirSync(directory)
  const lines = Array.from({ length: portsPerNetwork }, (_, place) => {
    const name = `vm-${place}`
    return `${addressOf(place)}\t${name}.${domainOf(network, size)} ${name}\n`
  })
  writeFileSync(join(directory, 'addn_hosts'), lines.join(''))
}

function text({ readyKb, restKb, startMs }: Cost): string {
  return `${megabytes(readyKb)} MB when ready, ${megabytes(restKb)} at rest, started in ${(startMs / 1000).toFixed(1)} s`
}

function megabytes(kb: number): string {
  return (kb / 1024).toFixed(1)
}

function report(found: readonly (readonly Point[])[]): void {
  const machine = `${provenance()}, ${found.length} rounds`
  const points = sizes.map((networks, index): Point => {
    const its = found.map((round) => round[index]!)
    return {
      networks,
      ours: medianOf(its.map(({ ours }) => ours)),
      dnsmasq: medianOf(its.map(({ dnsmasq }) => dnsmasq)),
    }
  })
  const table = new Table({
    head: ['networks', 'ours when ready, MB', 'at rest, MB', 'dnsmasq, MB', 'ours, s', 'dnsmasq, s'],
    style: { head: [], border: [] },
  })
  for (const { networks, ours, dnsmasq } of points)
    table.push([
      networks,
      ...[ours.readyKb, ours.restKb, dnsmasq.restKb].map(megabytes),
      ...[ours.startMs, dnsmasq.startMs].map((ms) => (ms / 1000).toFixed(1)),
    ])
  process.stdout.write(`${machine}\n${table.toString()}\n`)
  if (sizes.length > 1) {
    const [ours, theirs] = (['ours', 'dnsmasq'] as const).map((name) =>
      found.map((round) => slopeOf(round, name)),
    )
    const ratios = ours!.map((kb, round) => kb / theirs![round]!)
    const [own, other] = [middle(ours!), middle(theirs!)]
    const { networks, ours: first } = points[0]!
    const crossing = (first.restKb - own * networks) / (other - own)
    process.stdout.write(
      `each further network, at rest: ours ${own.toFixed(0)} KB, dnsmasq ${other.toFixed(0)} KB, ${middle(ratios).toFixed(3)} : 1 ` +
        `(${ratios.map((ratio) => ratio.toFixed(3)).join(', ')}); the totals cross at ${Math.round(crossing)} networks\n`,
    )
  }
  if (values.out === undefined) return
  mkdirSync(values.out, { recursive: true })
  writeFileSync(
    join(values.out, 'headline.json'),
    `${JSON.stringify({ machine, points, rounds: found }, undefined, 1)}\n`,
  )
  const lines = (figure: (cost: Cost) => number) =>
    (['ours', 'dnsmasq'] as const).map((name) => ({
      name: name === 'ours' ? 'one controller' : 'one dnsmasq a network',
      points: points.map((point) => [point.networks, figure(point[name])] as const),
    }))
  const shape = { xUnit: 'networks on the node', isLogarithmic: true }
  writeFileSync(
    join(values.out, 'headline-memory.svg'),
    linesSvg({
      title: 'Memory at rest',
      unit: 'MB, PSS',
      ...shape,
      series: lines(({ restKb }) => restKb / 1024),
    }),
  )
  writeFileSync(
    join(values.out, 'headline-start.svg'),
    linesSvg({
      title: 'Start to all names served',
      unit: 's',
      ...shape,
      series: lines(({ startMs }) => startMs / 1000),
    }),
  )
}

/** What a further network costs from the first size of a round to the last one, in KB at rest. */
function slopeOf(round: readonly Point[], name: 'ours' | 'dnsmasq'): number {
  const [first, last] = [round[0]!, round.at(-1)!]
  return (last[name].restKb - first[name].restKb) / (last.networks - first.networks)
}

function medianOf(costs: readonly Cost[]): Cost {
  return {
    readyKb: middle(costs.map(({ readyKb }) => readyKb)),
    restKb: middle(costs.map(({ restKb }) => restKb)),
    startMs: middle(costs.map(({ startMs }) => startMs)),
  }
}
