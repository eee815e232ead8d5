/**
 * The tunnel ports of the integration bridge: one for each type, whose far end and key each packet is told by flows. Which
 * ports to make, to mend and to take away, as a function of the rows that are there. Names are Dragonflow's
 * (`geneve-vtp`) as long as they are free. What a tunnel is for it does not know.
 */

import { createHash } from 'node:crypto'
import { MissingBridgeError } from './errors.ts'
import { type Row, type Tables, writeRow } from './schema.ts'
import { byId, guard } from './snapshot.ts'
import { bridgeNamed, tunnelMark, tunnelTypeOf } from './state.ts'
import type { Operation } from './transact.ts'
import { namedUuid, uuid } from './values.ts'

export interface TunnelRequest {
  readonly bridge: string
  /** `geneve`, `vxlan` or `gre`. */
  readonly types: readonly string[]
  /** The address of this node that packets of the tunnels leave from and come to. */
  readonly localIp: string
}

/** What makes the tunnel ports, and takes those of types that are not asked for away. Throws `MissingBridgeError`. */
export function tunnels(tables: Tables, { bridge, types, localIp }: TunnelRequest): Operation[] {
  const [id, row] = bridgeNamed(tables, bridge) ?? []
  if (id === undefined || row === undefined) throw new MissingBridgeError(bridge)
  const existing = tunnelPortsOf(tables, row)
  const made: string[] = []
  const operations = types.flatMap((type) => {
    const options = new Map([
      ['remote_ip', 'flow'],
      ['key', 'flow'],
      ['local_ip', localIp],
    ])
    const known = existing.get(type)
    if (known !== undefined) return corrections(known, type, options)
    made.push(type)
    return insertion(nameFor(tables, bridge, type), type, options)
  })
  const superfluous = [...existing].flatMap(([type, { port }]) => (types.includes(type) ? [] : [port]))
  if (made.length + superfluous.length === 0) return operations
  const set = (ports: readonly unknown[]) => ['set', ports] as const
  const mutations = [
    ...(made.length === 0 ? [] : [['ports', 'insert', set(made.map((type) => namedUuid(`port_${type}`)))]]),
    ...(superfluous.length === 0 ? [] : [['ports', 'delete', set(superfluous.map(uuid.write))]]),
  ] as [string, string, unknown][]
  return [
    guard('Bridge', id, { ports: row.ports }),
    ...operations,
    { op: 'mutate', table: 'Bridge', where: [byId(id)], mutations },
  ]
}

/** A tunnel port that is ours: the UUIDs of its rows. */
interface TunnelPort {
  readonly port: string
  readonly id: string
  readonly row: Row<'Interface'>
}

/** The tunnel ports of the bridge that are ours, by type. */
function tunnelPortsOf(tables: Tables, bridge: Row<'Bridge'>): ReadonlyMap<string, TunnelPort> {
  const found = new Map<string, TunnelPort>()
  for (const port of bridge.ports)
    for (const id of tables.Port.get(port)?.interfaces ?? []) {
      const row = tables.Interface.get(id)
      const type = row && tunnelTypeOf(row)
      if (type !== undefined && !found.has(type)) found.set(type, { port, id, row: row! })
    }
  return found
}

/** Puts right what differs; options that we do not set (`csum`, `dst_port`) stay as somebody has set them. */
function corrections(
  { id, row }: TunnelPort,
  type: string,
  wanted: ReadonlyMap<string, string>,
): Operation[] {
  const options = new Map([...row.options, ...wanted])
  const isRight = row.type === type && [...options].every(([name, value]) => row.options.get(name) === value)
  if (isRight) return []
  return [
    guard('Interface', id, { type: row.type, options: row.options }),
    {
      op: 'update',
      table: 'Interface',
      where: [byId(id)],
      row: writeRow('Interface', { type, options }),
    },
  ]
}

function insertion(name: string, type: string, options: ReadonlyMap<string, string>): Operation[] {
  const row = writeRow('Interface', { name, type, options, external_ids: new Map([[tunnelMark, type]]) })
  return [
    { op: 'insert', table: 'Interface', row, 'uuid-name': `interface_${type}` },
    {
      op: 'insert',
      table: 'Port',
      row: { name, interfaces: namedUuid(`interface_${type}`) },
      'uuid-name': `port_${type}`,
    },
  ]
}

/** Dragonflow's name, if it is free, else one made of a digest: names are unique in the whole database. */
function nameFor(tables: Tables, bridge: string, type: string): string {
  const wanted = `${type}-vtp`
  const isTaken = [...tables.Port.values(), ...tables.Interface.values()].some(({ name }) => name === wanted)
  if (!isTaken) return wanted
  return `vtp-${createHash('sha256').update(`${bridge} ${type}`).digest('hex').slice(0, 9)}`
}
