/**
 * Northbound stores for tests: the rows that the real Dragonflow wrote, and a follower of a driver's events.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Subscription } from 'rxjs'
import type { NbDriver, NbEvent, RawRow } from '../../src/nb/index.ts'
import { emptyNorthbound, type Northbound, northboundAfter } from '../../src/nb/index.ts'

/** The 33 rows of two tenants with the same 10.0.0.0/24, as Dragonflow stored them; counters included. */
export function dragonflowRows(): RawRow[] {
  const lines = readFileSync(join(import.meta.dirname, '../vectors/nb/dragonflow.jsonl'), 'utf8').trim()
  return lines.split('\n').map((line) => {
    const { key, value } = JSON.parse(line) as { key: string; value: string }
    const [, table = '', id = ''] = key.split('/')
    return { table, id, value }
  })
}

/** Follows a driver and keeps what it said and what the rows are now. */
export class Follower {
  readonly events: NbEvent[] = []
  northbound: Northbound = emptyNorthbound
  isComplete = false
  readonly #subscription: Subscription
  #check: () => void = () => {}

  constructor(driver: NbDriver) {
    this.#subscription = driver.watch().subscribe({
      next: (event) => {
        this.events.push(event)
        this.northbound = northboundAfter(this.northbound, event)
        this.#check()
      },
      complete: () => {
        this.isComplete = true
        this.#check()
      },
    })
  }

  /** The values of the store by key, as the events so far tell them. */
  get values(): Map<string, string> {
    const values = new Map<string, string>()
    for (const event of this.events) {
      if (event.kind === 'lost') continue
      if (event.kind === 'snapshot') values.clear()
      for (const { table, id, value } of event.kind === 'snapshot' ? event.rows : event.changes)
        if (value === undefined) values.delete(`/${table}/${id}`)
        else values.set(`/${table}/${id}`, value)
    }
    return values
  }

  /** Waits until something is true of what was said; rejects with what was said after `withinMs`. */
  async until(isSo: (follower: Follower) => boolean, withinMs = 15_000): Promise<void> {
    if (isSo(this)) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`not within ${withinMs} ms; the events: ${JSON.stringify(this.events)}`)),
        withinMs,
      )
      this.#check = () => {
        if (!isSo(this)) return
        clearTimeout(timer)
        this.#check = () => {}
        resolve()
      }
    })
  }

  stop(): void {
    this.#subscription.unsubscribe()
  }
}
