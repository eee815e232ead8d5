/**
 * What the real Dragonflow made of two tenants with the same addresses (test/vectors): its northbound rows as a view, and
 * the flows that its applications ended with. docs/pipeline.md says where ours differ, and why.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { View } from '../../src/app/view.ts'
import { viewOf } from '../../src/controller/topology.ts'
import { northboundOf } from '../../src/nb/index.ts'
import type { SwitchPort } from '../../src/ovsdb/index.ts'
import { dragonflowRows } from './nb.ts'

/** The ports of its switch, by the keys of the lports: a-vm1, a-vm2, a-vm4, b-vm1, b-vm2. */
const ofports: Readonly<Record<number, number>> = { 2: 11, 3: 12, 5: 15, 9: 13, 10: 14 }
const tunnelPorts: Readonly<Record<string, number>> = { vxlan: 101, geneve: 102, gre: 103 }

/** Its rows on its node, compute-1, with its ports plugged and its tunnel ports made. */
export function dragonflowView(): View {
  const nb = northboundOf(dragonflowRows())
  const plugged = [...nb.lport.values()].flatMap(({ id, unique_key }): SwitchPort[] => {
    const ofport = ofports[unique_key]
    return ofport === undefined
      ? []
      : [{ id, name: id.slice(0, 11), ofport, adminState: 'up', type: 'compute', lport: id }]
  })
  const tunnels = Object.entries(tunnelPorts).map(([tunnelType, ofport]): SwitchPort => {
    const name = `${tunnelType}-vtp`
    return { id: name, name, ofport, adminState: 'up', type: 'tunnel', tunnelType }
  })
  return viewOf({ nb, switchPorts: [...plugged, ...tunnels], host: 'compute-1', patchPorts: new Map() })
}

interface Recorded {
  readonly phase: string
  readonly app: string | null
  readonly ovs: string
}

/**
 * The flows of one of its applications (`TunnelingApp`) as `dump-flows` would show them before the port that it deletes at
 * last is deleted: in order of appearance, each as changed last. Those that it makes once for all have a phase of their
 * own (`switch_features/dhcp`).
 */
export function dragonflowFlows(app: string, once = 'none'): string[] {
  const lines = readFileSync(join(import.meta.dirname, '../vectors/openflow/dragonflow.jsonl'), 'utf8').trim()
  const flows = new Map<string, string>()
  for (const line of lines.split('\n')) {
    const recorded = JSON.parse(line) as Recorded
    const isOf = recorded.phase === once || (recorded.app === app && !recorded.phase.startsWith('delete'))
    if (!isOf) continue
    const [, kind, table = '0', match, actions] =
      /: (ADD|MOD) (?:table:(\d+) )?(\S+)(?: cookie:\S+)?(?: \S+)*? actions=(.*)$/.exec(recorded.ovs) ?? []
    if (kind === undefined) continue
    const identity = `${table === '0' ? '' : `table=${table}, `}${match}`
    flows.set(identity, `${identity} actions=${actions}`)
  }
  return [...flows.values()]
}

/** The frames that its DHCP application sent, by what was asked: `dhcp:a-vm1:DISCOVER`. */
export function dragonflowReplies(): ReadonlyMap<string, Buffer> {
  const lines = readFileSync(join(import.meta.dirname, '../vectors/openflow/dragonflow.jsonl'), 'utf8').trim()
  const rows = lines.split('\n').map((line) => JSON.parse(line) as Recorded & { packet?: string })
  return new Map(rows.flatMap(({ phase, packet }) => (packet ? [[phase, Buffer.from(packet, 'hex')]] : [])))
}
