/**
 * Steady load: VMs that ask questions at a fixed pace (asker.mjs, a process in each namespace), and the judgement of each
 * answer by itself. What is true may change while the load runs: an answer is right if it was true at some moment between
 * shortly before the question and the answer.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { namespaceOf } from '../../src/lab/lab.ts'
import type { Plan } from '../../src/lab/plan.ts'
import { isRunning, type ProcessRef, signalProcess, startDaemon, waitUntil } from '../../src/lab/process.ts'

/** A local name is answered on the way, an outside name by the server that is asked. */
export interface Question {
  readonly asker: string
  readonly kind: 'local' | 'outside'
  readonly server: string
  readonly name: string
  readonly type: string
}

/** `forwarded`: a local name that the world was asked for, and does not know. */
export type Verdict = 'right' | 'wrong' | 'lost' | 'forwarded'

/** What became of one question; times are those of `now`. */
export interface Outcome extends Question {
  readonly verdict: Verdict
  readonly sentAt: number
  /** Until the first reply; undefined if there was none within the patience. */
  readonly tookMs: number | undefined
  /** Addresses in order, joined by commas, or the rcode, or what is wrong with the reply; undefined if there is none. */
  readonly said: string | undefined
  /** How long before the question the answer had ceased to be true, in ms. */
  readonly staleMs: number
}

/** Milliseconds of the machine's monotonic clock, which the askers share. */
export const now = () => Number(process.hrtime.bigint()) / 1e6

/** How long an asker waits for a reply. */
const patienceMs = 1500

const keyOf = ({ asker, name, type }: Asked) => `${asker} ${name} ${type}`

type Asked = Pick<Question, 'asker' | 'name' | 'type'>

interface Value {
  readonly said: string
  /** From when it may be answered. */
  readonly since: number
  /** Until when the one before may still be answered. */
  beforeUntil: number
}

/** What the right answers are, and have been. */
export class Truth {
  readonly #values = new Map<string, Value[]>()

  /** This is the right answer from now on. */
  set(question: Asked, said: string): void {
    this.change(question, said)()
  }

  /** This may be answered from now on, and must be from when the function that is returned has been called. */
  change(question: Asked, said: string): () => void {
    const values = this.#values.get(keyOf(question)) ?? []
    const value = { said, since: now(), beforeUntil: Number.POSITIVE_INFINITY }
    this.#values.set(keyOf(question), [...values, value])
    return () => {
      value.beforeUntil = now()
    }
  }

  /** How long before `at` an answer ceased to be true, in ms: 0 if it was true then, undefined if it had never been. */
  age(question: Question, said: string, at: number, until: number): number | undefined {
    const values = this.#values.get(keyOf(question)) ?? []
    const index = values.findLastIndex((value) => value.said === said && value.since <= until)
    if (index < 0) return undefined
    return Math.max(0, at - (values[index + 1]?.beforeUntil ?? Number.POSITIVE_INFINITY))
  }
}

/** The questions of the VMs of examples/two-tenants.yaml: each asks for its tenant's names, the world's and the other tenant's. */
export function steadyQuestions(truth: Truth): Question[] {
  const [v4, v6] = ['198.51.100.53', '2001:db8::53']
  const askers = ['red-web', 'blue-web', 'red-db', 'blue-db'].map((asker) => {
    const own = asker.split('-')[0]!
    const [servers, v6Address] = asker.endsWith('web') ? [[v4, v6], 'fd00:a::11'] : [[v4], 'NODATA']
    return { asker, own, other: own === 'red' ? 'blue' : 'red', servers, v6Address }
  })
  return askers.flatMap(({ asker, own, other, servers, v6Address }) =>
    servers.flatMap((server) =>
      // biome-ignore format: one question a line
      ([
        ['local', `db.${own}.example.org`, 'A', '10.0.0.12'],
        ['outside', 'ext.example.net', 'A', '192.0.2.80'],
        ['local', `web.${own}.example.org`, 'AAAA', v6Address],
        ['outside', `db.${other}.example.org`, 'A', 'NXDOMAIN'],
        ['local', `web.${own}.example.org`, 'A', '10.0.0.11'],
        ['outside', 'mail.example.net', 'A', '192.0.2.25'],
      ] as const).map(([kind, name, type, said]) => {
        const question = { asker, kind, server, name, type }
        truth.set(question, said)
        return question
      }),
    ),
  )
}

