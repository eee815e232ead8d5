/**
 * What must be written and removed so that the northbound store holds the rows of a cloud. Only rows that the feed made
 * are its own: it remembers them in `/dfneutronsync/<table>/<id>` and never touches another. Nothing is removed because
 * it was not in a list; that a resource is gone is for the caller to know. Pure.
 */

import { ConfigError } from '../errors.ts'
import {
  feedTable,
  hasField,
  isJsonObject,
  type JsonObject,
  newRowText,
  pythonJson,
  type RawRow,
} from '../nb/index.ts'
import type { Cloud, CollectionName } from './resources.ts'
import { type FedTable, fedTableNames, fedTables, type Problem, type Wanted, type WantedRow } from './rows.ts'

/** The store as the feed looks at it. Keys are `<table>/<id>`. */
export interface Stored {
  readonly values: ReadonlyMap<string, string>
  /** The rows that the feed of this region has made. */
  readonly own: ReadonlySet<string>
}

/** Ids of resources by collection. */
export type Ids = { readonly [C in CollectionName]?: ReadonlySet<string> }

/** A difference, in the order in which it is to be made. */
export interface Changes {
  /** `before` is what is stored now, undefined for a row that is new. */
  readonly writes: readonly {
    readonly table: FedTable
    readonly id: string
    readonly value: string
    readonly before: string | undefined
  }[]
  readonly removals: readonly { readonly table: FedTable; readonly id: string; readonly before: string }[]
  /** How many unique keys the new rows of a table take, from the first one given. */
  readonly newKeys: ReadonlyMap<FedTable, number>
  readonly problems: readonly Problem[]
}

const keyOf = (table: string, id: string) => `${table}/${id}`

/** What the feed of `region` finds in a store. */
export function storedOf(rows: Iterable<RawRow>, region: string): Stored {
  const values = new Map<string, string>()
  const own = new Set<string>()
  for (const { table, id, value } of rows)
    if (table !== feedTable) values.set(keyOf(table, id), value)
    else if (value === memoryOf(region, id)) own.add(id)
  return { values, own }
}

/** What is stored under `/dfneutronsync/<key>`. */
export const memoryOf = (region: string, key: string): string => pythonJson({ id: key, region })

/** The store after changes that were made. */
export function storedAfter({ values, own }: Stored, { writes, removals }: Changes): Stored {
  const [nextValues, nextOwn] = [new Map(values), new Set(own)]
  for (const { table, id, value } of writes) {
    nextValues.set(keyOf(table, id), value)
    nextOwn.add(keyOf(table, id))
  }
  for (const { table, id } of removals) {
    nextValues.delete(keyOf(table, id))
    nextOwn.delete(keyOf(table, id))
  }
  return { values: nextValues, own: nextOwn }
}

/** The resources that rows of ours are about and that this cloud does not have: gone, or merely not seen. */
export function missingFrom(cloud: Cloud, { own }: Stored): Ids {
  const missing: { [C in CollectionName]?: Set<string> } = {}
  for (const key of own) {
    const { collection, id } = rowNamed(key)
    if (cloud[collection].has(id) || cloud.unread[collection].has(id)) continue
    missing[collection] ??= new Set()
    missing[collection].add(id)
  }
  return missing
}

/**
 * The difference between what is wanted and what is stored. `gone` are the resources that do not exist any more, `firstKeys`
 * the first unique key that is free in a table (1 if it does not matter). A row that cannot be stored keeps its last
 * value; a name that cannot be stored goes.
 */
export function changesOf(
  { wanted, cloud, stored, gone }: { wanted: Wanted; cloud: Cloud; stored: Stored; gone: Ids },
  firstKeys: ReadonlyMap<string, number> = new Map(),
): Changes {
  const writes: Changes['writes'][number][] = []
  const problems = [...wanted.problems]
  const newKeys = new Map<FedTable, number>()
  const portKeys = new Map<string, number>()
  const kept = new Set<string>()
  const keyFor = (table: FedTable, before: string | undefined): number => {
    const known = uniqueKeyIn(before)
    if (known !== undefined) return known
    return (firstKeys.get(table) ?? 1) + (newKeys.get(table) ?? 0)
  }
  for (const row of wanted.rows) {
    const { table, id } = row
    const key = keyOf(table, id)
    const before = stored.values.get(key)
    const isOurs = stored.own.has(key)
    const unique = hasField(table, 'unique_key') ? keyFor(table, before) : undefined
    if (before !== undefined && !isOurs) {
      if (table === 'lport' && unique !== undefined) portKeys.set(id, unique)
      problems.push({
        kind: 'not ours',
        text: `${table} ${id} is in the store and not made by this feed: it stays as it is`,
      })
      continue
    }
    try {
      const value = newRowText(table, id, withKeys(row, unique, portKeys))
      if (unique !== undefined && uniqueKeyIn(before) === undefined)
        newKeys.set(table, (newKeys.get(table) ?? 0) + 1)
      if (table === 'lport') portKeys.set(id, unique!)
      if (value !== before || !isOurs) writes.push({ table, id, value, before })
      kept.add(key)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push({ kind: isName(table) ? 'bad name' : 'bad row', text: error.message })
      if (!isName(table)) kept.add(key)
    }
  }
  const removals = [...stored.own]
    .filter((key) => !kept.has(key) && isOver(key, cloud, gone, wanted.hasNames))
    .map((key) => ({ ...rowNamed(key), before: stored.values.get(key) ?? '' }))
    .sort((a, b) => fedTableNames.indexOf(b.table) - fedTableNames.indexOf(a.table) || (a.id < b.id ? -1 : 1))
  return { writes, removals, newKeys, problems }
}

const isName = (table: FedTable) => table === 'domainname' || table === 'dnsname'

/** A row goes with its resource; a name also goes if its resource is there without it. */
function isOver(key: string, cloud: Cloud, gone: Ids, hasNames: boolean): boolean {
  const { table, id, collection } = rowNamed(key)
  if (gone[collection]?.has(id)) return true
  return hasNames && isName(table) && cloud[collection].has(id)
}

function rowNamed(key: string): { table: FedTable; id: string; collection: CollectionName } {
  const slash = key.indexOf('/')
  const table = key.slice(0, slash) as FedTable
  return { table, id: key.slice(slash + 1), collection: fedTables[table] }
}

/** The fields with the row's own key, and in a router those of its ports. */
function withKeys(
  { table, fields }: WantedRow,
  unique: number | undefined,
  portKeys: ReadonlyMap<string, number>,
): JsonObject {
  if (unique === undefined) return fields
  if (table !== 'lrouter') return { ...fields, unique_key: unique }
  const ports = (fields.ports as readonly JsonObject[]).flatMap((port) => {
    const unique_key = portKeys.get(port.id as string)
    return unique_key === undefined ? [] : [{ ...port, unique_key }]
  })
  return { ...fields, unique_key: unique, ports }
}

function uniqueKeyIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  try {
    const row: unknown = JSON.parse(text)
    const key = isJsonObject(row) ? row.unique_key : undefined
    return Number.isInteger(key) && (key as number) > 0 ? (key as number) : undefined
  } catch {
    return undefined
  }
}
