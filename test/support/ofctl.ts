/** `ovs-ofctl` as the judge of our bytes and texts; it needs no switch. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What `ovs-ofctl ofp-print` says of a message. */
export async function ofpPrint(message: Uint8Array): Promise<string> {
  const { stdout } = await run('ovs-ofctl', ['ofp-print', Buffer.from(message).toString('hex')])
  return stdout.trimEnd()
}

/** What `ovs-ofctl print-error` says of an error's name. */
export async function printError(name: string): Promise<string> {
  return (await run('ovs-ofctl', ['print-error', name])).stdout
}
