/**
 * The tables and columns of the database Open_vSwitch that are read here, as data (ovs-vswitchd.conf.db(5)): the columns
 * that Dragonflow monitors, without those of QoS, which is not ported, and with what a bridge and its controller are
 * compared by. The types of rows follow.
 */

import { ProtocolError } from '../errors.ts'
import { type Column, integer, optional, setOf, string, stringMap, uuid } from './values.ts'

export const database = 'Open_vSwitch'

// biome-ignore format: columns
export const schema = {
  Open_vSwitch: { bridges: setOf(uuid), cur_cfg: integer, next_cfg: integer },
  Bridge: {
    name: string,               ports: setOf(uuid),         controller: setOf(uuid),
    fail_mode: optional(string), datapath_id: optional(string), datapath_type: string,
    protocols: setOf(string),   other_config: stringMap,
  },
  Port: { name: string, interfaces: setOf(uuid) },
  Interface: {
    name: string,               type: string,               ofport: optional(integer),
    admin_state: optional(string), mac_in_use: optional(string),
    external_ids: stringMap,    options: stringMap,
  },
  Controller: {
    target: string,             max_backoff: optional(integer),
    inactivity_probe: optional(integer), controller_queue_size: optional(integer),
    controller_rate_limit: optional(integer), controller_burst_limit: optional(integer),
    status: stringMap,
  },
} as const satisfies Record<string, Record<string, Column<unknown>>>

export type TableName = keyof typeof schema
export type Row<T extends TableName> = {
  readonly [C in keyof (typeof schema)[T]]: (typeof schema)[T][C] extends Column<infer Value> ? Value : never
}

/** Every row that is read, by table and UUID. */
export type Tables = { readonly [T in TableName]: ReadonlyMap<string, Row<T>> }

export const tableNames = Object.keys(schema) as TableName[]

export const noRows: Tables = {
  Open_vSwitch: new Map(),
  Bridge: new Map(),
  Port: new Map(),
  Interface: new Map(),
  Controller: new Map(),
}

/** The names of a table's columns. */
export const columnsOf = (table: TableName): string[] => Object.keys(schema[table])

/** Reads a row from JSON; more columns than those declared do not matter. Throws `ProtocolError`. */
export function readRow<T extends TableName>(table: T, id: string, json: unknown): Row<T> {
  if (typeof json !== 'object' || json === null) throw new ProtocolError(`${table} ${id}: expected a row`)
  const columns = Object.entries(schema[table] as Record<string, Column<unknown>>)
  const values = columns.map(([name, column]) => {
    if (!Object.hasOwn(json, name)) throw new ProtocolError(`${table} ${id}: the column ${name} is missing`)
    return [name, column.read((json as Record<string, unknown>)[name], `${table} ${id} ${name}`)]
  })
  return Object.fromEntries(values) as Row<T>
}

/** Some columns of a row as JSON. */
export function writeRow<T extends TableName>(table: T, row: Partial<Row<T>>): Record<string, unknown> {
  const columns = schema[table] as Record<string, Column<unknown>>
  const values = Object.entries(row).map(([name, value]) => [name, columns[name]?.write(value)])
  return Object.fromEntries(values)
}
