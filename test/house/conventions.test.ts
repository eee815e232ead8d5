/** The conventions of CONTRIBUTING.md that a machine can check. A failure lists the files that break one. */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
}

const read = (file: string) => readFileSync(join(root, file), 'utf8')

describe('every source file', () => {
  const sources = filesOf('src', '.ts').map((file) => ({ file, text: read(file).replace(/^#!.*\n/, '') }))

  test('is looked at', () => {
    expect(sources.length).toBeGreaterThan(100)
  })

  test.each<[string, (file: string, text: string) => boolean]>([
    ['has a name in kebab-case', (file) => /^([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(relative('src', file))],
    ['opens with a paragraph that says what it is', (_, text) => text.startsWith('/**')],
    ['can be read in one sitting', (_, text) => text.split('\n').length <= 400],
    [
      'leaves the process to main.ts and the commands',
      (file, text) => /^src\/(main\.ts|cli\/)/.test(file) || !/process\.exit\(/.test(text),
    ],
    ['carries no note to come back later', (_, text) => !/\b(TODO|FIXME|XXX|HACK)\b/.test(text)],
  ])('%s', (_, holds) => {
    expect(sources.filter(({ file, text }) => !holds(file, text)).map(({ file }) => file)).toEqual([])
  })
})

describe('every document', () => {
  const documents = ['README.md', 'CONTRIBUTING.md', ...filesOf('docs', '.md'), ...filesOf('src', '.md')]

  test('links only to what exists', () => {
    const missing = documents.flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .map((match) => join(root, file, '..', match[1]!))
        .filter((target) => statSync(target, { throwIfNoEntry: false }) === undefined)
        .map((target) => `${file}: ${relative(root, target)}`),
    )
    expect(missing).toEqual([])
  })

  test('uses documentation addresses', () => {
    const allowed =
      /^(10|127|0|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168|192\.0\.2|198\.51\.100|203\.0\.113|224\.0\.0|255)\./
    const foreign = documents.flatMap((file) =>
      [...read(file).matchAll(/(?<![\w.]|userdata=)(\d{1,3}(?:\.\d{1,3}){3})(?!\.?\w)/g)]
        .filter((match) => !allowed.test(match[1]!))
        .map((match) => `${file}: ${match[1]}`),
    )
    expect(foreign).toEqual([])
  })
})
