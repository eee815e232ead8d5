/**
 * The northbound store as checked rows: immutable, whole at every moment, and made anew from each event of a
 * driver. Rows are read one by one, and a bad or dangling row is set aside with its reason (architecture.md
 * 3). What did not change is shared, and only what a change touches is looked at again: the row, the rows that
 * refer to it and those with its key. It knows nothing of switches or of names.
 */

import { changedKeys, type Key, SortedMap } from '../sorted-map.ts'
import { digestOf } from './digest.ts'
import type { NbEvent, RawChange, RawRow } from './driver.ts'
import { createPool, type Pool } from './pool.ts'
import {
  hasField,
  isTableName,
  ownerReferenceOf,
  type Rejected,
  type RowOf,
  type RowReading,
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

interface TableReading extends RowsRead {
  /** The ids of the rows that would count if nobody else had their unique_key, by that key. */
  readonly claims: Claims
  /** The rejected of the table, dangling rows and doubled keys included. */
  readonly rejected: SortedMap<Rejected>
}

/** Rows as they were read one by one: a map for each thing, since an object for each row would take as much as the row. */
interface RowsRead {
  readonly rows: SortedMap<RowOf<TableName>>
  /** Those that are no rows. */
  readonly unread: SortedMap<Rejected>
  /** Of what the driver gave: if it is the same, so is the rest. The text itself would be a quarter of all memory. */
  readonly digests: SortedMap<number>
}

/** The ids of rows by their unique_key. */
type Claims = SortedMap<Claimants, number>

/** One id, which is nearly always all there is, or several in order. */
type Claimants = string | readonly string[]

type AnyRow = RowOf<TableName> & Readonly<Record<string, unknown>>

/** The rows that count so far, while tables are joined one after the other. */
type Counted = { [T in TableName]: SortedMap<RowOf<TableName>> }

type Changes<V, K extends Key = string> = Map<K, V | undefined>

/** A store without rows. */
export const emptyNorthbound: Northbound = {
  ...perTable(() => SortedMap.empty<never>()),
  rejected: [],
  readings: perTable(() => ({
    rows: SortedMap.empty<RowOf<TableName>>(),
    unread: SortedMap.empty<Rejected>(),
    digests: SortedMap.empty<number>(),
    claims: SortedMap.empty<Claimants, number>(),
    rejected: SortedMap.empty<Rejected>(),
  })),
}

/** The store that holds exactly `rows`; what it has in common with `previous` is shared. */
export function northboundOf(rows: Iterable<RawRow>, previous: Northbound = emptyNorthbound): Northbound {
  const changes: RawChange[] = tableNames.flatMap((table) =>
    Array.from(previous.readings[table].digests.keys(), (id) => ({ table, id, value: undefined })),
  )
  return changedNorthbound(previous, [...changes, ...rows])
}

/** The store after `changes`; `previous` itself if nothing that is read has changed. */
export function changedNorthbound(previous: Northbound, changes: Iterable<RawChange>): Northbound {
  const given = perTable(() => ({
    rows: new Map() as Changes<RowOf<TableName>>,
    unread: new Map() as Changes<Rejected>,
    digests: new Map() as Changes<number>,
  }))
  const pool = createPool()
  for (const change of changes) {
    const { table, value } = change
    if (!isTableName(table)) continue
    const digest = value === undefined ? undefined : digestOf(change)
    const { row, rejected } =
      digest === undefined ? nothing : readingOf(table, change, digest, previous, pool)
    const id = row?.id ?? change.id // the row's own text of it, so that it is kept once
    given[table].rows.set(id, row)
    given[table].unread.set(id, rejected)
    given[table].digests.set(id, digest)
  }
  const read = { ...previous.readings } as { [T in TableName]: RowsRead }
  for (const table of tableNames) {
    const { unread, digests } = read[table]
    const owner = ownerReferenceOf(table)?.table
    const rows = read[table].rows.with(given[table].rows, owner && read[owner].rows)
    read[table] = {
      rows,
      unread: unread.with(given[table].unread),
      digests: digests.with(given[table].digests, rows),
    }
  }
  return linked(previous, read)
}

const nothing = { row: undefined, rejected: undefined }

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

function readingOf(
  table: TableName,
  { id, problem, value: text = '' }: RawChange,
  digest: number,
  { readings }: Northbound,
  pool: Pool,
): RowReading | typeof nothing {
  const { rows, unread, digests } = readings[table]
  if (digests.get(id) === digest) return { row: rows.get(id), rejected: unread.get(id) } as RowReading
  if (problem === undefined) {
    const { row, rejected } = readRow(table, id, text)
    pool.text(id) // the driver's own text of it, which it keeps as well
    return row === undefined ? { rejected } : { row: pool.row(concise(row)) }
  }
  const remedy = 'make the file readable again, or remove it'
  return { rejected: { table, id, field: undefined, reason: problem, remedy } }
}

/** Fields of which absence says the same as true. */
const trueUnlessTold = ['enabled', 'port_security_enabled']

/** A row without what nobody asks it for, or what its absence says as well: a fifth of a port's fields. */
function concise<R extends RowOf<TableName>>(row: R): R {
  const implied = trueUnlessTold.filter((field) => row[field as keyof R] === true)
  return Object.assign({}, row, { version: undefined }, ...implied.map((field) => ({ [field]: undefined })))
}

/**
 * Joins the tables: every row that reads well and whose references count. Tables come after those they refer
 * to.
 */
function linked(previous: Northbound, read: { readonly [T in TableName]: RowsRead }): Northbound {
  const counted = { ...previous } as unknown as Counted
  const readings = { ...previous.readings }
  let isChanged = false
  for (const table of tableNames) {
    const before = previous.readings[table]
    const { rows, unread } = read[table]
    const touched = changedKeys(before.rows, rows)
    for (const id of changedKeys(before.unread, unread)) touched.add(id)
    for (const id of referrers(table, rows, previous as unknown as Counted, counted)) touched.add(id)
    if (touched.size === 0) continue
    isChanged = true
    const claims = before.claims.with(changedClaims(table, touched, { before, rows }, counted))
    const accepted: Changes<RowOf<TableName>> = new Map()
    const rejected: Changes<Rejected> = new Map()
    for (const id of [...touched, ...rivals(before.claims, claims)]) {
      const row = rows.get(id)
      const why = unread.get(id) ?? (row && rejection(table, id, row, claims, counted))
      accepted.set(id, why ? undefined : row)
      rejected.set(id, why)
    }
    readings[table] = { ...read[table], claims, rejected: before.rejected.with(rejected) }
    // One map takes less memory than two that are equal.
    counted[table] = readings[table].rejected.size === 0 ? rows : counted[table].with(accepted)
  }
  if (!isChanged) return previous
  const isSame = tableNames.every((table) => readings[table].rejected === previous.readings[table].rejected)
  const rejected = isSame
    ? previous.rejected
    : tableNames.flatMap((table) => [...readings[table].rejected.values()])
  return { ...(counted as unknown as Rows), readings, rejected }
}

/** The rows of a table that refer to a row that came, went or changed its owner. */
function* referrers(
  table: TableName,
  rows: SortedMap<RowOf<TableName>>,
  before: Counted,
  counted: Counted,
): Iterable<string> {
  for (const [field, { table: to, isOwner }] of referencesOf(table)) {
    const topicOf = (row: RowOf<TableName> | undefined) => row && (row as AnyRow).topic
    const targets = new Set<unknown>()
    for (const id of changedKeys(before[to], counted[to]))
      if (topicOf(before[to].get(id)) !== topicOf(counted[to].get(id))) targets.add(id)
    if (isOwner) {
      for (const id of targets as Set<string>) if (rows.has(id)) yield id
    } else if (targets.size > 0)
      // Networks come and go seldom: a look at every row (5 ms at 10,000) costs less than an index of them.
      for (const [id, row] of rows) if (targets.has((row as AnyRow)[field])) yield id
  }
}

/** Which keys the touched rows claim now, and no longer claim. */
function changedClaims(
  table: TableName,
  touched: Iterable<string>,
  { before, rows }: { before: TableReading; rows: SortedMap<RowOf<TableName>> },
  counted: Counted,
): Changes<Claimants, number> {
  const changes: Changes<Claimants, number> = new Map()
  if (!hasField(table, 'unique_key')) return changes
  const claimants = (key: number) => idsOf(changes.has(key) ? changes.get(key) : before.claims.get(key))
  const without = (key: number, id: string) => claimants(key).filter((other) => other !== id)
  const store = (key: number, ids: readonly string[]) => changes.set(key, ids.length < 2 ? ids[0] : ids)
  for (const id of touched) {
    const [old, now] = [before.rows.get(id), rows.get(id)]
    if (old) store(keyOf(old), without(keyOf(old), id))
    if (now && !dangling(table, now, counted)) store(keyOf(now), [...without(keyOf(now), id), id].sort())
  }
  return changes
}

const idsOf = (claimants: Claimants | undefined): readonly string[] =>
  typeof claimants === 'string' ? [claimants] : (claimants ?? [])

/** The rows whose rivals for a key are not those they were. */
function* rivals(before: Claims, after: Claims): Iterable<string> {
  for (const key of changedKeys(before, after)) {
    yield* idsOf(before.get(key))
    yield* idsOf(after.get(key))
  }
}

/** Why a row that was read does not count. */
function rejection(
  table: TableName,
  id: string,
  row: RowOf<TableName>,
  claims: Claims,
  counted: Counted,
): Rejected | undefined {
  const why = dangling(table, row, counted)
  if (why || !hasField(table, 'unique_key')) return why
  const ids = idsOf(claims.get(keyOf(row)))
  return ids.length > 1 ? doubledRow(table, keyOf(row), id, ids) : undefined
}

const keyOf = (row: RowOf<TableName>): number => (row as AnyRow).unique_key as number

function dangling(table: TableName, row: RowOf<TableName>, counted: Counted): Rejected | undefined {
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
function doubledRow(table: TableName, key: number, id: string, ids: readonly string[]): Rejected {
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
