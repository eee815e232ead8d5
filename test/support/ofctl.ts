/** `ovs-ofctl` as the judge of our bytes and texts; it needs no switch. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** What `ovs-ofctl parse-flows` makes of flows, one a line: the flow-mods of OpenFlow 1.3 as it prints them. */
export async function parseFlows(lines: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'df-flows-'))
  try {
    await writeFile(join(directory, 'flows'), lines.join('\n'))
    const { stdout } = await run('ovs-ofctl', ['-O', 'OpenFlow13', 'parse-flows', join(directory, 'flows')])
    return stdout
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith('OFPT_'))
      .map((line) => line.replace(/\(xid=0x[0-9a-f]+\)/, '(xid=0x1)'))
  } finally {
    await rm(directory, { recursive: true })
  }
}
