/** Ctrl-C, SIGTERM and a closed terminal, for work that must clean up after itself. */

import { constants } from 'node:os'
import { ControllerError } from '../errors.ts'

/** A person (or the system) does not want the work any more. */
export class Interruption extends ControllerError {
  readonly code = 'interrupted'
  readonly isRetriable = false
  /** What a shell reports for a process ended by that signal. */
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`interrupted (${signal})`)
    this.exitCode = 128 + constants.signals[signal]
  }
}

/**
 * Does work that looks at a signal between its steps. SIGINT, SIGTERM and SIGHUP abort it with an `Interruption`; while it
 * cleans up, further ones change nothing.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const abort = () => controller.abort(new Interruption(name))
    process.on(name, abort)
    return [name, abort] as const
  })
  try {
    return await work(controller.signal)
  } finally {
    for (const [name, abort] of signals) process.off(name, abort)
  }
}

/** Lets work go on when nobody reads what it prints any more (`make demo | head`). */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
}
