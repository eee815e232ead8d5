/** Child processes that run the compiled source, to be killed or raced against each other. */

import { type ChildProcess, spawn } from 'node:child_process'
import { builtSource } from './build.ts'

export interface Child {
  readonly process: ChildProcess
  /** The lines that it wrote so far. */
  readonly lines: string[]
  /**
   * Resolves when it has ended, to its exit code, or null if it was killed; rejects if it wrote to standard
   * error.
   */
  readonly ended: Promise<number | null>
}

/**
 * Starts Node with the body of a module. `load(path)` imports a file of the compiled source, `args` are the
 * arguments; what it prints becomes `lines`.
 */
export function startChild(body: string, ...args: string[]): Child {
  const code = `const [folder, ...args] = process.argv.slice(1)
    const load = (path) => import(folder + '/' + path)
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, builtSource(), ...args])
  const lines: string[] = []
  let rest = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (errors === '' ? resolve(code) : reject(new Error(errors))))
  })
  return { process: child, lines, ended }
}
