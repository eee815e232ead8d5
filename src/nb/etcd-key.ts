/**
 * Where the etcd driver keeps a row: `<prefix>/<table>/<id>`, as Dragonflow does (dragonflow.md 6.1), and the
 * ranges of keys that are ours; whatever else lies in the same etcd is never read. It talks to nobody.
 */

import { ConfigError } from '../errors.ts'
import { counterTable, type RawRow } from './driver.ts'
import { folderOf, isTableFolder } from './file-path.ts'
import { tableNames } from './row.ts'
import { otherTables } from './tables.ts'

/** The keys from `key` up to, but without, `range_end`; the names are etcd's. */
export interface KeyRange {
  readonly key: Buffer
  readonly range_end: Buffer
}

/** The keys of one store. */
export interface KeySpace {
  /** The ranges that hold every row, in the order of their keys. */
  readonly ranges: readonly KeyRange[]
  /** The range of one table; throws ConfigError if the name cannot be a table's. */
  rangeOf(table: string): KeyRange
  /** The key of a row; throws ConfigError if its table or its id cannot be one. */
  keyOf(table: string, id: string): Buffer
  /** The row under a key of a range; undefined if the key is not a row's. */
  rowOf(key: Buffer, value: Buffer): RawRow | undefined
}

/** All tables that begin so are Dragonflow's. */
const serviceChains = 'sfc_'

/** The keys below `prefix`, which may be empty. */
export function keySpace(prefix: string): KeySpace {
  const start = Buffer.byteLength(prefix) + 1
  const below = (path: string) => rangeBelow(Buffer.from(`${prefix}/${path}`))
  const tables = new Set<string>([...tableNames, ...otherTables, counterTable])
  const single = [...tables].filter((table) => !table.startsWith(serviceChains)).map((table) => `${table}/`)
  return {
    ranges: [...single, serviceChains].sort().map(below),
    rangeOf: (table) => below(`${checkedTable(table)}/`),
    keyOf: (table, id) => Buffer.from(`${prefix}/${checkedTable(table)}/${checkedId(id)}`),
    rowOf: (key, value) => rowOf(key.subarray(start), value),
  }
}

/** `name` is `<table>/<id>`. A row that cannot be read keeps its place, with the reason. */
function rowOf(name: Buffer, value: Buffer): RawRow | undefined {
  const slash = name.indexOf('/')
  const table = name.toString('latin1', 0, Math.max(slash, 0))
  if (!isTableFolder(table)) return undefined
  const idBytes = name.subarray(slash + 1)
  const id = textOf(idBytes)
  const text = textOf(value)
  if (id === undefined)
    return { table, id: escaped(idBytes), value: '', problem: 'the key is not UTF-8 text' }
  if (id === '') return { table, id, value: '', problem: 'the key has no id' }
  if (text === undefined) return { table, id, value: '', problem: 'the value is not UTF-8 text' }
  return { table, id, value: text }
}

/** The range of all keys that begin so; `start` does not end with 0xff. */
function rangeBelow(start: Buffer): KeyRange {
  const end = Buffer.from(start)
  end[end.length - 1]! += 1
  return { key: start, range_end: end }
}

function checkedTable(table: string): string {
  folderOf('', table)
  return table
}

function checkedId(id: string): string {
  if (id === '') throw new ConfigError('the id of a row cannot be empty')
  if (/\p{Surrogate}/u.test(id)) throw new ConfigError(`the id ${JSON.stringify(id)} is not Unicode text`)
  return id
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Lone surrogates for the bytes beyond ASCII (as Python's surrogateescape): no id that is text can be the same. */
function escaped(bytes: Buffer): string {
  return [...bytes].map((byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join('')
}
