/** Logging for every room: JSON lines by pino; lines that a guest can cause pass a rate limit. */

import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'child'>

/** Makes the root logger; `level` is a pino level, output goes to standard error. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
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
