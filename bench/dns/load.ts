/** dnsperf as the client: one measurement of a peer, and what its answers were. It knows no peer by name. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf } from '../../src/lab/process.ts'
import { cpuMs } from '../machine.ts'
import { type Peer, records } from './peer.ts'

/** One measurement. Times in microseconds. */
export interface Measurement {
  readonly peer: string
  readonly outstanding: number
  readonly sent: number
  readonly answered: number
  readonly perSecond: number
  readonly rcodes: string
  readonly controllerUs: number
  readonly vswitchdUs: number
  /** Of every answer; undefined where dnsperf was not asked to tell them. */
  readonly p50?: number
  readonly p99?: number
}

/** What dnsperf sends: the A record of every name in turn, without EDNS, which not every peer answers. */
export function writeQueries(directory: string): string {
  const file = join(directory, 'queries')
  writeFileSync(file, records.map(([name]) => `${name} A\n`).join(''))
  return file
}

export interface LoadOptions {
  readonly queries: string
  readonly outstanding: number
  readonly seconds: number
  /** Has dnsperf tell the latency of every answer, which costs it some throughput. */
  readonly hasLatency?: boolean
}

/** Loads a peer for some seconds. Throws `LabError` if dnsperf cannot run. */
export async function load(peer: Peer, options: LoadOptions): Promise<Measurement> {
  const { queries, outstanding, seconds, hasLatency = false } = options
  const before = [cpuMs(peer.controller), cpuMs(peer.vswitchd)] as const
  const { stdout } = await outputOf(
    'nsenter',
    [
      ...[`--net=/run/netns/${peer.clientNamespace}`, 'dnsperf', '-s', peer.server, '-d', queries],
      ...['-q', `${outstanding}`, '-l', `${seconds}`, '-c', '1', '-W', ...(hasLatency ? ['-v'] : [])],
    ],
    { timeoutMs: (seconds + 20) * 1000 },
  )
  const controllerMs = cpuMs(peer.controller) - before[0]
  const vswitchdMs = cpuMs(peer.vswitchd) - before[1]
  const number = (label: string) => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(stdout)?.[1] ?? 0)
  const answered = number('Queries completed')
  return {
    ...{ peer: peer.name, outstanding, sent: number('Queries sent'), answered },
    perSecond: number('Queries per second'),
    rcodes: /Response codes:\s+(.*)/.exec(stdout)?.[1]?.trim() ?? 'none',
    controllerUs: (controllerMs * 1000) / Math.max(answered, 1),
    vswitchdUs: (vswitchdMs * 1000) / Math.max(answered, 1),
    ...(hasLatency ? percentiles(stdout) : {}),
  }
}

/** A line of `dnsperf -v` is `> NOERROR name type seconds`. */
function percentiles(stdout: string): { p50: number; p99: number } {
  const latencies = [...stdout.matchAll(/^> \S+ \S+ \S+ ([\d.]+)$/gm)].map((line) => Number(line[1]) * 1e6)
  latencies.sort((a, b) => a - b)
  const at = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))]
  return { p50: at(0.5) ?? Number.NaN, p99: at(0.99) ?? Number.NaN }
}

/** Asks each name with dig until every answer is the right address; gives the answers as the peer gave them. */
export async function answersOf(peer: Peer): Promise<string> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const answers = await Promise.all(records.map(([name]) => ask(peer, name)))
    const isRight = records.every(([, ip], index) => answers[index] === ip)
    if (isRight || performance.now() > deadline)
      return records.map(([name], index) => `${name} ${answers[index] || 'no answer'}`).join(', ')
  }
}

async function ask(peer: Peer, name: string): Promise<string> {
  const { stdout } = await outputOf('nsenter', [
    ...[`--net=/run/netns/${peer.clientNamespace}`, 'dig', `@${peer.server}`, name, 'A'],
    ...['+noedns', '+short', '+tries=1', '+time=1'],
  ])
  return stdout.trim()
}
