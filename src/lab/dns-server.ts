/**
 * A real DNS server in a namespace, dnsmasq, with a capture of everything on its link (docs/lab.md). It answers the
 * names of its records, with their reverse, and NXDOMAIN for everything else; it asks nobody.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Build } from './build.ts'
import type { Records } from './plan.ts'
import { type ProcessRef, startDaemon, together, waitUntil } from './process.ts'

/** Where a server runs, and what it serves. */
export interface DnsServerOptions {
  readonly key: string
  readonly namespace: string
  /** Without prefix lengths. */
  readonly addresses: readonly string[]
  readonly records: Records
}

/** Starts the capture and the server, and waits until both work. */
export async function startDnsServer(build: Build, server: DnsServerOptions): Promise<void> {
  const directory = join(build.plan.directory, server.key)
  mkdirSync(directory, { recursive: true })
  const hosts = join(directory, 'hosts')
  writeFileSync(hosts, hostsOf(server.records))
  const config = join(directory, 'dnsmasq.conf')
  writeFileSync(config, configOf(server.addresses, hosts))
  const start = async (name: string, command: string, args: readonly string[], sign: string) => {
    const logFile = join(directory, `${name}.log`)
    const process: ProcessRef = await startDaemon(command, args, {
      logFile,
      namespace: server.namespace,
      diesWithParent: build.diesWithParent,
      started: (started) => build.record(`${server.key}/${name}`, started),
    })
    const hasStarted = () => readFileSync(logFile, 'utf8').includes(sign)
    const alive = [{ name: `${server.key}/${name}`, process, logFile }]
    await waitUntil(`the ${name} of ${server.key}`, hasStarted, { alive, signal: build.signal })
  }
  const capture = [
    '-i',
    'eth0',
    '-U',
    '--immediate-mode',
    '-n',
    '-Z',
    'root',
    '-w',
    captureOf(build.plan, server.key),
  ]
  await together([
    start('capture', 'tcpdump', capture, 'listening on'),
    start('dnsmasq', 'dnsmasq', ['--no-daemon', `--conf-file=${config}`], 'started, version'),
  ])
}

/** The capture file of the DNS server with that key (an outside server's or a port's). */
export function captureOf({ directory }: { readonly directory: string }, key: string): string {
  return join(directory, key, 'packets.pcap')
}

const configOf = (addresses: readonly string[], hosts: string) =>
  `${[
    ...addresses.map((ip) => `listen-address=${ip}`),
    'bind-interfaces',
    `addn-hosts=${hosts}`,
    'local=/#/', // NXDOMAIN for whatever is not in the file of hosts
    'local-ttl=300',
    'no-hosts',
    'no-resolv',
    'no-poll',
    'cache-size=0',
    'log-queries=extra',
    'user=root',
    'pid-file=',
  ].join('\n')}\n`

const hostsOf = (records: Records) =>
  Object.entries(records)
    .flatMap(([name, addresses]) => addresses.map((ip) => `${ip} ${name}\n`))
    .join('')
