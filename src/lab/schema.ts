/**
 * Reads the lab file (docs/lab.md). Everything wrong in it is one line that names the file, the place in the file and the
 * remedy. It knows what a person writes, not what becomes of it.
 */

import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { ConfigError, reasonOf } from '../errors.ts'
import { disagreements } from './agreement.ts'
import { type LabFile, labFile } from './lab-file.ts'
import { messageOf } from './schema-values.ts'

/** Reads a lab file. Throws `ConfigError`: one line with the file, the place and the remedy. */
export function readLabFile(file: string): LabFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read (${reasonOf(error)}); name an existing lab file`)
  }
  return parseLabFile(text, file)
}

/** Reads the text of a lab file; `file` is only for the errors. Throws `ConfigError` as `readLabFile` does. */
export function parseLabFile(text: string, file: string): LabFile {
  let content: unknown
  try {
    content = parseYaml(text)
  } catch (error) {
    throw new ConfigError(`${file}: ${firstLine(reasonOf(error))}; the file is not valid YAML`)
  }
  if (content === null || typeof content !== 'object' || Array.isArray(content))
    throw new ConfigError(`${file}: holds no lab; it needs the sections nodes, networks and ports`)
  const result = labFile.safeParse(content)
  if (!result.success) {
    const [first, ...others] = result.error.issues
    throw at(file, first!.path.join('.'), messageOf(first!), others.length)
  }
  for (const [path, message] of disagreements(result.data)) throw at(file, path, message)
  return result.data
}

function at(file: string, path: string, message: string, others = 0): ConfigError {
  return new ConfigError(
    `${file}: ${path || 'the file'}: ${message}${others === 0 ? '' : ` (and ${others} more)`}`,
  )
}

const firstLine = (text: string) => text.split('\n')[0]!.replace(/:$/, '')
