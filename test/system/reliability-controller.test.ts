/**
 * The controller is killed, hangs, ends and starts again while VMs of both tenants ask (docs/reliability.md): names of the
 * world are lost for a moment at most, names of the cloud are right, forwarded or lost, and never wrong.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { portOf } from '../../src/lab/lab.ts'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { type Load, now, type Outcome, steadyQuestions, Truth, tallyOf } from '../support/load.ts'
import { lastWithout, milliseconds, Site } from '../support/site.ts'

vi.setConfig({ testTimeout: 240_000 })

let site: Site
let truth: Truth
let load: Load
const others: ProcessRef[] = []

beforeAll(async () => {
  site = await Site.start('rel-c')
}, buildMs)
afterEach(async () => {
  for (const other of others.splice(0)) await stopProcess(other)
})
afterAll(() => site?.close())

/** Puts the site under load for a while, so that there is something to be disturbed. */
async function startLoad(everyMs = 10): Promise<void> {
  truth = new Truth()
  load = await site.startLoad(truth, steadyQuestions(truth), everyMs)
}

const of = (
  kind: Outcome['kind'],
  outcomes: readonly Outcome[],
  from: number,
  to = Number.POSITIVE_INFINITY,
) => outcomes.filter((one) => one.kind === kind && one.sentAt >= from && one.sentAt < to)

/** Nothing may be wrong, ever, and nothing lost before the fault but what was on its way. */
function expectUndisturbed(outcomes: readonly Outcome[], until: number): void {
  expect(outcomes.filter(({ verdict }) => verdict === 'wrong')).toEqual([])
  for (const kind of ['outside', 'local'] as const) {
    const before = of(kind, outcomes, 0, until - 100)
    const disturbed = before.filter(({ verdict }) => verdict !== 'right')
    // When, so that a failure tells whether it was at the load's beginning or in its midst.
    expect(
      disturbed.map(({ sentAt, verdict }) => `${verdict} ${milliseconds(until - sentAt)} before`),
    ).toEqual([])
    expect(before.length).toBeGreaterThan(50)
  }
}

test('kill -9', async () => {
  await startLoad()
  const { pid, at } = site.signal('controller', 'SIGKILL')
  await sleep(1500)
  const startedAt = now()
  await site.startController()
  await sleep(1000)
  const outcomes = await site.stopLoad(load)
  expectUndisturbed(outcomes, at)
  const gapMs = lastWithout('right', of('outside', outcomes, at)) - at
  const backMs = lastWithout('right', of('local', outcomes, startedAt)) - startedAt
  site.tell(
    'kill -9 of the controller',
    [pid],
    outcomes,
    `outside names lost until ${milliseconds(Math.max(0, gapMs))} after; local names right ${milliseconds(backMs)} after the start`,
  )
  expect(gapMs).toBeLessThan(site.bound(250))
  expect(backMs).toBeLessThan(site.bound(1000))
})

test('kill -STOP and -CONT', async () => {
  await startLoad()
  const { pid, at } = site.signal('controller', 'SIGSTOP')
  await sleep(7000)
  const goesOnAt = site.signal('controller', 'SIGCONT').at
  const isReady = async () => (await site.reasons()).length === 0
  await waitUntil('it to be ready', isReady, { timeoutMs: site.bound(5000) })
  await sleep(1000)
  const outcomes = await site.stopLoad(load)
  expectUndisturbed(outcomes, at)
  const forwardingMs = lastWithout('right', of('outside', outcomes, at)) - at
  const backMs = lastWithout('right', of('local', outcomes, goesOnAt)) - goesOnAt
  site.tell(
    'kill -STOP, 7 s later -CONT, of the controller',
    [pid],
    outcomes,
    `forwarding again ${milliseconds(forwardingMs)} after -STOP; local names right ${milliseconds(backMs)} after -CONT`,
  )
  expect(forwardingMs).toBeLessThan(site.bound(6000))
  expect(backMs).toBeLessThan(site.bound(3000))
})

