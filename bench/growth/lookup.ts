/** What an answer costs among few names and among many: controllers of all sizes at once, asked in turns. */

import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { middle } from '../machine.ts'
import { connectFakeSwitch, type FakeSwitch } from '../micro/fake-switch.ts'
import type { Said } from './asked.ts'

const outstanding = 128
const turns = { warmUp: 2, measured: 7, ms: 1000 }

/** One size, and what was found. */
export interface Lookup {
  readonly names: number
  readonly builtMs: number
  readonly rssMb: number
  /** Controller CPU of an answer, in us: the median of the turns. */
  readonly cpuUs: number
}

/** Measures all sizes; names lie in up to 100 networks, each of which has one local port. */
export async function lookups(
  directory: string,
  sizes: readonly number[],
  signal: AbortSignal,
): Promise<Lookup[]> {
  const children: ChildProcess[] = []
  try {
    const all: { names: number; child: ChildProcess; said: Said; fake: FakeSwitch; cpuUs: number[] }[] = []
    for (const names of sizes) {
      signal.throwIfAborted()
      const networks = Math.min(100, names / 10)
      const [path, file] = [join(directory, `${names}.sock`), join(directory, `${names}.queries`)]
      const child = fork(
        join(import.meta.dirname, 'asked.js'),
        [path, file, names, networks, networks].map(String),
        {
          execArgv: ['--max-old-space-size=12000'],
        },
      )
      children.push(child)
      child.setMaxListeners(0)
      const said = await saidBy(child)
      all.push({
        names,
        child,
        said,
        fake: await connectFakeSwitch(path, messagesOf(readFileSync(file))),
        cpuUs: [],
      })
    }
    for (let turn = 0; turn < turns.warmUp + turns.measured; turn += 1)
      for (const { child, fake, cpuUs } of all) {
        signal.throwIfAborted()
        const before = await ask(child)
        const { latenciesUs } = await fake.load(outstanding, turns.ms)
        const after = await ask(child)
        if (turn >= turns.warmUp) cpuUs.push((after.cpuUs - before.cpuUs) / latenciesUs.length)
      }
    for (const { fake } of all) fake.close()
    return all.map(({ names, said: { builtMs, rssMb }, cpuUs }) => ({
      names,
      builtMs,
      rssMb,
      cpuUs: middle(cpuUs),
    }))
  } finally {
    for (const child of children) child.disconnect()
  }
}

function ask(child: ChildProcess): Promise<Said> {
  const said = saidBy(child)
  child.send('?')
  return said
}

function saidBy(child: ChildProcess): Promise<Said> {
  return new Promise((resolve, reject) => {
    child.once('message', (said) => resolve(said as Said))
    child.once('exit', (code) => reject(new Error(`a controller ended with ${code}`)))
  })
}

function messagesOf(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < bytes.length; at += messages.at(-1)!.length)
    messages.push(bytes.subarray(at, at + bytes.readUInt16BE(at + 2)))
  return messages
}
