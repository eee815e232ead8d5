/**
 * The northbound store as checked rows: immutable, whole at every moment, and made anew from each event of a
 * driver. Rows are read one by one, and a bad or dangling row is set aside with its reason (architecture.md
 * 3). What did not change is shared: a row, and the map of a table, stay the same object. It knows nothing of
 * switches or of names.
 */

import type { NbEvent, RawChange, RawRow } from './driver.ts'
import {
  hasField,
  type Rejected,
  type RowOf,
  readRow,
  referencesOf,
  type TableName,
  tableNames,
} from './row.ts'

/** The rows of each table that count, by id and in order of id. */
export type Rows = { readonly [T in TableName]: ReadonlyMap<string, RowOf<T>> }

/** One moment of the northbound store. */
export interface Northbound extends Rows {
  /** The rows that do not count, in order of table and id. */
  readonly rejected: readonly Rejected[]
  /** How the rows were read, for the next moment; of no interest outside this file. */
  readonly readings: { readonly [T in TableName]: TableReading }
}

interface TableReading {
  readonly rows: ReadonlyMap<string, Reading>
  /** The rejected of the table, dangling rows and doubled keys included. */
  readonly rejected: readonly Rejected[]
}

/**
 * A row as it was read alone. `text` and `problem` are what the driver gave: if they are the same, so is the
 * rest.
 */
type Reading = Pick<RawRow, 'problem'> & { readonly text: string } & ReturnType<typeof readRow>

type AnyRow = RowOf<TableName> & Readonly<Record<string, unknown>>

/** A store without rows. */
export const emptyNorthbound: Northbound = {
  ...perTable(() => new Map()),
  rejected: [],
  readings: perTable(() => ({ rows: new Map(), rejected: [] })),
} as Northbound

/** The store that holds exactly `rows`; what it has in common with `previous` is shared. */
export function northboundOf(rows: Iterable<RawRow>, previous: Northbound = emptyNorthbound): Northbound {
  const given = new Map<string, RawChange[]>(tableNames.map((table) => [table, []]))
  for (const row of rows) given.get(row.table)?.push(row)
  const readings = perTable((table) => {
    const before = previous.readings[table].rows
    const now = new Map(given.get(table)!.map((row) => [row.id, readingOf(table, row, before.get(row.id))]))
    return sameEntries(before, now) ? before : sorted(now)
  })
  return linked(previous, readings)
}

/** The store after `changes`; `previous` itself if nothing that is read has changed. */
export function changedNorthbound(previous: Northbound, changes: Iterable<RawChange>): Northbound {
  const given = new Map<string, Map<string, RawChange>>(tableNames.map((table) => [table, new Map()]))
  for (const change of changes) given.get(change.table)?.set(change.id, change)
  const readings = perTable((table) => {
    const before = previous.readings[table].rows
    const now = new Map(before)
    for (const [id, change] of given.get(table)!) {
      if (change.value === undefined) now.delete(id)
      else now.set(id, readingOf(table, change, before.get(id)))
    }
    return sameEntries(before, now) ? before : sorted(now)
  })
  return linked(previous, readings)
}

/**
 * The store after an event of a driver: a lost store leaves the last rows as they were (architecture.md 7).
 */
export function northboundAfter(previous: Northbound, event: NbEvent): Northbound {
  switch (event.kind) {
    case 'snapshot':
      return northboundOf(event.rows, previous)
    case 'changes':
      return changedNorthbound(previous, event.changes)
    case 'lost':
      return previous
  }
}

function readingOf(table: TableName, raw: RawChange, before: Reading | undefined): Reading {
  const { id, problem, value: text = '' } = raw
  if (before && before.text === text && before.problem === problem) return before
  if (problem === undefined) return { text, ...readRow(table, id, text) }
  const remedy = 'make the file readable again, or remove it'
  return { text, problem, rejected: { table, id, field: undefined, reason: problem, remedy } }
}

/**
 * Joins the tables: every row that reads well and whose references count. Tables come after those they refer
 * to.
 */
