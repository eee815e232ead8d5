/**
 * One port floods with queries while other VMs of both tenants ask (docs/reliability.md): the others notice no more of it
 * than where nothing is intercepted. Ten seconds; with DF_LONG thirty.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { namespaceOf } from '../../src/lab/lab.ts'
import { loadRules, runIn } from '../../src/lab/namespace.ts'
import { isRunning, startDaemon, waitUntil } from '../../src/lab/process.ts'
import { buildMs } from '../support/build.ts'
import { type Outcome, type Question, steadyQuestions, Truth, tallyOf } from '../support/load.ts'
import { Site } from '../support/site.ts'

vi.setConfig({ testTimeout: 240_000 })

const flood = { asker: 'red-db', perSecond: 20_000, seconds: process.env.DF_LONG ? 30 : 10 }
/** Where the flood goes: the gateway drops it, so that it ends where the cloud ends. */
const nowhere = '198.51.100.99'

let site: Site
let questions: readonly Question[]
const truth = new Truth()

beforeAll(async () => {
  site = await Site.start('rel-l')
  questions = steadyQuestions(truth)
  await loadRules(
    namespaceOf(site.plan, 'red-gateway'),
    `table inet sink {\n chain forward {\n type filter hook forward priority 0\n ip daddr ${nowhere} drop\n }\n }`,
  )
}, buildMs)
afterAll(() => site?.close())

/** Queries for a name of the cloud, at a steady pace from one socket; prints how many it has sent. */
const flooder = `
import socket, struct, sys, time
address, name, per_second, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
question = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\\0\\0\\1\\0\\1'
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sent, started = 0, time.monotonic()
while (elapsed := time.monotonic() - started) < seconds:
    if sent >= elapsed * per_second:
        time.sleep(0.0005)
        continue
    try:
        out.sendto(struct.pack('>6H', sent & 0xffff, 0x100, 1, 0, 0, 0) + question, (address, 53))
    except OSError:
        pass
    sent += 1
print(sent)
`

/** Runs the others' load, and the flood if asked for: what became of the questions, and of the flood's packets. */
async function underLoad(isFlooded: boolean): Promise<{ outcomes: Outcome[]; packets: number }> {
  const load = await site.startLoad(
    truth,
    questions.filter(({ asker }) => asker !== flood.asker),
    10,
  )
  const packets = isFlooded ? await runFlood() : await sleep(3000, 0)
  return { outcomes: await site.stopLoad(load), packets }
}

/** Packets that came to the gateway so far. */
async function atGateway(): Promise<number> {
  const table = await runIn(namespaceOf(site.plan, 'red-gateway'), 'cat', ['/proc/net/dev'])
  return Number(/^ *inside: *\d+ +(\d+)/m.exec(table)![1])
}

/** Floods, and tells how many packets went through the cloud. */
async function runFlood(): Promise<number> {
  const before = await atGateway()
  const logFile = join(site.node.directory, 'flood')
  const name = 'web.red.example.org'
  const args = ['-c', flooder, nowhere, name, String(flood.perSecond), String(flood.seconds)]
  const namespace = namespaceOf(site.plan, flood.asker)
  const process = await startDaemon('python3', args, { logFile, namespace, diesWithParent: true })
  await waitUntil('the end of the flood', () => !isRunning(process), {
    timeoutMs: (flood.seconds + 20) * 1000,
  })
  const sent = Number(readFileSync(logFile, 'utf8').trim().split('\n').at(-1))
  expect(sent).toBeGreaterThan((flood.perSecond * flood.seconds) / (2 * site.slowness))
  return (await atGateway()) - before
}

const p99 = (outcomes: readonly Outcome[]) => {
  const times = outcomes.flatMap(({ tookMs }) => tookMs ?? []).sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)]!
}
const lostOf = (outcomes: readonly Outcome[]) => outcomes.filter(({ verdict }) => verdict === 'lost').length

test(`${flood.perSecond} packets a second from one port`, async () => {
  const quiet = await underLoad(false)
  const flooded = await underLoad(true)
  const pid = site.process('controller').pid

  const after = await site.startLoad(
    truth,
    questions.filter(({ asker }) => asker === flood.asker),
  )
  await sleep(500)
  const flooderAfter = await site.stopLoad(after)

  await site.stopController()
  const control = await underLoad(true)
  await site.startController()

  const limitMs = Math.max(3 * p99(quiet.outcomes), site.bound(5))
  const shown = (name: string, { outcomes }: { outcomes: readonly Outcome[] }) =>
    `${name} ${lostOf(outcomes)} of ${outcomes.length} lost, p99 ${p99(outcomes).toFixed(1)} ms`
  site.tell(
    `flood of ${flood.perSecond} packets a second for ${flood.seconds} s, of which ${flooded.packets} came through, the others`,
    [pid],
    flooded.outcomes,
    [shown('quiet', quiet), shown('flooded', flooded), shown('flooded, nothing intercepted', control)].join(
      '; ',
    ),
  )
  expect(flooded.packets).toBeGreaterThan(control.packets / 2)
  expect(flooded.outcomes.filter(({ verdict }) => verdict === 'wrong')).toEqual([])
  expect(lostOf(flooded.outcomes)).toBeLessThanOrEqual(
    lostOf(control.outcomes) + flooded.outcomes.length / 1000,
  )
  expect(p99(flooded.outcomes)).toBeLessThan(Math.max(limitMs, 1.5 * p99(control.outcomes)))
  const { sent, right } = tallyOf(flooderAfter, 'outside')
  expect(sent).toBeGreaterThan(0)
  expect(right).toBe(sent)
})
