/**
 * One compute node for figures: a private Open vSwitch with dummy ports, and a real controller process on it. It knows
 * the store by its configuration alone, and no figure.
 */

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Status } from '../src/controller/status.ts'
import { createNamespace, deleteNamespace } from '../src/lab/namespace.ts'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../src/lab/process.ts'
import { type Switch, startSwitch } from '../src/lab/switch.ts'

export interface BenchNode {
  readonly ovs: Switch
  /** The switch's. */
  readonly namespace: string
  /** Starts the controller; resolves, when it is ready, to the process and how long it took in ms. */
  start(timeoutMs: number): Promise<{ readonly process: ProcessRef; readonly readyMs: number }>
  status(): Promise<Status | undefined>
  /** A frame comes in at a port. */
  inject(port: string, frame: Buffer): Promise<void>
  /** How many bytes the capture of what the switch sent to a port has by now; throws if it is not captured. */
  captureSize(port: string): number
  /** The capture from that byte on. */
  captured(port: string, from: number): Buffer
  stop(): Promise<void>
}

export interface NodeOptions {
  readonly directory: string
  /** Distinguishes nodes of one run; part of the namespace's name. */
  readonly name: string
  readonly host: string
  /** Lines of the section `[df]` that say where the northbound store is. */
  readonly store: string
  /** The ids of the ports that are plugged in; the nth has the OpenFlow port n, from 1. */
  readonly plugged: readonly string[]
  /** Whether what the switch sends to the ports is captured: an option of each port says so, of which a machine's has none. */
  readonly isCapturing: boolean
}

const main = join(import.meta.dirname, '../src/main.js')
const unit = 'deploy/systemd/df-local-controller.service'

/** Starts the switch of a node, with all its ports. If it throws, nothing is left. */
export async function startNode(options: NodeOptions): Promise<BenchNode> {
  const { directory, name, host, store } = options
  mkdirSync(directory, { recursive: true })
  const namespace = `dfb-${process.pid}-${name}`
  await createNamespace(namespace)
  const pcapOf = (port: string) => join(directory, `${port}.pcap`)
  let ovs: Switch | undefined
  try {
    ovs = await startSwitch({
      directory: join(directory, 'ovs'),
      namespace,
      extraVswitchdArgs: ['--enable-dummy'],
    })
    await plugIn(ovs, options, pcapOf)
  } catch (error) {
    await ovs?.stop()
    await deleteNamespace(namespace)
    throw error
  }
  const config = join(directory, 'df.conf')
  writeFileSync(
    config,
    `[DEFAULT]
host = ${host}
run_dir = ${join(directory, 'run')}
[df]
${store}
ovsdb_connection = unix:${ovs.dbSocket}
metrics_listen = 127.0.0.1:0
[df_openflow]
listen = unix:${join(ovs.rundir, 'br-int.controller')}
[df_provider_networks]
bridge_mappings = physnet1:br-ex
`,
  )
  let controller: ProcessRef | undefined
  const logFile = join(directory, 'controller.log')
  const status = () => askStatus(join(directory, 'run', 'control.sock'))
  return {
    ovs,
    namespace,
    status,
    async start(timeoutMs) {
      const startedAt = performance.now()
      const started = await startDaemon(
        process.execPath,
        [...process.execArgv, main, '--config-file', config],
        { logFile, env: unitEnvironment(), diesWithParent: true },
      )
      controller = started
      await waitUntil('the controller to be ready', async () => (await status())?.ready === true, {
        timeoutMs,
        alive: [{ name: 'the controller', process: started, logFile }],
      })
      return { process: started, readyMs: performance.now() - startedAt }
    },
    inject: (port, frame) =>
      call(join(ovs.rundir, 'ovs-vswitchd.ctl'), 'netdev-dummy/receive', [port, frame.toString('hex')]),
    captureSize: (port) => statSync(pcapOf(port)).size,
    captured: (port, from) => readFileSync(pcapOf(port)).subarray(from),
    async stop() {
      if (controller !== undefined) await stopProcess(controller)
      await ovs.stop()
      await deleteNamespace(namespace)
    },
  }
}

async function plugIn(
  ovs: Switch,
  { plugged, isCapturing }: NodeOptions,
  pcapOf: (port: string) => string,
): Promise<void> {
  for (const bridge of ['br-int', 'br-ex'])
    await ovs.vsctl(
      ...['add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=dummy', 'fail_mode=secure'],
    )
  for (let from = 0; from < plugged.length; from += 50)
    await ovs.vsctl(
      ...plugged
        .slice(from, from + 50)
        .flatMap((id, index) => [
          ...['--', 'add-port', 'br-int', id, '--', 'set', 'interface', id, 'type=dummy'],
          ...[`ofport_request=${from + index + 1}`, `external_ids:iface-id=${id}`],
          ...(isCapturing ? [`options:tx_pcap=${pcapOf(id)}`] : []),
        ]),
    )
}

/** What the service's unit adds to the environment of its controller. */
function unitEnvironment(): Readonly<Record<string, string>> {
  const settings = readFileSync(unit, 'utf8').matchAll(/^Environment=(\w+)=(.*)$/gm)
  return Object.fromEntries(Array.from(settings, ([, name, value]) => [name, value]))
}

/** Follows what changes in the switch's tables, each event with its time; the function it returns ends it. */
export function monitorFlows(ovs: Switch, seen: (line: string, atMs: number) => void): () => void {
  const child = spawn('ovs-ofctl', ['-O', 'OpenFlow13', 'monitor', 'br-int', 'watch:!initial'], {
    env: { ...process.env, OVS_RUNDIR: ovs.rundir },
  })
  let rest = ''
  const read = (chunk: Buffer) => {
    const at = performance.now()
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = lines.pop()!
    for (const line of lines) seen(line, at)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  return () => child.kill()
}

/** What a controller says of itself; undefined while it does not answer. */
function askStatus(path: string): Promise<Status | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.write('{"method":"status"}\n'))
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.endsWith('\n')) socket.end()
    })
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(text === '' ? undefined : (JSON.parse(text) as Status)))
  })
}

/** One order to ovs-vswitchd over its control socket (JSON-RPC 1.0), without a process for each. */
function call(path: string, method: string, params: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(JSON.stringify({ method, params, id: 0 })))
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('"id"')) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve())
  })
}
