/** What a command reads and writes, in memory. */

import type { Io } from '../../src/cli/output.ts'

/** Runs a command; `err` are the lines on standard error. */
export async function ran(
  run: (argv: readonly string[], io: Io) => Promise<number>,
  argv: readonly string[],
  input = '',
): Promise<{ code: number; out: string; err: string[] }> {
  const result = { code: 0, out: '', err: [] as string[] }
  const io: Io = {
    out: (text) => {
      result.out += text
    },
    err: (line) => {
      result.err.push(line)
    },
    input: () => Promise.resolve(input),
  }
  result.code = await run(argv, io)
  return result
}
