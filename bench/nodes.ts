/**
 * Many controllers on one store: `npm run bench:nodes -- [--nodes 20] [--nb etcd|file] [--ports 10000] [--networks 500]
 * [--rate 50] [--seconds 20]`. Each has a private Open vSwitch with the ports of its node (about ten). Measures start,
 * CPU and memory of each and of etcd. docs/performance.md has results, and what follows for 1,000 nodes.
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Kind, kindsOf } from './changes.ts'
import { type CloudSize, hostOf, portsOf, rowsOf } from './cloud.ts'
import { cpuMs, load, machineLine, memoryMb } from './machine.ts'
import { demand } from './needs.ts'
import { type BenchNode, startNode } from './node.ts'
import { measure, wholeNumber, wholeNumbers } from './run.ts'
import { needsOfStore, startStore } from './store.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '20' },
    nb: { type: 'string', default: 'etcd' },
    ports: { type: 'string', default: '10000' },
    networks: { type: 'string', default: '500' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
  },
})
demand([['ovs-vswitchd', 'openvswitch-switch'], ...needsOfStore(values.nb)])
const { ports: portCount, networks } = wholeNumbers(values, ['ports', 'networks'], 1, 1_000_000)
const { rate, seconds } = wholeNumbers(values, ['rate', 'seconds'], 1, 3600)
const count = wholeNumber('nodes', values.nodes, 1, 1000)
const size: CloudSize = { tenants: 10, networks, ports: portCount, localPorts: 10 }
const say = (what: string, figure: string) =>
  process.stdout.write(`${what.padEnd(40)}${figure}  [load ${load()}]\n`)

const ports = portsOf(size)
process.stdout.write(`${machineLine()}\n${count} nodes, ${values.nb}, ${JSON.stringify(size)}\n`)
await measure('nodes', async (run) => {
  const { directory, signal, stopping } = run
  const nodes: BenchNode[] = []
  const { driver, configuration, pid: etcd } = stopping(await startStore(values.nb, directory))
  const rows = [...rowsOf(size)]
  await driver.putAll(rows)
  say(`${rows.length} rows written`, `${rows.reduce((sum, { value }) => sum + value.length, 0) >> 10} KB`)
  for (let n = 1; n <= count; n += 1) {
    const host = `compute-${n}`
    const plugged = ports.filter((port) => hostOf(port) === host).map(({ id }) => id)
    const name = String(n)
    signal.throwIfAborted()
    const node = await startNode({
      directory: join(directory, name),
      name,
      host,
      store: configuration,
      plugged,
      isCapturing: false,
    })
    nodes.push(stopping(node))
  }
  say('switches started', `${nodes.length}`)
  const etcdBefore = etcd === undefined ? 0 : cpuMs(etcd)
  const started = await Promise.all(nodes.map((node) => node.start(600_000)))
  const pids = started.map(({ process: { pid } }) => pid)
  say(
    'start to ready, all at once',
    rangeOf(
      started.map(({ readyMs }) => readyMs / 1000),
      's',
    ),
  )
  say(
    'CPU until ready',
    rangeOf(
      pids.map((pid) => cpuMs(pid) / 1000),
      's',
    ),
  )
  say(
    'memory (PSS)',
    rangeOf(
      pids.map((pid) => memoryMb(pid).pss),
      'MB',
    ),
  )
  if (etcd !== undefined)
    say('etcd', `CPU ${((cpuMs(etcd) - etcdBefore) / 1000).toFixed(1)} s, PSS ${memoryMb(etcd).pss} MB`)

  await run.sleep(5000)
  const mix: Kind[] = Object.values(kindsOf(ports, size))
  const before = [...pids, ...(etcd === undefined ? [] : [etcd])].map(cpuMs)
  const startedAt = performance.now()
  let [written, bytes] = [0, 0]
  while (performance.now() - startedAt < seconds * 1000) {
    const due = startedAt + (written * 1000) / rate
    if (due > performance.now()) await run.sleep(due - performance.now())
    const { row } = mix[written % mix.length]!(written + 1)
    await driver.put(row.table, row.id, row.value)
    written += 1
    bytes += row.table.length + row.id.length + row.value.length
  }
  await run.sleep(1000)
  const elapsed = performance.now() - startedAt
  const shares = [...pids, ...(etcd === undefined ? [] : [etcd])].map(
    (pid, index) => ((cpuMs(pid) - before[index]!) / elapsed) * 100,
  )
  say(
    'changes',
    `${((written / elapsed) * 1000).toFixed(0)} rows a second, ${Math.round(bytes / written)} bytes each`,
  )
  say('CPU of a controller meanwhile', rangeOf(shares.slice(0, count), '% of a core'))
  if (etcd !== undefined) say('CPU of etcd meanwhile', `${shares.at(-1)!.toFixed(1)} % of a core`)
  say(
    'memory (PSS) at the end',
    rangeOf(
      pids.map((pid) => memoryMb(pid).pss),
      'MB',
    ),
  )
})

function rangeOf(figures: readonly number[], unit: string): string {
  const sorted = figures.toSorted((a, b) => a - b)
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)] as [
    number,
    number,
    number,
  ]
  return `${least.toFixed(1)} to ${most.toFixed(1)} ${unit}, median ${median.toFixed(1)}`
}
