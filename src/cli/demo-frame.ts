/**
 * What every demo does: takes down what a killed one left, brings its example up as a lab of its own, lets it be looked at,
 * takes it down, and prints a table and how many checks passed. The table goes to standard output, progress to standard
 * error. The exit code is 0 if every check is as expected, 1 if not, 2 if the machine is not fit, 130 or 143 when
 * interrupted; nothing is left behind.
 */

import Table from 'cli-table3'
import { ConfigError, reasonOf } from '../errors.ts'
import { Interruption, interruptible, outliveReaders } from '../lab/interrupt.ts'
import { down, type Lab, type UpOptions, up } from '../lab/lab.ts'
import { isRunning } from '../lab/process.ts'
import { readState } from '../lab/state.ts'

/** A row of the table: a check with what is wrong with it, or something that happens. */
export type Row =
  | { readonly kind: 'check'; readonly cells: readonly string[]; readonly faults: readonly string[] }
  | { readonly kind: 'event'; readonly text: string }

/** One demo. */
export interface Demo extends Pick<UpOptions, 'name' | 'file' | 'controller' | 'nb'> {
  /** The headings of the table; one more says whether a row is as expected. */
  readonly head: readonly string[]
  /** Looks at the lab, which is up. */
  readonly rows: (lab: Lab, signal: AbortSignal, report: (line: string) => void) => Promise<Row[]>
}

/** Shows a demo and sets the exit code. */
export async function show(demo: Demo): Promise<void> {
  const report = (line: string) => process.stderr.write(`${demo.name}: ${line}\n`)
  outliveReaders()
  try {
    process.exitCode = (await interruptible((signal) => run(demo, signal, report))) ? 0 : 1
  } catch (error) {
    report(reasonOf(error))
    process.exitCode = error instanceof Interruption ? error.exitCode : error instanceof ConfigError ? 2 : 1
  }
}

/** Runs it and says whether every check was as expected. */
async function run(demo: Demo, signal: AbortSignal, report: (line: string) => void): Promise<boolean> {
  const { name, file, controller, nb = 'file' } = demo
  await clearEarlier(name, report)
  const lab = await up({ name, file, controller, nb, diesWithParent: true, signal, report })
  let rows: Row[]
  try {
    rows = await demo.rows(lab, signal, report)
  } finally {
    report('taking the lab down')
    await down(name)
  }
  process.stdout.write(`${tableOf(demo.head, rows)}\n`)
  const checks = rows.filter((row) => row.kind === 'check')
  const failed = checks.filter(({ faults }) => faults.length > 0)
  process.stdout.write(`${name}: ${checks.length - failed.length} passed, ${failed.length} failed\n`)
  return failed.length === 0
}

/** Takes down what a killed demo left behind. Throws `ConfigError` if one runs. */
async function clearEarlier(name: string, report: (line: string) => void): Promise<void> {
  const owner = readState(name)?.owner
  if (owner === undefined) return
  if (isRunning(owner))
    throw new ConfigError(`a demo runs already (process ${owner.pid}); wait for it or stop it`)
  report('taking down what an earlier demo left behind')
  await down(name)
}

function tableOf(head: readonly string[], rows: readonly Row[]): string {
  const table = new Table({
    head: [...head, 'as expected'],
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows)
    if (row.kind === 'event') table.push([{ colSpan: head.length + 1, content: row.text }])
    else table.push([...row.cells, row.faults.length === 0 ? 'yes' : `NO: ${row.faults.join('; ')}`])
  return table.toString()
}

/** A time for the table. */
export const milliseconds = (value: number, digits = 0) => `${value.toFixed(digits)} ms`