function linked(
  previous: Northbound,
  rows: { readonly [T in TableName]: ReadonlyMap<string, Reading> },
): Northbound {
  const counted = { ...previous } as Record<TableName, ReadonlyMap<string, RowOf<TableName>>>
  const readings = { ...previous.readings }
  let isChanged = false
  for (const table of tableNames) {
    const isSame = (other: TableName) => counted[other] === previous[other]
    if (
      rows[table] === previous.readings[table].rows &&
      referencesOf(table).every(([, to]) => isSame(to.table))
    )
      continue
    isChanged = true
    const { accepted, rejected } = joined(table, rows[table], counted)
    readings[table] = { rows: rows[table], rejected }
    counted[table] = sameEntries(previous[table], accepted) ? previous[table] : accepted
  }
  if (!isChanged) return previous
  const rejected = tableNames.flatMap((table) => readings[table].rejected)
  return { ...(counted as unknown as Rows), readings, rejected }
}

function joined(
  table: TableName,
  rows: ReadonlyMap<string, Reading>,
  counted: Record<TableName, ReadonlyMap<string, RowOf<TableName>>>,
) {
  const accepted = new Map<string, RowOf<TableName>>()
  const rejected = new Map<string, Rejected>()
  for (const [id, reading] of rows) {
    const why = reading.rejected ?? dangling(table, reading.row, counted)
    if (why) rejected.set(id, why)
    else if (reading.row) accepted.set(id, reading.row)
  }
  if (hasField(table, 'unique_key'))
    for (const why of doubled(table, accepted)) {
      accepted.delete(why.id)
      rejected.set(why.id, why)
    }
  return { accepted, rejected: [...sorted(rejected).values()] }
}

function dangling(
  table: TableName,
  row: RowOf<TableName>,
  counted: Record<TableName, ReadonlyMap<string, RowOf<TableName>>>,
): Rejected | undefined {
  const { id, topic } = row as AnyRow & { topic?: string }
  for (const [field, { table: to, isOwner }] of referencesOf(table)) {
    const target = (row as AnyRow)[field] as string
    const referred = counted[to].get(target) as (AnyRow & { topic?: string }) | undefined
    const rejected = { table, id }
    if (!referred) {
      const reason = `names ${to} ${target}, which does not exist or does not count`
      return {
        ...rejected,
        field,
        reason,
        remedy: `add that row, or remove this one: df-db rm ${table} ${id}`,
      }
    }
    if (isOwner && referred.topic !== topic) {
      const reason = `is ${JSON.stringify(topic)}, but ${to} ${target} is of ${JSON.stringify(referred.topic)}`
      const remedy = `correct it: df-db update ${table} ${id} topic=${referred.topic}`
      return { ...rejected, field: 'topic', reason, remedy }
    }
  }
  return undefined
}

/** Rows that share a unique_key: none of them counts, since the switch could not tell one from the other. */
function doubled(table: TableName, accepted: ReadonlyMap<string, RowOf<TableName>>): Rejected[] {
  const idsOf = new Map<unknown, string[]>()
  for (const [id, row] of accepted) {
    const key = (row as AnyRow).unique_key
    const ids = idsOf.get(key)
    if (ids) ids.push(id)
    else idsOf.set(key, [id])
  }
  return [...idsOf].flatMap(([key, ids]) =>
    ids.length === 1 ? [] : ids.map((id) => doubledRow(table, key, id, ids)),
  )
}

function doubledRow(table: TableName, key: unknown, id: string, ids: readonly string[]): Rejected {
  const others = ids.filter((other) => other !== id).join(', ')
  return {
    table,
    id,
    field: 'unique_key',
    reason: `${key} is also the key of ${table} ${others}`,
    remedy: `remove the row that is wrong and add it again without a key: df-db rm ${table} ${id}`,
  }
}

function perTable<V>(make: (table: TableName) => V): { readonly [T in TableName]: V } {
  return Object.fromEntries(tableNames.map((table) => [table, make(table)])) as { [T in TableName]: V }
}

/** Nearly sorted input costs next to nothing. */
function sorted<V>(map: ReadonlyMap<string, V>): ReadonlyMap<string, V> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function sameEntries(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  if (a.size !== b.size) return false
  for (const [id, value] of b) if (a.get(id) !== value) return false
  return true
}
