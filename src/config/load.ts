/**
 * Makes typed values out of the files and the declarations. It knows how files override each other, where a reference
 * leads and what to say about a wrong value; it knows no option by name. Architecture.md section 10. The behaviour is
 * oslo.config's; a reference may also lead to an option that is declared nowhere and stands in a file, because
 * oslo.config would know the options of everybody in that process.
 */

import { ConfigError } from '../errors.ts'
import { textOfFile } from './files.ts'
import { type Assignment, normalSection, parseIni } from './ini.ts'
import { interpolated } from './interpolate.ts'
import { nearestOf } from './near.ts'
import { defaultTextOf, type Option, type OptionTable, type OptionValues } from './option.ts'

/** Sections and their options. */
export type Sections = Readonly<Record<string, OptionTable>>

/** Typed values by section, and one line for each thing in the files that is probably a mistake. */
export interface Config<S extends Sections> {
  readonly values: { readonly [Name in keyof S]: OptionValues<S[Name]> }
  readonly warnings: readonly string[]
}

/**
 * Reads the files, later ones over earlier ones, and gives every declared option its value. Sections that are not
 * declared belong to somebody else and are ignored. Throws `ConfigError` for a file that cannot be read or parsed and
 * for a value of the wrong type.
 */
export function loadConfig<const S extends Sections>({
  files,
  sections,
}: {
  readonly files: readonly string[]
  readonly sections: S
}): Config<S> {
  const assignments = files.flatMap((file) => parseIni(textOfFile(file), file))
  const lookup = new Lookup(sections, assignments)
  const values = Object.entries(sections).map(([section, table]) => {
    const names = Object.keys(table)
    return [section, Object.fromEntries(names.map((name) => [name, lookup.value(section, name)]))]
  })
  return {
    values: Object.fromEntries(values) as Config<S>['values'],
    warnings: assignments.flatMap((assignment) => warningOf(assignment, sections)),
  }
}

/**
 * The file that gives an option its value; undefined if none does. Throws `ConfigError` for a file that cannot be read or
 * parsed.
 */
export function fileThatSets(files: readonly string[], section: string, name: string): string | undefined {
  const assignments = files.flatMap((file) => parseIni(textOfFile(file), file))
  return assignments.findLast((each) => each.section === normalSection(section) && each.name === name)?.file
}

/** What options are worth, with references followed. Each question is answered anew: there are few. */
class Lookup {
  readonly #sections: Sections
  readonly #assigned = new Map<string, Assignment>()

  constructor(sections: Sections, assignments: readonly Assignment[]) {
    this.#sections = sections
    for (const assignment of assignments)
      this.#assigned.set(keyOf(assignment.section, assignment.name), assignment)
  }

  /** The typed value of a declared option. */
  value(section: string, name: string): unknown {
    const option = this.#sections[section]?.[name] as Option<unknown>
    const assignment = this.#assigned.get(keyOf(section, name))
    const where = placeOf(section, name, assignment)
    const text = assignment?.value ?? defaultTextOf(option)
    const full = this.#interpolated(text, section, where, [keyOf(section, name)])
    const value = option.parse(full)
    if (value !== undefined) return value
    const remedy = option.refusals?.[full] ?? `expected ${option.expects}`
    throw new ConfigError(`${where} = '${oneLine(full)}': ${remedy}`)
  }

  #interpolated(text: string, section: string, where: string, trail: readonly string[]): string {
    return interpolated(text, (reference) => {
      const key = this.#find(reference, section)
      if (key === undefined)
        throw new ConfigError(
          `${where} = '${oneLine(text)}': there is no option ${reference}; write $$ for a dollar sign, or \${name}text`,
        )
      if (trail.includes(key))
        throw new ConfigError(
          `${where} = '${oneLine(text)}': $${reference} refers back to itself; write a value`,
        )
      const target = this.#textOf(key)
      return this.#interpolated(target, sectionOf(key), where, [...trail, key])
    })
  }

  /** The option that a reference leads to: of its own section, else of [DEFAULT], else `section.option`. */
  #find(reference: string, section: string): string | undefined {
    const [head = '', ...rest] = reference.split('.')
    const candidates =
      rest.length > 0
        ? [keyOf(head, rest.join('.')), keyOf('DEFAULT', reference)]
        : [keyOf(section, reference), keyOf('DEFAULT', reference)]
    return candidates.find((key) => this.#assigned.has(key) || this.#declared(key) !== undefined)
  }

  #declared(key: string): Option<unknown> | undefined {
    const table = this.#sections[sectionOf(key)]
    const name = key.slice(sectionOf(key).length + 1)
    return table && Object.hasOwn(table, name) ? table[name] : undefined
  }

  #textOf(key: string): string {
    // What leads here was found, so the option is assigned or declared.
    return this.#assigned.get(key)?.value ?? defaultTextOf(this.#declared(key)!)
  }
}

const keyOf = (section: string, name: string): string => `${normalSection(section)}/${name}`
const sectionOf = (key: string): string => key.slice(0, key.indexOf('/'))
const oneLine = (text: string): string => text.replaceAll('\n', '\\n')

function placeOf(section: string, name: string, assignment: Assignment | undefined): string {
  const place = assignment ? `${assignment.file}:${assignment.line}: ` : ''
  return `${place}[${section}] ${name}`
}

/**
 * Real files hold the options of others. In [DEFAULT], which everybody shares, only a near miss is worth a word; in the
 * other sections declared here every unknown name is.
 */
function warningOf({ file, line, section, name }: Assignment, sections: Sections): string[] {
  const owned = Object.keys(sections).find((candidate) => normalSection(candidate) === section)
  const table = owned === undefined ? undefined : sections[owned]
  if (table === undefined || Object.hasOwn(table, name)) return []
  const near = nearestOf(name, Object.keys(table))
  if (near === undefined && section === 'DEFAULT') return []
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return [`${file}:${line}: [${owned}] ${name} is not an option here and is ignored${hint}`]
}
