/**
 * How the controller bears a large cloud: `npm run bench:scale -- [--ports 10000] [--networks 500] [--local 200]
 * [--seconds 20] [--rate 50] [--turns 150] [--rest 30] [--nb file|etcd]`. Starts a private Open vSwitch and a real
 * controller, and measures start, memory, CPU for each changed row, and the time from a written row to its effect.
 * docs/performance.md has results; test/system/scale.test.ts runs it small.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { NbDriver } from '../src/nb/index.ts'
import { type Effect, hasAnswer, type Kind, kindsOf, queryFrame } from './changes.ts'
import { type CloudSize, portsOf, rowsOf } from './cloud.ts'
import { cpuMs, load, machineLine, memoryMb, spread } from './machine.ts'
import { demand, refuse } from './needs.ts'
import { type BenchNode, monitorFlows, startNode } from './node.ts'
import { measure, type Run, wholeNumbers } from './run.ts'
import { needsOfStore, startStore } from './store.ts'

const { values } = parseArgs({
  options: {
    ports: { type: 'string', default: '10000' },
    networks: { type: 'string', default: '500' },
    local: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '50' },
    turns: { type: 'string', default: '150' },
    rest: { type: 'string', default: '30' },
    nb: { type: 'string', default: 'file' },
  },
})
const {
  ports: portCount,
  networks,
  local,
} = wholeNumbers(values, ['ports', 'networks', 'local'], 1, 1_000_000)
const { seconds, rate, turns, rest } = wholeNumbers(values, ['seconds', 'rate', 'turns', 'rest'], 1, 3600)
const size: CloudSize = { tenants: 10, networks, ports: portCount, localPorts: local }
if (size.networks <= size.localPorts || size.ports < 4 * size.networks)
  refuse('--networks must be more than --local, and --ports four times as many: some changes are far away')
demand([['ovs-vswitchd', 'openvswitch-switch'], ...needsOfStore(values.nb)])
const say = (what: string, figure: string) =>
  process.stdout.write(`${what.padEnd(40)}${figure}  [load ${load()}]\n`)

const ports = portsOf(size)
const mix: Kind[] = Object.values(kindsOf(ports, size))
let turn = 1
process.stdout.write(`${machineLine()}\n${JSON.stringify(size)}\n`)
await measure('scale', async (run) => {
  const { directory, signal, stopping } = run
  const stored = stopping(await startStore(values.nb, directory))
  const store = stored.driver
  const rows = [...rowsOf(size)]
  const loadedAt = performance.now()
  await store.putAll(rows)
  say(`${rows.length} rows written`, `${((performance.now() - loadedAt) / 1000).toFixed(1)} s`)

  signal.throwIfAborted()
  const node = stopping(
    await startNode({
      directory,
      name: '1',
      host: 'compute-1',
      store: stored.configuration,
      plugged: ports.filter(({ isLocal }) => isLocal).map(({ id }) => id),
      isCapturing: true,
    }),
  )
  signal.throwIfAborted()
  const { process: controller, readyMs } = await node.start(120_000)
  const { pid } = controller
  say('start to ready', `${(readyMs / 1000).toFixed(1)} s, CPU ${(cpuMs(pid) / 1000).toFixed(1)} s`)
  const sayFlows = async (what: string) => {
    const { flows, localPorts } = (await node.status())!
    say(what, `${flows.installed}, local ports ${localPorts}`)
  }
  const sayMemory = async (when: string) => {
    const { rss, pss, peak } = memoryMb(pid)
    const heap = Math.round((await node.status())!.memory.heapUsed / (1 << 20))
    say(`memory ${when}`, `RSS ${rss} MB, PSS ${pss} MB, peak ${peak} MB, heap in use ${heap} MB`)
  }
  await sayFlows('flows')
  await sayMemory('when ready')

  await run.sleep(5000) // what the start has left to do: every flow is looked at once
  const idle = await cpuShare(pid, () => run.sleep(1000 * rest))
  say('CPU at rest', `${(idle * 100).toFixed(1)} % of a core`)

  const [cpuBefore, startedAt] = [cpuMs(pid), performance.now()]
  for (let i = 0; i < turns; i += 1) {
    const { row } = mix[i % mix.length]!(turn++)
    await Promise.all([run.sleep(200), store.put(row.table, row.id, row.value)])
  }
  const used = cpuMs(pid) - cpuBefore - idle * (performance.now() - startedAt)
  say('one row at a time, of all kinds', `${(used / turns).toFixed(1)} ms of CPU a row (${turns})`)
  await sayMemory('after changes')

  await underLoad(run, { node, store, pid, idle })
  await sayMemory('at the end')
  await sayFlows('flows at the end')
})

/** The part of a core at rest is not the changes'. */
interface Loaded {
  readonly node: BenchNode
  readonly store: NbDriver
  readonly pid: number
  readonly idle: number
}

