/**
 * The socket of the service manager (sd_notify(3)), and what it says it expects. Node has no datagram sockets of the
 * Unix kind, so the socket comes connected from deploy/systemd/notify-exec (docs/decisions/0003-notify.md). It knows how a
 * message gets there, not what there is to tell.
 */

import { fstatSync, writeSync } from 'node:fs'
import { reasonOf } from '../errors.ts'
import { type Logger, rateLimited } from '../log.ts'
import type { Clock } from '../openflow/index.ts'

/** The service manager, as far as it listens. */
export interface Notifier {
  /**
   * Sends assignments (`READY=1`) as one message, and says whether it was sent. Never waits and never throws: what cannot
   * be sent is logged.
   */
  tell(...assignments: readonly string[]): boolean
  /** After so long without `WATCHDOG=1` it ends the process; undefined if it does not watch. */
  readonly watchdogMs: number | undefined
}

/** The service manager that this environment names; undefined if there is none, or if its socket was not handed over. */
export function createNotifier(
  env: Readonly<Record<string, string | undefined>>,
  { clock, log }: { clock: Clock; log: Logger },
): Notifier | undefined {
  if (!env.NOTIFY_SOCKET) return undefined
  const socket = Number(env.DF_NOTIFY_FD || Number.NaN)
  if (!isSocket(socket)) {
    log.warn('the service manager waits for messages, but gave no socket: start this by notify-exec')
    return undefined
  }
  const limited = rateLimited(clock.now)
  return {
    tell(...assignments) {
      try {
        writeSync(socket, assignments.map((each) => each.replaceAll('\n', ' ')).join('\n'))
        return true
      } catch (error) {
        limited('notify', (suppressed) =>
          log.warn({ reason: reasonOf(error), suppressed }, 'the service manager was not told'),
        )
        return false
      }
    },
    watchdogMs: watchdogMsOf(env),
  }
}

/** sd_watchdog_enabled(3). */
function watchdogMsOf({ WATCHDOG_USEC, WATCHDOG_PID }: Readonly<Record<string, string | undefined>>) {
  const isMeant = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid
  const usec = Number(WATCHDOG_USEC)
  return isMeant && usec > 0 ? usec / 1000 : undefined
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch {
    return false // no number, or nothing open
  }
}
