/**
 * `npm run bench:growth`: how cost grows with names (1 to 1,000,000), with networks (1 to 5,000) and with local ports (1
 * to 500). Names up to 1,000,000 in one process each, asked over a socket in turns; the rest with a real controller on a
 * private Open vSwitch and etcd: start, memory, and one changed row until its flow is in the switch.
 *
 *     npm run bench:growth -- [--only names,start,networks,local] [--out DIRECTORY]
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { kindsOf } from './changes.ts'
import { type CloudSize, portsOf, rowsOf } from './cloud.ts'
import { type Lookup, lookups } from './growth/lookup.ts'
import { cpuMs, middle, pssKb } from './machine.ts'
import { demand, provenance, refuse } from './needs.ts'
import { monitorFlows, startNode } from './node.ts'
import { measure, type Run } from './run.ts'
import { needsOfStore, startStore } from './store.ts'
import { linesSvg } from './svg.ts'

/** A controller with a cloud of that size. */
interface Point {
  readonly size: CloudSize
  readonly readyMs: number
  readonly readyCpuMs: number
  readonly pssMb: number
  readonly flows: number
  /** One changed address near a local port, from the write to its flow in the switch: the median. */
  readonly changeMs: number
  readonly flowsChanged: number
}

const of = (networks: number, ports: number, localPorts: number): CloudSize => ({
  tenants: 10,
  networks,
  ports,
  localPorts,
})
/** Each grows alone. */
const sweeps = {
  start: [of(1, 2, 1), of(10, 100, 10), of(100, 1000, 50), of(100, 10_000, 50), of(100, 100_000, 50)],
  networks: [of(1, 20, 5), of(10, 200, 10), of(100, 2000, 50), of(1000, 20_000, 50), of(5000, 100_000, 50)],
  local: [of(500, 10_000, 1), of(500, 10_000, 10), of(500, 10_000, 100), of(500, 10_000, 500)],
} as const satisfies Record<string, readonly CloudSize[]>
const nameCounts = [10, 100, 1000, 10_000, 100_000, 1_000_000]
const changes = 15
const plain = { head: [], border: [] }

const { values } = parseArgs({
  options: { only: { type: 'string', default: 'names,start,networks,local' }, out: { type: 'string' } },
})
const parts = ['names', ...Object.keys(sweeps)]
const only = values.only.split(',')
const unknown = only.find((name) => !parts.includes(name))
if (unknown !== undefined) refuse(`--only ${unknown}: takes some of ${parts.join(',')}`)
demand([['ovs-vswitchd', 'openvswitch-switch'], ...needsOfStore('etcd')])
const say = (line: string) => void process.stderr.write(`${line}\n`)

await measure('growth', async (run) => {
  const names = only.includes('names') ? await lookups(run.directory, nameCounts, run.signal) : []
  if (names.length > 0) printLookups(names)
  const found: Record<string, readonly Point[]> = {}
  for (const [name, sizes] of Object.entries(sweeps).filter(([name]) => only.includes(name))) {
    const points: Point[] = []
    for (const size of sizes) {
      run.signal.throwIfAborted()
      points.push(await pointOf(run, size))
      say(`${name}: ${JSON.stringify(points.at(-1))}`)
    }
    found[name] = points
    printPoints(name, points)
  }
  if (values.out !== undefined) write(values.out, names, found)
})

