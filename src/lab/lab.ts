/**
 * A lab's life: up, down, and what may be done with it in between (docs/lab.md). Whatever ends `up` (a failure, Ctrl-C,
 * kill -9) leaves a state on disk from which `down` removes every process, namespace, link and directory.
 */

import { existsSync } from 'node:fs'
import { ConfigError, reasonOf } from '../errors.ts'
import { openNbDriver } from '../nb/index.ts'
import { adoptedPort } from './adopt.ts'
import { boot } from './boot.ts'
import type { Build } from './build.ts'
import { startEtcd, untilEtcdAnswers } from './etcd.ts'
import { deleteNamespace, hasNamespace } from './namespace.ts'
import { createNode, type StartedController, startController } from './node.ts'
import { introduceNodes, joinNodes, linkNode } from './node-links.ts'
import { createGateway, createServer } from './outside.ts'
import {
  type NodePlan,
  namespacesOf,
  northboundOf,
  type Plan,
  type PortPlan,
  planOf,
  segmentsOf,
} from './plan.ts'
import { createPort, plug } from './port.ts'
import { isRunning, LabError, processOf, signalProcess, stopProcess, together, waitUntil } from './process.ts'
import { removeResolverFile } from './resolver-file.ts'
import { readLabFile } from './schema.ts'
import { seed } from './seed.ts'
import { createSegment } from './segment.ts'
import {
  createState,
  directoryOf,
  openState,
  type Part,
  readState,
  removeState,
  type State,
} from './state.ts'

/** What a lab is brought up with. */
export interface UpOptions {
  /** Two labs of different names run side by side. */
  readonly name: string
  /** The lab file. */
  readonly file: string
  /** The main file of the controller; without it the switches have no controller and pass nothing. */
  readonly controller: string | undefined
  /** What holds the northbound rows; files by default. */
  readonly nb?: 'file' | 'etcd'
  /** Whether the kernel ends the lab's processes with this one; false by default. */
  readonly diesWithParent?: boolean
  /** Aborted when the lab is not wanted any more: `up` then takes down what there is, and throws the reason. */
  readonly signal?: AbortSignal
  /** Is told what happens, a line at a time. */
  readonly report: (line: string) => void
}

/** A lab that is up. */
export interface Lab {
  readonly plan: Plan
  /** By node. */
  readonly controllers: ReadonlyMap<string, StartedController>
}

/** A lab's name is part of paths and namespaces, and socket paths are short (sun_path: 107 bytes). */
const labName = /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/

/**
 * Brings a lab up. Throws `ConfigError` if the file is wrong or something of that name exists, `LabError` if the machine
 * refuses; then nothing is left behind.
 */
export async function up(options: UpOptions): Promise<Lab> {
  const { name, file, controller, nb = 'file', diesWithParent = false, signal, report } = options
  const plan = planOf(readLabFile(file), { name: checked(name), directory: directoryOf(name), nb })
  if (controller !== undefined && !existsSync(controller))
    throw new ConfigError(`${controller}: there is no controller there; build it first (npm run build)`)
  if (process.getuid?.() !== 0) throw new ConfigError('namespaces and links need root; run the lab as root')
  signal?.throwIfAborted()
  const state = createState(plan, processOf(process.pid)!)
  const taken = namespacesOf(plan).filter(hasNamespace)
  if (taken.length > 0) {
    removeState(name)
    throw new ConfigError(
      `the namespace ${taken[0]} exists already; delete it or give the lab another --name`,
    )
  }
  try {
    return await build(
      plan,
      state,
      { diesWithParent, signal, record: state.record, plan },
      controller,
      report,
    )
  } catch (error) {
    report(`${signal?.aborted ? 'interrupted' : 'failed'}; taking down what there is`)
    await clear(name)
    throw error
  }
}

async function build(
  plan: Plan,
  state: State,
  context: Build,
  entry: string | undefined,
  report: (line: string) => void,
): Promise<Lab> {
  const step = async (line: string, tasks: readonly (() => Promise<unknown>)[]) => {
    context.signal?.throwIfAborted()
    report(line)
    await together(tasks.map((task) => task()))
  }
  const { nodes, ports, gateways, servers, outside } = plan
  const nodeOf = (key: string) => nodes.find((node) => node.key === key)!
  await step(`compute nodes with a switch each: ${keysOf(nodes)}; northbound rows`, [
    ...nodes.map((node) => () => createNode(context, node)),
    ...segmentsOf(plan).map((segment) => () => createSegment(segment)),
    () => writeRows(context),
  ])
  for (const node of nodes.slice(1)) await joinNodes(nodes[0]!, node)
  await together(nodes.map((node) => linkNode(node, outside)))
  await introduceNodes(nodes)
  if (outside !== undefined)
    await step(`outside: ${keysOf([...servers, ...gateways])}`, [
      ...servers.map((server) => () => createServer(context, server, outside)),
      ...gateways.map((gateway) => () => createGateway(gateway, nodeOf(gateway.node), outside)),
    ])
  await step(
    `ports: ${keysOf(ports)}`,
    ports.map((port) => () => createPort(context, port, nodeOf(port.node))),
  )
  const controllers = new Map<string, StartedController>()
  if (entry !== undefined)
    await step(
      'controllers',
      nodes.map((node) => async () => {
        const started = await startController(context, node, entry)
        controllers.set(node.key, started)
        report(`the controller of ${node.key} is ready after ${Math.round(started.readyAfterMs)} ms`)
      }),
    )
  const booting = ports.filter((port) => port.boot !== 'static')
  if (booting.length > 0)
    await step(
      `boot: ${keysOf(booting)}`,
      booting.map((port) => () => boot(context, port)),
    )
  context.signal?.throwIfAborted()
  state.finish(context.diesWithParent)
  return { plan, controllers }
}

