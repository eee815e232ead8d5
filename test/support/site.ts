/**
 * examples/two-tenants.yaml on a real switch with one controller, for the tests of what happens when something fails
 * (docs/reliability.md): its parts can be killed and started again, under load, and what was found is told in lines.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { down, restartController, up } from '../../src/lab/lab.ts'
import { controllerStatus } from '../../src/lab/node.ts'
import { type NodePlan, northboundOf, type Plan, planOf } from '../../src/lab/plan.ts'
import { type ProcessRef, run, signalProcess, startDaemon, stopProcess } from '../../src/lab/process.ts'
import { readLabFile } from '../../src/lab/schema.ts'
import { seed } from '../../src/lab/seed.ts'
import { directoryOf, openState, readState } from '../../src/lab/state.ts'
import { type SwitchTools, switchAt } from '../../src/lab/switch.ts'
import { type NbDriver, openNbDriver } from '../../src/nb/index.ts'
import { builtSource } from './build.ts'
import { labNameOf, tracesOf, twoTenantsFile } from './lab.ts'
import { Load, now, type Outcome, type Question, type Truth, tallyOf } from './load.ts'

/** What a site is made with besides the example. */
export interface SiteOptions {
  /** What the lab keeps the northbound rows in; files by default. */
  readonly nb?: 'file' | 'etcd'
  /** Options of df.conf, by section. */
  readonly options?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** A store that the test has made itself, which `options` name; it gets the rows of the example. */
  readonly store?: NbDriver
}

/** A killed process, and when it was. */
export interface Killed {
  readonly pid: number
  readonly at: number
}

export class Site {
  readonly plan: Plan
  readonly node: NodePlan
  readonly bridge: SwitchTools
  /** The northbound store, for writing. */
  readonly store: NbDriver
  /** How many times longer than on an idle machine a start takes here and now; 1 if it does not. */
  slowness = 1

  private constructor(plan: Plan, store: NbDriver) {
    this.plan = plan
    this.node = plan.nodes[0]!
    this.bridge = switchAt(this.node.switchDirectory)
    this.store = store
  }

  static async start(test: string, { nb = 'file', options = {}, store }: SiteOptions = {}): Promise<Site> {
    const name = labNameOf(test)
    const folder = mkdtempSync(join(tmpdir(), 'df-site-'))
    const file = join(folder, 'lab.yaml')
    const more = Object.keys(options).length > 0 ? `options: ${JSON.stringify(options)}\n` : ''
    writeFileSync(file, readFileSync(twoTenantsFile, 'utf8') + more)
    if (store !== undefined)
      await seed(planOf(readLabFile(file), { name, directory: directoryOf(name) }), store)
    const controller = join(builtSource(), 'main.js')
    const { plan } = await up({ name, file, nb, controller, diesWithParent: true, report: () => {} })
    rmSync(folder, { recursive: true })
    return new Site(plan, store ?? (await openNbDriver(northboundOf(plan))))
  }

  /** Takes it down; nothing is left. */
  async close(): Promise<void> {
    await this.store.close()
    await down(this.plan.name)
    expect(tracesOf(this.plan.name)).toEqual([])
  }

  /**
   * A bound in milliseconds as this machine can be held to it: what takes a third of a second on an idle one (the
   * controller's program is loaded and ends) is the measure, under load, at the start and at the end.
   */
  bound(ms: number): number {
    return ms * this.slowness
  }

  /** Puts the site under load, at one question of each VM every `everyMs`; returns when all ask. */
  async startLoad(truth: Truth, questions: readonly Question[], everyMs = 20): Promise<Load> {
    const load = await Load.start(this.plan, truth, questions, everyMs)
    this.slowness = await slownessNow()
    return load
  }

  /** Ends it and gives what became of every question; an answer may be as much as the bound `lagMs` behind its row. */
  async stopLoad(load: Load, lagMs = 0): Promise<Outcome[]> {
    this.slowness = Math.max(this.slowness, await slownessNow())
    return load.stop(this.bound(lagMs))
  }

