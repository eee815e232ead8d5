/**
 * `npm run bench`: answers a second, latency, and CPU an answer costs, of this controller and of its peers, side by side
 * on one machine and in turns (ours, peer, ours, peer ...), so that what disturbs one disturbs all; and outside names
 * through the hijack beside the same without it. All peers that are asked for the same names run while one of them is
 * measured, and no other. Prints tables; ends by itself, and after Ctrl-C, and leaves nothing behind.
 *
 *     npm run bench -- [--rounds 5] [--seconds 4] [--peers ours,ovn,bare,dnsmasq,direct,plain,plain-ovn] [--out DIRECTORY]
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { reasonOf } from '../../src/errors.ts'
import { load as loadAverage } from '../machine.ts'
import { demand, missing, type Need, provenance, refuse, remedy } from '../needs.ts'
import { measure, type Run, wholeNumber } from '../run.ts'
import { startBare } from './bare.ts'
import { startDnsmasq } from './dnsmasq.ts'
import { load, type Measurement, type Said, said, writeQueries } from './load.ts'
import { startDirect, startOurs, startPlain } from './ours.ts'
import { startOvn, startPlainOvn } from './ovn.ts'
import { outsideRecords, type Peer, records } from './peer.ts'
import { printReport, type Result, writeReport } from './report.ts'

const ovs: Need = ['ovs-vswitchd', 'openvswitch-switch']
const dnsmasq: Need = ['dnsmasq', 'dnsmasq-base']
const ovn: readonly Need[] = [
  ['ovn-northd', 'ovn-central'],
  ['ovn-nbctl', 'ovn-common'],
  ['ovn-controller', 'ovn-host'],
]
const starters = {
  ours: { start: startOurs, needs: [dnsmasq], asked: ['local', 'outside'] },
  ovn: { start: startOvn, needs: ovn, asked: ['local'] },
  bare: { start: startBare, needs: [], asked: ['local'] },
  dnsmasq: { start: startDnsmasq, needs: [dnsmasq], asked: ['local'] },
  direct: { start: startDirect, needs: [dnsmasq], asked: ['outside'] },
  plain: { start: startPlain, needs: [dnsmasq], asked: ['local'] },
  'plain-ovn': { start: startPlainOvn, needs: ovn, asked: ['local'] },
} satisfies Record<string, Starter>
type PeerName = keyof typeof starters

interface Starter {
  readonly start: (root: string) => Promise<Peer>
  readonly needs: readonly Need[]
  /** Which names it is asked for. */
  readonly asked: readonly AskedNames[]
}

type AskedNames = Measurement['names']

/** In this order: what is asked for, and how many queries are kept on their way. */
const phases = [
  { asked: 'local', of: records, windows: [200, 1, 16] },
  { asked: 'outside', of: outsideRecords, windows: [200, 1] },
] as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    peers: { type: 'string', default: 'ours,ovn,bare,dnsmasq,direct' },
    out: { type: 'string' },
  },
})

/** Before its first turn; what is compiled while it runs needs a while. */
const warmUpSeconds = 3

const say = (line: string) => void process.stderr.write(`${line}\n`)
const rounds = wholeNumber('rounds', values.rounds, 1, 100)
const seconds = wholeNumber('seconds', values.seconds, 1, 60)
const names = values.peers
  .split(',')
  .map((name) =>
    name in starters
      ? (name as PeerName)
      : refuse(`--peers ${name}: there are ${Object.keys(starters).join(', ')}`),
  )
demand([ovs, ['dnsperf', 'dnsperf'], ['dig', 'bind9-dnsutils']])
if (process.getuid?.() !== 0) refuse('namespaces need root: run it as root')
await measure('bench', async (run) => {
  process.exitCode = await compare(run)
})

