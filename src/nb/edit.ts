/**
 * Rows as a person gives them, made into the text that is stored: fields are checked before anything is
 * written, fields that nobody here knows are kept, and fields that Dragonflow does not know are refused,
 * because its controllers fail on them (dragonflow.md 5.1). Pure; the store is `write.ts`.
 */

import { ConfigError } from '../errors.ts'
import { counterTable } from './driver.ts'
import { isJsonObject, type Json, type JsonObject, pythonJson } from './json.ts'
import { hasField, isFieldValue, isTableName, readRow, type TableName, tableNames } from './row.ts'
import { otherTables } from './tables.ts'
import { isCounter } from './unique-key.ts'

/** The table of that name; throws ConfigError with the names that there are. */
export function tableNamed(name: string): TableName {
  if (isTableName(name)) return name
  throw new ConfigError(`there is no table ${JSON.stringify(name)}: use ${tableNames.join(', ')}`)
}

/**
 * The text of a new row: lists that are missing are empty, the version is 0 if none is given, null leaves a
 * field out. Throws ConfigError that names the field.
 */
export function newRowText(table: TableName, id: string, fields: JsonObject): string {
  const version = hasField(table, 'version') ? { version: 0 } : {}
  return rowText(table, id, { ...version, ...fields }, fields)
}

/**
 * The text of a stored row after `changes`; null removes a field. The version goes up by one, as
 * `NbApi.update` does it, unless `changes` has another one. Throws ConfigError that names the field.
 */
export function changedRowText(table: TableName, id: string, stored: string, changes: JsonObject): string {
  const before = parsed(table, id, stored)
  const version = Number(before.version ?? 0)
  const isBumped = hasField(table, 'version') && (changes.version ?? version) === version
  const unknown = Object.keys(changes).filter((field) => !Object.hasOwn(before, field))
  return rowText(
    table,
    id,
    { ...before, ...changes, ...(isBumped && { version: version + 1 }) },
    Object.fromEntries(unknown.map((field) => [field, changes[field]])),
    changes,
  )
}

/**
 * The value that `text` stands for in a field: JSON if that fits, else the text, else a list separated by
 * commas.
 */
export function fieldValue(table: TableName, field: string, text: string): Json {
  const items = text === '' ? [] : text.split(',').map((item) => item.trim())
  const candidates: Json[] = [...jsonIn(text), text, items]
  const found = candidates.find((candidate) => isFieldValue(table, field, candidate))
  if (found !== undefined) return found
  // None fits: the error shall be about the item, not about the list.
  return isFieldValue(table, field, []) ? items : text
}

/**
 * Throws ConfigError if `value` may not be stored under `/<table>/<id>`; knows every table and the
 * counters; what other tables hold is not looked at.
 */
export function checkStorable(table: string, id: string, value: string): void {
  if (isTableName(table)) {
    const { rejected } = readRow(table, id, value)
    if (rejected) throw refused(table, id, rejected.field, rejected.reason)
  } else if (table === counterTable) {
    if (!isCounter(value)) throw refused(table, id, undefined, `is ${JSON.stringify(value)}, not a counter`)
  } else if (!otherTables.includes(table)) tableNamed(table)
}

/** `given` are the fields whose names are checked, `changed` those that are put into canonical form. */
function rowText(
  table: TableName,
  id: string,
  fields: JsonObject,
  given: JsonObject,
  changed: JsonObject = given,
): string {
  const unknown = Object.keys(given).find((field) => !hasField(table, field))
  if (unknown !== undefined) throw refused(table, id, unknown, 'is no field of this table')
  const { row, rejected } = readRow(table, id, pythonJson(fields))
  if (rejected) throw refused(table, id, rejected.field, rejected.reason)
  const canonical = Object.entries(row).filter(
    ([field, value]) => (changed[field] ?? null) !== null || (Array.isArray(value) && value.length === 0),
  )
  return pythonJson({ ...fields, ...Object.fromEntries(canonical) } as JsonObject)
}

function parsed(table: string, id: string, text: string): JsonObject {
  const [value] = jsonIn(text)
  if (isJsonObject(value)) return value
  throw refused(table, id, undefined, 'is not a JSON object')
}

function jsonIn(text: string): Json[] {
  try {
    return [JSON.parse(text) as Json]
  } catch {
    return []
  }
}

function refused(table: string, id: string, field: string | undefined, reason: string): ConfigError {
  return new ConfigError(`${table} ${id}: ${field ? `${field} ` : ''}${reason}`)
}
