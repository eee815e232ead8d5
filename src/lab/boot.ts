/**
 * How a VM of the lab comes by its addresses when they are not given to it (docs/lab.md): it runs a DHCP client of the
 * distribution, and the kernel listens to router advertisements. It knows clients, not who answers them.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressText, interfaceAddress, reachOf } from '../app/reach.ts'
import { isIpv6 } from './address.ts'
import { dhclientHook, networkdConfig, networkdScript, udhcpcHook } from './boot-scripts.ts'
import type { Build } from './build.ts'
import { ip } from './namespace.ts'
import type { Boot, Plan, PortPlan } from './plan.ts'
import { LabError, run, startDaemon, waitUntil } from './process.ts'
import { resolverFileOf } from './resolver-file.ts'

/** Turns a VM on: its link comes up and its client starts. Does nothing if the lab gave it its addresses. */
export async function boot(build: Build, port: PortPlan): Promise<void> {
  const { boot, namespace } = port
  if (boot === 'static') return
  const directory = directoryOf(build.plan, port)
  mkdirSync(directory, { recursive: true })
  await ip(namespace, ['link set eth0 up'])
  await clients[boot](build, port, directory)
}

/** What a client was told, by name as the lab's hooks write it; undefined if it has no lease. */
export type Lease = Readonly<Record<string, string>>

/** What a VM's client was told by DHCPv4 (4) or DHCPv6 (6); undefined if nothing. */
export function leaseOf(plan: Plan, port: PortPlan, version: 4 | 6): Lease | undefined {
  try {
    const text = readFileSync(join(directoryOf(plan, port), `lease.${version}`), 'utf8')
    const fields = text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/=(.*)/, 2) as [string, string])
    return Object.fromEntries(fields)
  } catch {
    return undefined
  }
}

/** The addresses that a VM has at this moment and may use; those of its link are left out. */
export const configuredAddresses = (port: PortPlan) => usableAddresses(port, 'global')

async function usableAddresses({ namespace }: PortPlan, scope: 'global' | 'link'): Promise<string[]> {
  const shown = await run('ip', ['-n', namespace, '-json', 'address', 'show', 'dev', 'eth0'])
  const addresses = (JSON.parse(shown) as Link[]).flatMap(({ addr_info = [] }) => addr_info)
  return addresses.filter((one) => one.scope === scope && !one.tentative).map(({ local }) => local!)
}

/** What `ip -json address` says of a link, as far as it is read. */
interface Link {
  readonly addr_info?: readonly {
    readonly local?: string
    readonly scope?: string
    readonly tentative?: boolean
  }[]
}

/**
 * Waits until each VM that boots by itself has every address of its row and its clients were told something. Throws
 * `LabError` with what is missing if that takes too long.
 */
