/** Measurements of peers as tables, JSON and plots. It measures nothing. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Table from 'cli-table3'
import { middle } from '../machine.ts'
import { barsSvg } from '../svg.ts'
import type { Measurement } from './load.ts'

/** All that one run found. */
export interface Result {
  readonly machine: string
  readonly rounds: number
  readonly seconds: number
  /** What each peer is. */
  readonly about: Readonly<Record<string, string>>
  /** What each peer answered, or why it was not measured. */
  readonly notes: Readonly<Record<string, string>>
  /** Peers that gave a wrong address before or after. */
  readonly wrong: readonly string[]
  readonly measurements: readonly Measurement[]
}

/** Below that part of right answers a row says nothing. */
const leastNoError = 0.99

const windows = [1, 16, 200]

/** Of whom ratios are told, as far as they were measured. */
const compared = [
  ['ours', 'ovn'],
  ['ours', 'bare'],
  ['ours', 'dnsmasq'],
  ['ours', 'plain'],
  ['plain', 'plain-ovn'],
  ['plain', 'bare'],
] as const
type Figure = 'perSecond' | 'controllerUs' | 'vswitchdUs' | 'p50' | 'p99'

/** The tables, on standard output. */
export function printReport(names: readonly string[], result: Result): void {
  const { machine, rounds, seconds, notes, about } = result
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const style = { head: [], border: [] }
  print(`${machine}; medians of ${rounds} turns of ${seconds} s`)
  const head = ['local names', 'answers/s at 200', 'controller us', 'switch us', 'rcodes']
  const table = new Table({ head: [...head, ...windows.map((each) => `p50/p99 us at ${each}`)], style })
  for (const name of names.filter((each) => each !== 'direct')) {
    const plain = select(result, name, 'local', 200, false)
    if (plain.length === 0) {
      table.push([name, { colSpan: 7, content: notes[name] ?? 'not measured' }])
      continue
    }
    table.push([
      ...[name, isVoid(result, name) ? 'void' : Math.round(median(plain, 'perSecond'))],
      ...[median(plain, 'controllerUs').toFixed(1), median(plain, 'vswitchdUs').toFixed(1), plain[0]!.rcodes],
      ...windows.map((outstanding) => latencyText(select(result, name, 'local', outstanding, true))),
    ])
  }
  print(table.toString())
  for (const pair of compared) {
    const text = ratiosText(result, pair)
    if (text !== undefined) print(`${pair.join(' : ')} = ${text}`)
  }
  print(outsideText(result))
  for (const [name, text] of Object.entries(notes)) print(`${name} (${about[name] ?? '-'}) ${text}`)
}

/** `answers.json` and plots, into a directory. */
export function writeReport(directory: string, result: Result): void {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'answers.json'), `${JSON.stringify(result, undefined, 1)}\n`)
  const peers = Object.keys(result.about).filter((name) => name !== 'direct' && !isVoid(result, name))
  const plain = (name: string) => select(result, name, 'local', 200, false)
  const plots = {
    'answers.svg': barsSvg({
      ...{ title: 'Local answers a second, 200 outstanding', unit: 'higher is better', groups: peers },
      ...{ series: ['answers/s'], values: peers.map((name) => [median(plain(name), 'perSecond')]) },
    }),
    'cpu.svg': barsSvg({
      ...{
        title: 'CPU of an answer',
        unit: 'us, lower is better',
        groups: peers,
        series: ['controller', 'switch'],
      },
      values: peers.map((name) => [median(plain(name), 'controllerUs'), median(plain(name), 'vswitchdUs')]),
    }),
    'latency.svg': barsSvg({
      ...{ title: 'Latency of local answers', unit: 'us, p50 and p99', series: peers },
      groups: [1, 16].flatMap((outstanding) => [`p50 at ${outstanding}`, `p99 at ${outstanding}`]),
      values: [1, 16].flatMap((outstanding) =>
        (['p50', 'p99'] as const).map((figure) =>
          peers.map((name) => median(select(result, name, 'local', outstanding, true), figure)),
        ),
      ),
    }),
  }
  for (const [file, text] of Object.entries(plots)) writeFileSync(join(directory, file), text)
}

