/**
 * The counters `/unique_key/<table>`: decimal text, the last key given out (dragonflow.md 6.1). No store is
 * known here.
 */

import { NorthboundError } from '../errors.ts'
import { counterTable } from './driver.ts'
import { maxUniqueKey } from './values.ts'

/**
 * The counter's value after one more allocation; throws NorthboundError if the counter is no number or used
 * up.
 */
export function nextCounter(table: string, stored: string | undefined): string {
  return advancedCounter(table, stored, { highest: 0, count: 1 })
}

/**
 * The counter's value after `count` more allocations beyond `highest`, which is in use; throws NorthboundError if the
 * counter is no number or used up.
 */
export function advancedCounter(
  table: string,
  stored: string | undefined,
  { highest, count }: { highest: number; count: number },
): string {
  const next = Math.max(counterOf(table, stored), highest) + count
  if (next > maxUniqueKey)
    throw new NorthboundError(`the unique keys of ${table} are used up: the counter stands at ${stored}`)
  return String(next)
}

/**
 * The counter's value when `key` is in use, or undefined if the counter is already there; throws
 * NorthboundError.
 */
export function raisedCounter(table: string, stored: string | undefined, key: number): string | undefined {
  return counterOf(table, stored) >= key ? undefined : String(key)
}

/** Whether a counter may hold `value`: a number up to the highest key. */
export function isCounter(value: string): boolean {
  return /^\d{1,10}$/.test(value.trim()) && Number(value) <= maxUniqueKey
}

function counterOf(table: string, stored: string | undefined): number {
  if (stored === undefined) return 0
  if (isCounter(stored)) return Number(stored)
  const name = `/${counterTable}/${table}`
  throw new NorthboundError(
    `the counter ${name} holds ${JSON.stringify(stored)}, not a number: remove it (df-db rm ${counterTable} ${table}); df-db counts on from the highest key in use`,
  )
}
