/**
 * Commands and daemons of the lab (docs/lab.md). It knows processes, not what runs in them. A daemon is remembered by
 * its pid and its start time, so that a pid that has been given to another process is never signalled.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ControllerError } from '../errors.ts'

/** The machine did not do what the lab needs; the message names the command and what it said. */
export class LabError extends ControllerError {
  readonly code = 'lab'
  readonly isRetriable = false
}

/** What a finished command left. */
export interface Output {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

export interface RunOptions {
  /** Standard input; empty by default. */
  readonly input?: string
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** The command is killed and fails after this time; 20 s by default. */
  readonly timeoutMs?: number
}

/** Runs a command and returns its standard output. Throws `LabError` if it cannot be started or does not exit with 0. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const output = await outputOf(command, args, options)
  if (output.exitCode !== 0)
    throw new LabError(`${textOf(command, args)} failed (${output.exitCode}): ${lastLines(output.stderr)}`)
  return output.stdout
}

/**
 * Runs a command to its end, whatever its exit code, in a session of its own: a terminal's Ctrl-C is for us, not for
 * it. Throws `LabError` if it cannot be started or takes too long.
 */
export function outputOf(
  command: string,
  args: readonly string[],
  { input = '', env = {}, timeoutMs = 20_000 }: RunOptions = {},
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment(env), timeout: timeoutMs, detached: true })
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk))
    child.stdin.on('error', () => {}) // a command that does not read its input is no failure
    child.stdin.end(input)
    child.on('error', (error) => reject(cannotStart(command, error)))
    child.on('close', (code, signal) => {
      if (code === null)
        reject(new LabError(`${textOf(command, args)} was ended by ${signal} (${timeoutMs} ms)`))
      else
        resolve({
          stdout: Buffer.concat(chunks.stdout).toString(),
          stderr: Buffer.concat(chunks.stderr).toString(),
          exitCode: code,
        })
    })
  })
}

/** A process, told apart from a later one with the same pid by when it started (clock ticks since boot). */
export interface ProcessRef {
  readonly pid: number
  readonly startTicks: string
}

export interface DaemonOptions {
  /** Both outputs are appended to this file. */
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>>
  /** The directory it runs in; the caller's own by default. */
  readonly cwd?: string
  /** The network namespace it runs in; the caller's own by default. */
  readonly namespace?: string
  /** Whether the kernel kills it when the calling process ends for whatever reason; false by default. */
  readonly diesWithParent?: boolean
  /** Called before anything else can happen, so that the process is on record as soon as it exists. */
  readonly started?: (process: ProcessRef) => void
}

/**
 * Starts a process that outlives this one unless told otherwise, in a session of its own, so that a terminal's Ctrl-C
 * does not reach it. Throws `LabError` if it cannot be started.
 */
export async function startDaemon(
  command: string,
  args: readonly string[],
  { logFile, env = {}, cwd, namespace, diesWithParent = false, started }: DaemonOptions,
): Promise<ProcessRef> {
  // setpriv and nsenter replace themselves by what they start: the pid stays the same.
  const line = [
    ...(diesWithParent ? ['setpriv', '--pdeathsig', 'KILL'] : []),
    ...(namespace === undefined ? [] : ['nsenter', `--net=/run/netns/${namespace}`]),
    command,
    ...args,
  ]
  const log = openSync(logFile, 'a')
  let child: ChildProcess
  try {
    child = spawn(line[0]!, line.slice(1), {
      detached: true,
      stdio: ['ignore', log, log],
      env: environment(env),
      ...(cwd !== undefined && { cwd }),
    })
  } finally {
    closeSync(log)
  }
  const failure = new Promise<never>((_, reject) =>
    child.once('error', (error) => reject(cannotStart(line[0]!, error))),
  )
  if (child.pid === undefined) return failure
  failure.catch(() => {}) // only a missing command fails so, and that has no pid
  child.unref()
  const daemon = { pid: child.pid, startTicks: startTicksOf(child.pid) ?? '' }
  started?.(daemon)
  return daemon
}

