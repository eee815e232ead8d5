/** A cable between a client and a server on sockets of this machine: it can be pulled, and it can go silent. */

import { rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'

export class Cable {
  readonly #server: Server
  readonly #path: string
  readonly #target: string
  readonly #sockets = new Set<Socket>()
  #isPlugged = true
  #isSilent = false

  /** Listens at socket `path` and leads to socket `target`. */
  constructor(path: string, target: string) {
    this.#path = path
    this.#target = target
    this.#server = createServer((near) => this.#join(near))
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#path, resolve))
    return this
  }

  /** Ends every connection, and every later one at once. */
  pull(): void {
    this.#isPlugged = false
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Lets new connections through. */
  plug(): void {
    this.#isPlugged = true
  }

  /** Swallows whatever comes from now on, without a sign. */
  silence(): void {
    this.#isSilent = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** New connections are heard again; the old ones never are. */
  unsilence(): void {
    this.#isSilent = false
  }

  async close(): Promise<void> {
    this.pull()
    await new Promise((resolve) => this.#server.close(resolve))
    await rm(this.#path, { force: true })
  }

  #join(near: Socket): void {
    if (!this.#isPlugged) {
      near.destroy()
      return
    }
    const far = connect(this.#target)
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      this.#sockets.add(from)
      from.on('data', (chunk) => {
        if (!this.#isSilent) to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      if (this.#isSilent) from.pause()
    }
  }
}