async function pointOf(run: Run, size: CloudSize): Promise<Point> {
  const directory = join(run.directory, `${size.networks}-${size.ports}-${size.localPorts}`)
  const store = await startStore('etcd', directory)
  try {
    await store.driver.putAll([...rowsOf(size)])
    const ports = portsOf(size)
    const plugged = ports.filter(({ isLocal }) => isLocal).map(({ id }) => id)
    const node = await startNode({
      directory,
      name: '1',
      host: 'compute-1',
      store: store.configuration,
      plugged,
      isCapturing: false,
    })
    try {
      const { process, readyMs } = await node.start(180_000)
      const readyCpuMs = cpuMs(process.pid)
      const status = (await node.status())!
      await run.sleep(3000)
      const pssMb = pssKb(process.pid) / 1024
      const change = kindsOf(ports, size)['an address near a local port']
      const took: number[] = []
      const changed: number[] = []
      let seen: (line: string, atMs: number) => void = () => {}
      const end = monitorFlows(node.ovs, (line, atMs) => seen(line, atMs))
      await run.sleep(500)
      for (let turn = 1; turn <= changes; turn += 1) {
        const { row, effect } = change(turn)
        const startedAt = performance.now()
        let count = 0
        await new Promise<void>((resolve) => {
          const give = setTimeout(resolve, 5000)
          seen = (line, atMs) => {
            if (line.includes('event=')) count += 1
            if (effect.kind !== 'flow' || !line.includes(effect.text) || line.includes('event=DELETED'))
              return
            took.push(atMs - startedAt)
            clearTimeout(give)
            setTimeout(resolve, 300)
          }
          void store.driver.put(row.table, row.id, row.value)
        })
        changed.push(count)
      }
      end()
      const { installed } = status.flows
      return {
        size,
        readyMs,
        readyCpuMs,
        pssMb,
        flows: installed,
        changeMs: middle(took),
        flowsChanged: middle(changed),
      }
    } finally {
      await node.stop()
    }
  } finally {
    await store.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

function printLookups(names: readonly Lookup[]): void {
  const table = new Table({
    head: ['names', 'CPU of an answer, us', 'built in, s', 'memory, MB'],
    style: plain,
  })
  for (const { names: count, cpuUs, builtMs, rssMb } of names)
    table.push([count.toLocaleString('en'), cpuUs.toFixed(2), (builtMs / 1000).toFixed(1), rssMb.toFixed(0)])
  process.stdout.write(`${provenance()}\n${table.toString()}\n`)
  const [few, many] = [names.find((one) => one.names === 100), names.at(-1)!]
  if (few !== undefined)
    process.stdout.write(`among ${many.names} : among 100 = ${(many.cpuUs / few.cpuUs).toFixed(2)}\n`)
}

function printPoints(name: string, points: readonly Point[]): void {
  const head = [
    'networks',
    'ports',
    'local',
    'start, s',
    'CPU, s',
    'PSS, MB',
    'flows',
    'change, ms',
    'flows changed',
  ]
  const table = new Table({ head, style: plain })
  for (const { size, readyMs, readyCpuMs, pssMb, flows, changeMs, flowsChanged } of points)
    table.push([
      ...[size.networks, size.ports, size.localPorts],
      ...[readyMs, readyCpuMs].map((ms) => (ms / 1000).toFixed(1)),
      ...[pssMb.toFixed(0), flows, changeMs.toFixed(0), flowsChanged],
    ])
  process.stdout.write(`${name}\n${table.toString()}\n`)
}

function write(directory: string, names: readonly Lookup[], found: Record<string, readonly Point[]>): void {
  mkdirSync(directory, { recursive: true })
  const result = { machine: provenance(), names, ...found }
  writeFileSync(join(directory, 'growth.json'), `${JSON.stringify(result, undefined, 1)}\n`)
  if (names.length > 0)
    writeFileSync(
      join(directory, 'growth-names.svg'),
      linesSvg({
        ...{ title: 'Controller CPU of an answer', unit: 'us', xUnit: 'names in the cloud' },
        series: [{ name: 'CPU', points: names.map(({ names: count, cpuUs }) => [count, cpuUs] as const) }],
      }),
    )
  const { start, networks, local } = found
  const shape = {
    title: 'Memory of a controller',
    unit: 'MB, PSS',
    xUnit: 'ports, networks or local ports',
    isLogarithmic: true,
  }
  if (start && networks && local)
    writeFileSync(
      join(directory, 'growth-memory.svg'),
      linesSvg({
        ...shape,
        series: [
          {
            name: 'ports of the cloud',
            points: start.map(({ size, pssMb }) => [size.ports, pssMb] as const),
          },
          {
            name: 'networks of 20 ports',
            points: networks.map(({ size, pssMb }) => [size.networks, pssMb] as const),
          },
          {
            name: 'local of 10,000',
            points: local.map(({ size, pssMb }) => [size.localPorts, pssMb] as const),
          },
        ],
      }),
    )
}
