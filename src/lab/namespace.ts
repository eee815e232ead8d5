/**
 * Network namespaces, their links and their packet filter, through iproute2, ethtool and nftables (docs/lab.md). It
 * knows the kernel's network, not what the lab builds of it.
 */

import { existsSync } from 'node:fs'
import { outputOf, processOf, run, stopProcess } from './process.ts'

/** Where iproute2 keeps the namespaces. */
const pathOf = (namespace: string) => `/run/netns/${namespace}`

/**
 * Creates a namespace with its loopback up. `settings` are kernel parameters below /proc/sys/net (`ipv4/ip_forward`).
 * Throws `LabError` if the namespace exists.
 */
export async function createNamespace(
  namespace: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  await run('ip', ['netns', 'add', namespace])
  await shell(namespace, ['ip link set lo up', ...settingLines(settings)])
}

/** Sets kernel parameters of a namespace that exists. */
export async function setParameters(
  namespace: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  await shell(namespace, settingLines(settings))
}

const settingLines = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings).map(([name, value]) => `echo ${value} >/proc/sys/net/${name}`)

const shell = (namespace: string, lines: readonly string[]) =>
  runIn(namespace, 'sh', ['-e'], { input: [...lines, ''].join('\n') })

/** Ends whatever still runs in a namespace, then deletes it with all its links. Does nothing if there is none. */
export async function deleteNamespace(namespace: string): Promise<void> {
  if (!hasNamespace(namespace)) return
  const { stdout } = await outputOf('ip', ['netns', 'pids', namespace])
  const inside = stdout.split('\n').flatMap((line) => processOf(Number(line)) ?? [])
  await Promise.all(inside.map((process) => stopProcess(process, 1000)))
  await run('ip', ['netns', 'delete', namespace])
}

/** Whether there is a namespace of that name. */
export function hasNamespace(namespace: string): boolean {
  return existsSync(pathOf(namespace))
}

/** Runs `ip` commands (without the word ip) in a namespace, as one batch. */
export async function ip(namespace: string, commands: readonly string[]): Promise<string> {
  return run('ip', ['-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` })
}

/** Runs a command in a namespace and returns its standard output. Throws `LabError` as `run` does. */
export function runIn(
  namespace: string,
  command: string,
  args: readonly string[],
  options: { input?: string } = {},
): Promise<string> {
  return run('nsenter', [`--net=${pathOf(namespace)}`, command, ...args], options)
}

/** One end of a veth pair. */
export interface LinkEnd {
  readonly namespace: string
  /** At most 15 characters (IFNAMSIZ). */
  readonly device: string
  readonly mac?: string
  readonly mtu?: number
}

/**
 * Creates a veth pair with both ends up. Transmit checksum offload is off at both: OVS's userspace datapath does not
 * finish a checksum that the sender left to the device, so UDP and TCP would arrive broken (ping would work).
 */
export async function createVeth(a: LinkEnd, b: LinkEnd): Promise<void> {
  const peer = `peer name ${b.device} netns ${b.namespace}`
  await ip(a.namespace, [`link add ${a.device} type veth ${peer}`])
  await Promise.all([a, b].map(finish))
}

async function finish({ namespace, device, mac, mtu }: LinkEnd): Promise<void> {
  await runIn(namespace, 'ethtool', ['-K', device, 'tx', 'off'])
  await ip(namespace, [
    ...(mac === undefined ? [] : [`link set ${device} address ${mac}`]),
    ...(mtu === undefined ? [] : [`link set ${device} mtu ${mtu}`]),
    `link set ${device} up`,
  ])
}

/** Loads an nftables ruleset in a namespace. */
export async function loadRules(namespace: string, ruleset: string): Promise<void> {
  await runIn(namespace, 'nft', ['-f', '-'], { input: ruleset })
}
