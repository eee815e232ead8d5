/** What a real controller on a real switch tells a service manager: when it is ready, alive, reloading, at its end. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { down, up } from '../../src/lab/lab.ts'
import { controllerStatus } from '../../src/lab/node.ts'
import type { NodePlan } from '../../src/lab/plan.ts'
import {
  isRunning,
  type ProcessRef,
  signalProcess,
  startDaemon,
  stopProcess,
  waitUntil,
} from '../../src/lab/process.ts'
import { readState } from '../../src/lab/state.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { builtSource } from '../support/build.ts'
import { labNameOf, tracesOf, twoTenantsFile } from '../support/lab.ts'
import { listenForNotifications, type NotifySocket, notifyExec } from '../support/notify-socket.ts'

const name = labNameOf('notify')
const directory = mkdtempSync(join(tmpdir(), 'df-notify-'))
let manager: NotifySocket
let node: NodePlan
let controller: ProcessRef

beforeAll(async () => {
  manager = await listenForNotifications(directory)
  const report = () => {}
  const lab = await up({ name, file: twoTenantsFile, controller: undefined, diesWithParent: true, report })
  node = lab.plan.nodes[0]!
  const command = [process.execPath, join(builtSource(), 'main.js')]
  const config = ['--config-file', join(node.directory, 'df.conf')]
  controller = await startDaemon(notifyExec, [...command, ...config], {
    logFile: join(node.directory, 'controller.log'),
    namespace: node.namespace,
    diesWithParent: true,
    env: { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '1000000' },
  })
})
afterAll(async () => {
  await stopProcess(controller)
  await down(name)
  expect(tracesOf(name)).toEqual([])
  await manager.close()
  rmSync(directory, { recursive: true })
})

/** The messages with that assignment, from the `after`th message on. */
const withA = (assignment: string, after = 0) =>
  manager
    .told()
    .slice(after)
    .filter(({ assignments }) => assignment in assignments)
const until = (assignment: string, after = 0) =>
  waitUntil(assignment, () => withA(assignment, after).length > 0, { timeoutMs: 20_000 })
const leasedRows = async () => {
  const flows = await switchAt(node.switchDirectory).ofctl('dump-flows', node.integrationBridge)
  return flows.split('\n').filter((line) => line.includes('hard_timeout='))
}

/** Signs of life that come while something is stopped, after what was on its way; and that they come again. */
async function signsOfLifeWithout(stopped: ProcessRef): Promise<number> {
  await until('WATCHDOG', manager.told().length)
  expect(signalProcess(stopped, 'SIGSTOP')).toBe(true)
  try {
    await sleep(700)
    const before = manager.told().length
    await sleep(2500)
    return withA('WATCHDOG', before).length
  } finally {
    signalProcess(stopped, 'SIGCONT')
    await until('WATCHDOG', manager.told().length)
  }
}

test('READY=1 comes when the rows that send queries up are in the switch, once, from the process itself', async () => {
  await until('READY')
  expect((await leasedRows()).length).toBeGreaterThan(0)
  expect(await controllerStatus(node)).toMatchObject({ ready: true, pid: controller.pid })
  expect([...new Set(manager.told().map(({ pid }) => pid))]).toEqual([controller.pid])
  const [first, ...others] = withA('READY')
  expect(others).toEqual([])
  expect(first!.assignments.STATUS).toBe('ready')
  const earlier = manager.told().slice(
    0,
    manager.told().findIndex(({ assignments }) => 'READY' in assignments),
  )
  for (const { assignments } of earlier) expect(assignments.EXTEND_TIMEOUT_USEC).toBe('30000000')
})

test('a controller that hangs gives no sign of life', async () => {
  expect(await signsOfLifeWithout(controller)).toBe(0)
})

test('nor does one that turns while its self-checks do not come back', async () => {
  const vswitchd = readState(name)!.parts.find((part) => part.name === 'compute-1/ovs-vswitchd')!.process
  const turning = sleep(1500).then(() => controllerStatus(node))
  expect(await signsOfLifeWithout(vswitchd)).toBe(0)
  expect(await turning).toMatchObject({ pid: controller.pid })
})

test('without a switch it is alive: nothing is there to be proven, and the status says why', async () => {
  const { vsctl } = switchAt(node.switchDirectory)
  const before = manager.told().length
  // Again and again: the controller sets it back, and the switch may see both changes as none.
  await waitUntil('the status', async () => {
    await vsctl('set', 'bridge', node.integrationBridge, 'protocols=OpenFlow10')
    const texts = withA('STATUS', before).map(({ assignments }) => assignments.STATUS!)
    return texts.some((text) => text.startsWith('not ready: '))
  })
  await vsctl('set', 'bridge', node.integrationBridge, 'protocols=OpenFlow13')
  await waitUntil('it to be ready', () => withA('STATUS', before).at(-1)!.assignments.STATUS === 'ready')
})

test('SIGHUP is framed by RELOADING=1 with its time and READY=1', async () => {
  const before = manager.told().length
  signalProcess(controller, 'SIGHUP')
  await until('READY', before)
  const [reloading] = withA('RELOADING', before)
  const [ready] = withA('READY', before)
  expect(Number(reloading!.assignments.MONOTONIC_USEC)).toBeLessThanOrEqual(reloading!.usec)
  expect(Number(reloading!.assignments.MONOTONIC_USEC)).toBeGreaterThan(manager.told()[before - 1]!.usec)
  expect(reloading!.usec).toBeLessThan(ready!.usec)
})

test('SIGTERM: STOPPING=1 comes first, nothing after it, and the rows are gone', async () => {
  const before = manager.told().length
  signalProcess(controller, 'SIGTERM')
  await waitUntil('the controller to end', () => !isRunning(controller))
  await until('STOPPING', before)
  expect(manager.told().at(-1)!.assignments.STOPPING).toBe('1')
  expect(await leasedRows()).toEqual([])
})
