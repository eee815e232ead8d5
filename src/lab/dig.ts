/** Asks a DNS question from inside a namespace with the real `dig`, and reads what it prints (dig 9.18). */

import { LabError, outputOf } from './process.ts'

/** A reply as dig saw it. dig takes a reply only from the address and port that it asked. */
export interface DigReply {
  readonly id: number
  /** `NOERROR`, `NXDOMAIN`, … */
  readonly status: string
  /** `qr`, `aa`, `rd`, `ra`, … in dig's order. */
  readonly flags: readonly string[]
  /** The question's name in lower case, with the trailing dot, and its type. */
  readonly name: string
  readonly type: string
  /** The data of each record of the answer section: `10.0.0.11`, `web.red.example.org.`. */
  readonly answers: readonly string[]
  /** The address that replied. */
  readonly server: string
  /** Of the try that was answered. */
  readonly roundTripMicroseconds: number
  /** How often dig sent the query, 1 to 3. */
  readonly tries: number
}

/**
 * Runs `dig` with these arguments in a namespace, with that namespace's resolv.conf: three tries, as dig does, but of one
 * second each. Undefined if no reply came. Throws `LabError` if dig does not understand.
 */
export async function dig(namespace: string, args: readonly string[]): Promise<DigReply | undefined> {
  const command = ['netns', 'exec', namespace, 'dig', '-u', '+tries=3', '+time=1', ...args]
  const { stdout, stderr, exitCode } = await outputOf('ip', command)
  if (exitCode === 9) return undefined // dig(1): no reply from server
  if (exitCode !== 0) throw new LabError(`dig ${args.join(' ')}: ${(stderr || stdout).trim()}`)
  return replyIn(stdout)
}

/** The last reply in dig's output. Throws `LabError` if there is none. */
export function replyIn(output: string): DigReply {
  const header = [
    ...output.matchAll(/HEADER<<- opcode: \w+, status: (\w+), id: (\d+)\n;; flags: ([a-z ]*);/g),
  ].at(-1)
  const question = /;; QUESTION SECTION:\n;(\S+)\s+\S+\s+(\S+)/.exec(output)
  const server = /^;; SERVER: ([^#\s]+)#/m.exec(output)
  const time = /^;; Query time: (\d+) usec/m.exec(output)
  if (!header || !question || !server || !time) throw new LabError(`dig printed no reply: ${output.trim()}`)
  return {
    id: Number(header[2]),
    status: header[1]!,
    flags: header[3]!.split(' ').filter((flag) => flag !== ''),
    name: question[1]!.toLowerCase(),
    type: question[2]!,
    answers: answersIn(output),
    server: server[1]!,
    roundTripMicroseconds: Number(time[1]),
    tries: 1 + [...output.matchAll(/^;; communications error to .*: timed out$/gm)].length,
  }
}

function answersIn(output: string): string[] {
  const section = /;; ANSWER SECTION:\n((?:[^;\n].*\n)+)/.exec(output)?.[1] ?? ''
  const lines = section.split('\n').filter((line) => line !== '')
  return lines.map((line) => line.split(/\s+/).slice(4).join(' '))
}
