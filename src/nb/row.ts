/**
 * One northbound row: JSON text to a checked, canonical, immutable value, or to the reason why it does not
 * count; and back to text. It looks at one row alone; what rows say about each other is `model.ts`
 * (docs/northbound.md).
 */

import { z } from 'zod'
import { reasonOf } from '../errors.ts'
import type { Reference, TableShape } from './fields.ts'
import { isJsonObject, type Json, pythonJson } from './json.ts'
import { tables } from './tables.ts'

/** The name of a table that is read. */
export type TableName = keyof typeof tables

/** A row of table `T`: fields as in Dragonflow's JSON, addresses canonical, missing lists empty. */
export type RowOf<T extends TableName> = Immutable<z.output<z.ZodObject<(typeof tables)[T]['fields']>>>

export type Chassis = RowOf<'chassis'>
export type Service = RowOf<'service'>
export type SecurityGroup = RowOf<'secgroup'>
export type LogicalSwitch = RowOf<'lswitch'>
export type LogicalSubnet = RowOf<'lsubnet'>
export type LogicalRouter = RowOf<'lrouter'>
export type LogicalPort = RowOf<'lport'>
export type FloatingIp = RowOf<'floatingip'>
export type DomainName = RowOf<'domainname'>
export type DnsName = RowOf<'dnsname'>

type Immutable<T> = T extends object ? { readonly [K in keyof T]: Immutable<T[K]> } : T

/** Why a row does not count, and what a person can do about it. */
export interface Rejected {
  readonly table: TableName
  readonly id: string
  /** The path of the field at fault, `ips.0`; undefined if it is the row as a whole. */
  readonly field: string | undefined
  readonly reason: string
  readonly remedy: string
}

/** The result of reading a row. */
export type RowReading<T extends TableName = TableName> =
  | { readonly row: RowOf<T>; readonly rejected?: undefined }
  | { readonly row?: undefined; readonly rejected: Rejected }

/** The tables' names in the order of reading: a table comes after those it refers to. */
export const tableNames = Object.keys(tables) as TableName[]

/** Whether `name` is one of the tables that are read. */
export function isTableName(name: string): name is TableName {
  return Object.hasOwn(tables, name)
}

/** The fields of `table` that name a row without which one of its rows does not count. */
export function referencesOf(
  table: TableName,
): [field: string, reference: Reference & { table: TableName }][] {
  return Object.entries(tables[table].refersTo)
}

/** The field of `table` that names the row to which one of its rows belongs, and whose id it has; undefined if there is none. */
export function ownerReferenceOf(
  table: TableName,
): { readonly field: string; readonly table: TableName } | undefined {
  const [field, reference] = referencesOf(table).find(([, { isOwner }]) => isOwner) ?? []
  return field === undefined ? undefined : { field, table: reference!.table }
}

/** The fields of a row of `table`, those that it needs first. */
export function fieldsOfTable(table: TableName): { readonly name: string; readonly isNeeded: boolean }[] {
  const fields = Object.entries<z.ZodType>(tables[table].fields).map(([name, schema]) => ({
    name,
    isNeeded: !schema.safeParse(undefined).success,
  }))
  return [...fields.filter(({ isNeeded }) => isNeeded), ...fields.filter(({ isNeeded }) => !isNeeded)]
}

/** Whether rows of `table` have this field. */
export function hasField(table: TableName, field: string): boolean {
  return Object.hasOwn(tables[table].fields, field)
}

/** Whether `value` may stand in a field of `table`. */
export function isFieldValue(table: TableName, field: string, value: Json): boolean {
  const fields: Readonly<Record<string, z.ZodType>> = tables[table].fields
  return hasField(table, field) && fields[field]!.safeParse(value).success
}

type Fields = { readonly id: string } & Readonly<Record<string, unknown>>

const schemas: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  tableNames.map((table) => [table, z.object(tables[table].fields)]),
)

/** Reads the value stored under `/<table>/<id>`; unknown fields are ignored. Never throws. */
export function readRow<T extends TableName>(table: T, id: string, text: string): RowReading<T> {
  const reject = (field: string | undefined, reason: string, remedy: string): RowReading<T> => ({
    rejected: { table, id, field, reason, remedy },
  })
  const replace = `write the row again, or remove it: df-db rm ${table} ${id}`
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return reject(undefined, `is not JSON (${reasonOf(error)})`, replace)
  }
  if (!isJsonObject(value)) return reject(undefined, 'is not a JSON object', replace)
  const result = schemas[table]!.safeParse(value)
  const issue = result.error?.issues[0]
  if (issue) {
    const [field, ...inside] = issue.path
    const remedy = `correct it: df-db update ${table} ${id} ${String(field)}=...`
    return reject([field, ...inside].join('.'), issue.message, field === 'id' ? replace : remedy)
  }
  const row = result.data as Fields
  if (row.id !== id) return reject('id', `is ${JSON.stringify(row.id)}, the key says ${id}`, replace)
  for (const [field, { isOwner }] of referencesOf(table)) {
    if (isOwner && row[field] !== id)
      return reject(field, `is ${JSON.stringify(row[field])}, but the row's id must be the same`, replace)
  }
  const { fault }: TableShape = tables[table]
  const found = fault?.(row)
  if (found) {
    const remedy = `correct it: df-db update ${table} ${id} ${found.field}=...`
    return reject(found.field, found.reason, remedy)
  }
  return { row: row as unknown as RowOf<T> }
}

/** The text under which Dragonflow would store `row`; read back it is an equal row. */
export function writeRow(row: RowOf<TableName>): string {
  return pythonJson(row as unknown as Json)
}
