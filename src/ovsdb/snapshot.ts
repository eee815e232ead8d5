/**
 * Read, decide, write: what keeps two writers of the database from undoing each other's work. A plan is made from rows
 * read a moment ago and guarded by `wait` operations on what it relied on; if those fail, everything is done again.
 */

import { columnsOf, type Row, readRow, type TableName, type Tables, tableNames, writeRow } from './schema.ts'
import { isRace, type Operation, type OperationResult } from './transact.ts'
import { uuid } from './values.ts'

export type Transact = (operations: readonly Operation[]) => Promise<OperationResult[]>

/** What to write, given what is there; no operation if it is right already. */
export type Plan<Answer> = (tables: Tables) => {
  readonly answer: Answer
  readonly operations: readonly Operation[]
}

/** How often a plan is made anew before its failure is passed on. */
const attempts = 8

/** Carries a plan out and resolves with its answer and whether anything had to be written. */
export async function agree<Answer>(
  transact: Transact,
  plan: Plan<Answer>,
): Promise<{
  readonly answer: Answer
  readonly isChanged: boolean
  readonly results: readonly OperationResult[]
}> {
  for (let attempt = 1; ; attempt++) {
    const { answer, operations } = plan(await snapshot(transact))
    if (operations.length === 0) return { answer, isChanged: false, results: [] }
    try {
      return { answer, isChanged: true, results: await transact(operations) }
    } catch (error) {
      if (!isRace(error) || attempt === attempts) throw error
    }
  }
}

/** Fails the transaction unless these columns of the row are still as they were read. */
export function guard<T extends TableName>(table: T, id: string, columns: Partial<Row<T>>): Operation {
  return {
    op: 'wait',
    table,
    where: [byId(id)],
    columns: Object.keys(columns),
    until: '==',
    rows: [writeRow(table, columns)],
    timeout: 0,
  }
}

/** The condition that picks one row. */
export const byId = (id: string) => ['_uuid', '==', uuid.write(id)] as const

/** Every declared column of every row, as of one moment. */
async function snapshot(transact: Transact): Promise<Tables> {
  const results = await transact(
    tableNames.map((table) => ({ op: 'select', table, where: [], columns: ['_uuid', ...columnsOf(table)] })),
  )
  const tables = tableNames.map((table, index) => {
    const rows = results[index]?.rows ?? []
    return [table, new Map(rows.map((row) => rowOf(table, row)))]
  })
  return Object.fromEntries(tables) as Tables
}

function rowOf<T extends TableName>(table: T, json: Readonly<Record<string, unknown>>): [string, Row<T>] {
  const id = uuid.read(json._uuid, `${table} _uuid`)
  return [id, readRow(table, id, json)]
}
