/**
 * Writes rows for people and for feeds: allocates unique keys, fills in what follows from other rows, and
 * lets nothing through that would be rejected when read. It knows the driver's interface and no driver.
 */

import { isDeepStrictEqual } from 'node:util'
import { ConfigError, NorthboundError } from '../errors.ts'
import { counterTable, type NbDriver, type RawRow } from './driver.ts'
import { changedRowText, checkStorable, newRowText } from './edit.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { hasField, isTableName, ownerReferenceOf, readRow, type TableName } from './row.ts'
import { advancedCounter, raisedCounter } from './unique-key.ts'
import { uniqueKey } from './values.ts'

/**
 * Adds a row and resolves to its id. A missing unique_key is allocated; a DNS row takes its id and its topic
 * from the row that it names. Throws ConfigError for a field that is wrong and NorthboundError if the row
 * exists.
 */
export async function addRow(driver: NbDriver, table: TableName, fields: JsonObject): Promise<string> {
  const full = await withOwner(driver, table, fields)
  const { id } = full
  if (typeof id !== 'string' || id === '') throw new ConfigError(`a new ${table} needs an id: add id=...`)
  if ((await driver.get(table, id)) !== undefined)
    throw new NorthboundError(`${table} ${id} exists already: update it, or remove it first`)
  if (!hasField(table, 'unique_key')) {
    await driver.create(table, id, newRowText(table, id, full))
    return id
  }
  // Checked before a key is spent on it.
  newRowText(table, id, { unique_key: 1, ...full })
  const key = full.unique_key ?? (await takeUniqueKeys(driver, table, 1))
  const text = newRowText(table, id, { ...full, unique_key: key })
  await claimUniqueKey(driver, table, id, Number(key))
  await driver.create(table, id, text)
  return id
}

/**
 * Changes fields of a row, keeping the others, and resolves to its new text; null removes a field. Throws
 * ConfigError.
 */
export async function updateRow(
  driver: NbDriver,
  table: TableName,
  id: string,
  changes: JsonObject,
): Promise<string> {
  const key =
    isUniqueKey(changes.unique_key) && hasField(table, 'unique_key') ? changes.unique_key : undefined
  if (key !== undefined) await claimUniqueKey(driver, table, id, key)
  const text = await driver.change(table, id, (stored) => {
    if (stored === undefined) throw missingRow(table, id)
    return changedRowText(table, id, stored, changes)
  })
  return text!
}

/**
 * Sees to it that a row, which has no unique_key, has these fields: it is made if it is missing or cannot be read, else its
 * other fields stay, also those that nobody here knows. Writes nothing if all is as it shall be; resolves to whether it
 * wrote. Throws ConfigError for a field that is wrong.
 */
export async function ensureRow(
  driver: Pick<NbDriver, 'change'>,
  table: TableName,
  id: string,
  fields: JsonObject,
): Promise<boolean> {
  const written = await driver.change(table, id, (stored) => {
    const { row } = stored === undefined ? {} : readRow(table, id, stored)
    if (stored === undefined || row === undefined) return newRowText(table, id, { id, ...fields })
    return hasFields(row, fields) ? undefined : changedRowText(table, id, stored, fields)
  })
  return written !== undefined
}

/** Whether a row that was read has these fields. */
export function hasFields(row: object, fields: JsonObject): boolean {
  const values = row as Readonly<Record<string, unknown>>
  return Object.entries(fields).every(([name, value]) => isDeepStrictEqual(values[name], value))
}

/**
 * Writes rows as they are, over those that exist, after checking them all; counters only go up, and at least
 * to the highest key that was loaded. Throws ConfigError before anything is written.
 */
export async function loadRows(driver: NbDriver, rows: readonly RawRow[]): Promise<void> {
  for (const { table, id, value } of rows) checkStorable(table, id, value)
  const counters = new Map<string, number>()
  for (const { table, id, value } of rows) {
    const [counter, key] = table === counterTable ? [id, Number(value)] : [table, keyIn(table, value)]
    if (key !== undefined) counters.set(counter, Math.max(key, counters.get(counter) ?? 0))
  }
  await driver.putAll(rows.filter(({ table }) => table !== counterTable))
  for (const [table, key] of counters) await raiseCounter(driver, table, key)
}

/**
 * Takes `count` unique keys that no row has, also if rows were written past the counter; resolves to the first, which
 * the others follow.
 */
export async function takeUniqueKeys(driver: NbDriver, table: TableName, count: number): Promise<number> {
  let highest = 0
  for (const { value } of await driver.list(table)) highest = Math.max(highest, keyIn(table, value) ?? 0)
  const last = await driver.change(counterTable, table, (stored) =>
    advancedCounter(table, stored, { highest, count }),
  )
  return Number(last) - count + 1
}

/** The error for a row that is not there. */
export function missingRow(table: string, id: string): ConfigError {
  return new ConfigError(`there is no ${table} ${id}: see df-db ls ${table}`)
}

async function withOwner(driver: NbDriver, table: TableName, fields: JsonObject): Promise<JsonObject> {
  const reference = ownerReferenceOf(table)
  const owner = reference && fields[reference.field]
  if (reference === undefined || typeof owner !== 'string') return fields
  const named = { id: owner, ...fields }
  if (fields.topic !== undefined) return named
  const text = await driver.get(reference.table, owner)
  if (text === undefined)
    throw new ConfigError(`${table} ${owner}: there is no ${reference.table} ${owner} to take the topic from`)
  const { row } = readRow(reference.table, owner, text)
  return row && 'topic' in row ? { ...named, topic: row.topic } : named
}

/** Makes sure that no other row has this key and that none will be given it; throws ConfigError. */
async function claimUniqueKey(driver: NbDriver, table: TableName, id: string, key: number): Promise<void> {
  const other = (await driver.list(table)).find((row) => row.id !== id && keyIn(table, row.value) === key)
  if (other)
    throw new ConfigError(`${table} ${id}: unique_key ${key} is that of ${table} ${other.id}: leave it out`)
  await raiseCounter(driver, table, key)
}

async function raiseCounter(driver: NbDriver, table: string, key: number): Promise<void> {
  await driver.change(counterTable, table, (stored) => raisedCounter(table, stored, key))
}

/** The unique_key in a stored value, or undefined if there is none. */
function keyIn(table: string, value: string): number | undefined {
  if (!isTableName(table) || !hasField(table, 'unique_key')) return undefined
  try {
    const row: unknown = JSON.parse(value)
    return isJsonObject(row) && isUniqueKey(row.unique_key) ? row.unique_key : undefined
  } catch {
    return undefined
  }
}

function isUniqueKey(value: unknown): value is number {
  return uniqueKey.read(value) !== undefined
}
