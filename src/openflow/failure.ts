/**
 * The errors of an OpenFlow connection, one class per kind of reaction. They stand here and not with the project's
 * errors because this room is a library of its own.
 */

/** The switch refused a message (OFPT_ERROR, OF 1.3.5 §7.5.4); the connection goes on. */
export class OpenFlowError extends Error {
  /** The error's name: `OFPBMC_BAD_PREREQ`. */
  readonly reason: string
  /** The refused message as `ovs-ofctl` prints it, as far as it is known. */
  readonly subject: string

  constructor(reason: string, subject: string) {
    super(`the switch refused ${subject}: ${reason}`)
    this.name = 'OpenFlowError'
    this.reason = reason
    this.subject = subject
  }
}

/** The session ended before the switch had answered, or before it was asked. */
export class SessionClosedError extends Error {
  /** Why it ended. */
  readonly reason: string

  constructor(reason: string) {
    super(`the connection to the switch is closed: ${reason}`)
    this.name = 'SessionClosedError'
    this.reason = reason
  }
}

/** Nothing can listen there: one line that names the target and the remedy. */
export class ListenError extends Error {
  readonly target: string

  constructor(target: string, reason: string, cause?: unknown) {
    super(`${target}: ${reason}`, cause === undefined ? undefined : { cause })
    this.name = 'ListenError'
    this.target = target
  }
}
