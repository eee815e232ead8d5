/** From the environment that a service manager gives to a message in its socket. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createNotifier } from '../../src/controller/notify.ts'
import { outputOf, waitUntil } from '../../src/lab/process.ts'
import type { Logger } from '../../src/log.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { manualClock } from '../support/clock.ts'
import { listenForNotifications, type NotifySocket, notifyExec } from '../support/notify-socket.ts'

const warnings: unknown[] = []
const log = { warn: (...words: unknown[]) => warnings.push(words.at(-1)) } as unknown as Logger
const notifierOf = (env: Record<string, string>) => createNotifier(env, { clock: manualClock(), log })

beforeEach(() => {
  warnings.length = 0
})

describe('there is nobody to tell', () => {
  test.each<[string, Record<string, string>, number]>([
    ['without a service manager', {}, 0],
    ['with an empty address', { NOTIFY_SOCKET: '' }, 0],
    ['without the socket, which is said', { NOTIFY_SOCKET: '/run/systemd/notify' }, 1],
    ['with a word for a socket', { NOTIFY_SOCKET: '/n', DF_NOTIFY_FD: 'socket' }, 1],
    ['with an empty one', { NOTIFY_SOCKET: '/n', DF_NOTIFY_FD: '' }, 1],
    ['with one that is not open', { NOTIFY_SOCKET: '/n', DF_NOTIFY_FD: '987654' }, 1],
  ])('%s', (_name, env, warned) => {
    expect(notifierOf(env)).toBeUndefined()
    expect(warnings).toHaveLength(warned)
  })
})

describe('through notify-exec', () => {
  let directory: string
  let manager: NotifySocket

  beforeAll(() => void builtSource(), buildMs)
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'df-notify-'))
    manager = await listenForNotifications(directory)
  })
  afterEach(async () => {
    await manager.close()
    rmSync(directory, { recursive: true })
  })

  /** Runs lines of a module that has a notifier, under that environment. */
  function runUnder(env: Record<string, string>, lines: string) {
    const body = `
      import { createNotifier } from ${JSON.stringify(join(builtSource(), 'controller/notify.js'))}
      const log = { warn: (...words) => console.log('warned', words.at(-1)) }
      const notifier = createNotifier(process.env, { clock: { now: () => 0 }, log })
      ${lines}`
    return outputOf(notifyExec, [process.execPath, '--input-type=module', '-e', body], { env })
  }

  test('a message arrives whole, from the process itself, and a line break cannot add an assignment', async () => {
    const { stdout, stderr } = await runUnder(
      { NOTIFY_SOCKET: manager.path },
      `notifier.tell('READY=1', 'STATUS=one\\nERRNO=2'); console.log(process.pid, notifier.watchdogMs)`,
    )
    const [pid, watchdogMs] = stdout.trim().split(' ')
    await waitUntil('the message', () => manager.told().length > 0)
    expect(manager.told()).toEqual([
      { pid: Number(pid), usec: expect.any(Number), assignments: { READY: '1', STATUS: 'one ERRNO=2' } },
    ])
    expect([watchdogMs, stderr]).toEqual(['undefined', ''])
  })

  test.each([
    ['is that of the environment', { WATCHDOG_USEC: '20000000' }, '20000'],
    [
      'is nothing if it is meant for another process',
      { WATCHDOG_USEC: '20000000', WATCHDOG_PID: '1' },
      'undefined',
    ],
    ['is nothing if it is no number', { WATCHDOG_USEC: 'soon' }, 'undefined'],
  ])('the time of the watchdog %s', async (_name, env, expected) => {
    const { stdout } = await runUnder(
      { NOTIFY_SOCKET: manager.path, ...env },
      'console.log(notifier.watchdogMs)',
    )
    expect(stdout.trim()).toBe(expected)
  })

  test('a service manager that went away is said once, and harms nobody', async () => {
    const { stdout, exitCode } = await runUnder(
      { NOTIFY_SOCKET: manager.path, PYTHON: String(manager.pid) },
      `process.kill(Number(process.env.PYTHON), 'SIGKILL')
       setTimeout(() => { for (let n = 0; n < 3; n += 1) notifier.tell('WATCHDOG=1') }, 200)`,
    )
    expect([stdout, exitCode]).toEqual(['warned the service manager was not told\n', 0])
  })

  test('one that does not read is not waited for', async () => {
    const { stdout, exitCode } = await runUnder(
      { NOTIFY_SOCKET: manager.path, PYTHON: String(manager.pid) },
      `process.kill(Number(process.env.PYTHON), 'SIGSTOP')
       for (let n = 0; n < 5000; n += 1) notifier.tell('WATCHDOG=1')
       process.kill(Number(process.env.PYTHON), 'SIGCONT')`,
    )
    expect([stdout, exitCode]).toEqual(['warned the service manager was not told\n', 0])
  })

  test('an address at which nobody listens does not keep the command from starting', async () => {
    const output = await outputOf(notifyExec, ['echo', 'started'], {
      env: { NOTIFY_SOCKET: join(directory, 'nobody') },
    })
    expect(output).toEqual({
      stdout: 'started\n',
      stderr: `notify-exec: ${join(directory, 'nobody')}: No such file or directory\n`,
      exitCode: 0,
    })
  })

  test('an abstract address is one', async () => {
    const { stderr } = await outputOf(notifyExec, ['true'], { env: { NOTIFY_SOCKET: '@df/nobody' } })
    expect(stderr).toBe('notify-exec: @df/nobody: Connection refused\n')
  })
})