/** Changes rows at the rate asked for, and looks when each takes effect. */
async function underLoad(run: Run, { node, store, pid, idle }: Loaded): Promise<void> {
  const waiting = new Map<string, number>()
  const took = { flow: [] as number[], answer: [] as number[] }
  const asking: Promise<void>[] = []
  const endMonitor = monitorFlows(node.ovs, (line, seenAt) => {
    const text = /event=(?:ADDED|MODIFIED).*(arp_tpa=[\d.]+)/.exec(line)?.[1]
    const writtenAt = text === undefined ? undefined : waiting.get(text)
    if (writtenAt === undefined) return
    waiting.delete(text!)
    took.flow.push(seenAt - writtenAt)
  })
  try {
    await run.sleep(1000)
    const watch = (effect: Effect, writtenAt: number) => {
      if (effect.kind === 'flow') waiting.set(effect.text, writtenAt)
      // One question at a time; its port is asked every few ms.
      else if (asking.length < (performance.now() - startedAt) / 200)
        asking.push(answered(run, node, effect, writtenAt).then((ms) => void took.answer.push(ms)))
    }
    const startedAt = performance.now()
    const before = cpuMs(pid)
    let written = 0
    while (performance.now() - startedAt < seconds * 1000) {
      const due = startedAt + (written * 1000) / rate
      if (due > performance.now()) await run.sleep(due - performance.now())
      const { row, effect } = mix[written % mix.length]!(turn++)
      if (effect) watch(effect, performance.now())
      await store.put(row.table, row.id, row.value)
      written += 1
    }
    const elapsed = performance.now() - startedAt
    const used = cpuMs(pid) - before
    await Promise.race([Promise.all(asking), run.sleep(5000)])
    await run.sleep(2000)
    say(
      `${((written / elapsed) * 1000).toFixed(0)} rows a second for ${seconds} s`,
      `CPU ${((used / elapsed) * 100).toFixed(0)} % of a core, ${(used / written - (idle * elapsed) / written).toFixed(1)} ms a row`,
    )
    say('row to flow in the switch', `${spread(took.flow)}, never seen: ${waiting.size}`)
    say('row to answer', `${spread(took.answer)}, asked: ${asking.length}`)
  } finally {
    endMonitor()
    await Promise.allSettled(asking)
  }
}

/** Asks every 10 ms until the answer is there; the time since the row began to be written, in ms. */
async function answered(
  { signal }: Run,
  at: BenchNode,
  effect: Extract<Effect, { kind: 'answer' }>,
  writtenAt: number,
): Promise<number> {
  const { port, name } = effect
  const id = Math.floor(Math.random() * 0x3fff)
  const from = at.captureSize(port.id)
  while (performance.now() - writtenAt < 5000 && !signal.aborted) {
    await at.inject(port.id, queryFrame(port, name, id))
    await sleep(5)
    if (hasAnswer(at.captured(port.id, from), id)) break
    await sleep(5)
  }
  return performance.now() - writtenAt
}

/** The part of a core that a process uses while something is done. */
async function cpuShare(pid: number, act: () => Promise<unknown>): Promise<number> {
  const [cpu, startedAt] = [cpuMs(pid), performance.now()]
  await act()
  return (cpuMs(pid) - cpu) / (performance.now() - startedAt)
}
