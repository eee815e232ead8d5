/**
 * An OVSDB server that a test plays by hand: it listens on a socket of its own, shows what the client asks, and says
 * byte for byte what the test tells it to.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Request {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** One client, as the server sees it. */
export interface FakeSession {
  /** The next request of that method; earlier ones of other methods stay. */
  next(method: string): Promise<Request>
  /** The next message that is no request: the client's answer to a request of ours. */
  nextReply(): Promise<Record<string, unknown>>
  /** Sends text or bytes as they are, anything else as JSON. */
  send(message: unknown): void
  reply(request: Request, result: unknown): void
  update(tables: unknown): void
  /** Resolves when the client has closed. */
  readonly closed: Promise<void>
  end(): void
}

export interface FakeOvsdb {
  readonly target: string
  /** How many clients have connected so far. */
  readonly count: () => number
  /** The next client that connects. */
  session(): Promise<FakeSession>
  close(): Promise<void>
}

/** Starts to listen. */
export async function fakeOvsdb(): Promise<FakeOvsdb> {
  const folder = mkdtempSync(join(tmpdir(), 'df-fake-ovsdb-'))
  const path = join(folder, 'db.sock')
  const sockets: Socket[] = []
  const sessions = mailbox<FakeSession>()
  const server = createServer((socket) => {
    sockets.push(socket)
    sessions.put(sessionOf(socket))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    target: `unix:${path}`,
    count: () => sockets.length,
    session: () => sessions.take(() => true),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true })
    },
  }
}

function sessionOf(socket: Socket): FakeSession {
  const requests = mailbox<Request>()
  const replies = mailbox<Record<string, unknown>>()
  let text = ''
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    // The client writes whole messages, but two of them may come in one chunk.
    text += chunk.toString()
    const parts = text.split(/(?<=\})(?=\{"(?:id|method))/)
    text = ''
    for (const part of parts) {
      try {
        const message = JSON.parse(part)
        if ('method' in message) requests.put(message)
        else replies.put(message)
      } catch {
        text += part
      }
    }
  })
  const send = (message: unknown) => {
    const isRaw = typeof message === 'string' || Buffer.isBuffer(message)
    socket.write(isRaw ? message : JSON.stringify(message))
  }
  return {
    next: (method) => requests.take((request) => request.method === method),
    nextReply: () => replies.take(() => true),
    send,
    reply: ({ id }, result) => send({ id, result, error: null }),
    update: (tables) => send({ id: null, method: 'update', params: [null, tables] }),
    closed: new Promise((resolve) => socket.on('close', () => resolve())),
    end: () => socket.end(),
  }
}

/** What came, for whoever asks first; who asks too early waits. */
function mailbox<T>() {
  const waiting: { fits: (item: T) => boolean; resolve: (item: T) => void }[] = []
  const items: T[] = []
  return {
    put(item: T) {
      const at = waiting.findIndex(({ fits }) => fits(item))
      if (at < 0) items.push(item)
      else waiting.splice(at, 1)[0]?.resolve(item)
    },
    take(fits: (item: T) => boolean): Promise<T> {
      const at = items.findIndex(fits)
      if (at >= 0) return Promise.resolve(items.splice(at, 1)[0] as T)
      return new Promise((resolve) => waiting.push({ fits, resolve }))
    },
  }
}

const uuidOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

/** Rows in OVSDB's notation, with readable UUIDs: `row(7)` stands for the row number 7. */
export const row = (number: number) => ['uuid', uuidOf(number)] as const
export const set = (...values: unknown[]) => ['set', values] as const
export const map = (entries: Record<string, string> = {}) => ['map', Object.entries(entries)] as const

/** A bridge in the form of a monitor's reply: row 1, its ports by number. */
export function bridgeRow(changes: Record<string, unknown> = {}) {
  return {
    name: 'br-int',
    ports: set(),
    controller: set(),
    fail_mode: set(),
    datapath_id: set(),
    datapath_type: 'netdev',
    protocols: set(),
    other_config: map(),
    ...changes,
  }
}

export function interfaceRow(name: string, changes: Record<string, unknown> = {}) {
  return {
    name,
    type: '',
    ofport: set(),
    admin_state: set(),
    mac_in_use: set(),
    external_ids: map(),
    options: map(),
    ...changes,
  }
}

/** Updates that add a port with one interface to the bridge that is row 1. Port and interface are rows n00 and n01. */
export function withPorts(...interfaces: ReturnType<typeof interfaceRow>[]) {
  const at = (index: number) => (index + 1) * 100
  return {
    Bridge: {
      [uuidOf(1)]: { new: bridgeRow({ ports: set(...interfaces.map((_, index) => row(at(index)))) }) },
    },
    Port: Object.fromEntries(
      interfaces.map(({ name }, index) => [
        uuidOf(at(index)),
        { new: { name, interfaces: row(at(index) + 1) } },
      ]),
    ),
    Interface: Object.fromEntries(interfaces.map((each, index) => [uuidOf(at(index) + 1), { new: each }])),
  }
}

export { uuidOf }
