/** A ping that runs for a while, and which of its packets had no reply within a second. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalProcess, startDaemon, waitUntil } from '../../src/lab/process.ts'
import { now } from './load.ts'

/** What became of a ping. */
export interface Pinged {
  readonly sent: number
  /** When those were sent that had none, to the interval. */
  readonly lostAt: readonly number[]
}

/** Pings an address from a namespace every 20 ms, from now until the function that it returns is called. */
export async function startPing(namespace: string, address: string): Promise<() => Promise<Pinged>> {
  const intervalMs = 20
  const directory = mkdtempSync(join(tmpdir(), 'df-ping-'))
  const logFile = join(directory, 'log')
  const text = () => readFileSync(logFile, 'utf8')
  const args = ['-n', '-i', String(intervalMs / 1000), '-W', '1', address]
  const startedAt = now()
  const ping = await startDaemon('ping', args, { logFile, namespace, diesWithParent: true })
  await waitUntil('a reply to ping', () => text().includes('icmp_seq='))
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 500)) // for the last reply
    signalProcess(ping, 'SIGINT')
    const summary = () => /^(\d+) packets transmitted/m.exec(text())?.[1]
    await waitUntil('the summary of ping', () => summary() !== undefined)
    const replies = [...text().matchAll(/ bytes from .*icmp_seq=(\d+) .*time=([\d.]+) ms/g)]
    const answered = new Set(
      replies.filter(([, , ms]) => Number(ms) < 1000).map(([, number]) => Number(number)),
    )
    // Those of the last half second may still be on their way.
    const sent = Number(summary()) - 500 / intervalMs
    rmSync(directory, { recursive: true })
    const numbers = Array.from({ length: sent }, (_, index) => index + 1)
    return {
      sent,
      lostAt: numbers
        .filter((number) => !answered.has(number))
        .map((number) => startedAt + (number - 1) * intervalMs),
    }
  }
}
