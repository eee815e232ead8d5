/**
 * A df.conf with every option commented out, as `oslo-config-generator` writes one: what is uncommented in it stays what
 * it was until somebody changes it. It knows declarations only.
 */

import type { Sections } from './load.ts'
import { defaultTextOf, isComputed, type Option } from './option.ts'

const width = 78

/** The text of a sample of these sections; those without options are left out. Ends with a line feed. */
export function sampleOf(sections: Sections): string {
  const parts = Object.entries(sections)
    .filter(([, table]) => Object.keys(table).length > 0)
    .map(([section, table]) => {
      const options = Object.entries(table).map(([name, option]) => sampleOfOption(name, option))
      return [`[${section}]\n`, ...options].join('\n')
    })
  return parts.join('\n')
}

function sampleOfOption(name: string, option: Option<unknown>): string {
  const { default: fallback, help, expects, isReloadable } = option
  const comments = [
    help,
    `Type: ${expects}`,
    ...(isComputed(fallback) ? [`Default: ${fallback.shown}`] : []),
    isReloadable ? 'A change is taken over at SIGHUP.' : 'A change needs a restart.',
  ]
  const assignment = `${name} = ${quoted(defaultTextOf(option))}`.trimEnd()
  return [...comments.flatMap(wrapped), `#${assignment}`, ''].join('\n')
}

/** The words in comment lines of at most `width` characters, unless a word is longer. */
function wrapped(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] += ` ${word}`
    else lines.push(`# ${word}`)
  }
  return lines
}

/** The reader takes blanks off both ends and one pair of quotes; this puts a pair around what would lose something. */
function quoted(text: string): string {
  const isBare = text === text.trim() && !/^(["'])(.*\1)?$/s.test(text)
  return isBare ? text : `"${text}"`
}
