/** A service manager's notify socket (sd_notify(3)), made by python: Node has no datagram sockets of the Unix kind. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'

/** Where the command that hands the socket over stands. */
export const notifyExec = join(import.meta.dirname, '../../deploy/systemd/notify-exec')

export interface Told {
  /** The process that sent it, as the kernel tells. */
  readonly pid: number
  /** CLOCK_MONOTONIC when it came. */
  readonly usec: number
  readonly assignments: Readonly<Record<string, string>>
}

export interface NotifySocket {
  readonly path: string
  readonly pid: number
  /** The messages so far. */
  told(): Told[]
  close(): Promise<void>
}

/** Binds, then writes a line for each message. */
const listener = `
import json, socket, struct, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    data, controls, _, _ = s.recvmsg(65536, socket.CMSG_SPACE(12))
    pid = next(struct.unpack("3i", c[2])[0] for c in controls if c[1] == socket.SCM_CREDENTIALS)
    lines = dict(line.split("=", 1) for line in data.decode().split("\\n"))
    print(json.dumps({"pid": pid, "usec": time.monotonic_ns() // 1000, "assignments": lines}), flush=True)
`

/** Listens at a path in that directory. */
export async function listenForNotifications(directory: string): Promise<NotifySocket> {
  const path = join(directory, 'notify')
  const logFile = join(directory, 'notify.log')
  const python: ProcessRef = await startDaemon('python3', ['-c', listener, path], {
    logFile,
    diesWithParent: true,
  })
  const lines = () => readFileSync(logFile, 'utf8').split('\n').slice(0, -1)
  const alive = [{ name: 'the notify socket', process: python, logFile }]
  await waitUntil('the notify socket', () => lines()[0] === 'bound', { alive })
  return {
    path,
    pid: python.pid,
    told: () =>
      lines()
        .slice(1)
        .map((line) => JSON.parse(line) as Told),
    close: () => stopProcess(python),
  }
}
