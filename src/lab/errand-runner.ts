/**
 * Runs a command in a VM of the lab and says in few words what came of it (docs/lab.md), so that it can be compared. What
 * `dig` asked a server outside is looked up in the capture beside that server: where it came from is part of the result.
 */

import { queriesIn, type SeenQuery } from './capture.ts'
import { dig } from './dig.ts'
import { captureOf } from './dns-server.ts'
import type { Errand } from './errands.ts'
import { namespaceOf } from './lab.ts'
import type { Plan } from './plan.ts'
import { outputOf, waitUntil } from './process.ts'

/** An errand that was run. */
export interface Outcome {
  readonly errand: Errand
  /** What came of it, in the words of an errand's `result`. */
  readonly found: string
  readonly tookMs: number
}

/** Runs an errand. Throws `LabError` if its command cannot be run. */
export async function outcomeOf(plan: Plan, errand: Errand, signal?: AbortSignal): Promise<Outcome> {
  const began = performance.now()
  const [program = '', ...args] = errand.command.split(' ')
  const namespace = namespaceOf(plan, errand.vm)
  if (program === 'dig') {
    const reply = await dig(namespace, args)
    const tookMs = performance.now() - began
    if (reply === undefined) return { errand, found: unanswered, tookMs }
    const source = await sourceOf(plan, reply, signal)
    const answers = reply.answers.join(' ') || nothing
    return { errand, found: source === undefined ? answers : `${answers} asked from ${source}`, tookMs }
  }
  const { stdout } = await outputOf('ip', ['netns', 'exec', namespace, program, ...args])
  return { errand, found: gistOf(program, stdout), tookMs: performance.now() - began }
}

/** What a program's output comes to: `10.0.1.12 ttl 63` of ping, the line of getent without its columns. */
export function gistOf(program: string, output: string): string {
  if (program !== 'ping') return output.trim().split('\n')[0]!.replace(/\s+/g, ' ') || nothing
  const [, from, inBrackets, ttl] =
    /bytes from (\S+?)(?: \((\S+)\))?:? icmp_seq=\d+ ttl=(\d+)/.exec(output) ?? []
  return ttl === undefined ? unanswered : `${inBrackets ?? from} ttl ${ttl}`
}

const nothing = 'nothing'
const unanswered = 'no answer'

/** Who asked, as a server outside saw it; undefined if none of them did. */
async function sourceOf(
  plan: Plan,
  reply: Pick<SeenQuery, 'id' | 'name' | 'type'>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let source: string | undefined
  const isSeen = async () => {
    const seen = await Promise.all(plan.servers.map(({ key }) => queriesIn(captureOf(plan, key))))
    const isSame = ({ id, name, type }: SeenQuery) =>
      id === reply.id && name === reply.name && type === reply.type
    source = seen.flat().find(isSame)?.source
    return source !== undefined
  }
  await waitUntil('the capture', isSeen, { timeoutMs: 2000, signal }).catch(() => signal?.throwIfAborted())
  return source
}
