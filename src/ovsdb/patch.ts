/**
 * The pair of patch ports that joins the integration bridge to a provider bridge: which ports to make, as a function of
 * the rows that are there. Names are Dragonflow's (`<peer>-patch` and `<bridge>-patch`) as long as they are free and
 * short enough; a pair that is there already is taken as it is, whatever its names.
 */

import { createHash } from 'node:crypto'
import { ConfigError } from '../errors.ts'
import { MissingBridgeError } from './errors.ts'
import { type Row, type Tables, writeRow } from './schema.ts'
import { byId, guard } from './snapshot.ts'
import { bridgeNamed, interfacesOf } from './state.ts'
import type { Operation } from './transact.ts'
import { namedUuid } from './values.ts'

/** The names of a pair of patch ports. */
export interface PatchPorts {
  /** On the integration bridge. */
  readonly port: string
  /** On the other bridge. */
  readonly peerPort: string
}

export interface PatchRequest {
  readonly bridge: string
  readonly peerBridge: string
  /** Written beside the ports, for people. */
  readonly physicalNetwork: string
}

/** IFNAMSIZ less its zero; an OpenFlow port has no more room for its name (OF 1.3.5 §7.2.1). */
const nameLimit = 15

/**
 * The pair, and what makes it; nothing if it is there. Throws `MissingBridgeError`, and `ConfigError` if the bridges'
 * datapaths are of two types, which no patch joins.
 */
export function patch(
  tables: Tables,
  request: PatchRequest,
): { answer: PatchPorts; operations: Operation[] } {
  const { bridge, peerBridge, physicalNetwork } = request
  const here = side(tables, bridge, '')
  const there = side(tables, peerBridge, `, to which the physical network ${physicalNetwork} is mapped`)
  const [ours, theirs] = [here, there].map(({ row }) => row.datapath_type || 'system')
  if (ours !== theirs)
    throw new ConfigError(
      `the bridges ${bridge} (datapath_type ${ours}) and ${peerBridge} (${theirs}) cannot be patched; give both the same datapath_type`,
    )
  const existing = pairOf(here, there)
  if (existing !== undefined) return { answer: existing, operations: [] }

  const pair: PatchPorts = {
    port: nameFor(tables, here, `${peerBridge}-patch`, `${bridge}>${peerBridge}`),
    peerPort: nameFor(tables, there, `${bridge}-patch`, `${peerBridge}>${bridge}`),
  }
  const notes = new Map([['df-physical-network', physicalNetwork]])
  return {
    answer: pair,
    operations: [
      ...ending(here, { name: pair.port, peer: pair.peerPort, notes, tag: 'here' }),
      ...ending(there, { name: pair.peerPort, peer: pair.port, notes, tag: 'there' }),
    ],
  }
}

/** A bridge and its interfaces. */
interface Side {
  readonly id: string
  readonly row: Row<'Bridge'>
  readonly interfaces: readonly [uuid: string, Row<'Interface'>][]
}

function side(tables: Tables, name: string, purpose: string): Side {
  const [id, row] = bridgeNamed(tables, name) ?? []
  if (id === undefined || row === undefined) throw new MissingBridgeError(name, purpose)
  return { id, row, interfaces: interfacesOf(tables, row) }
}

function pairOf(here: Side, there: Side): PatchPorts | undefined {
  for (const [, { name, type, options }] of here.interfaces) {
    if (type !== 'patch') continue
    const isPeer = ([, row]: Side['interfaces'][number]) =>
      row.type === 'patch' && row.name === options.get('peer') && row.options.get('peer') === name
    const peer = there.interfaces.find(isPeer)
    if (peer !== undefined) return { port: name, peerPort: peer[1].name }
  }
  return undefined
}

/** The wanted name, if it is short enough and is free or a patch port of this bridge; else one made of a digest. */
function nameFor(tables: Tables, { interfaces }: Side, wanted: string, seed: string): string {
  const own = interfaces.find(([, { name }]) => name === wanted)
  const isTaken = [...tables.Port.values(), ...tables.Interface.values()].some(({ name }) => name === wanted)
  const isUsable = own === undefined ? !isTaken : own[1].type === 'patch'
  if (wanted.length <= nameLimit && isUsable) return wanted
  return `patch-${createHash('sha256')
    .update(seed)
    .digest('hex')
    .slice(0, nameLimit - 'patch-'.length)}`
}

interface Ending {
  readonly name: string
  readonly peer: string
  readonly notes: ReadonlyMap<string, string>
  /** Tells the two ends' rows apart within the transaction. */
  readonly tag: string
}

/** One end: the existing patch port of that name turned to its peer, or a new one. */
function ending({ id, row, interfaces }: Side, { name, peer, notes, tag }: Ending): Operation[] {
  const options = new Map([['peer', peer]])
  const [existing, before] = interfaces.find(([, each]) => each.name === name) ?? []
  if (existing !== undefined && before !== undefined)
    return [
      guard('Interface', existing, { type: before.type, options: before.options }),
      { op: 'update', table: 'Interface', where: [byId(existing)], row: writeRow('Interface', { options }) },
    ]
  const made = writeRow('Interface', { name, type: 'patch', options, external_ids: notes })
  return [
    guard('Bridge', id, { ports: row.ports }),
    { op: 'insert', table: 'Interface', row: made, 'uuid-name': `interface_${tag}` },
    {
      op: 'insert',
      table: 'Port',
      row: { name, interfaces: namedUuid(`interface_${tag}`) },
      'uuid-name': `port_${tag}`,
    },
    {
      op: 'mutate',
      table: 'Bridge',
      where: [byId(id)],
      mutations: [['ports', 'insert', ['set', [namedUuid(`port_${tag}`)]]]],
    },
  ]
}
