/**
 * Listens for switches on `unix:` or `tcp:` and starts a session for each that connects. It knows node:net and the file
 * of a Unix socket, and nothing of OpenFlow.
 */

import { existsSync, lstatSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { dirname } from 'node:path'
import { type Clock, systemClock } from './clock.ts'
import { startConnection } from './connection.ts'
import type { SwitchSession } from './session.ts'
import type { SessionHandlers } from './session-contract.ts'
import { unread } from './standing-read.ts'
import { formatTarget, listenError, parseTarget, type Target } from './target.ts'

/** How to listen; everything has a default. */
export interface ListenOptions {
  /** After so long without a word from the switch it is asked for one, and given up after as long again; 5000. */
  readonly inactivityProbeMs?: number
  /** Tests inject their own. */
  readonly clock?: Clock
}

/** An open listener. */
export interface Listener {
  /** The target as bound: `tcp:127.0.0.1:0` has become a port. */
  readonly address: string
  /** Stops listening, removes the file of a Unix socket and closes every session; resolves when all that is done. */
  close(): Promise<void>
}

/**
 * Listens at `unix:<path>` or `tcp:<host>:<port>`; the handlers are told of every switch. The file of a Unix socket gets
 * mode 0600; one that nobody listens on is replaced. Throws `ListenError`, one line that names the target and the remedy.
 */
export async function listen(
  target: string,
  handlers: SessionHandlers,
  options: ListenOptions = {},
): Promise<Listener> {
  const { inactivityProbeMs = 5000, clock = systemClock } = options
  const sessions = new Set<SwitchSession>()
  const server = createServer({ noDelay: true, ...unread }, (socket) => {
    const session = startConnection(socket, handlers, { clock, inactivityProbeMs })
    sessions.add(session)
    socket.on('close', () => sessions.delete(session))
  })
  const bound = await bind(server, parseTarget(target))
  server.on('error', (error) => handlers.rejected(`cannot accept a connection: ${error.message}`))
  return {
    address: formatTarget(bound),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.close('the controller is stopping')
      }),
  }
}

async function bind(server: Server, target: Target): Promise<Target> {
  try {
    await open(server, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' || target.kind !== 'unix') throw error
      await removeStale(target.path, error)
      await open(server, target)
    })
  } catch (error) {
    throw listenError(target, isMissing(target) ? coded('ENOENT') : (error as NodeJS.ErrnoException))
  }
  return target.kind === 'unix' ? target : { ...target, port: (server.address() as AddressInfo).port }
}

/** libuv reports a missing directory as EACCES. */
const isMissing = (target: Target) => target.kind === 'unix' && !existsSync(dirname(target.path))

const coded = (code: string | undefined) => Object.assign(new Error(code), { code: code ?? '' })

/** A path is bound inside `listen`, so the umask holds for the socket's file and for nothing else. */
function open(server: Server, target: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const before = process.umask(0o177)
    server.listen(target, () => {
      server.off('error', reject)
      resolve()
    })
    process.umask(before)
  })
}

/** Removes a socket's file that nobody listens on; else throws why it stays. */
async function removeStale(path: string, inUse: NodeJS.ErrnoException): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  // Connecting to a file that is no socket is refused just like a stale socket (unix(7)): look before removing.
  if (stat && !stat.isSocket()) throw coded('ENOTSOCK')
  await new Promise<void>((resolve, reject) => {
    const probe = connect(path, () => {
      probe.destroy()
      reject(inUse)
    })
    probe.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve()
      else reject(code === 'EAGAIN' ? inUse : coded(code))
    })
  })
  rmSync(path, { force: true })
}