function isVoid({ measurements, wrong }: Result, name: string): boolean {
  const own = measurements.filter(({ peer, names }) => peer === name && names === 'local')
  return wrong.includes(name) || own.some(({ noError }) => noError < leastNoError)
}

function select(
  { measurements }: Result,
  name: string,
  asked: Measurement['names'],
  outstanding: number,
  hasLatency: boolean,
): Measurement[] {
  return measurements.filter(
    (one) =>
      one.peer === name &&
      one.names === asked &&
      one.outstanding === outstanding &&
      (one.p50 !== undefined) === hasLatency,
  )
}

/** Medians of the pairs of one round each, the first peer's to the second's. */
function ratiosText(result: Result, pair: (typeof compared)[number]): string | undefined {
  if (pair.some((peer) => isVoid(result, peer))) return undefined
  const ratio = (outstanding: number, hasLatency: boolean, figure: Figure) =>
    pairs(result, pair, 'local', outstanding, hasLatency, (a, b) => a[figure]! / b[figure]!)
  const found = {
    'answers/s at 200': ratio(200, false, 'perSecond'),
    'controller CPU': ratio(200, false, 'controllerUs'),
    'controller CPU at 16': ratio(16, true, 'controllerUs'),
    'p50 at 1': ratio(1, true, 'p50'),
    'p50 at 16': ratio(16, true, 'p50'),
    'p99 at 16': ratio(16, true, 'p99'),
  }
  if (Number.isNaN(found['answers/s at 200'])) return undefined
  return Object.entries(found)
    .map(([what, value]) => `${what} ${value.toFixed(2)}`)
    .join(', ')
}

/** What the hijack costs those whom it does not concern. */
function outsideText(result: Result): string {
  const of = (name: string, outstanding: number, figure: Figure) =>
    median(select(result, name, 'outside', outstanding, outstanding !== 200), figure)
  if (Number.isNaN(of('ours', 1, 'p50')) || Number.isNaN(of('direct', 1, 'p50')))
    return 'outside names: not measured'
  const each = ['ours', 'direct'].map(
    (name) =>
      `${name === 'ours' ? 'through the hijack' : 'without it'} ${Math.round(of(name, 200, 'perSecond'))}/s, ` +
      `p50 ${Math.round(of(name, 1, 'p50'))} us at 1, CPU ${of(name, 200, 'controllerUs').toFixed(1)} + ` +
      `${of(name, 200, 'vswitchdUs').toFixed(1)} us`,
  )
  const added = pairs(result, ['ours', 'direct'], 'outside', 1, true, (a, b) => a.p50! - b.p50!)
  const ratio = pairs(result, ['ours', 'direct'], 'outside', 200, false, (a, b) => a.perSecond / b.perSecond)
  return `outside names: ${each.join('; ')}; added p50 ${Math.round(added)} us, throughput ${ratio.toFixed(2)} : 1`
}

function pairs(
  result: Result,
  [ours, theirs]: readonly [string, string],
  asked: Measurement['names'],
  outstanding: number,
  hasLatency: boolean,
  figure: (ours: Measurement, theirs: Measurement) => number,
): number {
  const others = select(result, theirs, asked, outstanding, hasLatency)
  const own = select(result, ours, asked, outstanding, hasLatency)
  return middle(own.flatMap((one, round) => (others[round] ? [figure(one, others[round])] : [])))
}

const latencyText = (all: readonly Measurement[]) =>
  all.length === 0 ? '-' : `${Math.round(median(all, 'p50'))}/${Math.round(median(all, 'p99'))}`

const median = (all: readonly Measurement[], figure: Figure) => middle(all.map((one) => one[figure]!))
