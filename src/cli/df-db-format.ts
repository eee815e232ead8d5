/**
 * The formats that `df-db` prints for programs: JSON and YAML. Neither lets foreign text send control characters
 * to a terminal, and YAML is the same to readers of 1.1 and of 1.2: all text is quoted (YAML 1.2.2 section 7.3.1).
 */

import { stringify } from 'yaml'

/** How a command prints; `table` is for people. */
export const formats = ['table', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

/** A value in a format that is not for people, ready to be written. */
export function documentOf(format: 'json' | 'yaml', value: unknown): string {
  return format === 'json' ? `${escaped(JSON.stringify(value, null, 2))}\n` : yamlText(value)
}

/** One of many values that follow each other: a line of JSON, or a YAML document. */
export function itemOf(format: 'json' | 'yaml', value: unknown): string {
  return format === 'json' ? `${escaped(JSON.stringify(value))}\n` : `---\n${yamlText(value)}`
}

function yamlText(value: unknown): string {
  const style = { lineWidth: 0, aliasDuplicateObjects: false, defaultStringType: 'QUOTE_DOUBLE' } as const
  const text = stringify(value, { ...style, defaultKeyType: 'PLAIN' })
  // An escape means nothing outside quotes, so here the names of fields need them too.
  return controls.test(text) ? escaped(stringify(value, style)) : text
}

/** What JSON leaves as it is and a terminal obeys: DEL and the C1 controls. */
const controls = /[\u007f-\u009f]/

function escaped(text: string): string {
  return text.replace(
    new RegExp(controls, 'g'),
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
