#!/usr/bin/env node
/**
 * `make demo`: brings examples/two-tenants.yaml up as a lab of its own, lets its VMs ask, shows who answered, kills the
 * controller and asks again (docs/lab.md).
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DigReply } from '../lab/dig.ts'
import { type Finding, interview } from '../lab/interview.ts'
import { type Lab, restartController } from '../lab/lab.ts'
import type { StartedController } from '../lab/node.ts'
import { isRunning, signalProcess, waitUntil } from '../lab/process.ts'
import {
  type Question,
  questions,
  questionsAfterRestart,
  questionsWithoutController,
} from '../lab/questions.ts'
import { milliseconds, type Row, show } from './demo-frame.ts'

const name = 'demo'
const controller = fileURLToPath(new URL('../main.js', import.meta.url))

async function rowsOf(lab: Lab, signal: AbortSignal, report: (line: string) => void): Promise<Row[]> {
  const asking = ({ asker, ask }: Question) => report(`${asker}: dig ${ask}`)
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

await show({
  name,
  file: fileURLToPath(new URL('../../examples/two-tenants.yaml', import.meta.url)),
  controller,
  head: ['asker', 'question', 'answer', 'who answered', 'time'],
  rows: rowsOf,
})
