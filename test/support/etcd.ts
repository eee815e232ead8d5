/**
 * A private etcd for tests, on sockets in a directory of its own and, where asked for, on a loopback port; stopped by pid.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

export const run = promisify(execFile)

export interface EtcdOptions {
  /** Listen on a loopback port too. */
  readonly hasPort?: boolean
  /** Certificates by file name, for TLS on the port: `server.pem`, `server.key` and `ca.pem` in this directory. */
  readonly tlsFolder?: string
  readonly args?: readonly string[]
}

/** A running etcd. */
export class Etcd {
  readonly folder: string
  /** The host for `remote_db_hosts`, over its socket. */
  readonly host: string
  /** The host for `remote_db_hosts`, over its port, without a scheme. */
  readonly address: string
  readonly #port: number
  readonly #options: EtcdOptions
  #process: ChildProcess | undefined
  #user: string | undefined

  private constructor(folder: string, port: number, options: EtcdOptions) {
    this.folder = folder
    this.host = `unix:${folder}/client:0`
    this.address = `127.0.0.1:${port}`
    this.#port = port
    this.#options = options
  }

  /** Starts one and waits until it answers. */
  static async start(options: EtcdOptions = {}): Promise<Etcd> {
    const folder = await mkdtemp(join(tmpdir(), 'df-etcd-'))
    const etcd = new Etcd(folder, options.hasPort || options.tlsFolder ? await freePort() : 0, options)
    await etcd.start()
    return etcd
  }

  /** Starts it again, with the data that it had; `user` as `name:password` if etcd asks for one. */
  async restart(user?: string): Promise<void> {
    this.#user = user
    await this.start()
  }

  /** Starts the process and waits until it answers. */
  async start(): Promise<void> {
    await Promise.all(['client:0', 'peer:0'].map((name) => rm(join(this.folder, name), { force: true })))
    const { tlsFolder, args = [] } = this.#options
    const scheme = tlsFolder === undefined ? 'http' : 'https'
    const urls = ['unix://client:0', ...(this.#port > 0 ? [`${scheme}://${this.address}`] : [])]
    const tls =
      tlsFolder === undefined
        ? []
        : ['--cert-file', `${tlsFolder}/server.pem`, '--key-file', `${tlsFolder}/server.key`]
    this.#process = spawn(
      'etcd',
      [
        ...['--name', 'test', '--data-dir', join(this.folder, 'data'), '--logger', 'zap'],
        ...['--listen-client-urls', urls.join(), '--advertise-client-urls', urls.at(-1)!],
        ...['--listen-peer-urls', 'unix://peer:0', '--initial-advertise-peer-urls', 'unix://peer:0'],
        ...['--initial-cluster', 'test=unix://peer:0', '--log-level', 'error'],
        ...['--heartbeat-interval', '50', '--election-timeout', '500'],
        ...tls,
        ...args,
      ],
      { cwd: this.folder, stdio: 'ignore' },
    )
    await this.ready()
  }

  /** The number of its process; undefined unless it runs. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Waits until it answers. */
  async ready(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await this.ctl(...(this.#user ? ['--user', this.#user] : []), 'endpoint', 'health')
        return
      } catch (error) {
        if (this.#process?.exitCode !== null || tries > 200) throw error
        await sleep(50)
      }
    }
  }

  /** Runs etcdctl over the socket and returns what it printed. */
  async ctl(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, ETCDCTL_API: '3' }
    const { stdout } = await run(
      'etcdctl',
      ['--endpoints', `unix://${this.folder}/client:0`, '--command-timeout', '5s', ...args],
      { env },
    )
    return stdout
  }

  /** Calls the JSON gateway over the socket: for bytes that no command line can carry. */
  async post(path: string, body: unknown): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const socketPath = join(this.folder, 'client:0')
      const sent = request({ socketPath, path, method: 'POST' }, (response) => {
        response.resume()
        if (response.statusCode === 200) response.on('end', resolve)
        else reject(new Error(`etcd says ${response.statusCode}`))
      })
      sent.on('error', reject)
      sent.end(JSON.stringify(body))
    })
  }

  /** Ends the process. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  /** Stops the process in its tracks, or lets it go on: its sockets stay open. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal)
  }

  /** Removes what it has stored; it must be stopped. */
  async wipe(): Promise<void> {
    await rm(join(this.folder, 'data'), { recursive: true, force: true })
  }

  /** Ends it and removes its directory. */
  async remove(): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Makes an authority, a certificate for a server at 127.0.0.1, one for a client, and a foreign authority. */
export async function makeCertificates(folder: string): Promise<void> {
  const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  for (const name of ['ca', 'foreign'])
    await openssl(
      ...['req', '-x509', ...ecKey, '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
    )
  for (const name of ['server', 'client']) {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
    await openssl('req', ...ecKey, ...subject, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-copy_extensions', 'copy', '-days', '2', '-out', `${name}.pem`],
    )
  }
}

/** A loopback port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
