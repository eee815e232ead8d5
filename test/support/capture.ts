/** Captures of whole frames on one device of a namespace, by tcpdump. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runIn } from '../../src/lab/namespace.ts'
import { startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'

/** A capture under way. */
export interface Capture {
  /** The frames so far, oldest first. */
  frames(): Buffer[]
  /** Ends the capture and returns all its frames. */
  stop(): Promise<Buffer[]>
}

/** Starts a capture of what enters or leaves a device and fits tcpdump's filter; returns when it listens. */
export async function startCapture(
  namespace: string,
  device: string,
  { direction, filter }: { direction: 'in' | 'out' | 'inout'; filter: string },
): Promise<Capture> {
  const directory = mkdtempSync(join(tmpdir(), 'df-capture-'))
  const file = join(directory, 'packets.pcap')
  const logFile = join(directory, 'log')
  // tcpdump's ring has a place of the largest size for each frame: with 64 KiB a place, 2 MiB (its default) hold a burst
  // of 30 frames.
  const args = [
    '-s',
    '9216',
    '-B',
    '8192',
    '-i',
    device,
    '-Q',
    direction,
    '-U',
    '--immediate-mode',
    '-n',
    '-Z',
    'root',
    '-w',
    file,
    filter,
  ]
  const process = await startDaemon('tcpdump', args, { logFile, namespace, diesWithParent: true })
  const alive = [{ name: 'tcpdump', process, logFile }]
  await waitUntil('the capture', () => readFileSync(logFile, 'utf8').includes('listening on'), { alive })
  return {
    frames: () => framesIn(readFileSync(file)),
    stop: async () => {
      await stopProcess(process)
      const all = framesIn(readFileSync(file))
      rmSync(directory, { recursive: true })
      return all
    },
  }
}

/** The whole frames in a capture file (pcap-savefile(5), little endian); a record cut short is left out. */
export function framesIn(file: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 24; at + 16 <= file.length; ) {
    const size = file.readUInt32LE(at + 8)
    if (at + 16 + size > file.length) break
    frames.push(file.subarray(at + 16, at + 16 + size))
    at += 16 + size
  }
  return frames
}

/** Sends frames as they are from a device of a namespace. */
export async function sendFrames(
  namespace: string,
  frames: readonly Buffer[],
  device = 'eth0',
): Promise<void> {
  const script = [
    'import socket, sys',
    's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
    `s.bind(("${device}", 0))`,
    'for line in sys.stdin: s.send(bytes.fromhex(line))',
  ]
  const input = frames.map((frame) => `${frame.toString('hex')}\n`).join('')
  await runIn(namespace, 'python3', ['-c', script.join('\n')], { input })
}