  /** A process of the lab by its part: `controller`, `ovs-vswitchd`, `ovsdb-server`, `etcd`. */
  process(part: string): ProcessRef {
    const { parts } = readState(this.plan.name)!
    return parts.find(({ name }) => name === part || name.endsWith(`/${part}`))!.process
  }

  /** Sends a part a signal and tells its pid and when. */
  signal(part: string, signal: NodeJS.Signals): Killed {
    const victim = this.process(part)
    expect(signalProcess(victim, signal)).toBe(true)
    return { pid: victim.pid, at: now() }
  }

  /** Starts the controller again and returns when it is ready. */
  async startController(): Promise<void> {
    const entry = join(builtSource(), 'main.js')
    await restartController(this.plan.name, this.node, entry, { diesWithParent: true })
  }

  /** Ends the controller in order. */
  async stopController(): Promise<number> {
    const { pid } = this.process('controller')
    await stopProcess(this.process('controller'), 10_000)
    return pid
  }

  /** Kills a part, does something, and starts it again as it was, with some of its arguments replaced. */
  async restart(
    part: string,
    between: () => Promise<unknown> = async () => {},
    edit: (argument: string) => string = (argument) => argument,
  ): Promise<Killed> {
    const { pid } = this.process(part)
    const words = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1)
    const [command, ...args] = words('cmdline')
    const env = Object.fromEntries(
      words('environ').map((word) => [word.split('=')[0]!, word.replace(/^[^=]*=/, '')]),
    )
    const namespace = part === 'etcd' ? this.plan.etcd!.namespace : this.node.namespace
    const cwd = part === 'etcd' ? this.plan.etcd!.directory : undefined
    const killed = this.signal(part, 'SIGKILL')
    await between()
    const logFile = join(part === 'etcd' ? cwd! : this.node.switchDirectory, `${part}.log`)
    const name = readState(this.plan.name)!.parts.find((one) => one.process.pid === pid)!.name
    await startDaemon(command!, args.map(edit), {
      logFile,
      env,
      namespace,
      ...(cwd !== undefined && { cwd }),
      diesWithParent: true,
      started: (started) => openState(this.plan.name).record(name, started),
    })
    return killed
  }

  /** Whether the controller says that it is ready, and what it lacks. */
  async reasons(): Promise<readonly string[]> {
    return (await controllerStatus(this.node))?.reasons ?? ['no status']
  }

  /** Tells what was found, in the form of docs/reliability.md. */
  tell(fault: string, pids: readonly number[], outcomes: readonly Outcome[], more: string): void {
    const kinds = (['outside', 'local'] as const).flatMap((kind) => {
      const { sent, right, forwarded, lost, wrong } = tallyOf(outcomes, kind)
      if (sent === 0) return []
      const passed = kind === 'local' ? `, ${forwarded} forwarded` : ''
      return `${kind}: ${sent} sent, ${right} answered${passed}, ${lost} lost, ${wrong} wrong`
    })
    const slow = this.slowness > 1 ? ` (bounds times ${this.slowness.toFixed(1)})` : ''
    process.stdout.write(`${[`${fault} (pid ${pids.join(', ')})`, ...kinds, more].join('; ')}${slow}\n`)
  }
}

/** How many times longer than on an idle machine the controller's program takes to be loaded, at this moment; at least 1. */
export async function slownessNow(): Promise<number> {
  const startedAt = now()
  await run(process.execPath, [join(builtSource(), 'main.js'), '--help'])
  return Math.max(1, (now() - startedAt) / 350)
}

/** When the last question was asked that did not get this verdict; -Infinity if all did. */
export const lastWithout = (verdict: Outcome['verdict'], outcomes: readonly Outcome[]): number =>
  Math.max(
    Number.NEGATIVE_INFINITY,
    ...outcomes.filter((one) => one.verdict !== verdict).map(({ sentAt }) => sentAt),
  )

export const milliseconds = (ms: number) => `${Math.round(ms)} ms`
