/**
 * A lab of two nodes, one store and two tenants that have the same addresses, MAC addresses and names: in each `web` (.11)
 * on compute-1 and `db` (.12) on compute-2, and nothing between the nodes but tunnels.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dig } from '../../src/lab/dig.ts'
import { down, type Lab, portOf, up } from '../../src/lab/lab.ts'
import { ip, runIn } from '../../src/lab/namespace.ts'
import type { NodePlan, PortPlan } from '../../src/lab/plan.ts'
import { northboundOf } from '../../src/lab/plan.ts'
import { createPort } from '../../src/lab/port.ts'
import { openState } from '../../src/lab/state.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { type NbDriver, openNbDriver } from '../../src/nb/index.ts'
import { builtSource } from './build.ts'

export const tenants = ['red', 'blue'] as const

const networkText = (tenant: string, id: number) => `
  ${tenant}-net: { tenant: ${tenant}, type: geneve, segmentation_id: ${id}, mtu: 1450, subnets: [
    { cidr: 10.0.0.0/24, gateway: 10.0.0.1, dns_nameservers: [198.51.100.53], domain: ${tenant}.example.org } ] }`

const portsText = (tenant: string) => `
  ${tenant}-web: { network: ${tenant}-net, node: compute-1, dns_name: web, mac: "fa:16:3e:00:00:11", ips: [10.0.0.11] }
  ${tenant}-db: { network: ${tenant}-net, node: compute-2, dns_name: db, mac: "fa:16:3e:00:00:12", ips: [10.0.0.12] }`

const text = `
nodes: [compute-1, compute-2]
networks:${networkText('red', 5001)}${networkText('blue', 5002)}
ports:${portsText('red')}${portsText('blue')}
options:
  df: { apps_list: "portbinding,classifier,portsec,l2,tunneling,dns" }
`

/** The resolver that VMs ask; nobody is there: names of the cloud are answered on the way. */
export const resolver = '198.51.100.53'

/** The lab, and what tests do with it. */
export class TunnelLab {
  readonly lab: Lab
  readonly store: NbDriver
  readonly #name: string

  private constructor(name: string, lab: Lab, store: NbDriver) {
    this.#name = name
    this.lab = lab
    this.store = store
  }

  static async start(name: string): Promise<TunnelLab> {
    const directory = mkdtempSync(join(tmpdir(), 'df-lab-file-'))
    const file = join(directory, 'lab.yaml')
    writeFileSync(file, text)
    const controller = join(builtSource(), 'main.js')
    const options = { name, file, controller, nb: 'etcd', diesWithParent: true, report: () => {} } as const
    const lab = await up(options).finally(() => rmSync(directory, { recursive: true }))
    const made = new TunnelLab(name, lab, await openNbDriver(northboundOf(lab.plan)))
    for (const port of lab.plan.ports) await made.#knowGateway(port)
    return made
  }

  async stop(): Promise<void> {
    await this.store.close()
    await down(this.#name)
  }

  port(key: string): PortPlan {
    return portOf(this.lab.plan, key).port
  }

  node(number: number): NodePlan {
    return this.lab.plan.nodes[number - 1]!
  }

  /** A VM like that of a port, with the same lport, addresses and MAC, in a namespace and on a node of its own. */
  async twin(port: PortPlan, number: number, more: Partial<PortPlan> = {}): Promise<PortPlan> {
    const node = this.node(number)
    const key = `${port.key}-${number}`
    const made = { ...port, key, namespace: `${port.namespace}-${number}`, node: node.key, ...more }
    const state = openState(this.#name)
    state.adopt(made)
    await createPort(
      { plan: state.plan, record: state.record, diesWithParent: true, signal: undefined },
      made,
      node,
    )
    await this.#knowGateway(made)
    return made
  }

  /** The status of the answer to a question, and the addresses in it; undefined without an answer. */
  async resolve(port: PortPlan, name: string): Promise<string | undefined> {
    const reply = await dig(port.namespace, [`@${resolver}`, name, 'A', '+tries=1'])
    return reply && [reply.status, ...reply.answers].join(' ')
  }

  /** Whether one ping is answered within a second. */
  async reaches(port: PortPlan, address: string): Promise<boolean> {
    const ping = ['-c1', '-W1', '-n', address]
    return runIn(port.namespace, 'ping', ping).then(
      () => true,
      () => false,
    )
  }

  /** The flows of a node's bridge that a filter of ovs-ofctl picks, one a line. */
  async flows(number: number, filter: string): Promise<string[]> {
    const dump = await switchAt(this.node(number).switchDirectory).ofctl(
      ...['--no-stats', '--no-names', 'dump-flows', 'br-int', filter],
    )
    return dump.split('\n').filter((line) => line.includes('actions='))
  }

  /** There is no router in this lab: a gateway that VMs can send to, and nobody behind it. */
  async #knowGateway({ namespace }: PortPlan): Promise<void> {
    await ip(namespace, ['neighbour replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent'])
  }
}