/** Askers at work. */
export class Load {
  readonly #truth: Truth
  readonly #directory: string
  readonly #askers: {
    readonly questions: readonly Question[]
    readonly process: ProcessRef
    readonly file: string
  }[] = []

  private constructor(truth: Truth, directory: string) {
    this.#truth = truth
    this.#directory = directory
  }

  /** Starts an asker for each VM that has questions, at one question every `everyMs`; returns when all have asked. */
  static async start(plan: Plan, truth: Truth, all: readonly Question[], everyMs = 20): Promise<Load> {
    const load = new Load(truth, mkdtempSync(join(tmpdir(), 'df-load-')))
    for (const asker of new Set(all.map((question) => question.asker))) {
      const questions = all.filter((question) => question.asker === asker)
      const file = join(load.#directory, asker)
      const task = {
        everyMs,
        patienceMs,
        questions: questions.map(({ server, name, type }) => [server, name, type]),
      }
      const args = [join(import.meta.dirname, 'asker.mjs'), JSON.stringify(task)]
      const namespace = namespaceOf(plan, asker)
      const started = await startDaemon(process.execPath, args, {
        logFile: file,
        namespace,
        diesWithParent: true,
      })
      load.#askers.push({ questions, process: started, file })
    }
    await load.#until('the first outcomes', ({ file }) => readFileSync(file).length > 0)
    return load
  }

  /**
   * Ends the questions, waits for the last replies and judges every outcome, oldest first. An answer that has ceased to be
   * true at most `lagMs` before its question was asked is still right; a second reply makes an answer wrong.
   */
  async stop(lagMs = 0): Promise<Outcome[]> {
    for (const { process } of this.#askers) signalProcess(process, 'SIGTERM')
    await this.#until('the askers to end', ({ process }) => !isRunning(process))
    const outcomes = this.#askers.flatMap(({ questions, file }) =>
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line, at) => this.#judged(questions[at % questions.length]!, JSON.parse(line) as Line, lagMs)),
    )
    rmSync(this.#directory, { recursive: true })
    return outcomes.sort((a, b) => a.sentAt - b.sentAt)
  }

  #judged(
    question: Question,
    { name, type, sentAt, tookMs, said, replies, error }: Line,
    lagMs: number,
  ): Outcome {
    if (error !== undefined || name !== question.name || type !== question.type)
      throw new Error(`${question.asker} could not ask ${question.name}: ${error ?? `asked ${name}`}`)
    const staleMs = said === undefined ? undefined : this.#truth.age(question, said, sentAt, sentAt + tookMs!)
    const verdict = (): Verdict => {
      if (said === undefined) return 'lost'
      if (replies === 1 && staleMs !== undefined && staleMs <= lagMs) return 'right'
      return question.kind === 'local' && replies === 1 && said === 'NXDOMAIN' ? 'forwarded' : 'wrong'
    }
    return { ...question, verdict: verdict(), sentAt, tookMs, said, staleMs: staleMs ?? 0 }
  }

  #until(what: string, isSo: (asker: { process: ProcessRef; file: string }) => boolean): Promise<void> {
    return waitUntil(what, () => this.#askers.every(isSo), { timeoutMs: 20_000 })
  }
}

/** A line of asker.mjs. */
interface Line {
  readonly name: string
  readonly type: string
  readonly sentAt: number
  readonly replies: number
  readonly tookMs?: number
  readonly said?: string
  readonly error?: string
}

/** Counts of outcomes. */
export interface Tally {
  readonly sent: number
  readonly right: number
  readonly forwarded: number
  readonly lost: number
  readonly wrong: number
}

/** Counts the outcomes of one kind, by default of those sent at any time. */
export function tallyOf(
  outcomes: readonly Outcome[],
  kind: Question['kind'],
  [from, to]: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
): Tally {
  const chosen = outcomes.filter((one) => one.kind === kind && one.sentAt >= from && one.sentAt < to)
  const count = (verdict: Verdict) => chosen.filter((one) => one.verdict === verdict).length
  return {
    sent: chosen.length,
    right: count('right'),
    forwarded: count('forwarded'),
    lost: count('lost'),
    wrong: count('wrong'),
  }
}
