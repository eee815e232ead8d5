import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  isRunning,
  outputOf,
  processOf,
  run,
  signalProcess,
  startDaemon,
  stopProcess,
  together,
  waitUntil,
} from '../../src/lab/process.ts'
import { builtSource } from '../support/build.ts'

const directory = mkdtempSync(join(tmpdir(), 'df-process-'))
const logFile = join(directory, 'log')

afterAll(() => rmSync(directory, { recursive: true }))

describe('a command', () => {
  test('gives its output, and takes input', async () => {
    expect(await run('cat', [], { input: 'hello' })).toBe('hello')
    expect(await run('sh', ['-c', 'echo $COLOUR'], { env: { COLOUR: 'blue' } })).toBe('blue\n')
  })

  test('that does not read its input is no failure', async () => {
    expect(await run('true', [], { input: 'x'.repeat(1 << 20) })).toBe('')
  })

  test('that fails is named with what it said', async () => {
    await expect(run('ip', ['netns', 'delete', 'dft-none'])).rejects.toThrow(
      /^ip netns delete dft-none failed \(1\): .*No such file/,
    )
    expect((await outputOf('sh', ['-c', 'exit 7'])).exitCode).toBe(7)
  })

  test('that is missing says how to get it', async () => {
    await expect(run('df-no-such-command', [])).rejects.toThrow(
      'df-no-such-command: not installed; run scripts/setup.sh',
    )
  })

  test('that hangs is ended', async () => {
    await expect(run('sleep', ['60'], { timeoutMs: 50 })).rejects.toThrow(
      'sleep 60 was ended by SIGTERM (50 ms)',
    )
  })
})

describe('a daemon', () => {
  test('is on record as soon as it exists, and gone once it is stopped', async () => {
    let recorded: unknown
    const daemon = await startDaemon('sleep', ['60'], { logFile, started: (process) => (recorded = process) })
    expect(recorded).toEqual(daemon)
    expect(isRunning(daemon)).toBe(true)
    expect(processOf(daemon.pid)).toEqual(daemon)
    await stopProcess(daemon)
    expect(isRunning(daemon)).toBe(false)
  })

  test('that ignores SIGTERM is killed', async () => {
    const script = 'trap "" TERM; echo armed; while :; do sleep 0.05; done'
    const daemon = await startDaemon('sh', ['-c', script], { logFile })
    await waitUntil('the trap', () => readFileSync(logFile, 'utf8').includes('armed'))
    await stopProcess(daemon, 100)
    expect(isRunning(daemon)).toBe(false)
  })

  test('whose pid is another process now is left alone', async () => {
    const daemon = await startDaemon('sleep', ['60'], { logFile })
    const earlier = { pid: daemon.pid, startTicks: '1' }
    expect(signalProcess(earlier, 'SIGKILL')).toBe(false)
    await stopProcess(earlier)
    expect(isRunning(daemon)).toBe(true)
    await stopProcess(daemon)
  })

  test('dies with its parent if that is wanted', async () => {
    const script = `
      import { startDaemon } from '${builtSource()}/lab/process.js'
      const daemon = await startDaemon('sleep', ['60'], { logFile: '${logFile}', diesWithParent: true })
      console.log(JSON.stringify(daemon))
      process.kill(process.pid, 'SIGKILL')`
    const parent = await outputOf('sh', ['-c', `node --input-type=module || true`], { input: script })
    const daemon = JSON.parse(parent.stdout) as { pid: number; startTicks: string }
    expect(daemon.startTicks).not.toBe('')
    await waitUntil('the daemon to end', () => !isRunning(daemon))
  })

  test('that cannot be started is an error', async () => {
    await expect(startDaemon('df-no-such-daemon', [], { logFile })).rejects.toThrow(
      'df-no-such-daemon: not installed',
    )
  })
})

describe('waiting', () => {
  test('ends with the end of the log when the process ends', async () => {
    const log = join(directory, 'short')
    const process = await startDaemon('sh', ['-c', 'echo cannot bind; exit 1'], { logFile: log })
    await expect(
      waitUntil('the server', () => false, { alive: [{ name: 'server', process, logFile: log }] }),
    ).rejects.toThrow('server ended while waiting for the server: cannot bind')
  })

  test('ends with the error of a stack trace', async () => {
    const log = join(directory, 'stack')
    const process = await startDaemon('node', ['-e', 'throw new TypeError("no such thing")'], {
      logFile: log,
    })
    await expect(
      waitUntil('the server', () => false, { alive: [{ name: 'server', process, logFile: log }] }),
    ).rejects.toThrow('server ended while waiting for the server: TypeError: no such thing')
  })

  test('ends when time is up or the work is not wanted any more', async () => {
    await expect(waitUntil('nothing', () => false, { timeoutMs: 30 })).rejects.toThrow(
      'nothing did not happen within 30 ms',
    )
    const signal = AbortSignal.abort(new Error('not wanted'))
    await expect(waitUntil('nothing', () => false, { signal })).rejects.toThrow('not wanted')
  })
})

test('tasks side by side have all ended when the first failure is thrown', async () => {
  const ended: string[] = []
  const slow = new Promise<void>((resolve) => setTimeout(resolve, 30)).then(() => ended.push('slow'))
  await expect(together([Promise.reject(new Error('first')), slow])).rejects.toThrow('first')
  expect(ended).toEqual(['slow'])
})
