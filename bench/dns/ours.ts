/**
 * This controller as its users run it: the lab of examples/two-tenants.yaml, with two tenants and every feature on. And
 * the same lab without the hijack, for what the hijack costs those whom it does not concern.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { down, portOf, up } from '../../src/lab/lab.ts'
import { readState } from '../../src/lab/state.ts'
import type { Peer } from './peer.ts'

const main = join(import.meta.dirname, '../../src/main.js')
/** npm runs scripts in the directory of package.json. */
const example = 'examples/two-tenants.yaml'

/** With limits too high to be met, which a measurement would otherwise run into. */
export const startOurs = (root: string): Promise<Peer> =>
  start(root, 'ours', 'df-local-controller, two tenants, lease, group and pause as installed', [
    ...['df_dns_app:', '  df_dns_max_rate_per_port: 1000000'],
    ...['df_openflow:', '  controller_rate_limit: 10000000'],
  ])

/** With queries left alone: the same switch, networks and flows, but no packet is punted. */
export const startDirect = (root: string): Promise<Peer> =>
  start(root, 'direct', 'the same lab with df_dns_intercept = off', [
    'df_dns_app:',
    '  df_dns_intercept: "off"',
  ])

async function start(root: string, peer: string, about: string, options: readonly string[]): Promise<Peer> {
  mkdirSync(root, { recursive: true })
  const file = join(root, 'lab.yaml')
  const lines = ['', 'options:', ...options.map((option) => `  ${option}`), '']
  writeFileSync(file, readFileSync(example, 'utf8') + lines.join('\n'))
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
