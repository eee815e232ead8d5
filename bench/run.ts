/** The frame of a measurement: a directory, what it started, and an end that leaves nothing, also after Ctrl-C. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { ControllerError, reasonOf } from '../src/errors.ts'
import { Interruption, interruptible } from '../src/lab/interrupt.ts'
import { refuse } from './needs.ts'

/** A measurement that is under way. */
export interface Run {
  /** Its own; gone when it ends. */
  readonly directory: string
  /** Aborted when nobody wants the measurement any more; to be asked between steps. */
  readonly signal: AbortSignal
  /** Waits, in ms, but no longer than somebody wants the measurement. */
  sleep(ms: number): Promise<void>
  /** Has a part stopped at the end, after those that were started later; returns it. */
  stopping<T extends { stop(): Promise<void> }>(part: T): T
}

/**
 * Runs a measurement. What it started is stopped however it ends; then the process has the exit code of a shell after a
 * signal, or 2 with a line that says what the machine did not do.
 */
export async function measure(name: string, work: (run: Run) => Promise<void>): Promise<void> {
  try {
    await interruptible(async (signal) => {
      const directory = mkdtempSync(join(tmpdir(), `df-${name}-`))
      const parts: { stop(): Promise<void> }[] = []
      const stopping: Run['stopping'] = (part) => {
        parts.push(part)
        return part
      }
      const sleep = (ms: number) => setTimeout(ms, undefined, { signal })
      try {
        await work({ directory, signal, sleep, stopping })
      } catch (error) {
        throw signal.aborted ? signal.reason : error
      } finally {
        for (const part of parts.toReversed()) await part.stop()
        rmSync(directory, { recursive: true, force: true })
      }
    })
  } catch (error) {
    if (!(error instanceof ControllerError)) throw error
    process.stderr.write(`${reasonOf(error)}\n`)
    process.exitCode = error instanceof Interruption ? error.exitCode : 2
  }
}

/** The whole number that an option has. Ends the process with 2 if the text is none, or not within these. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text)
  return Number.isInteger(value) && value >= least && value <= most
    ? value
    : refuse(`--${option} ${text}: takes a whole number from ${least} to ${most}`)
}

/** The same of several options that have the same limits. */
export function wholeNumbers<Option extends string>(
  values: Readonly<Record<Option, string>>,
  options: readonly Option[],
  least: number,
  most: number,
): Record<Option, number> {
  const entries = options.map((option) => [option, wholeNumber(option, values[option], least, most)])
  return Object.fromEntries(entries) as Record<Option, number>
}
