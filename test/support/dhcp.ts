/** DHCP conversations of real clients with dnsmasq (test/vectors/dhcp), frame by frame. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Recorded {
  /** What was done, and the kind of the message: `plain udhcpc: DISCOVER`. */
  readonly text: string
  readonly side: 'client' | 'server'
  readonly frame: Buffer
  /** Who sent it, with its version. */
  readonly from: string
}

/** Every frame, in the order in which it was sent. */
export const recorded: readonly Recorded[] = readFileSync(
  join(import.meta.dirname, '../vectors/dhcp/conversations.jsonl'),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Omit<Recorded, 'frame'> & { hex: string })
  .map(({ text, side, hex, from }) => ({ text, side, from, frame: Buffer.from(hex, 'hex') }))

/** A copy of the frame with that text; of several the one that was sent as the `nth` (from 0 on). */
export function recordedFrame(text: string, nth = 0): Buffer {
  const found = recorded.filter((row) => row.text === text)[nth]
  if (!found) throw new Error(`no recorded frame is called '${text}'`)
  return Buffer.from(found.frame)
}
