/**
 * `npm run bench:micro [-- --ms 500]`: what each step of a query's way costs, without a switch, and what a socket in
 * between does to it. docs/performance.md has results.
 */

import { parseArgs } from 'node:util'
import { load, machineLine } from './machine.ts'
import { cases, referenceCase } from './micro/cases.ts'
import { startFakeSwitch } from './micro/fake-switch.ts'
import { measured } from './micro/measure.ts'

const { values } = parseArgs({ options: { ms: { type: 'string', default: '500' } } })
const ms = Number(values.ms)
const print = (line: string) => process.stdout.write(`${line}\n`)

print(`${machineLine()}, load ${load()}\n`)
print('medians: ns each, and as a part of the reference loop')
for (const { name, ns, ratio } of await measured(referenceCase(), cases(), ms))
  print(`  ${name.padEnd(26)} ${ns.toFixed(0).padStart(6)}  ${ratio.toFixed(3)}`)

print('\na fake switch over a socket, both ends on one thread: answers/s, p50 and p99 in us')
const fake = await startFakeSwitch()
for (const outstanding of [1, 16, 128]) {
  await fake.load(outstanding, ms / 2)
  const { perSecond, latenciesUs } = await fake.load(outstanding, 4 * ms)
  const at = (part: number) => Math.round(latenciesUs[Math.floor(part * (latenciesUs.length - 1))]!)
  print(
    `  ${String(outstanding).padStart(3)} outstanding ${Math.round(perSecond)}/s, ${at(0.5)}, ${at(0.99)}`,
  )
}
await fake.close()
