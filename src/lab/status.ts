/** What a lab looks like at this moment: its processes, its controllers and its ports (docs/lab.md). */

import { ConfigError } from '../errors.ts'
import { configuredAddresses } from './boot.ts'
import { controllerPart, controllerStatus } from './node.ts'
import type { Boot, NodePlan } from './plan.ts'
import { isRunning } from './process.ts'
import { readState, type StateFile } from './state.ts'
import { switchAt } from './switch.ts'

/** The answer of `df-lab status`. */
export interface LabStatus {
  readonly name: string
  readonly directory: string
  /** `up`, `coming up`, or `left behind` by its owner, which ended without taking it down. */
  readonly state: 'up' | 'coming up' | 'left behind'
  readonly controllers: readonly {
    readonly node: string
    readonly isReady: boolean
    /** Why it is not ready. */
    readonly reasons: readonly string[]
  }[]
  readonly ports: readonly {
    readonly key: string
    readonly namespace: string
    readonly node: string
    readonly dnsName: string | undefined
    /** What its row says. */
    readonly addresses: readonly string[]
    readonly boot: Boot
    /** What it has at this moment. */
    readonly configured: readonly string[]
    /** Its OpenFlow port; undefined if it is not plugged in. */
    readonly ofport: number | undefined
  }[]
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly isRunning: boolean }[]
}

/** Looks at a lab. Throws `ConfigError` if there is none of that name. */
export async function labStatus(name: string): Promise<LabStatus> {
  const state = readState(name)
  if (!state)
    throw new ConfigError(`there is no lab ${name}; bring it up first (df-lab --name ${name} up FILE.yaml)`)
  const { plan, parts } = state
  const hasController = (node: NodePlan) => parts.some((part) => part.name === controllerPart(node))
  const controllers = await Promise.all(
    plan.nodes.filter(hasController).map(async (node) => {
      const status = await controllerStatus(node)
      const reasons = status?.reasons ?? ['it does not answer on its control socket']
      return { node: node.key, isReady: status?.ready === true, reasons }
    }),
  )
  const ofports = new Map(
    (await Promise.all(plan.nodes.map((node) => ofportsOf(node).catch(() => [])))).flat(),
  )
  return {
    name,
    directory: plan.directory,
    state: lifeOf(state),
    controllers,
    ports: await Promise.all(
      plan.ports.map(async (port) => ({
        key: port.key,
        namespace: port.namespace,
        node: port.node,
        dnsName: port.dnsName,
        addresses: port.addresses.map(({ ip }) => ip),
        boot: port.boot,
        configured: await configuredAddresses(port).catch(() => []),
        ofport: ofports.get(port.device),
      })),
    ),
    processes: parts.map(({ name, process }) => ({
      name,
      pid: process.pid,
      isRunning: isRunning(process),
    })),
  }
}

function lifeOf({ owner, isUp }: StateFile): LabStatus['state'] {
  if (owner !== undefined && !isRunning(owner)) return 'left behind'
  return isUp ? 'up' : 'coming up'
}

/** The OpenFlow ports of a node's interfaces, by device; those that OVS could not open are left out. */
async function ofportsOf(node: NodePlan): Promise<[device: string, ofport: number][]> {
  const columns = ['--format=json', '--columns=name,ofport', 'list', 'interface']
  const { data } = JSON.parse(await switchAt(node.switchDirectory).vsctl(...columns)) as { data: unknown[][] }
  return data.flatMap(([device, ofport]) =>
    typeof device === 'string' && typeof ofport === 'number' && ofport > 0 ? [[device, ofport]] : [],
  )
}
