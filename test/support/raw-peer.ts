/** A bare OpenFlow connection to a bridge's management socket: bytes in, bytes out, no session. */

import { connect, type Socket } from 'node:net'

/** A message as it came. */
export type Raw = Buffer

/** A connection that keeps every message it gets. */
export interface RawPeer {
  /** Everything received so far. */
  readonly received: Raw[]
  send(...messages: Uint8Array[]): void
  /** Waits for the next message that fits, which may have come already, and takes it out of `received`. */
  take(fits: (message: Raw) => boolean): Promise<Raw>
  close(): void
}

/** Connects to `<rundir>/<bridge>.mgmt`. */
export async function rawPeer(path: string): Promise<RawPeer> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect(path, () => resolve(opened)).once('error', reject)
  })
  const received: Raw[] = []
  const waiting: { fits: (message: Raw) => boolean; done: (message: Raw) => void }[] = []
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 8 && rest.length >= rest.readUInt16BE(2)) {
      const message = rest.subarray(0, rest.readUInt16BE(2))
      rest = rest.subarray(message.length)
      const at = waiting.findIndex(({ fits }) => fits(message))
      if (at === -1) received.push(message)
      else waiting.splice(at, 1)[0]!.done(message)
    }
  })
  return {
    received,
    send: (...messages) => {
      socket.write(Buffer.concat(messages))
    },
    take: (fits) => {
      const at = received.findIndex(fits)
      if (at !== -1) return Promise.resolve(received.splice(at, 1)[0]!)
      return new Promise((done) => waiting.push({ fits, done }))
    },
    close: () => socket.destroy(),
  }
}
