/** Opens the socket that a target names. It knows OVSDB's two unencrypted active connection methods (ovsdb(7)). */

import { createConnection, type Socket } from 'node:net'
import { ConfigError } from '../errors.ts'

/** Where to connect: `path`, or `host` and `port`. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number }

/** The address that `unix:<path>` or `tcp:<host>:<port>` stands for. Throws `ConfigError`. */
export function addressOf(target: string): Address {
  if (target.startsWith('unix:') && target.length > 'unix:'.length)
    return { path: target.slice('unix:'.length) }
  const [, bracketed, plain, port] = /^tcp:(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(target) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65535)
    throw new ConfigError(`'${target}' is no database connection; write unix:<path> or tcp:<host>:<port>`)
  return { host, port: Number(port) }
}

/** Why a connection did not come about, with what to do where that is known. */
export function connectFault({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'no right to it; docs/operations.md says how to grant it'
    case 'ENOENT':
      return `${message}: start Open vSwitch, or correct ovsdb_connection`
    case 'ECONNREFUSED':
      return `${message}: nobody listens there; start Open vSwitch, or correct ovsdb_connection`
    default:
      return message
  }
}

/** Begins to connect. */
export const openSocket = (address: Address): Socket => createConnection({ ...address, noDelay: true })
