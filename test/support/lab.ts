/** What the tests of the lab share: names that nobody else uses, and what a lab has left on this machine. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { outputOf } from '../../src/lab/process.ts'
import { directoryOf, readState } from '../../src/lab/state.ts'

export const twoTenantsFile = 'examples/two-tenants.yaml'

/** A lab name that no other run of the tests uses. */
export const labNameOf = (test: string) => `${test}-${process.pid}`

/** What a command prints in a namespace, with the namespace's own resolv.conf. */
export const printedIn = async (namespace: string, ...command: string[]): Promise<string> =>
  (await outputOf('ip', ['netns', 'exec', namespace, ...command])).stdout

/** What the controller of a node counts, in the form of Prometheus. */
export const metricsOf = ({ namespace }: { readonly namespace: string }): Promise<string> =>
  printedIn(
    namespace,
    ...['node', '-e'],
    "fetch('http://127.0.0.1:9476/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))",
  )

/** The words by which `ovs-vsctl` gives a bridge one end of a patch; the other end is `peer`. */
export const patchWords = (bridge: string, port: string, peer: string): string[] => [
  ...['add-port', bridge, port, '--'],
  ...['set', 'interface', port, 'type=patch', `options:peer=${peer}`],
]

/** Everything on this machine that bears a lab's name: namespaces, directories, processes. Empty when it is down. */
export function tracesOf(name: string): string[] {
  const namespaces = entriesOf('/run/netns').filter((entry) => entry.startsWith(`df-${name}-`))
  const resolvers = entriesOf('/etc/netns').filter((entry) => entry.startsWith(`df-${name}-`))
  const directory = existsSync(directoryOf(name)) ? [directoryOf(name)] : []
  return [
    ...namespaces.map((entry) => `namespace ${entry}`),
    ...resolvers.map((entry) => `/etc/netns/${entry}`),
    ...directory,
    ...processesOf(name),
  ]
}

/** The processes whose command line or environment names the lab's directory. */
function processesOf(name: string): string[] {
  return entriesOf('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => {
      const words = ['cmdline', 'environ'].map((file) => textOf(`/proc/${pid}/${file}`)).join(' ')
      return words.includes(`${directoryOf(name)}/`)
        ? [`process ${pid}: ${words.replaceAll('\0', ' ').slice(0, 200)}`]
        : []
    })
}

/** The devices of a lab: none of them may ever be seen outside the lab's namespaces. */
export function devicesOf(name: string): string[] {
  const plan = readState(name)?.plan
  return [...(plan?.ports ?? []), ...(plan?.gateways ?? [])].map(({ device }) => device)
}

/** The names of the links in this namespace, the machine's own. */
export const links = () => entriesOf('/sys/class/net')

function entriesOf(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // it ended, or it is not ours to read
  }
}

/** Flows as `dump-flows` prints them, without counters, cookies and rows with a time limit; in order. */
export function untimedFlows(dump: string): string[] {
  return dump
    .split('\n')
    .filter((line) => /^ ?cookie=/.test(line) && !/\b(hard|idle)_timeout=/.test(line))
    .map((line) =>
      line.replace(/\b(cookie|duration|n_packets|n_bytes|idle_age|hard_age)=[^, ]*,? ?/g, '').trim(),
    )
    .sort(byTableAndPriority)
}

function byTableAndPriority(a: string, b: string): number {
  const [x, y] = [a, b].map((line) => ({
    table: Number(/table=(\d+)/.exec(line)?.[1] ?? 0),
    priority: Number(/priority=(\d+)/.exec(line)?.[1] ?? 32768),
  }))
  return x!.table - y!.table || y!.priority - x!.priority || (a < b ? -1 : a > b ? 1 : 0)
}
