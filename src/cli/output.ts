/**
 * What the commands share: where they write, how a table looks, which exit code an error has, and how a file
 * becomes a command. It knows no command.
 */

import { existsSync, realpathSync } from 'node:fs'
import Table from 'cli-table3'
import { Command, CommanderError } from 'commander'
import { ControllerError, reasonOf } from '../errors.ts'

/** Where a command reads and writes; a test gives its own. */
export interface Io {
  /** Writes to standard output, as it is. */
  out(text: string): void
  /** Writes a line to standard error. */
  err(line: string): void
  /** All of standard input. */
  input(): Promise<string>
}

/** 0: done; 1: done, and something was found; 2: what a person gave, or the store, is wrong. */
export const exitCodes = { done: 0, found: 1, wrong: 2 } as const

/**
 * Columns under their headings, two blanks between them, without lines or colours: for people and for `awk`.
 */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const nothing = Object.fromEntries(lineNames.map((name) => [name, '']))
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true }
  const table = new Table({ head: head.map((name) => name.toUpperCase()), chars: nothing, style })
  table.push(...rows.map((row) => row.map(oneLine)))
  return `${table.toString().replace(/ +$/gm, '')}\n`
}

/** A program of commander that writes to `io` and throws instead of ending the process. */
export function programOf(name: string, io: Io): Command {
  return new Command(name).exitOverride().configureOutput({
    writeOut: (text) => io.out(text),
    writeErr: (text) => io.err(text.trimEnd()),
    outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)),
  })
}

/**
 * Runs `program` on the arguments after the command's name; resolves to the exit code that its action gave
 * through `exit`. What is wrong becomes one line; a bug is thrown.
 */
export async function exitCodeOf(program: Command, argv: readonly string[], io: Io): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCodes.done
  } catch (error) {
    if (error instanceof Exit) return error.code
    // commander has said what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrong
    if (!(error instanceof ControllerError) || error.code === 'bug') throw error
    io.err(`${program.name()}: ${oneLine(reasonOf(error))}`)
    return exitCodes.wrong
  }
}

/** Thrown by an action that ends with an exit code of its own. */
export class Exit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit code ${code}`)
    this.code = code
  }
}

/** Runs a command if its file is the one that Node was started with, through whatever links. */
export async function runIfMain(
  file: string,
  run: (argv: readonly string[], io: Io) => Promise<number>,
): Promise<void> {
  const started = process.argv[1]
  if (started === undefined || !existsSync(started) || realpathSync(started) !== file) return
  process.exitCode = await run(process.argv.slice(2), processIo())
}

function processIo(): Io {
  // Whoever reads has had enough: `df-db dump | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done)
    throw error
  })
  return {
    out: (text) => process.stdout.write(text),
    err: (line) => process.stderr.write(`${line}\n`),
    input: async () => {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString('utf8')
    },
  }
}

// biome-ignore format: one line is easier to read
const lineNames = [
  'top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right',
  'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle',
]

/**
 * Resolves when a person (Ctrl-C) or the system (SIGTERM, a closed terminal) wants the command to end; a
 * second signal ends it at once.
 */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
}

/** Text on one line that is safe to show: foreign text cannot move the cursor or begin a line of its own. */
export function oneLine(text: string): string {
  const shown = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  return text.replace(/\p{Cc}/gu, shown)
}
