/** dnsperf as the client: one measurement of a peer, and what its answers were. It knows no peer by name. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf } from '../../src/lab/process.ts'
import { cpuMs } from '../machine.ts'
import type { Peer } from './peer.ts'

/** One measurement. Times in microseconds. */
export interface Measurement {
  readonly peer: string
  /** Whose names were asked. */
  readonly names: 'local' | 'outside'
  readonly outstanding: number
  readonly sent: number
  readonly answered: number
  readonly perSecond: number
  readonly rcodes: string
  /** The part of the answers that were NOERROR. */
  readonly noError: number
  readonly controllerUs: number
  readonly vswitchdUs: number
  /** Of every answer; undefined where dnsperf was not asked to tell them. */
  readonly p50?: number
  readonly p99?: number
}

/** What dnsperf sends: the A record of every name in turn, without EDNS, which not every peer answers. */
export function writeQueries(directory: string, names: Measurement['names'], records: Records): string {
  const file = join(directory, names)
  writeFileSync(file, records.map(([name]) => `${name} A\n`).join(''))
  return file
}

export type Records = readonly (readonly [name: string, address: string])[]

export interface LoadOptions {
  readonly names: Measurement['names']
  /** The file that `writeQueries` made of them. */
  readonly queries: string
  readonly outstanding: number
  readonly seconds: number
  /** Has dnsperf tell the latency of every answer, which costs it some throughput. */
  readonly hasLatency?: boolean
}

/** Loads a peer for some seconds. Throws `LabError` if dnsperf cannot run. */
export async function load(peer: Peer, options: LoadOptions): Promise<Measurement> {
  const { names, queries, outstanding, seconds, hasLatency = false } = options
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
  const rcodes = /Response codes:\s+(.*)/.exec(stdout)?.[1]?.trim() ?? 'none'
  return {
    ...{ peer: peer.name, names, outstanding, sent: number('Queries sent'), answered },
    perSecond: number('Queries per second'),
    rcodes,
    noError: Number(/NOERROR (\d+)/.exec(rcodes)?.[1] ?? 0) / Math.max(answered, 1),
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

/** What a peer said to each name, and whether all of it was right. */
export interface Said {
  readonly isRight: boolean
  readonly text: string
}

/** Asks each name with dig until every answer is the right address, for at most that long. */
export async function said(peer: Peer, records: Records, limitMs: number): Promise<Said> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const answers = await Promise.all(records.map(([name]) => ask(peer, name)))
    const isRight = records.every(([, address], i) => answers[i] === (peer.answersAlways ?? address))
    if (isRight || performance.now() > deadline)
      return { isRight, text: records.map(([name], i) => `${name} ${answers[i] || 'no answer'}`).join(', ') }
  }
}

async function ask(peer: Peer, name: string): Promise<string> {
  const { stdout } = await outputOf('nsenter', [
    ...[`--net=/run/netns/${peer.clientNamespace}`, 'dig', `@${peer.server}`, name, 'A'],
    ...['+noedns', '+short', '+tries=1', '+time=1'],
  ])
  return stdout.trim()
}
