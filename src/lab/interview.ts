/**
 * Asks questions in a lab and finds out who answered (docs/lab.md). The witness is the capture beside each DNS server:
 * a query that none of them saw was answered on the way.
 */

import { queriesIn, type SeenQuery } from './capture.ts'
import { type DigReply, dig } from './dig.ts'
import { captureOf } from './dns-server.ts'
import { namespaceOf } from './lab.ts'
import type { Plan } from './plan.ts'
import { waitUntil } from './process.ts'
import type { Answerer, Question } from './questions.ts'

/** A question that was asked, its reply, and what is wrong with it. */
export interface Finding {
  readonly question: Question
  /** Undefined if none came. */
  readonly reply: DigReply | undefined
  readonly by: Answerer | 'nobody'
  /** Empty if everything is as expected. */
  readonly faults: readonly string[]
}

/**
 * Asks one question after the other. The last one that a captured server must see proves that the captures are complete.
 * Throws `LabError` if dig or a capture fails.
 */
export async function interview(
  plan: Plan,
  questions: readonly Question[],
  { signal, asking }: { signal?: AbortSignal | undefined; asking?: (question: Question) => void } = {},
): Promise<Finding[]> {
  const asked: { question: Question; reply: DigReply | undefined }[] = []
  for (const question of questions) {
    signal?.throwIfAborted()
    asking?.(question)
    const namespace = namespaceOf(plan, question.asker)
    asked.push({ question, reply: await dig(namespace, question.ask.split(' ')) })
  }
  const seen = await completeCaptures(plan, asked, signal)
  return asked.map(({ question, reply }) => {
    const by = reply === undefined ? 'nobody' : answererOf(reply, seen)
    return { question, reply, by, faults: faultsOf(question, reply, by) }
  })
}

type Seen = ReadonlyMap<Answerer, readonly SeenQuery[]>

/** Reads the captures again until each holds the last query that its server answered. */
async function completeCaptures(
  plan: Plan,
  asked: readonly { question: Question; reply: DigReply | undefined }[],
  signal: AbortSignal | undefined,
): Promise<Seen> {
  let seen: Seen = new Map()
  const expected = (['outside server', "tenant's own server"] as const).flatMap((answerer) => {
    const last = asked.findLast(({ question, reply }) => question.by === answerer && reply !== undefined)
    return last?.reply === undefined ? [] : [[answerer, last.reply] as const]
  })
  const isComplete = async () => {
    seen = await readCaptures(plan)
    return expected.every(([answerer, reply]) => seen.get(answerer)?.some((query) => isSame(query, reply)))
  }
  // A capture without the expected query is a finding, not a failure: it shows in who answered.
  await waitUntil('the captures', isComplete, { timeoutMs: 3000, signal }).catch(() =>
    signal?.throwIfAborted(),
  )
  return seen
}

async function readCaptures(plan: Plan): Promise<Seen> {
  const read = async (parts: readonly { key: string }[]) =>
    (await Promise.all(parts.map(({ key }) => queriesIn(captureOf(plan, key))))).flat()
  return new Map<Answerer, SeenQuery[]>([
    ['outside server', await read(plan.servers)],
    ["tenant's own server", await read(plan.ports.filter(({ records }) => records !== undefined))],
  ])
}

function answererOf(reply: DigReply, seen: Seen): Answerer {
  for (const [answerer, queries] of seen) if (queries.some((query) => isSame(query, reply))) return answerer
  return 'cloud controller'
}

/** dig draws a new id for each query, so id, name and type together are that query and no other. */
const isSame = ({ id, name, type }: SeenQuery, reply: DigReply) =>
  id === reply.id && name === reply.name && type === reply.type

function faultsOf(question: Question, reply: DigReply | undefined, by: Finding['by']): string[] {
  if (reply === undefined) return ['no reply']
  const faults: string[] = []
  const expect = (what: string, found: string, expected: string) => {
    if (found !== expected) faults.push(`${what} is ${found || 'empty'}, not ${expected || 'empty'}`)
  }
  expect('status', reply.status, question.status)
  expect('the answer', reply.answers.join(' '), question.answers.join(' '))
  expect('the answerer', by, question.by)
  if (question.by === 'cloud controller') expect('the list of flags', reply.flags.join(' '), 'qr aa rd ra')
  const server = /@(\S+)/.exec(question.ask)?.[1]
  if (server !== undefined) expect('the source', reply.server, server)
  return faults
}