async function compare({ directory: root, signal }: Run): Promise<number> {
  const running = new Map<PeerName, Peer>()
  const about: Record<string, string> = {}
  const notes: Record<string, string> = {}
  const wrong = new Set<string>()
  const measurements: Measurement[] = []
  try {
    for (const phase of phases) {
      const those = names.filter((name) => isAsked(name, phase.asked))
      for (const name of running.keys()) if (!those.includes(name)) await end(name)
      for (const name of those) if (!(name in notes)) await begin(name, phase.of)
      await take(
        phase,
        those.flatMap((name) => running.get(name) ?? []),
      )
      for (const peer of running.values())
        note(peer, `after ${phase.asked} names`, await said(peer, phase.of, 1000))
    }
  } finally {
    for (const name of running.keys()) await end(name)
  }
  const result: Result = {
    machine: provenance(),
    rounds,
    seconds,
    about,
    notes,
    wrong: [...wrong],
    measurements,
  }
  printReport(names, result)
  if (values.out !== undefined) writeReport(values.out, result)
  return names.length === Object.keys(about).length ? 0 : 1

  /** Starts a peer; one that cannot be started is told of and left out, all others are measured. */
  async function begin(name: PeerName, of: typeof records): Promise<void> {
    signal.throwIfAborted()
    const { start, needs } = starters[name]
    const lacking = missing(needs)
    try {
      if (lacking.length > 0) throw new Error(remedy(lacking))
      say(`starting ${name}`)
      const peer = await start(join(root, name))
      running.set(name, peer)
      about[name] = peer.about
      note(peer, 'answered', await said(peer, of, 20_000))
    } catch (error) {
      notes[name] = `not measured: ${reasonOf(error)}`
      say(`${name}: ${notes[name]}`)
    }
  }

  async function end(name: PeerName): Promise<void> {
    const peer = running.get(name)!
    running.delete(name)
    await peer.stop().catch((error) => say(`${name} did not stop: ${reasonOf(error)}`))
  }

  function note({ name }: Peer, when: string, { isRight, text }: Said): void {
    notes[name] = [notes[name], `${when}: ${text}`].filter(Boolean).join('; ')
    if (!isRight) wrong.add(name)
    say(`${name} ${when}: ${text}${isRight ? '' : ' (WRONG)'}`)
  }

  async function take(
    { asked, of, windows }: (typeof phases)[number],
    those: readonly Peer[],
  ): Promise<void> {
    const queries = writeQueries(root, asked, of)
    const warmUp = { names: asked, queries, outstanding: 200, seconds: warmUpSeconds }
    for (const peer of those) {
      signal.throwIfAborted()
      await load(peer, warmUp)
    }
    // Telling every latency costs dnsperf throughput: it is asked apart.
    for (const outstanding of windows)
      for (const hasLatency of outstanding === 200 && asked === 'local'
        ? [false, true]
        : [outstanding !== 200])
        for (let round = 1; round <= rounds; round += 1)
          for (const peer of those) {
            signal.throwIfAborted()
            const one = await load(peer, { names: asked, queries, outstanding, seconds, hasLatency })
            measurements.push(one)
            say(
              `${asked}, ${outstanding} outstanding, ${round}/${rounds}: ${lineOf(one)}  [load ${loadAverage()}]`,
            )
          }
  }
}

function isAsked(name: PeerName, names: AskedNames): boolean {
  return (starters[name].asked as readonly AskedNames[]).includes(names)
}

function lineOf(one: Measurement): string {
  const { peer, answered, perSecond, controllerUs, vswitchdUs, rcodes, p50, p99 } = one
  const latency = p50 === undefined ? '' : `, p50 ${Math.round(p50)} us, p99 ${Math.round(p99!)} us`
  const cpu = `CPU ${controllerUs.toFixed(1)} + ${vswitchdUs.toFixed(1)} us`
  return `${peer.padEnd(8)} ${Math.round(perSecond)}/s of ${answered}, ${cpu}${latency}, ${rcodes}`
}
