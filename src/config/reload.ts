/**
 * Reading the configuration again while the process runs (SIGHUP): which options changed, which of them are taken over and
 * which wait for a restart. What taking over means, the caller knows.
 */

import { isDeepStrictEqual } from 'node:util'
import { ConfigError, reasonOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Config, Sections } from './load.ts'

export interface ReloadOptions<S extends Sections> {
  readonly sections: S
  /** The values that the process runs with. */
  readonly values: Config<S>['values']
  /** Reads everything anew. Throws `ConfigError`. */
  readonly read: () => Config<S>
  /**
   * Takes the values over. A section in which nothing is taken over is the same object as before. Throws, or rejects,
   * before it has changed anything.
   */
  readonly apply: (values: Config<S>['values'], before: Config<S>['values']) => Promise<void>
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/**
 * Makes the function that reads again, applies and tells the log, always one call after the other. It never rejects:
 * whatever is wrong is one line in the log, and everything stays as it is.
 */
export function createReload<S extends Sections>(options: ReloadOptions<S>): () => Promise<void> {
  const { sections, read, apply, log } = options
  let { values } = options
  let last = Promise.resolve()

  async function reload(): Promise<void> {
    try {
      const { values: found, warnings } = read()
      for (const warning of warnings) log.warn(warning)
      const next = changesOf(sections, values, found)
      if (next.applied.length > 0) await apply(next.values, values)
      values = next.values
      if (next.waiting.length > 0)
        log.warn(
          `changed, but only looked at when the process starts: ${next.waiting.join(', ')}; restart to apply`,
        )
      log.info({ applied: next.applied }, 'configuration taken over')
    } catch (error) {
      const bug = error instanceof ConfigError ? {} : { err: error }
      log.error(
        { reason: reasonOf(error), ...bug },
        'configuration not taken over; everything stays as it is',
      )
    }
  }
  return () => {
    last = last.then(reload)
    return last
  }
}

/** What a running process makes of values that were read again; options are named `[section] name`. */
export interface Changes<S extends Sections> {
  /** What it runs with from now on. A section in which nothing changed is the same object as before. */
  readonly values: Config<S>['values']
  readonly applied: readonly string[]
  /** They changed too, but keep their value until a restart. */
  readonly waiting: readonly string[]
}

/** The difference between the values in use and those found. */
export function changesOf<S extends Sections>(
  sections: S,
  running: Config<S>['values'],
  found: Config<S>['values'],
): Changes<S> {
  const applied: string[] = []
  const waiting: string[] = []
  const values = Object.entries(sections).map(([section, table]) => {
    const [before, after] = [running[section]!, found[section]!]
    const changed = Object.keys(table).filter((name) => !isDeepStrictEqual(before[name], after[name]))
    const isTaken = (name: string) => table[name]!.isReloadable
    const taken = changed.filter(isTaken)
    const nameOf = (name: string) => `[${section}] ${name}`
    applied.push(...taken.map(nameOf))
    waiting.push(...changed.filter((name) => !isTaken(name)).map(nameOf))
    const news = Object.fromEntries(taken.map((name) => [name, after[name]]))
    return [section, taken.length === 0 ? before : { ...before, ...news }]
  })
  return { values: Object.fromEntries(values) as Config<S>['values'], applied, waiting }
}
