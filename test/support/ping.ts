/** A ping that runs for a while, and which of its packets had no reply within a second. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalProcess, startDaemon, waitUntil } from '../../src/lab/process.ts'
import { now } from './load.ts'

/** What became of a ping. */
export interface Pinged {
  readonly sent: number
  readonly lost: number
  /** The longest time without a reply, in ms, and when it ended. */
  readonly silence: { readonly ms: number; readonly endedAt: number }
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
    const replies = repliesIn(text())
    // Those of the last half second may still be on their way, unless a later one has had its reply.
    const sent = Math.max(Number(summary()) - 500 / intervalMs, ...replies.map(({ number }) => number))
    rmSync(directory, { recursive: true })
    const inTime = replies.filter(({ number, ms }) => number <= sent && ms < 1000)
    return { sent, lost: sent - inTime.length, silence: longestSilence(replies.map(({ at }) => at)) }
  }
}

/** The replies: to which packet, after how many ms, and when, on the clock of `now`. */
function repliesIn(text: string) {
  const clocksApart = now() - Date.now()
  const lines = text.matchAll(/^\[([\d.]+)\] \d+ bytes from .*icmp_seq=(\d+) .*time=([\d.]+) ms/gm)
  return Array.from(lines, ([, at, number, ms]) => ({
    number: Number(number),
    ms: Number(ms),
    at: Number(at) * 1000 + clocksApart,
  }))
}

function longestSilence(repliedAt: readonly number[]): Pinged['silence'] {
  let longest = { ms: 0, endedAt: repliedAt[0]! }
  for (const [index, endedAt] of repliedAt.entries()) {
    const ms = endedAt - (repliedAt[index - 1] ?? endedAt)
    if (ms > longest.ms) longest = { ms, endedAt }
  }
  return longest
}
