/**
 * The errors of the controller, one class per kind of reaction (house rule: retry is a property of the class).
 * `CodecError` lives in `wire`, beside the code that throws it.
 */

/** What every error of the project carries: a stable code and whatever a person needs to act. */
export abstract class ControllerError extends Error {
  abstract readonly code: string
  /** Whether the same operation may succeed later without a change by a person. */
  abstract readonly isRetriable: boolean

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
  }
}

/** A peer broke the rules of its protocol: close the connection, then open it again. */
export class ProtocolError extends ControllerError {
  readonly code = 'protocol'
  readonly isRetriable = true
}

/** A connection could not be opened or was lost: retry with back-off. */
export class ConnectionError extends ControllerError {
  readonly code = 'connection'
  readonly isRetriable = true
}

/** The northbound store cannot be read or written. */
export class NorthboundError extends ControllerError {
  readonly code = 'northbound'
  readonly isRetriable = true
}

/** A person gave something wrong (an option, a file, an argument): one line that names it and the remedy, exit 2. */
export class ConfigError extends ControllerError {
  readonly code = 'config'
  readonly isRetriable = false
}

/** The project itself is wrong: crash, with the stack. */
export class BugError extends ControllerError {
  readonly code = 'bug'
  readonly isRetriable = false
}

/** The message of anything thrown, with the messages of its causes. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`
}
