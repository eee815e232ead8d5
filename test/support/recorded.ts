/** What Open vSwitch sent over one connection, recorded (test/vectors/openflow/session.jsonl). */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One message: its bytes, and what `ovs-ofctl ofp-print` makes of them. */
export interface Recorded {
  readonly frame: Buffer
  readonly ovs: string
}

const file = join(import.meta.dirname, '../vectors/openflow/session.jsonl')

/** Hello, features, port description, echo reply, flows, error, barrier, packet-in2, port status, echo request. */
export function recordedSession(): Recorded[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const { hex, ovs } = JSON.parse(line) as { hex: string; ovs: string }
    return { frame: Buffer.from(hex, 'hex'), ovs }
  })
}
