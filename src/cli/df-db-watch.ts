/**
 * What `df-db watch` tells: the news between what is known of a store and each event of its driver, and how one
 * of them looks on a line. It knows no format but text.
 */

import { reasonOf } from '../errors.ts'
import {
  isJsonObject,
  type Json,
  type JsonObject,
  type NbDriver,
  type NbEvent,
  pythonJson,
  type RawChange,
} from '../nb/index.ts'
import { columnsOf } from './df-db-tables.ts'
import { oneLine } from './output.ts'

/** Something that happened to a row, or to the store. A row that is not a JSON object is its text. */
export type News =
  | { readonly change: 'added'; readonly table: string; readonly id: string; readonly value: Content }
  | {
      readonly change: 'changed'
      readonly table: string
      readonly id: string
      readonly before: Content
      readonly value: Content
    }
  | { readonly change: 'deleted'; readonly table: string; readonly id: string; readonly before: Content }
  | { readonly change: 'lost'; readonly reason: string }
  | { readonly change: 'recovered'; readonly rows: number }

type Content = JsonObject | string

/**
 * Follows a store, or one of its tables, until `ended`. `started` hears the number of rows that there are;
 * `told` all news after that.
 */
export function followed(
  driver: NbDriver,
  table: string | undefined,
  hears: { started(rows: number): void; told(news: News): void },
  ended: Promise<void>,
): Promise<void> {
  const newsOf = reader(table)
  let isStarted = false
  return new Promise((resolve, reject) => {
    const subscription = driver.watch().subscribe({
      next: (event) => {
        const { rows, news } = newsOf(event)
        if (event.kind === 'snapshot' && !isStarted) {
          isStarted = true
          hears.started(rows)
        }
        news.forEach(hears.told)
      },
      error: reject,
      complete: resolve,
    })
    void ended.then(() => {
      subscription.unsubscribe()
      resolve()
    })
  })
}

/**
 * A function that tells the news of each event. After a loss the next snapshot tells what happened meanwhile:
 * nothing that changed and stayed so is left out.
 */
export function reader(table?: string): (event: NbEvent) => { rows: number; news: News[] } {
  const known = new Map<string, RawChange>()
  let isStarted = false
  let lost: string | undefined
  const newsOfRow = (row: RawChange): News[] => {
    const before = known.get(keyOf(row))
    if (row.value === undefined) known.delete(keyOf(row))
    else known.set(keyOf(row), row)
    return isStarted ? newsBetween(before, row) : []
  }
  return (event) => {
    if (event.kind === 'lost') {
      const reason = reasonOf(event.error)
      const isNew = reason !== lost
      lost = reason
      return { rows: known.size, news: isNew ? [{ change: 'lost', reason }] : [] }
    }
    const given: readonly RawChange[] = event.kind === 'snapshot' ? event.rows : event.changes
    const rows = given.filter((row) => table === undefined || row.table === table)
    const gone = event.kind === 'snapshot' ? missing(known, rows) : []
    const news = [...gone, ...rows].flatMap(newsOfRow)
    isStarted = true
    const recovered: News[] = lost === undefined ? [] : [{ change: 'recovered', rows: known.size }]
    lost = undefined
    return { rows: known.size, news: [...recovered, ...news] }
  }
}

/** A piece of news on one line; the fields of a change are written as `df-db update` takes them. */
export function newsLine(news: News): string {
  const [head, ...rest] = wordsOf(news)
  return `${[head!.padEnd(9), ...rest.map(oneLine)].join(' ').trimEnd()}\n`
}

function wordsOf(news: News): string[] {
  switch (news.change) {
    case 'lost':
      return [news.change, news.reason]
    case 'recovered':
      return [news.change, `${news.rows} ${news.rows === 1 ? 'row' : 'rows'}`]
    case 'deleted':
      return [news.change, news.table, news.id]
    case 'added': {
      const { table, id, value } = news
      if (!isJsonObject(value)) return [news.change, table, id, value]
      const fields = columnsOf(table).filter((field) => field !== 'id' && value[field] !== undefined)
      return [news.change, table, id, ...fields.map((field) => fieldText(field, value[field]))]
    }
    case 'changed': {
      const { table, id, before, value } = news
      if (!isJsonObject(value)) return [news.change, table, id, value]
      const was = isJsonObject(before) ? before : {}
      const fields = [...new Set([...Object.keys(was), ...Object.keys(value)])].filter(
        (field) => textOf(was[field]) !== textOf(value[field]),
      )
      return [news.change, table, id, ...fields.map((field) => fieldText(field, value[field]))]
    }
  }
}

/** The deletion of every known row that a snapshot does not have. */
function missing(known: ReadonlyMap<string, RawChange>, rows: readonly RawChange[]): RawChange[] {
  const there = new Set(rows.map(keyOf))
  return [...known]
    .filter(([key]) => !there.has(key))
    .map(([, { table, id }]) => ({ table, id, value: undefined }))
}

/** What makes a row of two moments news: nothing if it is the same. */
export function newsBetween(before: RawChange | undefined, row: RawChange): News[] {
  const { table, id } = row
  if (row.value === undefined)
    return before ? [{ change: 'deleted', table, id, before: contentOf(before) }] : []
  const value = contentOf(row)
  if (!before) return [{ change: 'added', table, id, value }]
  if (before.value === row.value && before.problem === row.problem) return []
  return [{ change: 'changed', table, id, before: contentOf(before), value }]
}

/** `field=value`, or `field=null` for one that is gone. */
function fieldText(field: string, value: Json | undefined): string {
  const isPlain = (item: unknown): item is string =>
    typeof item === 'string' && item !== 'null' && /^[\w.:/@%+-]+$/.test(item)
  if (isPlain(value)) return `${field}=${value}`
  const isPlainList = Array.isArray(value) && value.length > 0 && value.every(isPlain)
  return `${field}=${isPlainList ? value.join(',') : textOf(value)}`
}

function textOf(value: Json | undefined): string {
  return pythonJson(value ?? null)
}

function contentOf({ value = '', problem }: RawChange): Content {
  if (problem !== undefined) return problem
  try {
    const parsed: unknown = JSON.parse(value)
    return isJsonObject(parsed) ? parsed : value
  } catch {
    return value
  }
}

function keyOf({ table, id }: RawChange): string {
  return `/${table}/${id}`
}
