/**
 * Where an OpenFlow listener stands, as Open vSwitch writes it: `unix:<path>` or `tcp:<host>:<port>`. It knows the text
 * and what to say when the place cannot be had; it opens nothing.
 */

import { dirname } from 'node:path'
import { ListenError } from './failure.ts'

/** A place to listen at. */
export type Target =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/** `sun_path` has 108 bytes and ends with a zero (unix(7)); the system would cut a longer path silently. */
const maxPathSize = 107

/** Reads a target; an IPv6 host stands in brackets, port 0 is any free one. Throws `ListenError` if it is none. */
export function parseTarget(text: string): Target {
  const unix = /^unix:(.+)$/s.exec(text)
  if (unix) return { kind: 'unix', path: fitting(text, unix[1]!) }
  const tcp = /^tcp:(?:\[([^[\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  if (tcp && Number(tcp[3]) <= 0xffff) return { kind: 'tcp', host: (tcp[1] ?? tcp[2])!, port: Number(tcp[3]) }
  throw new ListenError(
    text,
    'is no place to listen at: write unix:/path/to/socket, tcp:127.0.0.1:6653 or tcp:[::1]:6653',
  )
}

/** The text of a target. */
export function formatTarget(target: Target): string {
  if (target.kind === 'unix') return `unix:${target.path}`
  return `tcp:${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`
}

/** What to tell a person when listening at the target failed. */
export function listenError(target: Target, error: NodeJS.ErrnoException): ListenError {
  return new ListenError(formatTarget(target), reasonOf(target, error), error)
}

function fitting(text: string, path: string): string {
  const size = Buffer.byteLength(path)
  if (size <= maxPathSize) return path
  throw new ListenError(text, `the path has ${size} bytes, and a socket's at most ${maxPathSize}: shorten it`)
}

function reasonOf(target: Target, error: NodeJS.ErrnoException): string {
  const place = target.kind === 'unix' ? dirname(target.path) : target.host
  switch (error.code) {
    case 'ENOENT':
      return `directory ${place} does not exist: start Open vSwitch, which makes its run directory, or create it`
    case 'ENOTDIR':
      return `${place} is not a directory: correct the path`
    case 'ENOTSOCK':
      return 'a file that is no socket stands there: remove it or choose another path'
    case 'EACCES':
    case 'EPERM':
      return target.kind === 'unix'
        ? `no permission to create a socket in ${place}: run as root, or grant it with \`setfacl -m u:<user>:rwx ${place}\``
        : `no permission to listen at port ${target.port}: choose one above 1023, or run as root`
    case 'EROFS':
      return `${place} cannot be written (read-only file system): choose another path`
    case 'EADDRINUSE':
      return target.kind === 'unix'
        ? 'socket in use by a running process: stop it (is another controller running?) or choose another path'
        : 'address in use by a running process: stop it (is another controller running?) or choose another port'
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${place}: use one that \`ip address\` shows`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host name ${place} is not known: use an address`
    default:
      return `cannot listen there: ${error.message}`
  }
}
