/**
 * A compute node of the lab: a namespace with a private Open vSwitch (integration bridge, provider bridges) and the
 * controller, which is started as a person would start it, from a df.conf (docs/lab.md).
 */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Build } from './build.ts'
import { uuidOf } from './ids.ts'
import { createNamespace } from './namespace.ts'
import type { NodePlan } from './plan.ts'
import { LabError, type ProcessRef, startDaemon, waitUntil } from './process.ts'
import { addBridge, startSwitch, switchAt } from './switch.ts'

/** Makes the node, up to a switch without flows; the controller is started later. */
export async function createNode(build: Build, node: NodePlan): Promise<void> {
  const { namespace, switchDirectory: directory, integrationBridge } = node
  // The switch reads its ports beside the kernel: this has no IPv6 there, answers no ARP and routes nothing.
  await createNamespace(namespace, {
    'ipv4/ip_forward': '0',
    'ipv4/conf/default/arp_ignore': '8',
    'ipv4/conf/all/rp_filter': '0',
    'ipv6/conf/default/disable_ipv6': '1',
  })
  mkdirSync(node.runDir, { recursive: true })
  writeFileSync(configFileOf(node), configTextOf(node))
  await startSwitch({
    directory,
    namespace,
    diesWithParent: build.diesWithParent,
    started: (name, process) => build.record(`${node.key}/${name}`, process),
  })
  await addNodeBridge(node, integrationBridge, 'secure')
  for (const bridge of Object.values(node.bridges)) await addNodeBridge(node, bridge, 'standalone')
}

/** Adds a bridge to a node's switch, with a MAC that is the same each time. */
export async function addNodeBridge(
  node: NodePlan,
  bridge: string,
  failMode: 'secure' | 'standalone',
): Promise<void> {
  const tools = switchAt(node.switchDirectory)
  await addBridge(tools, bridge, failMode)
  // A bridge takes its MAC, and from it its datapath id, from its ports; these must be the same each time.
  await tools.vsctl('set', 'bridge', bridge, `other_config:hwaddr="${bridgeMacOf(node, bridge)}"`)
}

/** The MAC of a node's bridge and of its local port: a locally administered one. */
export const bridgeMacOf = (node: NodePlan, bridge: string) =>
  `02:${uuidOf('bridge', `${node.key} ${bridge}`).replaceAll('-', '').slice(0, 10).match(/../g)!.join(':')}`

/** A controller that was started, and how long that took. */
export interface StartedController {
  readonly process: ProcessRef
  /** From the start of the process to ready, in milliseconds. */
  readonly readyAfterMs: number
}

/** Starts the node's controller (`entry` is its main file) and waits until it says that it is ready. */
export async function startController(
  build: Build,
  node: NodePlan,
  entry: string,
): Promise<StartedController> {
  const logFile = join(node.directory, 'controller.log')
  const began = performance.now()
  const controller = await startDaemon(process.execPath, [entry, '--config-file', configFileOf(node)], {
    logFile,
    namespace: node.namespace,
    diesWithParent: build.diesWithParent,
    started: (started) => build.record(controllerPart(node), started),
  })
  const name = `the controller of ${node.key}`
  let last: ControllerStatus | undefined
  const isReady = async () => {
    last = await controllerStatus(node)
    return last?.ready === true
  }
  const alive = [{ name, process: controller, logFile }]
  try {
    await waitUntil(`${name} to be ready`, isReady, { alive, timeoutMs: 15_000, signal: build.signal })
  } catch (error) {
    build.signal?.throwIfAborted()
    if (last?.reasons) throw new LabError(`${name} is not ready: ${last.reasons.join('; ')}`, error)
    throw error
  }
  return { process: controller, readyAfterMs: performance.now() - began }
}

/** The name of the controller among the lab's parts. */
export const controllerPart = (node: { readonly key: string }) => `${node.key}/controller`

/** What a controller says of itself. */
export interface ControllerStatus {
  readonly ready: boolean
  /** Why it is not ready. */
  readonly reasons: readonly string[]
}

/** Asks a node's controller through its control socket; undefined if it does not answer within a second. */
export async function controllerStatus(node: NodePlan): Promise<ControllerStatus | undefined> {
  const path = join(node.runDir, 'control.sock')
  if (!existsSync(path)) return undefined
  const answer = await lineFrom(path, '{"method":"status"}\n', 1000)
  try {
    return answer === undefined ? undefined : (JSON.parse(answer) as ControllerStatus)
  } catch {
    return undefined
  }
}

/** Sends a line to a Unix socket and returns the line that comes back; undefined if none does. */
function lineFrom(path: string, line: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(path, () => socket.write(line))
    socket.setEncoding('utf8')
    socket.setTimeout(timeoutMs, () => socket.destroy())
    socket.on('data', (chunk: string) => {
      received += chunk
      if (received.includes('\n')) socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(received.includes('\n') ? received.split('\n')[0] : undefined))
  })
}

const configFileOf = (node: NodePlan) => join(node.directory, 'df.conf')

function configTextOf({ config }: NodePlan): string {
  const sections = Object.entries(config).map(([section, options]) => {
    const lines = Object.entries(options).map(([option, value]) => `${option} = ${value}\n`)
    return `[${section}]\n${lines.join('')}`
  })
  return sections.join('\n')
}
