#!/usr/bin/env node
/**
 * `make demo`: brings examples/two-tenants.yaml up as a lab of its own, lets its VMs ask, shows who answered, kills the
 * controller and asks again. The table goes to standard output, progress to standard error. Exit code 0 if every row is
 * as expected, 1 if not, 2 if the machine is not fit, 130 or 143 when interrupted; nothing is left behind.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import { ConfigError, reasonOf } from '../errors.ts'
import type { DigReply } from '../lab/dig.ts'
import { Interruption, interruptible, outliveReaders } from '../lab/interrupt.ts'
import { type Finding, interview } from '../lab/interview.ts'
import { down, type Lab, restartController, up } from '../lab/lab.ts'
import type { StartedController } from '../lab/node.ts'
import { isRunning, signalProcess, waitUntil } from '../lab/process.ts'
import {
  type Question,
  questions,
  questionsAfterRestart,
  questionsWithoutController,
} from '../lab/questions.ts'
import { readState } from '../lab/state.ts'

const name = 'demo'
const file = fileURLToPath(new URL('../../examples/two-tenants.yaml', import.meta.url))
const controller = fileURLToPath(new URL('../main.js', import.meta.url))

const report = (line: string) => process.stderr.write(`demo: ${line}\n`)

/** A row of the table: a check with what is wrong with it, or something that happens. */
type Row =
  | { readonly kind: 'check'; readonly cells: readonly string[]; readonly faults: readonly string[] }
  | { readonly kind: 'event'; readonly text: string }

/** Runs the demo and says whether every check was as expected. */
async function demo(signal: AbortSignal): Promise<boolean> {
  await clearEarlier()
  const lab = await up({ name, file, controller, diesWithParent: true, signal, report })
  let rows: Row[]
  try {
    rows = await rowsOf(lab, signal)
  } finally {
    report('taking the lab down')
    await down(name)
  }
  process.stdout.write(`${tableOf(rows)}\n`)
  const failed = rows.filter((row) => row.kind === 'check' && row.faults.length > 0)
  const checks = rows.filter((row) => row.kind === 'check')
  process.stdout.write(`demo: ${checks.length - failed.length} passed, ${failed.length} failed\n`)
  return failed.length === 0
}

/** Takes down what a killed demo left behind. Throws `ConfigError` if one runs. */
async function clearEarlier(): Promise<void> {
  const owner = readState(name)?.owner
  if (owner === undefined) return
  if (isRunning(owner))
    throw new ConfigError(`a demo runs already (process ${owner.pid}); wait for it or stop it`)
  report('taking down what an earlier demo left behind')
  await down(name)
}

async function rowsOf(lab: Lab, signal: AbortSignal): Promise<Row[]> {
  const node = lab.plan.nodes[0]!
  const first = lab.controllers.get(node.key)!
  const ask = async (list: readonly Question[]) =>
    (await interview(lab.plan, list, { signal, asking })).map(rowOf)
  const asked = await ask(questions)
  const figures = figuresOf(first)
  report(`killing the controller (kill -9 ${first.process.pid})`)
  signalProcess(first.process, 'SIGKILL')
  await waitUntil('the controller to end', () => !isRunning(first.process), { signal })
  const withoutController = await ask(questionsWithoutController)
  report('starting the controller again')
  const second = await restartController(name, node, controller, { diesWithParent: true, signal })
  return [
    ...asked,
    ...figures,
    { kind: 'event', text: 'the controller is killed (kill -9)' },
    ...withoutController,
    {
      kind: 'event',
      text: `the controller is started again: ready after ${milliseconds(second.readyAfterMs)}`,
    },
    ...(await ask(questionsAfterRestart)),
  ]
}

const asking = ({ asker, ask }: Question) => report(`${asker}: dig ${ask}`)

function rowOf({ question, reply, by, faults }: Finding): Row {
  const cells = [question.asker, `dig ${question.ask}`, answerOf(reply), by, timeOf(reply)]
  return { kind: 'check', cells, faults }
}

function answerOf(reply: DigReply | undefined): string {
  if (reply === undefined) return 'no reply'
  return reply.answers.join(' ') || (reply.status === 'NOERROR' ? 'no such data' : reply.status)
}

function timeOf(reply: DigReply | undefined): string {
  if (reply === undefined) return ''
  const tries = reply.tries === 1 ? '' : ` (${reply.tries} tries)`
  return milliseconds(reply.roundTripMicroseconds / 1000, 1) + tries
}

/** What the controller costs. Not checks: how fast and how large is also a matter of the machine. */
function figuresOf({ process: { pid }, readyAfterMs }: StartedController): Row[] {
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  const resident = `${Math.round(kilobytes / 1024)} MB`
  return [
    { kind: 'event', text: `the controller's resident memory is ${resident} (goal: less than 120 MB)` },
    {
      kind: 'event',
      text: `from its start to ready it took ${milliseconds(readyAfterMs)} (goal: less than 2000 ms)`,
    },
  ]
}

function tableOf(rows: readonly Row[]): string {
  const table = new Table({
    head: ['asker', 'question', 'answer', 'who answered', 'time', 'as expected'],
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows)
    if (row.kind === 'event') table.push([{ colSpan: 6, content: row.text }])
    else table.push([...row.cells, row.faults.length === 0 ? 'yes' : `NO: ${row.faults.join('; ')}`])
  return table.toString()
}

const milliseconds = (value: number, digits = 0) => `${value.toFixed(digits)} ms`

outliveReaders()
try {
  process.exitCode = (await interruptible(demo)) ? 0 : 1
} catch (error) {
  report(reasonOf(error))
  process.exitCode = error instanceof Interruption ? error.exitCode : error instanceof ConfigError ? 2 : 1
}
