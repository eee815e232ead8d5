/**
 * `npm run bench:micro [-- --ms 500]`: what each step of a query's way costs, without a switch, and what a socket in
 * between does to it. docs/performance.md has results.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { listen } from '../src/openflow/index.ts'
import { load, machineLine } from './machine.ts'
import { cases, referenceCase } from './micro/cases.ts'
import { connectFakeSwitch } from './micro/fake-switch.ts'
import { createLane, handlersOf } from './micro/lane.ts'
import { measured } from './micro/measure.ts'

const { values } = parseArgs({ options: { ms: { type: 'string', default: '500' } } })
const ms = Number(values.ms)
const print = (line: string) => process.stdout.write(`${line}\n`)

print(`${machineLine()}, load ${load()}\n`)
print('medians: ns each, and as a part of the reference loop')
for (const { name, ns, ratio } of await measured(referenceCase(), cases(), ms))
  print(`  ${name.padEnd(26)} ${ns.toFixed(0).padStart(6)}  ${ratio.toFixed(3)}`)

print('\na fake switch over a socket, both ends on one thread: answers/s, p50 and p99 in us')
const lane = createLane({ tenants: 2, networks: 10, ports: 1000, localPorts: 20 })
const directory = mkdtempSync(join(tmpdir(), 'df-micro-'))
const path = join(directory, 'controller')
const listener = await listen(`unix:${path}`, handlersOf(lane))
const fake = await connectFakeSwitch(path, [lane.packetIn(lane.localPorts[0]!, 7, 1)])
for (const outstanding of [1, 16, 128]) {
  await fake.load(outstanding, ms / 2)
  const { perSecond, latenciesUs } = await fake.load(outstanding, 4 * ms)
  const at = (part: number) => Math.round(latenciesUs[Math.floor(part * (latenciesUs.length - 1))]!)
  print(
    `  ${String(outstanding).padStart(3)} outstanding ${Math.round(perSecond)}/s, ${at(0.5)}, ${at(0.99)}`,
  )
}
fake.close()
await listener.close()
rmSync(directory, { recursive: true })
