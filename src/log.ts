/** Logging for every room: JSON lines by pino; lines that a guest can cause pass a rate limit. */

import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'child'>

/** A logger whose level can be changed, with that of everything that was made of it. */
export interface RootLogger extends Logger {
  /** What is written at the moment: a pino level. */
  readonly level: string
  /** `level` is a pino level. */
  setLevel(level: string): void
}

/** Makes the root logger; `level` is a pino level, output goes to standard error unless a test takes it. */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination(2),
): RootLogger {
  // A child keeps the level that its parent had when it was made.
  const loggers = new Set<WeakRef<PinoLogger>>()
  const onChild = (child: PinoLogger) => loggers.add(new WeakRef(child))
  const root = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, onChild }, destination)
  const setLevel = (next: string) => {
    root.level = next
    for (const reference of loggers) {
      const child = reference.deref()
      if (child === undefined) loggers.delete(reference)
      else child.level = next
    }
  }
  return Object.assign(root, { setLevel })
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = pino({ level: 'silent' })

/**
 * Lets one call a window pass per key and counts the others; the next line that passes says how many were left out.
 * `windowMs` is 60 s by default; keys are few and chosen by us, never by a guest.
 */
export function rateLimited(now: () => number, windowMs = 60_000) {
  const windows = new Map<string, { since: number; suppressed: number }>()
  return (key: string, write: (suppressed: number) => void): void => {
    const window = windows.get(key)
    if (window && now() - window.since < windowMs) {
      window.suppressed += 1
      return
    }
    windows.set(key, { since: now(), suppressed: 0 })
    write(window?.suppressed ?? 0)
  }
}
