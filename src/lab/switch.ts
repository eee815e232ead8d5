/**
 * A private Open vSwitch in a directory and a network namespace of its own, with the userspace datapath (docs/lab.md).
 * It knows ovsdb-server, ovs-vswitchd and their command line tools, and never touches the machine's own Open vSwitch.
 */

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ProcessRef, run, startDaemon, stopProcess, type Watched, waitUntil } from './process.ts'

/** The command line tools of one switch; each method returns what the command printed. Throws `LabError`. */
export interface SwitchTools {
  /** Sockets, logs and the database: everything that belongs to this switch. */
  readonly rundir: string
  /** Path of the OVSDB socket. */
  readonly dbSocket: string
  vsctl(...args: string[]): Promise<string>
  /** `ovs-ofctl -O OpenFlow13`. */
  ofctl(...args: string[]): Promise<string>
  /** To ovs-vswitchd. */
  appctl(...args: string[]): Promise<string>
}

/** A switch that this process started. */
export interface Switch extends SwitchTools {
  /** ovsdb-server and ovs-vswitchd, in this order. */
  readonly processes: readonly ProcessRef[]
  /** Ends both processes and waits until they are gone. */
  stop(): Promise<void>
}

export interface SwitchOptions {
  /** Created if it is missing; holds everything of the switch. */
  readonly directory: string
  /** An existing network namespace, with no other switch in it (two collide on the device `ovs-netdev`). */
  readonly namespace: string
  /** A bridge to create: userspace datapath, fail mode secure (no flows, no traffic). */
  readonly bridge?: string
  readonly extraVswitchdArgs?: readonly string[]
  /** Whether the kernel ends it when this process ends for whatever reason; true by default. */
  readonly diesWithParent?: boolean
  /** Called with each process as soon as it exists. */
  readonly started?: (name: string, process: ProcessRef) => void
}

/** Debian's place of Open vSwitch's database schema. */
const schema = '/usr/share/openvswitch/vswitch.ovsschema'

/** Starts a switch and waits until it takes orders. Throws `LabError` with the end of the log of what failed. */
export async function startSwitch(options: SwitchOptions): Promise<Switch> {
  const { directory, namespace, bridge, extraVswitchdArgs = [] } = options
  mkdirSync(directory, { recursive: true })
  const tools = switchAt(directory)
  const database = join(directory, 'conf.db')
  if (!existsSync(database)) await run('ovsdb-tool', ['create', database, schema])
  const watched: Watched[] = []
  const start = async (name: string, args: string[]) => {
    const logFile = join(directory, `${name}.log`)
    const process = await startDaemon(name, [`--unixctl=${join(directory, `${name}.ctl`)}`, ...args], {
      logFile,
      namespace,
      env: environmentOf(directory),
      diesWithParent: options.diesWithParent ?? true,
      started: (started) => options.started?.(name, started),
    })
    watched.push({ name, process, logFile })
  }
  const stop = async () => {
    for (const { process } of watched.toReversed()) await stopProcess(process)
  }
  try {
    await start('ovsdb-server', [database, `--remote=punix:${tools.dbSocket}`])
    await waitUntil('the OVSDB socket', () => existsSync(tools.dbSocket), { alive: watched })
    await tools.vsctl('--retry', '--no-wait', 'init')
    // Without the kernel's datapath: ovs-vswitchd would otherwise look for one, and clear away what it does not know.
    await start('ovs-vswitchd', [`unix:${tools.dbSocket}`, '--disable-system', ...extraVswitchdArgs])
    await waitUntil('ovs-vswitchd', () => existsSync(join(directory, 'ovs-vswitchd.ctl')), { alive: watched })
    if (bridge !== undefined) await addBridge(tools, bridge, 'secure')
  } catch (error) {
    await stop()
    throw error
  }
  return { ...tools, processes: watched.map(({ process }) => process), stop }
}

/** The tools of a switch that runs in that directory, whoever started it. */
export function switchAt(directory: string): SwitchTools {
  const dbSocket = join(directory, 'db.sock')
  const env = environmentOf(directory)
  return {
    rundir: directory,
    dbSocket,
    vsctl: (...args) => run('ovs-vsctl', [`--db=unix:${dbSocket}`, '--timeout=10', ...args], { env }),
    ofctl: (...args) => run('ovs-ofctl', ['-O', 'OpenFlow13', ...args], { env }),
    appctl: (...args) => run('ovs-appctl', ['-t', join(directory, 'ovs-vswitchd.ctl'), ...args], { env }),
  }
}

/** Adds a bridge of the userspace datapath; with fail mode `standalone` and no controller it is a plain learning switch. */
export async function addBridge(
  tools: SwitchTools,
  bridge: string,
  failMode: 'secure' | 'standalone',
): Promise<void> {
  const settings = [`datapath_type=netdev`, `fail_mode=${failMode}`]
  await tools.vsctl('add-br', bridge, '--', 'set', 'bridge', bridge, ...settings)
}

/** Open vSwitch's programs and tools look for their sockets and files where these say. */
const environmentOf = (directory: string) => ({
  OVS_RUNDIR: directory,
  OVS_LOGDIR: directory,
  OVS_DBDIR: directory,
})
