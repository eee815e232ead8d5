/** What an OVSDB server refuses: the error objects of RFC 7047 §3.1 and §5.2 as an error of the project. */

import { ControllerError } from '../errors.ts'

/** The database refused an operation, or lacks what the operation needs. */
export class OvsdbError extends ControllerError {
  readonly code = 'ovsdb'
  /** True for errors that pass: another writer was quicker, or the server was short of something. */
  readonly isRetriable: boolean
  /** RFC 7047's word for it, such as `constraint violation`. */
  readonly reason: string
  /** The text of what was refused. */
  readonly operation: string

  constructor(reason: string, operation: string, details?: string) {
    super(`the Open vSwitch database refused ${operation}: ${reason}${details ? ` (${details})` : ''}`)
    this.reason = reason
    this.operation = operation
    this.isRetriable = passing.has(reason)
  }
}

/** A bridge that is needed is not in the database: a person may still add it. */
export class MissingBridgeError extends ControllerError {
  readonly code = 'ovsdb-bridge'
  readonly isRetriable = true

  constructor(bridge: string, purpose = '') {
    super(`there is no bridge ${bridge}${purpose}; create it with: ovs-vsctl add-br ${bridge}`)
  }
}

const passing: ReadonlySet<string> = new Set(['timed out', 'aborted', 'resources exhausted', 'I/O error'])

/** The error that a server's `error` object, or anything in its place, stands for. */
export function refusal(error: unknown, operation: string): OvsdbError {
  if (typeof error !== 'object' || error === null) return new OvsdbError(String(error), operation)
  const { error: reason, details } = error as { error?: unknown; details?: unknown }
  return new OvsdbError(
    typeof reason === 'string' ? reason : JSON.stringify(error),
    operation,
    typeof details === 'string' ? details : undefined,
  )
}
