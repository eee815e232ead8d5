/**
 * `npm run bench`: answers a second, latency, and CPU an answer costs, of this controller and of its peers, side by side
 * on one machine and in turns (ours, peer, ours, peer …), so that what disturbs one disturbs all. Every peer keeps
 * running while another is measured. Prints a table and writes JSON; ends by itself and leaves nothing behind.
 *
 *     npm run bench -- [--rounds 5] [--seconds 4] [--peers ours,ovn,bare,dnsmasq] [--json FILE]
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { reasonOf } from '../../src/errors.ts'
import { load as loadAverage, machineLine } from '../machine.ts'
import { startBare } from './bare.ts'
import { startDnsmasq } from './dnsmasq.ts'
import { answersOf, load, type Measurement, writeQueries } from './load.ts'
import { startOurs } from './ours.ts'
import { startOvn } from './ovn.ts'
import { type Peer, records } from './peer.ts'

const starters = { ours: startOurs, ovn: startOvn, bare: startBare, dnsmasq: startDnsmasq }
type PeerName = keyof typeof starters

const packages: Record<PeerName, string> = {
  ours: 'openvswitch-switch',
  bare: 'openvswitch-switch',
  ovn: 'ovn-central ovn-host',
  dnsmasq: 'dnsmasq-base',
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    peers: { type: 'string', default: Object.keys(starters).join(',') },
    json: { type: 'string' },
  },
})
const rounds = count('rounds', values.rounds, 100)
const seconds = count('seconds', values.seconds, 60)
const names = values.peers.split(',').map((name) => {
  if (name in starters) return name as PeerName
  throw new Error(`--peers ${name}: there are ${Object.keys(starters).join(', ')}`)
})

function count(name: string, text: string, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new Error(`--${name} ${text}: a whole number from 1 to ${max}`)
}

const say = (line: string) => process.stderr.write(`${line}\n`)
const root = mkdtempSync(join(tmpdir(), 'df-bench-'))
const peers: Peer[] = []
let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isInterrupted = true))

const measurements: Measurement[] = []
const answers: Record<string, string> = {}
try {
  for (const name of names) await begin(name)
  const queries = writeQueries(root)
  for (const [outstanding, hasLatency] of [
    [200, false],
    [1, true],
    [16, true],
    [200, true],
  ] as const)
    for (let round = 1; round <= rounds && !isInterrupted; round += 1)
      for (const peer of peers) {
        const one = await load(peer, { queries, outstanding, seconds, hasLatency })
        measurements.push(one)
        say(`${outstanding} outstanding, round ${round}: ${lineOf(one)}  [load ${loadAverage()}]`)
      }
} finally {
  for (const peer of peers)
    await peer.stop().catch((error) => say(`${peer.name} did not stop: ${reasonOf(error)}`))
  rmSync(root, { recursive: true, force: true })
}
report()

/** Starts a peer; one that cannot be started is told of and left out, all others are measured. */
async function begin(name: PeerName): Promise<void> {
  if (isInterrupted) return
  say(`starting ${name}`)
  try {
    const peer = await starters[name](join(root, name))
    peers.push(peer)
    answers[name] = await answersOf(peer)
    say(`${name} answers ${answers[name]}`)
  } catch (error) {
    answers[name] = `not measured: ${reasonOf(error)} (packages: ${packages[name]})`
    say(`${name}: ${answers[name]}`)
    process.exitCode = 1
  }
}

function lineOf({
  peer,
  answered,
  perSecond,
  controllerUs,
  vswitchdUs,
  rcodes,
  p50,
  p99,
}: Measurement): string {
  const latency = p50 === undefined ? '' : `, p50 ${Math.round(p50)} us, p99 ${Math.round(p99!)} us`
  const cpu = `CPU ${controllerUs.toFixed(1)} + ${vswitchdUs.toFixed(1)} us`
  return `${peer.padEnd(8)} ${Math.round(perSecond)}/s of ${answered}, ${cpu}${latency}, ${rcodes}`
}

function report(): void {
  const machine = `${machineLine()}, ${new Date().toISOString().slice(0, 10)}`
  process.stdout.write(`${machine}; medians of ${rounds} turns of ${seconds} s\n`)
  const head = ['peer', 'answers/s at 200', 'controller us', 'switch us', 'rcodes']
  const table = new Table({
    head: [...head, 'p50/p99 at 1', 'at 16', 'at 200'],
    style: { head: [], border: [] },
  })
  for (const name of names) {
    const plain = of(name, 200, false)
    if (plain.length === 0) {
      table.push([name, { colSpan: 7, content: answers[name] ?? 'not measured' }])
      continue
    }
    const isValid = plain.every(
      ({ rcodes }) => Number(/NOERROR \d+ \(([\d.]+)%/.exec(rcodes)?.[1] ?? 0) >= 99,
    )
    table.push([
      ...[name, isValid ? Math.round(median(plain, 'perSecond')) : 'void'],
      ...[median(plain, 'controllerUs').toFixed(1), median(plain, 'vswitchdUs').toFixed(1), plain[0]!.rcodes],
      ...[1, 16, 200].map((outstanding) => latencyText(of(name, outstanding, true))),
    ])
  }
  process.stdout.write(`${table.toString()}\n`)
  for (const peer of names.filter((name) => name !== 'ours' && names.includes('ours'))) ratios(peer)
  for (const [name, text] of Object.entries(answers)) process.stdout.write(`${name} answered: ${text}\n`)
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine, rounds, seconds, records, answers, measurements }, undefined, 1)}\n`,
    )
}

function of(name: string, outstanding: number, hasLatency: boolean): Measurement[] {
  return measurements.filter(
    (one) => one.peer === name && one.outstanding === outstanding && (one.p50 !== undefined) === hasLatency,
  )
}

/** Medians of the pairs of one round each, ours to the peer's. */
function ratios(peer: PeerName): void {
  const pairs = (outstanding: number, hasLatency: boolean, field: 'perSecond' | 'controllerUs' | 'p99') => {
    const [ours, theirs] = [of('ours', outstanding, hasLatency), of(peer, outstanding, hasLatency)]
    return middle(ours.flatMap((one, round) => one[field]! / (theirs[round]?.[field] ?? Number.NaN)))
  }
  const text = [
    `answers/s at 200 ${pairs(200, false, 'perSecond').toFixed(2)}`,
    `controller CPU ${pairs(200, false, 'controllerUs').toFixed(2)}`,
    `p99 at 16 ${pairs(16, true, 'p99').toFixed(2)}`,
  ]
  process.stdout.write(`ours : ${peer} = ${text.join(', ')}\n`)
}

function latencyText(all: readonly Measurement[]): string {
  if (all.length === 0) return '-'
  return `${Math.round(median(all, 'p50'))}/${Math.round(median(all, 'p99'))} us`
}

type Figure = 'perSecond' | 'controllerUs' | 'vswitchdUs' | 'p50' | 'p99'

function median(all: readonly Measurement[], field: Figure): number {
  return middle(all.map((one) => one[field]!))
}

function middle(numbers: readonly number[]): number {
  const sorted = numbers.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