/**
 * Takes a lab down, whoever brought it up and however far; a process that it belongs to is ended first. Says whether there
 * was one. Throws `LabError` if something cannot be removed; the rest is then gone, and `down` can be tried again.
 */
export async function down(name: string): Promise<boolean> {
  checked(name)
  const owner = readState(name)?.owner
  if (owner && owner.pid !== process.pid && signalProcess(owner, 'SIGTERM'))
    await waitUntil(`process ${owner.pid}, to which the lab belongs, to end`, () => !isRunning(owner), {
      timeoutMs: 30_000,
    })
  if (!existsSync(directoryOf(name))) return owner !== undefined
  await clear(name)
  return true
}

/** Removes everything that the state names, and then the state; goes on after a failure, and throws the first. */
async function clear(name: string): Promise<void> {
  const state = readState(name)
  const failures: unknown[] = []
  const attempt = async (tasks: Iterable<Promise<unknown>>) => {
    await together(tasks).catch((error: unknown) => failures.push(error))
  }
  if (state) {
    // Switches last: a controller that ends in order talks to its switch until the end.
    const isSwitch = ({ name: part }: Part) => /\/ovs(db-server|-vswitchd)$/.test(part)
    const stop = ({ process }: Part) => stopProcess(process)
    await attempt(state.parts.filter((part) => !isSwitch(part)).map(stop))
    await attempt(state.parts.filter(isSwitch).map(stop))
    await attempt(state.namespaces.map(deleteNamespace))
    for (const namespace of state.namespaces) removeResolverFile(namespace)
  }
  if (failures.length > 0)
    throw new LabError(
      `lab ${name} is not down: ${failures.map(reasonOf).join('; ')}; see ${directoryOf(name)}`,
    )
  removeState(name)
}

/** The plan of a lab that is up. Throws `ConfigError` if there is none of that name. */
export function labPlan(name: string): Plan {
  return openState(checked(name)).plan
}

/** A port of a lab and its node. Throws `ConfigError` with the ports that there are. */
export function portOf(plan: Plan, key: string): { port: PortPlan; node: NodePlan } {
  const port = plan.ports.find(isCalled(key))
  if (!port)
    throw new ConfigError(`there is no port ${key} in lab ${plan.name}; it has ${keysOf(plan.ports)}`)
  return { port, node: plan.nodes.find((node) => node.key === port.node)! }
}

/**
 * Plugs a port in: one of the lab's, or by its id an lport that somebody else wrote into the store, which gets a VM. Gives
 * the key by which the lab knows it. Throws `ConfigError` if there is neither.
 */
export async function plugPort(name: string, key: string): Promise<string> {
  const { plan, record, adopt } = openState(checked(name))
  if (plan.ports.some(isCalled(key))) {
    const { port, node } = portOf(plan, key)
    await plug(port, node)
    return port.key
  }
  const store = await openNbDriver(northboundOf(plan))
  const rows = await store.list().finally(() => store.close())
  const port = adoptedPort(plan, key, rows)
  adopt(port)
  const node = plan.nodes.find((one) => one.key === port.node)!
  await createPort({ plan, record, diesWithParent: false, signal: undefined }, port, node)
  return port.key
}

/** The namespace of anything in a lab: a port, a node, a gateway, a server. Throws `ConfigError` with what there is. */
export function namespaceOf(plan: Plan, key: string): string {
  const { ports, nodes, gateways, servers, etcd } = plan
  const all = [...ports, ...nodes, ...gateways, ...servers, ...(etcd === undefined ? [] : [etcd])]
  const found = all.find(isCalled(key))
  if (!found) throw new ConfigError(`there is no ${key} in lab ${plan.name}; it has ${keysOf(all)}`)
  return found.namespace
}

/** Starts the controller of a node of a lab that is up, in place of one that was stopped. */
export async function restartController(
  name: string,
  node: NodePlan,
  entry: string,
  options: { diesWithParent?: boolean; signal?: AbortSignal } = {},
): Promise<StartedController> {
  const { plan, record } = openState(name)
  const { diesWithParent = false, signal } = options
  return startController({ plan, record, diesWithParent, signal }, node, entry)
}

async function writeRows(context: Build): Promise<void> {
  const { plan, signal } = context
  const etcd = plan.etcd && (await startEtcd(context, plan.etcd))
  const store = await openNbDriver(northboundOf(plan), { createMissing: true })
  try {
    if (etcd !== undefined) await untilEtcdAnswers(store, etcd, signal)
    await seed(plan, store)
  } finally {
    await store.close()
  }
}

function checked(name: string): string {
  if (!labName.test(name))
    throw new ConfigError(`--name ${name}: use at most 20 lower case letters, digits and inner hyphens`)
  return name
}

/** A port is also known by the id of its lport. */
const isCalled = (name: string) => (part: { readonly key: string; readonly id?: string }) =>
  part.key === name || part.id === name

const keysOf = (parts: readonly { readonly key: string }[]) =>
  parts.map(({ key }) => key).join(', ') || 'none'
