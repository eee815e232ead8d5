/** A cloud on the fake switch: `cloud.port('red-web').sends(frame)` gives the frames that leave, by port. */

import type { App, AppHost, CommonOptions } from '../../src/app/app.ts'
import { applications } from '../../src/app/index.ts'
import type { LocalPort, View } from '../../src/app/view.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Flow, Group } from '../../src/openflow/index.ts'
import { FakeSwitch, type Sent } from './fake-switch.ts'
import { tenants } from './view.ts'

/** The frames that left, by the name of the port; each list in the order of leaving. */
export type Arrivals = Readonly<Record<string, readonly Buffer[]>>

export interface Cloud {
  readonly fake: FakeSwitch
  /** `<tenant>-<dns name or key>`, or the name of a physical network. */
  port(name: string): { readonly lport: LocalPort | undefined; sends(frame: Buffer): Arrivals }
}

/** The switch as these applications, by default all, want it at that view. */
export function cloudOf(view: View, apps: readonly App[] = allApps()): Cloud {
  const fake = new FakeSwitch()
  fake.flows = flowsOf(apps, view)
  fake.groups = groupsOf(apps, view)
  const names = namesOf(view)
  return {
    fake,
    port: (name) => ({
      lport: view.localPorts.find((port) => names.get(port.ofport) === name),
      sends: (frame) => arrivalsOf(names, fake.receive(ofportOf(names, name), frame)),
    }),
  }
}

/** Every application, with its default options; but sg, without which ports need no security groups. */
export const allApps = () => appsOf(applications.map(({ name }) => name).filter((name) => name !== 'sg'))

/** What the applications want, and the rows of their leases with a time limit that no test reaches. */
export const flowsOf = (apps: readonly App[], view: View): Flow[] =>
  apps.flatMap((app) => [
    ...app.flows(view),
    ...(app.lease?.rows ?? []).map((row) => ({ ...row, hardTimeout: 3600 })),
  ])

export const groupsOf = (apps: readonly App[], view: View): Group[] =>
  apps.flatMap((app) => [...(app.groups?.(view) ?? [])])

/** The applications of those names, with their default options. */
export function appsOf(
  names: readonly string[],
  options: Readonly<Record<string, unknown>> = {},
  common: Partial<CommonOptions> = {},
): App[] {
  return names.map((name) => {
    const application = applications.find((candidate) => candidate.name === name)
    if (application === undefined) throw new Error(`no application ${name}`)
    const defaults = Object.fromEntries(
      Object.entries(application.options).map(([option, { default: value }]) => [option, value]),
    )
    return application.factory({ ...defaults, ...options }, hostOf(common))
  })
}

/** Names of the OpenFlow ports: of a local port, of the physical network behind an uplink, of the type of a tunnel. */
export function namesOf(view: View): ReadonlyMap<number, string> {
  const tenantOf = new Map(Object.entries(tenants).map(([name, topic]) => [topic, name]))
  return new Map([
    ...view.localPorts.map((port): [number, string] => [
      port.ofport,
      `${tenantOf.get(port.topic) ?? port.topic}-${port.dnsName ?? port.key}`,
    ]),
    ...[...view.uplinks, ...view.tunnels].map(([name, ofport]): [number, string] => [ofport, name]),
  ])
}

export function ofportOf(names: ReadonlyMap<number, string>, name: string): number {
  for (const [ofport, candidate] of names) if (candidate === name) return ofport
  throw new Error(`no port ${name}; there are ${[...names.values()].join(', ')}`)
}

export function arrivalsOf(names: ReadonlyMap<number, string>, sent: readonly Sent[]): Arrivals {
  const nameOf = (port: number) => names.get(port) ?? `port ${port}`
  const arrivals = new Map<string, Buffer[]>(sent.map(({ port }) => [nameOf(port), []]))
  for (const { port, frame } of sent) arrivals.get(nameOf(port))!.push(frame)
  return Object.fromEntries(arrivals)
}

/** Each application counts in metrics of its own: here it may be made more than once. */
const hostOf = (common: Partial<CommonOptions>): AppHost => ({
  log: silentLogger,
  metrics: createMetrics(),
  common: {
    ...{
      dnsDomain: 'openstacklocal',
      leaseSeconds: 86_400,
      localIp: '192.0.2.1',
      tunnelTypes: ['geneve', 'vxlan', 'gre'],
    },
    ...common,
  },
  now: () => 0,
})
