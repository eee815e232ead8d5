/**
 * The control socket: one JSON object a line in, one a line out, over a Unix socket that only its owner may open. It
 * knows methods by name, not what they do; whatever a client sends ends in an answer or in its connection's end.
 */

import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { ConfigError, reasonOf } from '../errors.ts'

/** Answers one request; the value, or what it resolves to, is sent as JSON, an error's message as `{"error": …}`. */
export type Method = (request: Readonly<Record<string, unknown>>) => unknown

export interface ControlServer {
  readonly path: string
  /** Closes every connection and removes the socket. */
  close(): Promise<void>
}

const maxLineSize = 64 << 10
const maxClients = 32
const idleMs = 60_000

/**
 * Listens at `path` with mode 0600; its folder is made if it is missing. A socket that nobody listens on is replaced.
 * Throws `ConfigError` if somebody does, or if the place cannot be written.
 */
export async function listenForControl(
  path: string,
  methods: Readonly<Record<string, Method>>,
): Promise<ControlServer> {
  const clients = new Set<Socket>()
  const server = createServer((socket) => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket))
    serve(socket, methods)
  })
  server.maxConnections = maxClients
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    if (await isAlive(path))
      throw new ConfigError(
        `${path} is in use: stop the controller that runs, or set run_dir to another folder`,
      )
    rmSync(path, { force: true })
    await listen(server, path)
    chmodSync(path, 0o600)
  } catch (error) {
    server.close()
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`cannot make the control socket ${path}: check run_dir and its permissions`, error)
  }
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const client of clients) client.destroy()
      }),
  }
}

function serve(socket: Socket, methods: Readonly<Record<string, Method>>): void {
  let pending = ''
  let work = Promise.resolve()
  socket.setEncoding('utf8')
  socket.setTimeout(idleMs, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    const lines = (pending + chunk).split('\n')
    pending = lines.pop()!
    const isTooLong = pending.length > maxLineSize
    socket.pause()
    work = work.then(async () => {
      for (const line of lines.filter((text) => text.trim() !== ''))
        if (!socket.write(await answerTo(line, methods))) await drained(socket)
      if (isTooLong) socket.end(`${JSON.stringify({ error: `a line has at most ${maxLineSize} bytes` })}\n`)
      else socket.resume()
    })
  })
}

/** Resolves when the client has read what it was sent, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed || !socket.writableNeedDrain) return resolve()
    socket.once('drain', resolve)
    socket.once('close', resolve)
  })
}

async function answerTo(line: string, methods: Readonly<Record<string, Method>>): Promise<string> {
  try {
    return `${JSON.stringify(await resultOf(line, methods))}\n`
  } catch (error) {
    return `${JSON.stringify({ error: reasonOf(error) })}\n`
  }
}

function resultOf(line: string, methods: Readonly<Record<string, Method>>): unknown {
  const request: unknown = JSON.parse(line)
  if (typeof request !== 'object' || request === null || !('method' in request))
    throw new Error('a request is an object with a method, as {"method":"status"}')
  const { method } = request
  if (typeof method !== 'string' || !Object.hasOwn(methods, method))
    throw new Error(`unknown method ${JSON.stringify(method)}; known: ${Object.keys(methods).join(', ')}`)
  return methods[method]!(request as Readonly<Record<string, unknown>>) ?? {}
}

/** Binding happens inside listen(), so the umask holds for the socket and for nothing else. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const before = process.umask(0o177)
    server.once('error', reject)
    server.listen(path, () => resolve())
    process.umask(before)
  })
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(false)
      else reject(error)
    })
  })
}
