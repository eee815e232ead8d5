/**
 * The lab's etcd, in a namespace of its own (docs/lab.md). The nodes share no network with it, nor with each other: they
 * reach it by a socket in the lab's directory. Inside its namespace it listens where `etcdctl` looks for it.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { NbDriver } from '../nb/index.ts'
import type { Build } from './build.ts'
import { createNamespace } from './namespace.ts'
import type { EtcdPlan } from './plan.ts'
import { type ProcessRef, startDaemon, waitUntil } from './process.ts'

/** What was started, to be waited for. */
export interface StartedEtcd {
  readonly process: ProcessRef
  readonly logFile: string
}

/** Starts etcd; it does not answer at once. Throws `LabError` if it is not installed. */
export async function startEtcd(build: Build, { key, namespace, directory }: EtcdPlan): Promise<StartedEtcd> {
  await createNamespace(namespace)
  mkdirSync(directory, { mode: 0o700 })
  const logFile = join(directory, 'etcd.log')
  const process = await startDaemon('etcd', argumentsOf(directory), {
    logFile,
    namespace,
    // etcd makes its sockets where it runs, and names them as if they were hosts.
    cwd: directory,
    diesWithParent: build.diesWithParent,
    started: (started) => build.record(key, started),
  })
  return { process, logFile }
}

/** Waits until the store in etcd can be read. */
export async function untilEtcdAnswers(
  store: NbDriver,
  { process, logFile }: StartedEtcd,
  signal: AbortSignal | undefined,
): Promise<void> {
  const answers = () =>
    store.list('chassis').then(
      () => true,
      () => false,
    )
  await waitUntil('etcd to answer', answers, {
    alive: [{ name: 'etcd', process, logFile }],
    timeoutMs: 20_000,
    signal,
  })
}

function argumentsOf(directory: string): string[] {
  const [client, peer] = ['http://127.0.0.1:2379', 'http://127.0.0.1:2380']
  const options = {
    name: 'lab',
    'data-dir': join(directory, 'data'),
    'listen-client-urls': `${client},unix://client:0`,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `lab=${peer}`,
    // Alone it is elected as soon as it has waited for others.
    'heartbeat-interval': '50',
    'election-timeout': '500',
    logger: 'zap',
    'log-level': 'warn',
  }
  return Object.entries(options).flatMap(([option, value]) => [`--${option}`, value])
}