test('restart, and upgrade while rows change', async () => {
  await startLoad()
  const at = now()
  const pids = [await site.stopController()]
  await site.startController()
  await sleep(1000)
  pids.push(await site.stopController())
  await exchangeNames()
  await site.startController()
  await sleep(1000)
  await exchangeNames()
  await sleep(1000)
  // A change takes effect while the controller runs within a few milliseconds; those are not the matter here.
  const outcomes = await site.stopLoad(load, 300)
  expectUndisturbed(outcomes, at)
  site.tell(
    'SIGTERM and start, twice, of the controller',
    pids,
    outcomes,
    'names exchanged while it was away',
  )
  expect(tallyOf(outcomes, 'outside').lost).toBe(0)
  expect(tallyOf(outcomes, 'local').lost).toBe(0)
})

/** In each tenant web becomes db and db becomes web; from now on that is the truth. */
async function exchangeNames(): Promise<void> {
  for (const tenant of ['red', 'blue'])
    for (const port of ['web', 'db']) {
      const { id } = portOf(site.plan, `${tenant}-${port}`).port
      await site.store.change('dnsname', id, (row) => {
        const { version, dns_name, ...rest } = JSON.parse(row!) as { version: number; dns_name: string }
        return JSON.stringify({ ...rest, version: version + 1, dns_name: dns_name === 'web' ? 'db' : 'web' })
      })
    }
  isExchanged = !isExchanged
  for (const tenant of ['red', 'blue'])
    for (const asker of ['web', 'db']) {
      const set = (name: string, type: string, said: string) =>
        truth.set({ asker: `${tenant}-${asker}`, name: `${name}.${tenant}.example.org`, type }, said)
      set('web', 'A', isExchanged ? '10.0.0.12' : '10.0.0.11')
      set('db', 'A', isExchanged ? '10.0.0.11' : '10.0.0.12')
      set('web', 'AAAA', isExchanged || asker === 'db' ? 'NODATA' : 'fd00:a::11')
    }
}
let isExchanged = false

test('a second controller on the bridge does not hide our death', async () => {
  await startLoad()
  const second = 'tcp:127.0.0.1:6653'
  // A controller that is admitted (it has sent a real message) and answers nothing: the group's bucket is alive by it.
  const script = `import { listen } from '${builtSource()}/openflow/index.js'
    const quiet = () => {}
    await listen('${second}', { connected: () => console.log('connected'), packetIn: quiet, message: quiet, error: quiet, rejected: quiet })`
  const logFile = `${site.node.directory}/second.log`
  const other = await startDaemon(process.execPath, ['--input-type=module', '-e', script], {
    logFile,
    namespace: site.node.namespace,
    diesWithParent: true,
  })
  others.push(other)
  const target = (await site.bridge.vsctl('get-controller', 'br-int')).trim()
  // Stopped, so that it cannot put the other one away; killed as soon as that is admitted.
  const { at: stoppedAt } = site.signal('controller', 'SIGSTOP')
  await site.bridge.vsctl('set-controller', 'br-int', target, second)
  const isConnected = () => readFileSync(logFile, 'utf8').includes('connected')
  await waitUntil('the second controller', isConnected, { alive: [{ name: 'it', process: other, logFile }] })
  const { pid, at } = site.signal('controller', 'SIGKILL')
  await sleep(6000)
  const startedAt = now()
  await site.startController()
  await sleep(2000)
  const outcomes = await site.stopLoad(load)
  expectUndisturbed(outcomes, stoppedAt)
  const forwardingMs = lastWithout('right', of('outside', outcomes, at)) - at
  const backMs = lastWithout('right', of('local', outcomes, startedAt)) - startedAt
  const found = `forwarding again ${milliseconds(forwardingMs)} after; local names right ${milliseconds(backMs)} after the start`
  site.tell('kill -9 of the controller beside a second one', [pid], outcomes, found)
  expect(forwardingMs).toBeLessThan(site.bound(5000))
  expect(await site.bridge.vsctl('get-controller', 'br-int')).toBe(`${target}\n`)
  expect(backMs).toBeLessThan(site.bound(3000))
})
