/**
 * Reads an accepted socket into the same memory over and over. Node makes 64 KB of its own for each read of a socket, more
 * than all else of a query together, and offers standing memory (`onread` of `net.Socket`) only to sockets that it
 * connects itself: so what stands behind an accepted one is handed to a socket that is made with it. It knows nothing of
 * what the bytes say.
 */

import { Socket, type SocketConstructorOpts } from 'node:net'

/** As much as Node reads at a time; bytes. */
const roomSize = 1 << 16

/** What Node calls a socket's handle; its types do not tell of it. */
interface HandleOwner {
  _handle: unknown
}

/** For `createServer`, whose sockets are given to `readStanding`: nothing may be read before. */
export const unread = { pauseOnConnect: true } as const

/** What takes a socket's bytes, whose memory is written to again when it has returned. */
export type TakeChunk = (chunk: Buffer) => void

/**
 * The socket that goes on in the place of `accepted`, which counts as a connection of its server until that one is closed.
 * There are no `data` events: bytes are given to `take`, after this has returned.
 */
export function readStanding(accepted: Socket, take: TakeChunk): Socket {
  const owner = accepted as unknown as HandleOwner
  const options = {
    handle: owner._handle,
    onread: {
      buffer: Buffer.allocUnsafeSlow(roomSize),
      callback(size: number, buffer: Buffer) {
        take(buffer.subarray(0, size))
        return true
      },
    },
  }
  owner._handle = null
  const socket = new Socket(options as SocketConstructorOpts)
  socket.on('close', () => accepted.destroy())
  return socket
}
