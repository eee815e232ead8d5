/** This controller as its users run it: the lab of examples/two-tenants.yaml, with two tenants and every feature on. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { down, portOf, up } from '../../src/lab/lab.ts'
import { readState } from '../../src/lab/state.ts'
import type { Peer } from './peer.ts'

const main = join(import.meta.dirname, '../../src/main.js')
/** npm runs scripts in the directory of package.json. */
const example = 'examples/two-tenants.yaml'

/** Starts the lab with limits too high to be met, which a measurement would otherwise run into. */
export async function startOurs(root: string): Promise<Peer> {
  mkdirSync(root, { recursive: true })
  const file = join(root, 'lab.yaml')
  const options =
    '\noptions:\n  df_dns_app:\n    df_dns_max_rate_per_port: 0\n  df_openflow:\n    controller_rate_limit: 10000000\n'
  const text = readFileSync(example, 'utf8')
  writeFileSync(file, text + (text.includes('df_dns_max_rate_per_port') ? '' : options))
  const name = `b${process.pid}`
  const lab = await up({ name, file, controller: main, diesWithParent: true, report: () => {} })
  const vswitchd = readState(name)!.parts.find((part) => part.name.endsWith('/ovs-vswitchd'))!
  return {
    name: 'ours',
    about: 'df-local-controller, two tenants, lease, group and pause as installed',
    clientNamespace: portOf(lab.plan, 'red-web').port.namespace,
    server: '198.51.100.53',
    controller: lab.controllers.get('compute-1')!.process.pid,
    vswitchd: vswitchd.process.pid,
    stop: async () => void (await down(name)),
  }
}