export async function untilBooted(
  plan: Plan,
  ports: readonly PortPlan[],
  { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (const port of ports) {
    let missing: readonly string[] = []
    const isBooted = async () => {
      missing = await missingOf(plan, port)
      return missing.length === 0
    }
    await waitUntil(`the boot of ${port.key}`, isBooted, {
      timeoutMs: Math.max(0, deadline - performance.now()),
      signal,
    }).catch((error: unknown) => {
      signal?.throwIfAborted()
      throw new LabError(`${port.key} has no ${missing.join(', no ')}`, error)
    })
  }
}

/** What a VM that boots by itself still lacks. */
async function missingOf(plan: Plan, port: PortPlan): Promise<string[]> {
  if (port.boot === 'static') return []
  const configured = new Set(await configuredAddresses(port))
  const addresses = port.addresses.map(({ ip }) => ip).filter((ip) => !configured.has(ip))
  const leases = leasesOf(port).filter((version) => leaseOf(plan, port, version) === undefined)
  return [...addresses, ...leases.map((version) => `DHCPv${version} lease`)]
}

/** Which leases a VM's clients write down: dhclient one of each version, the others a single one. */
function leasesOf({ boot, addresses }: PortPlan): (4 | 6)[] {
  const versions = addresses.map(({ ip }) => (isIpv6(ip) ? 6 : 4)).sort()
  return boot === 'dhclient' ? [...new Set(versions)] : versions.slice(0, 1)
}

/** Starts the client of a VM in the directory of its files. */
type Client = (build: Build, port: PortPlan, directory: string) => Promise<void>

const dhclient: Client = async (build, port, directory) => {
  const hook = writeHook(directory, 'dhclient-hook', dhclientHook(placesOf(directory, port)))
  const config = join(directory, 'dhclient.conf')
  writeFileSync(config, dhclientConfig)
  const start = (name: string, family: readonly string[]) => {
    const files = ['-cf', config, '-sf', hook, '-lf', join(directory, `${name}.leases`), '-pf', '/dev/null']
    return startClient(build, port, name, ['dhclient', ...family, '-d', ...files, 'eth0'])
  }
  const versions = leasesOf(port)
  if (versions.includes(4)) await start('dhclient', ['-4'])
  if (!versions.includes(6)) return
  // dhclient ends if its link has no address to ask from yet (RFC 4862 §5.4: it must be alone with it first).
  const hasLinkAddress = async () => (await usableAddresses(port, 'link')).length > 0
  await waitUntil(`the link's address of ${port.key}`, hasLinkAddress, { signal: build.signal })
  const leased = port.addresses.filter(({ ip }) => isIpv6(ip) && !isOwnMaking(ip, port.mac))
  await start('dhclient6', leased.length > 0 ? ['-6'] : ['-6', '-S'])
}

/** Asks often: nobody wants to wait for a lab. */
const dhclientConfig = `
timeout 10;
retry 1;
initial-interval 1;
backoff-cutoff 2;
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, routers, rfc3442-classless-static-routes, interface-mtu, host-name, domain-name,
  domain-name-servers, domain-search, dhcp6.name-servers, dhcp6.domain-search;
`

const udhcpc: Client = async (build, port, directory) => {
  const hook = writeHook(directory, 'udhcpc-hook', udhcpcHook(placesOf(directory, port)))
  const wanted = ['mtu', 'search', 'staticroutes', 'hostname'].flatMap((option) => ['-O', option])
  const patience = ['-t', '3', '-T', '1', '-A', '1']
  const args = ['busybox', 'udhcpc', '-f', '-i', 'eth0', '-s', hook, ...patience, ...wanted]
  await startClient(build, port, 'udhcpc', args)
}

const networkd: Client = async (build, port, directory) => {
  const script = writeHook(directory, 'networkd', networkdScript(placesOf(directory, port)))
  writeFileSync(join(directory, 'eth0.network'), networkdConfig)
  await startClient(build, port, 'networkd', ['unshare', '--mount', script])
}

const clients: Readonly<Record<Exclude<Boot, 'static'>, Client>> = { dhclient, udhcpc, networkd }

async function startClient(
  build: Build,
  port: PortPlan,
  name: string,
  line: readonly string[],
): Promise<void> {
  const [command, ...args] = line
  await startDaemon(command!, args, {
    logFile: join(directoryOf(build.plan, port), `${name}.log`),
    namespace: port.namespace,
    diesWithParent: build.diesWithParent,
    started: (started) => build.record(`${port.key}/${name}`, started),
  })
}

function writeHook(directory: string, name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text, { mode: 0o755 })
  return path
}

/** Whether a host with that MAC makes the address itself from the prefix that a router announces (RFC 4862 §5.5.3). */
const isOwnMaking = (ip: string, mac: string) => addressText(interfaceAddress(reachOf(ip)!, mac)) === ip

const placesOf = (directory: string, { namespace }: PortPlan) => ({
  directory,
  resolverFile: resolverFileOf(namespace),
})

/** A port's files. */
const directoryOf = ({ directory }: Plan, { key }: PortPlan) => join(directory, key)
