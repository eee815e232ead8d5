/** Three etcd that hold one store, each on a socket in a common directory, behind a cable that can be pulled. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { outputOf, type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { Cable } from './cable.ts'

const members = ['a', 'b', 'c'] as const
export type Member = (typeof members)[number]

export class EtcdCluster {
  readonly #folder: string
  readonly #processes = new Map<Member, ProcessRef>()
  readonly cables: readonly Cable[]

  private constructor(folder: string) {
    this.#folder = folder
    this.cables = members.map((member) => new Cable(join(folder, `cable-${member}`), this.#socket(member)))
  }

  static async start(): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(await mkdtemp(join(tmpdir(), 'df-etcd3-')))
    for (const member of members) await cluster.startMember(member)
    for (const cable of cluster.cables) await cable.open()
    await waitUntil('the cluster to answer', async () => (await cluster.#ctl('get', 'x')).exitCode === 0)
    return cluster
  }

  /** For `remote_db_hosts`: over the cables, or past them. */
  hosts(way: 'cable' | 'direct'): string[] {
    return members.map(
      (member) => `unix:${way === 'cable' ? join(this.#folder, `cable-${member}`) : this.#socket(member)}`,
    )
  }

  /** Starts one, with the data that it had. */
  async startMember(member: Member): Promise<void> {
    for (const socket of [this.#socket(member), this.#peer(member)]) await rm(socket, { force: true })
    // etcd makes its sockets where it runs, and names them as if they were hosts.
    const options = {
      name: member,
      'data-dir': `data-${member}`,
      'listen-client-urls': `unix://client-${member}:0`,
      'advertise-client-urls': `unix://client-${member}:0`,
      'listen-peer-urls': `unix://peer-${member}:0`,
      'initial-advertise-peer-urls': `unix://peer-${member}:0`,
      'initial-cluster': members.map((each) => `${each}=unix://peer-${each}:0`).join(),
      'heartbeat-interval': '50',
      'election-timeout': '500',
      logger: 'zap',
      'log-level': 'warn',
    }
    const args = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value])
    const logFile = join(this.#folder, `${member}.log`)
    const place = { cwd: this.#folder, logFile, diesWithParent: true }
    this.#processes.set(member, await startDaemon('etcd', args, place))
  }

  /** The one that leads. */
  async leader(): Promise<Member> {
    for (const member of members) {
      const { stdout } = await this.#ctl(
        'endpoint',
        'status',
        `--endpoints=unix://${this.#socket(member)}`,
        '-w',
        'fields',
      )
      const field = (name: string) => new RegExp(`"${name}" : (\\d+)`).exec(stdout)?.[1]
      if (field('MemberID') === field('Leader')) return member
    }
    throw new Error('no etcd leads')
  }

  process(member: Member): ProcessRef {
    return this.#processes.get(member)!
  }

  async remove(): Promise<void> {
    for (const cable of this.cables) await cable.close()
    for (const process of this.#processes.values()) await stopProcess(process, 0)
    await rm(this.#folder, { recursive: true, force: true })
  }

  #ctl(...args: string[]) {
    const env = {
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: members.map((one) => `unix://${this.#socket(one)}`).join(),
    }
    return outputOf('etcdctl', ['--command-timeout=5s', ...args], { env })
  }

  #socket(member: Member): string {
    return join(this.#folder, `client-${member}:0`)
  }

  #peer(member: Member): string {
    return join(this.#folder, `peer-${member}:0`)
  }
}
