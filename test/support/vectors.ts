/** The recorded OpenFlow messages of test/vectors/openflow. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A message as a foreign tool sent it, and as `ovs-ofctl ofp-print` prints it. */
export interface Vector {
  /** The beginning of the text, to tell it by. */
  readonly name: string
  readonly text: string
  readonly bytes: Buffer
}

/** The vectors of one file. */
export function vectorsOf(file: 'dragonflow' | 'openvswitch'): Vector[] {
  const path = join(import.meta.dirname, `../vectors/openflow/${file}.jsonl`)
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line, i) => {
      const row = JSON.parse(line) as { text?: string; ovs?: string; hex: string }
      const text = (row.text ?? row.ovs ?? '').trimEnd()
      return { name: `${i + 1} ${text.slice(0, 100)}`, text, bytes: Buffer.from(row.hex, 'hex') }
    })
}

/** All of them. */
export const allVectors = (): Vector[] => [...vectorsOf('dragonflow'), ...vectorsOf('openvswitch')]
