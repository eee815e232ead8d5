/**
 * Reads the text of one file into assignments, by the rules of oslo.config (`oslo_config/iniparser.py`): comments only at
 * the start of a line, `=` or `:`, indented lines continue a value. It knows nothing of options, types or interpolation.
 */

import { ConfigError } from '../errors.ts'

/** One `name = value` and where it stands. */
export interface Assignment {
  readonly file: string
  /** Counted from 1; the line of the name. */
  readonly line: number
  /** Lower case, except `DEFAULT`. */
  readonly section: string
  readonly name: string
  /** Continuation lines are joined with line feeds; one pair of quotes around the whole is taken off. */
  readonly value: string
}

/** The assignments of a file's text, in their order. Throws `ConfigError` with file and line for what is none. */
export function parseIni(text: string, file: string): Assignment[] {
  const assignments: Assignment[] = []
  let section: string | undefined
  let open: Assignment | undefined

  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = raw.trimEnd()
    const bad = (what: string) => new ConfigError(`${file}:${index + 1}: ${what}`)

    if (line === '') open = undefined
    else if (/^[ \t]/.test(line)) {
      if (open === undefined)
        throw bad(`'${line.trim()}' is indented but continues no option; remove the indentation`)
      open = { ...open, value: `${open.value}\n${line.trimStart()}` }
      assignments[assignments.length - 1] = open
    } else if (/^[#;]/.test(line)) open = undefined
    else if (line.startsWith('[')) {
      open = undefined
      section = sectionOf(line)
      if (section === undefined)
        throw bad(`'${line}' is no section; write [name] and nothing else on the line`)
    } else {
      const [name, value] = split(line)
      if (name === undefined) throw bad(`'${line}' is no option; write name = value, or # before a comment`)
      if (section === undefined)
        throw bad(`option ${name} stands before the first section; write [DEFAULT] above it`)
      open = { file, line: index + 1, section, name, value }
      assignments.push(open)
    }
  }
  return assignments
}

function sectionOf(line: string): string | undefined {
  const name = line.endsWith(']') ? line.slice(1, -1) : ''
  return name === '' ? undefined : normalSection(name)
}

/** The form in which sections are compared: oslo.config takes `[DF]` for `[df]`, but `[default]` for a section of its own. */
export const normalSection = (name: string): string => (name === 'DEFAULT' ? name : name.toLowerCase())

function split(line: string): [name: string, value: string] | [undefined, undefined] {
  const at = line.search(/[=:]/)
  const name = line.slice(0, at).trim()
  if (at < 0 || name === '') return [undefined, undefined]
  const value = line.slice(at + 1).trim()
  const isQuoted = /^["']/.test(value) && value[0] === value.at(-1)
  return [name, isQuoted ? value.slice(1, -1) : value]
}
