/**
 * This controller as its users run it: the lab of examples/two-tenants.yaml, with two tenants and every feature on, security
 * groups among them. And the same lab without the hijack, for what the hijack costs those whom it does not concern; and
 * without groups, for what tracking connections costs.
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

/** Every port is in a group that lets out everything and lets in only its members, as Neutron's `default` does. */
function groups() {
  const { networks, ports } = exampleLab()
  const tenants = new Set(Object.values(networks).map(({ tenant }) => tenant))
  const rulesOf = (tenant: string) =>
    ['IPv4', 'IPv6'].flatMap((ethertype) => [
      { direction: 'egress', ethertype },
      { direction: 'ingress', ethertype, remote_group: tenant },
    ])
  const withGroup = ([key, port]: [string, LabPort]): [string, object] => [
    key,
    { ...port, security_groups: [networks[port.network]!.tenant] },
  ]
  return {
    security_groups: Object.fromEntries(
      Array.from(tenants, (tenant) => [tenant, { tenant, rules: rulesOf(tenant) }]),
    ),
    ports: Object.fromEntries(Object.entries(ports).map(withGroup)),
  }
}

const guarded = { apps_list: 'portbinding,classifier,portsec,l2,provider,sg,dns' }

export const startOurs = (root: string): Promise<Peer> =>
  start(
    root,
    'ours',
    'df-local-controller, two tenants, security groups, lease, group and pause as installed',
    {
      ...groups(),
      options: { ...unlimited, df: guarded },
    },
  )

/** With ports that no group looks at. */
export const startPlain = (root: string): Promise<Peer> =>
  start(root, 'plain', 'ours, without security groups', { options: unlimited })

/** With queries left alone: the same switch, networks and flows, but no packet is punted. */
export const startDirect = (root: string): Promise<Peer> =>
  start(root, 'direct', 'ours, with df_dns_intercept = off', {
    ...groups(),
    options: { df: guarded, df_dns_app: { df_dns_intercept: 'off' } },
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
