#!/usr/bin/env node
/**
 * `make demo-cloud`: brings examples/two-nodes.yaml up as a lab of its own, lets its VMs boot, shows what each was told,
 * and then what they reach by name: on the other node, behind their router, outside, and not at another tenant's.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configuredAddresses, leaseOf, untilBooted } from '../lab/boot.ts'
import { type Outcome, outcomeOf } from '../lab/errand-runner.ts'
import { errands } from '../lab/errands.ts'
import type { Lab } from '../lab/lab.ts'
import type { PortPlan } from '../lab/plan.ts'
import { resolverFileOf } from '../lab/resolver-file.ts'
import { milliseconds, type Row, show } from './demo-frame.ts'

async function rowsOf(lab: Lab, signal: AbortSignal, report: (line: string) => void): Promise<Row[]> {
  report('waiting for the VMs to boot')
  const began = performance.now()
  const booted = await Promise.all(lab.plan.ports.map((port) => bootRow(lab, port, began, signal)))
  const rows: Row[] = [...booted, { kind: 'event', text: 'they have booted; now by name' }]
  for (const errand of errands) {
    signal.throwIfAborted()
    report(`${errand.vm}: ${errand.command}`)
    rows.push(rowOf(await outcomeOf(lab.plan, errand, signal)))
  }
  return rows
}

/** What a VM has, and what its client was told, once it has booted. */
async function bootRow({ plan }: Lab, port: PortPlan, began: number, signal: AbortSignal): Promise<Row> {
  const faults: string[] = []
  await untilBooted(plan, [port], { signal }).catch((error: Error) => {
    signal.throwIfAborted()
    faults.push(error.message)
  })
  const took = milliseconds(performance.now() - began)
  const resolver = readFileSync(resolverFileOf(port.namespace), 'utf8').trim().replaceAll('\n', ', ')
  const mtu = leaseOf(plan, port, 4)?.mtu
  const told = [resolver || 'no resolver', ...(mtu ? [`mtu ${mtu}`] : [])].join(', ')
  const has = (await configuredAddresses(port)).join(' ')
  return { kind: 'check', cells: [port.key, `boots by ${port.boot}`, `${has}; ${told}`, took], faults }
}

function rowOf({ errand, found, tookMs }: Outcome): Row {
  const faults = found === errand.result ? [] : [`it is to be ${errand.result}`]
  return { kind: 'check', cells: [errand.vm, errand.command, found, milliseconds(tookMs)], faults }
}

await show({
  name: 'demo-cloud',
  file: fileURLToPath(new URL('../../examples/two-nodes.yaml', import.meta.url)),
  controller: fileURLToPath(new URL('../main.js', import.meta.url)),
  nb: 'etcd',
  head: ['VM', 'what it does', 'what comes of it', 'time'],
  rows: rowsOf,
})
