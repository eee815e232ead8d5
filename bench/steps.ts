/**
 * What each step from a changed row to its flows costs: `npm run bench:steps`. One process, no switch and no store, so
 * that CPU time can be told to a tenth of a millisecond. docs/performance.md has results.
 */

import { createCollector } from '../src/controller/desired.ts'
import { FlowMap } from '../src/controller/flow-map.ts'
import { createTopology } from '../src/controller/topology.ts'
import { silentLogger } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import { changedNorthbound, northboundOf } from '../src/nb/index.ts'
import { systemClock } from '../src/openflow/index.ts'
import type { SwitchPort } from '../src/ovsdb/index.ts'
import { appsOf } from '../test/support/cloud.ts'
import { type Kind, kindsOf } from './changes.ts'
import { type CloudSize, portsOf, rowsOf } from './cloud.ts'
import { load, machineLine } from './machine.ts'

const size: CloudSize = { tenants: 10, networks: 500, ports: 10_000, localPorts: 200 }
const turns = { warmUp: 20, measured: 60 }

const ports = portsOf(size)
const apps = [
  ...appsOf(['classifier', 'portsec', 'l2', 'dns']),
  ...appsOf(['provider'], { bridge_mappings: ['physnet1:br-ex'] }),
]
const collector = createCollector(apps, { log: silentLogger, metrics: createMetrics(), clock: systemClock })
const switchPorts: SwitchPort[] = [
  ...ports
    .filter(({ isLocal }) => isLocal)
    .map(({ id }, index) => plug(id, index + 1, { type: 'compute', lport: id })),
  plug('patch', 9999, { type: 'patch' }),
]
const viewAt = createTopology()
const patchPorts = new Map([['physnet1', 'patch']])

process.stdout.write(`${machineLine()}, load ${load()}\n${JSON.stringify(size)}\n\nfrom nothing, ms of CPU\n`)
const rows = [...rowsOf(size)]
let nb = timed('rows', () => northboundOf(rows))
let view = timed('view', () => viewAt({ nb, switchPorts, host: 'compute-1', patchPorts }))
let desired = timed('flows', () => collector.desiredFor(view))
process.stdout.write(
  `  ${desired.flows.size} flows\n\none changed row, ms of CPU: rows + view + flows; flows changed in the switch\n`,
)

let turn = 1
for (const [name, kind] of Object.entries(kindsOf(ports, size))) {
  const spent = [0, 0, 0]
  let changed = 0
  for (let i = 0; i < turns.warmUp + turns.measured; i += 1) {
    const before = desired
    const steps = step(kind, turn++)
    if (i < turns.warmUp) continue
    for (const [at, ms] of steps.entries()) spent[at]! += ms / turns.measured
    changed += FlowMap.changed(before.flows, desired.flows).size / turns.measured
  }
  const total = spent.reduce((sum, ms) => sum + ms)
  const parts = spent.map((ms) => ms.toFixed(1)).join(' + ')
  process.stdout.write(`  ${name.padEnd(32)} ${parts} = ${total.toFixed(1)}; ${changed.toFixed(0)}\n`)
}

function step(kind: Kind, at: number): number[] {
  const { row } = kind(at)
  const spent: number[] = []
  const measure = (act: () => void) => spent.push(cpuOf(act))
  measure(() => {
    nb = changedNorthbound(nb, [row])
  })
  measure(() => {
    view = viewAt({ nb, switchPorts, host: 'compute-1', patchPorts })
  })
  measure(() => {
    desired = collector.desiredFor(view)
  })
  return spent
}

function timed<T>(name: string, make: () => T): T {
  let made: T
  const ms = cpuOf(() => {
    made = make()
  })
  process.stdout.write(`  ${name.padEnd(10)} ${ms.toFixed(0)}\n`)
  return made!
}

/** CPU time of the whole process, so garbage collection counts. */
function cpuOf(act: () => void): number {
  const before = process.cpuUsage()
  act()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function plug(
  name: string,
  ofport: number,
  more: Pick<SwitchPort, 'type'> & Partial<SwitchPort>,
): SwitchPort {
  return { id: name, name, ofport, adminState: 'up', ...more }
}
