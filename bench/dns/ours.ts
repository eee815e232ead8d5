/**
 * This controller as its users run it: the lab of examples/two-tenants.yaml, with two tenants and every feature on. And
 * the same lab without the hijack, for what the hijack costs those whom it does not concern; and with security groups, for
 * what tracking connections costs.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { down, portOf, up } from '../../src/lab/lab.ts'
import { readState } from '../../src/lab/state.ts'
import type { Peer } from './peer.ts'

const main = join(import.meta.dirname, '../../src/main.js')
/** npm runs scripts in the directory of package.json. */
const example = 'examples/two-tenants.yaml'

/** Limits too high to be met, which a measurement would otherwise run into. */
const unlimited = {
  df_dns_app: { df_dns_max_rate_per_port: 1_000_000 },
  df_openflow: { controller_rate_limit: 10_000_000 },
}

export const startOurs = (root: string): Promise<Peer> =>
  start(root, 'ours', 'df-local-controller, two tenants, lease, group and pause as installed', {
    options: unlimited,
  })

/** With groups that let everything out, as Neutron's `default` does, and nothing in. */
export function startGuarded(root: string): Promise<Peer> {
  const { networks, ports } = exampleLab()
  const tenants = [...new Set(Object.values(networks).map(({ tenant }) => tenant))]
  const rules = ['IPv4', 'IPv6'].map((ethertype) => ({ direction: 'egress', ethertype }))
  const withGroup = ([key, port]: [string, LabPort]): [string, object] => [
    key,
    { ...port, security_groups: [networks[port.network]!.tenant] },
  ]
  return start(
    root,
    'guarded',
    'the same with the application sg, each port in a group that lets out everything',
    {
      security_groups: Object.fromEntries(tenants.map((tenant) => [tenant, { tenant, rules }])),
      ports: Object.fromEntries(Object.entries(ports).map(withGroup)),
      options: { ...unlimited, df: { apps_list: 'portbinding,classifier,portsec,l2,provider,sg,dns' } },
    },
  )
}

/** With queries left alone: the same switch, networks and flows, but no packet is punted. */
export const startDirect = (root: string): Promise<Peer> =>
  start(root, 'direct', 'the same lab with df_dns_intercept = off', {
    options: { df_dns_app: { df_dns_intercept: 'off' } },
  })

interface LabPort {
  readonly network: string
}

const exampleLab = () =>
  parse(readFileSync(example, 'utf8')) as {
    readonly networks: Readonly<Record<string, { readonly tenant: string }>>
    readonly ports: Readonly<Record<string, LabPort>>
  }

/** Starts the example with these parts in the place of its own. */
async function start(root: string, peer: string, about: string, parts: object): Promise<Peer> {
  mkdirSync(root, { recursive: true })
  const file = join(root, 'lab.yaml')
  writeFileSync(file, JSON.stringify({ ...exampleLab(), ...parts }))
  const name = `b${process.pid}${peer.charAt(0)}`
  const lab = await up({ name, file, controller: main, diesWithParent: true, report: () => {} })
  const vswitchd = readState(name)!.parts.find((part) => part.name.endsWith('/ovs-vswitchd'))!
  return {
    name: peer,
    about,
    clientNamespace: portOf(lab.plan, 'red-web').port.namespace,
    server: '198.51.100.53',
    controller: lab.controllers.get('compute-1')!.process.pid,
    vswitchd: vswitchd.process.pid,
    stop: async () => void (await down(name)),
  }
}
