/** A ping that runs for a while, and which of its packets had no reply within a second. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalProcess, startDaemon, waitUntil } from '../../src/lab/process.ts'
import { now } from './load.ts'

/** What became of a ping. */
export interface Pinged {
  readonly sent: number
  /** When those were sent that had none: evenly between their neighbours, for a busy machine's ping falls behind. */
  readonly lostAt: readonly number[]
}

/** Pings an address from a namespace every 20 ms, from now until the function that it returns is called. */
export async function startPing(namespace: string, address: string): Promise<() => Promise<Pinged>> {
  const intervalMs = 20
  const directory = mkdtempSync(join(tmpdir(), 'df-ping-'))
  const logFile = join(directory, 'log')
  const text = () => readFileSync(logFile, 'utf8')
  const args = ['-D', '-n', '-i', String(intervalMs / 1000), '-W', '1', address]
  const ping = await startDaemon('ping', args, { logFile, namespace, diesWithParent: true })
  await waitUntil('a reply to ping', () => text().includes('icmp_seq='))
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 500)) // for the last reply
    signalProcess(ping, 'SIGINT')
    const summary = () => /^(\d+) packets transmitted/m.exec(text())?.[1]
    await waitUntil('the summary of ping', () => summary() !== undefined)
    const sentAt = sendTimes(text())
    // Those of the last half second may still be on their way.
    const sent = Number(summary()) - 500 / intervalMs
    rmSync(directory, { recursive: true })
    const lost = Array.from({ length: sent }, (_, index) => index + 1).filter((number) => !sentAt.has(number))
    return { sent, lostAt: lost.map((number) => between(sentAt, number)) }
  }
}

/** When each packet was sent that had a reply within a second, by its number, on the clock of `now`. */
function sendTimes(text: string): ReadonlyMap<number, number> {
  const clocksApart = now() - Date.now()
  const replies = [...text.matchAll(/^\[([\d.]+)\] \d+ bytes from .*icmp_seq=(\d+) .*time=([\d.]+) ms/gm)]
  return new Map(
    replies
      .map(([, repliedAt, number, ms]) => [Number(number), Number(repliedAt) * 1000, Number(ms)] as const)
      .filter(([, , ms]) => ms < 1000)
      .map(([number, repliedAt, ms]) => [number, repliedAt - ms + clocksApart]),
  )
}

/** When a packet without a reply was sent: between its neighbours that had one, or when the only one was. */
function between(sentAt: ReadonlyMap<number, number>, number: number): number {
  const numbers = [...sentAt.keys()]
  const before = Math.max(...numbers.filter((each) => each < number))
  const after = Math.min(...numbers.filter((each) => each > number))
  const [from, to] = [sentAt.get(before), sentAt.get(after)]
  if (from === undefined || to === undefined) return (from ?? to)!
  return from + ((to - from) * (number - before)) / (after - before)
}
