/**
 * The copy of the database that a monitor keeps up to date (RFC 7047 §4.1.5, §4.1.6): what to ask for, and how an update
 * turns one copy into the next. Pure; it knows no connection.
 */

import { ProtocolError } from '../errors.ts'
import { columnsOf, type Row, readRow, schema, type TableName, type Tables, tableNames } from './schema.ts'

/** The `<monitor-requests>` for every declared column. */
export function monitorRequests(): Record<string, unknown> {
  return Object.fromEntries(tableNames.map((table) => [table, { columns: columnsOf(table) }]))
}

/**
 * The tables after `<table-updates>`, the reply to monitor included. Tables without a change are the same objects before
 * and after. Throws `ProtocolError` for anything that was not asked for or is not well formed.
 */
export function updated(tables: Tables, updates: unknown): Tables {
  const changed: Partial<Record<TableName, ReadonlyMap<string, unknown>>> = {}
  for (const [table, rows] of entriesOf(updates, 'table-updates')) {
    if (!isTableName(table))
      throw new ProtocolError(`an update of the table ${table}, which is not monitored`)
    changed[table] = updatedTable(tables, table, rows)
  }
  return { ...tables, ...changed } as Tables
}

function updatedTable<T extends TableName>(tables: Tables, table: T, updates: unknown): Map<string, Row<T>> {
  const rows = new Map<string, Row<T>>(tables[table] as ReadonlyMap<string, Row<T>>)
  for (const [id, update] of entriesOf(updates, table)) {
    const { old: before, new: after } = Object.fromEntries(entriesOf(update, `${table} ${id}`))
    if (after !== undefined) rows.set(id, readRow(table, id, after))
    else if (before !== undefined) rows.delete(id)
    else throw new ProtocolError(`${table} ${id}: an update with neither old nor new`)
  }
  return rows
}

const isTableName = (name: string): name is TableName => Object.hasOwn(schema, name)

function entriesOf(json: unknown, path: string): [string, unknown][] {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ProtocolError(`${path}: expected an object`)
  return Object.entries(json)
}