/** Whether that very process still runs (a zombie does not). */
export function isRunning({ pid, startTicks }: ProcessRef): boolean {
  return startTicks !== '' && startTicksOf(pid) === startTicks
}

/** A running process as a reference, or undefined if there is none with that pid. */
export function processOf(pid: number): ProcessRef | undefined {
  const startTicks = startTicksOf(pid)
  return startTicks === undefined ? undefined : { pid, startTicks }
}

/** Ends a process and waits until it is gone: SIGTERM, and SIGKILL after `graceMs`. Does nothing if it is gone. */
export async function stopProcess(target: ProcessRef, graceMs = 3000): Promise<void> {
  for (const [signal, patienceMs] of [['SIGTERM', graceMs] as const, ['SIGKILL', 5000] as const]) {
    if (!signalProcess(target, signal)) return
    const deadline = performance.now() + patienceMs
    for (let pauseMs = 2; performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 50)) {
      await sleep(pauseMs)
      if (!isRunning(target)) return
    }
  }
  throw new LabError(`process ${target.pid} does not end, not even by SIGKILL`)
}

/** Sends a signal if that very process still runs, and says whether it did. */
export function signalProcess(target: ProcessRef, signal: NodeJS.Signals): boolean {
  if (!isRunning(target)) return false
  try {
    process.kill(target.pid, signal)
    return true
  } catch {
    return false // it ended in between
  }
}

/**
 * Waits until `condition` holds, asking every 10 ms. Throws `LabError` with `what` after `timeoutMs`, or at once when
 * one of `alive` has ended, with the end of its log.
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 10_000, alive = [], signal }: WaitOptions = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    signal?.throwIfAborted()
    const dead = alive.find(({ process }) => !isRunning(process))
    if (dead) throw new LabError(`${dead.name} ended while waiting for ${what}: ${endOf(dead.logFile)}`)
    if (performance.now() > deadline) throw new LabError(`${what} did not happen within ${timeoutMs} ms`)
    await sleep(10)
  }
}

export interface WaitOptions {
  readonly timeoutMs?: number
  readonly alive?: readonly Watched[]
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** Runs tasks side by side and returns when all have ended, also when one fails; then throws the first failure. */
export async function together(tasks: Iterable<Promise<unknown>>): Promise<void> {
  const results = await Promise.allSettled(tasks)
  const failure = results.find((result) => result.status === 'rejected')
  if (failure) throw failure.reason
}

/** A process that must not end while somebody waits for it. */
export interface Watched {
  readonly name: string
  readonly process: ProcessRef
  readonly logFile: string
}

/**
 * Field 22 of /proc/<pid>/stat (proc(5)); undefined if the process is gone or a zombie. The first thread is a zombie as
 * soon as it has ended; the process holds its sockets until the last one has.
 */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const hasEnded = state === 'X' || (state === 'Z' && readdirSync(`/proc/${pid}/task`).length <= 1)
    return hasEnded ? undefined : fields[18]
  } catch {
    return undefined
  }
}

/** What a dead process said last; of a stack trace, the line that names the error. */
function endOf(logFile: string): string {
  try {
    const text = readFileSync(logFile, 'utf8')
    const error = text.match(/^\w*Error\b.*$/gm)?.at(-1)
    return error ?? (lastLines(text) || `${logFile} is empty`)
  } catch {
    return `no ${logFile}`
  }
}

function cannotStart(command: string, error: Error): LabError {
  const isMissing = 'code' in error && error.code === 'ENOENT'
  return new LabError(
    isMissing ? `${command}: not installed; run scripts/setup.sh` : `cannot start ${command}`,
    error,
  )
}

/** Root's tools stand in sbin, which a plain `su` leaves out of the path. */
const environment = (more: Readonly<Record<string, string>>) => ({
  ...process.env,
  PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`,
  ...more,
})

const textOf = (command: string, args: readonly string[]) => [command, ...args].join(' ')

const lastLines = (text: string) => text.trim().split('\n').slice(-3).join(' | ')
