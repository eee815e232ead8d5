/**
 * A limit on the time that somebody else's synchronous code may take. V8 ends the call when its time is over, wherever it
 * is: an endless loop and an endless regular expression too. What that code starts for later (timers, promises) is not
 * limited. One limited call costs about 100 us more than a plain one: a thread that watches it.
 */

import { Script } from 'node:vm'

/** Thrown in place of a call that was ended. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError'
}

const slot = Symbol.for('dragonflow-dns.time-limited-call')
const holder = globalThis as { [slot]?: (() => void) | undefined }
const script = new Script(`globalThis[Symbol.for(${JSON.stringify(slot.description)})]()`)

/** What the call returns, or throws; a `TimeLimitError` if it took longer than `limitMs`. */
export function withinTime<T>(limitMs: number, call: () => T): T {
  let result: { value: T } | undefined
  const outer = holder[slot]
  holder[slot] = () => {
    result = { value: call() }
  }
  try {
    script.runInThisContext({ timeout: limitMs })
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new TimeLimitError(`took more than ${limitMs} ms and was ended`)
  } finally {
    holder[slot] = outer
  }
  return (result as unknown as { value: T }).value
}
