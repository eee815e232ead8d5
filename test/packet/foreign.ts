/** Frames that real tools made (test/vectors/dns/queries.jsonl), and what tcpdump says of ours. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Captured {
  readonly text: string
  readonly frame: Buffer
}

/** Every captured frame, in the order of the file; a text may occur twice (A and AAAA of one lookup, fragments). */
export const captured: readonly Captured[] = readFileSync(
  join(import.meta.dirname, '../vectors/dns/queries.jsonl'),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { text: string; hex: string })
  .map(({ text, hex }) => ({ text, frame: Buffer.from(hex, 'hex') }))

/** A copy of the first captured frame with that text. */
export function frameOf(text: string): Buffer {
  const found = captured.find((row) => row.text === text)
  if (!found) throw new Error(`no captured frame is called '${text}'`)
  return Buffer.from(found.frame)
}

/** What `tcpdump -vv` prints for each frame, on one line a frame. */
export function tcpdumpOf(frames: readonly Buffer[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'packet-test-'))
  try {
    const file = join(folder, 'frames.pcap')
    writeFileSync(file, pcapOf(frames))
    const args = ['-vv', '-e', '-n', '-t', '-r', file]
    const text = execFileSync('tcpdump', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return text.trim().replace(/\n\s+/g, ' ').split('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function pcapOf(frames: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(0xffff, 16)
  header.writeUInt32LE(1, 20)
  const records = frames.map((frame) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    return Buffer.concat([record, frame])
  })
  return Buffer.concat([header, ...records])
}
