/**
 * The row of this node in the table chassis, by which the other nodes find it (dragonflow.md 1.2). It is written at the
 * start if it is not as configured, and again when it is gone, as after a store was replaced. While it is there it is
 * never written a second time: who else changes it, another controller of the same name perhaps, is told of and not
 * fought. It knows this one row.
 *
 *     waiting --first rows: as configured, or written--> registered --the row is gone, 10 s after the last time--> writing
 *                                    writing --failed--> 1 s, 2 s … 30 s --> writing
 */

import { reasonOf } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import { type Chassis, ensureRow, hasFields, type JsonObject, type NbDriver } from '../nb/index.ts'
import type { Clock } from '../openflow/index.ts'

/** What the row shall say; other fields of it are not touched. */
export interface ChassisWish extends JsonObject {
  readonly ip: string
  readonly tunnel_types: string[]
}

export interface Registration {
  /** Tells what the store has under the node's id now: at each reading, from the first whole one on. */
  seen(row: Chassis | undefined): void
  /** What does not work at the moment, for people. */
  readonly reasons: readonly string[]
  close(): void
}

export interface RegistrationOptions {
  /** The id of the row. */
  readonly host: string
  readonly wish: ChassisWish
  readonly store: Pick<NbDriver, 'change'>
  readonly clock: Clock
  readonly log: Logger
}

const retryMs = { first: 1000, last: 30_000 }
/** How long a row that was written is left alone, also if it goes: who else writes there must not make a storm of it. */
const truceMs = 10_000

/** Makes the registration of this node; nothing is written before rows were seen. */
export function createRegistration({ host, wish, store, clock, log }: RegistrationOptions): Registration {
  const limited = rateLimited(clock.now)
  let current: Chassis | undefined
  let isSeen = false
  let isPending = false
  let writtenAt = Number.NEGATIVE_INFINITY
  let failures = 0
  let failedBecause: string | undefined
  let cancel = () => {}

  function writeIn(delayMs: number): void {
    isPending = true
    cancel = clock.after(Math.max(0, delayMs), () => void write())
  }

  async function write(): Promise<void> {
    try {
      if (await ensureRow(store, 'chassis', host, wish)) log.info({ host, ...wish }, 'chassis row written')
      failures = 0
      failedBecause = undefined
      isPending = false
      writtenAt = clock.now()
    } catch (error) {
      failedBecause = reasonOf(error)
      limited(failedBecause, (suppressed) =>
        log.warn({ reason: failedBecause, suppressed }, 'the chassis row cannot be written'),
      )
      writeIn(Math.min(retryMs.first * 2 ** failures, retryMs.last))
      failures += 1
    }
  }

  return {
    seen(row) {
      const isStart = !isSeen
      isSeen = true
      current = row
      if (isPending || (row !== undefined && hasFields(row, wish))) return
      if (isStart || row === undefined) writeIn(writtenAt + truceMs - clock.now())
    },
    get reasons() {
      if (failedBecause !== undefined) return [`the chassis row cannot be written: ${failedBecause}`]
      const isOurs = current === undefined || hasFields(current, wish)
      // What was just written is seen a moment later.
      if (isOurs || isPending || clock.now() - writtenAt < truceMs) return []
      const { ip, tunnel_types: types } = current!
      return [
        `somebody changed the chassis row ${host} to ${ip} (${types.join(', ')}): if another node has the same [DEFAULT] host, give it one of its own; then start this controller again`,
      ]
    },
    close() {
      isPending = true
      cancel()
    },
  }
}
