/**
 * Transactions (RFC 7047 §4.1.3, §5.2): the operations in use, the text of one for messages, and the check of a reply.
 * It knows no connection.
 */

import { ProtocolError } from '../errors.ts'
import { OvsdbError, refusal } from './errors.ts'

/** `[column, function, value]`, the value in OVSDB's notation. */
export type Condition = readonly [column: string, test: string, value: unknown]
type JsonRow = Readonly<Record<string, unknown>>

/** One operation, in OVSDB's notation. */
export type Operation =
  | { op: 'select'; table: string; where: readonly Condition[]; columns?: readonly string[] }
  | { op: 'insert'; table: string; row: JsonRow; 'uuid-name'?: string }
  | { op: 'update'; table: string; where: readonly Condition[]; row: JsonRow }
  | { op: 'mutate'; table: string; where: readonly Condition[]; mutations: readonly Condition[] }
  | { op: 'delete'; table: string; where: readonly Condition[] }
  | {
      op: 'wait'
      table: string
      where: readonly Condition[]
      columns: readonly string[]
      until: '==' | '!='
      rows: readonly JsonRow[]
      /** Milliseconds; 0 fails at once. */
      timeout: number
    }
  | { op: 'comment'; comment: string }

/** What one operation brought; which of them is there depends on the operation. */
export interface OperationResult {
  readonly count?: number
  readonly uuid?: readonly ['uuid', string]
  readonly rows?: readonly JsonRow[]
}

/** An operation as one line. */
export function operationText(operation: Operation): string {
  const { op, ...rest } = operation
  const table = 'table' in rest ? ` ${rest.table}` : ''
  const details = Object.entries(rest).filter(([name]) => name !== 'table')
  return `${op}${table} ${JSON.stringify(Object.fromEntries(details))}`
}

/**
 * The results, one for each operation. Throws `OvsdbError` with the text of the operation that was refused (or of all, if
 * the refusal came at the commit), `ProtocolError` if it is no reply to that transaction.
 */
export function checkedResults(operations: readonly Operation[], reply: unknown): OperationResult[] {
  if (!Array.isArray(reply)) throw new ProtocolError('the reply to transact is no list')
  for (const [index, result] of reply.entries()) {
    const operation = operations[index]
    if (isObject(result) && result.error !== undefined)
      throw refusal(result, operation ? operationText(operation) : commitText(operations))
    if (operation !== undefined && !isObject(result))
      throw new ProtocolError(`no result for ${operationText(operation)}`)
  }
  if (reply.length !== operations.length)
    throw new ProtocolError(`${reply.length} results for ${operations.length} operations`)
  return reply
}

/** Whether another writer was quicker: a `wait` without patience failed, or a name is taken by now. */
export function isRace(error: unknown): boolean {
  return error instanceof OvsdbError && ['timed out', 'constraint violation'].includes(error.reason)
}

const commitText = (operations: readonly Operation[]): string =>
  `the commit of ${operations.map(operationText).join('; ')}`

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
