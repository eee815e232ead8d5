/**
 * What people give to `df-db`: fields of a row on the command line, and rows in a file. It touches no store.
 */

import { ConfigError, reasonOf } from '../errors.ts'
import { fieldValue, isJsonObject, type JsonObject, type RawRow, type TableName } from '../nb/index.ts'
import type { Io } from './output.ts'

/** The fields that arguments stand for: `field=value`, a JSON object, or `-` for one on standard input. */
export async function fieldsOf(table: TableName, given: readonly string[], io: Io): Promise<JsonObject> {
  let fields: JsonObject = {}
  for (const argument of given) {
    const text = argument === '-' ? await io.input() : argument
    const isObject = argument === '-' || text.trimStart().startsWith('{')
    fields = { ...fields, ...(isObject ? objectIn(text) : fieldIn(table, text)) }
  }
  return fields
}

/** The rows of a dump; throws ConfigError that names the line. Of rows with one key the last is taken. */
export function rowsIn(text: string, file: string): RawRow[] {
  const rows = new Map<string, RawRow>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const row = rowIn(line)
    if (typeof row === 'string') throw new ConfigError(`${file}, line ${index + 1}: ${row}`)
    rows.set(`/${row.table}/${row.id}`, row)
  }
  return [...rows.values()]
}

function rowIn(line: string): RawRow | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch (error) {
    return `not JSON (${reasonOf(error)})`
  }
  const { key, value } = isJsonObject(parsed) ? parsed : {}
  if (typeof key !== 'string' || typeof value !== 'string')
    return 'a row is written {"key": "/<table>/<id>", "value": "<text>"}'
  const [, table, id] = /^\/([^/]+)\/(.+)$/s.exec(key) ?? []
  if (table === undefined || id === undefined) return `the key ${JSON.stringify(key)} is not /<table>/<id>`
  return { table, id, value }
}

function objectIn(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isJsonObject(value)) return value
  } catch (error) {
    throw new ConfigError(`the fields are not a JSON object (${reasonOf(error)})`)
  }
  throw new ConfigError('the fields are not a JSON object: write {"field": value}')
}

function fieldIn(table: TableName, text: string): JsonObject {
  const [, field, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (field === undefined || value === undefined)
    throw new ConfigError(`${JSON.stringify(text)} is no field: write field=value, a JSON object, or -`)
  return { [field]: fieldValue(table, field, value) }
}
