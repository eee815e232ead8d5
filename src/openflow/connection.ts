/**
 * One socket of a switch and the session over it: bytes in, bytes out, and back-pressure. It knows node:net and nothing
 * of what the bytes say.
 *
 * While the switch does not read what we answer, we stop reading what it asks. But never for good: Open vSwitch stops
 * reading while a hundred of its own replies wait to be read (OFCONN_REPLY_MAX), so after a burst of refused flow-mods
 * each side would wait for the other. Hence a chunk is read every `pauseMs`, and a switch that has not caught up within
 * two inactivity periods is given up.
 */

import type { Socket } from 'node:net'
import type { Clock } from './clock.ts'
import { SwitchSession } from './session.ts'
import type { SessionHandlers } from './session-contract.ts'
import { readStanding } from './standing-read.ts'

/** What a connection needs besides its socket. */
export interface ConnectionOptions {
  readonly clock: Clock
  readonly inactivityProbeMs: number
}

const pauseMs = 50
/** How long a switch may take to read our last words. */
const goodbyeMs = 1000

/** Starts a session over an accepted socket of which nothing was read; it ends with the socket, and the socket with it. */
export function startConnection(
  accepted: Socket,
  handlers: SessionHandlers,
  options: ConnectionOptions,
): SwitchSession {
  const { clock, inactivityProbeMs } = options
  let stopTimer = () => {}
  let blockedAtMs: number | undefined
  const socket = readStanding(accepted, (chunk) => {
    session.receive(chunk)
    holdBack()
  })
  const link = {
    write(bytes: Buffer): boolean {
      socket.write(bytes)
      return socket.writableLength === 0 // libuv tries to write at once
    },
    end(): void {
      socket.resume()
      socket.destroySoon()
      stopTimer()
      stopTimer = clock.after(goodbyeMs, () => socket.destroy())
    },
  }
  const session = new SwitchSession(link, handlers, options)

  const readOn = () => socket.resume()
  const holdBack = () => {
    if (!socket.writableNeedDrain || session.isClosed) return
    blockedAtMs ??= clock.now()
    const blockedMs = clock.now() - blockedAtMs
    if (blockedMs > 2 * inactivityProbeMs)
      return session.close(`the switch has not read what it was sent for ${Math.round(blockedMs)} ms`)
    socket.pause()
    stopTimer = clock.after(pauseMs, readOn)
  }
  socket.on('drain', () => {
    if (session.isClosed) return
    blockedAtMs = undefined
    stopTimer()
    readOn()
  })
  socket.on('error', (error) => session.close(`the connection broke: ${error.message}`))
  socket.on('end', () => session.close('the switch closed the connection'))
  socket.on('close', () => {
    session.close('the connection is closed')
    stopTimer()
  })
  session.start()
  return session
}
