/** A private RabbitMQ of Debian on loopback, with an Erlang port mapper of its own; both are stopped by pid. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { freePort } from './etcd.ts'

export interface Rabbit {
  readonly transportUrl: string
  remove(): Promise<void>
}

/** Starts one and waits until it takes connections. */
export async function startRabbit(): Promise<Rabbit> {
  const folder = mkdtempSync(join(tmpdir(), 'df-rabbit-'))
  const [port, distributionPort, mapperPort] = [await freePort(), await freePort(), await freePort()]
  for (const name of ['mnesia', 'log']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console = false\n`)
  const env = {
    HOME: folder,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: `${mapperPort}`,
    RABBITMQ_NODENAME: `df-${port}@localhost`,
    RABBITMQ_DIST_PORT: `${distributionPort}`,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  }
  const logFile = join(folder, 'out.log')
  const started: ProcessRef[] = []
  const start = async (command: string) => {
    started.push(await startDaemon(command, [], { logFile, env, diesWithParent: true }))
  }
  // RabbitMQ would start a mapper that outlives it.
  await start('epmd')
  await start('/usr/lib/rabbitmq/bin/rabbitmq-server')
  const alive = [{ name: 'rabbitmq-server', process: started.at(-1)!, logFile }]
  await waitUntil('RabbitMQ to listen', () => isListening(port), { alive, timeoutMs: 60_000 })
  return {
    transportUrl: `rabbit://guest:guest@127.0.0.1:${port}/`,
    remove: async () => {
      for (const process of started.toReversed()) await stopProcess(process, 15_000)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
