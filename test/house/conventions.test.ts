/** The conventions of CONTRIBUTING.md that a machine can check. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
}

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const sources = filesOf('src', '.ts')

test('there are sources to look at', () => {
  expect(sources.length).toBeGreaterThan(20)
})

describe.each(sources)('%s', (file) => {
  const text = read(file).replace(/^#!.*\n/, '')

  test('has a name in kebab-case', () => {
    expect(relative('src', file)).toMatch(/^([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/)
  })

  test('opens with a paragraph that says what it is', () => {
    expect(text).toMatch(/^\/\*\*/)
  })

  test('can be read in one sitting', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(400)
  })

  test('leaves the process to main.ts and the commands', () => {
    if (!/^src\/(main\.ts|cli\/)/.test(file)) expect(text).not.toMatch(/process\.exit\(/)
  })

  test('carries no note to come back later', () => {
    expect(text).not.toMatch(/\b(TODO|FIXME|XXX|HACK)\b/)
  })
})

describe('documents', () => {
  const documents = ['README.md', 'CONTRIBUTING.md', ...filesOf('docs', '.md'), ...filesOf('src', '.md')]

  test.each(documents)('%s links only to what exists', (file) => {
    const links = [...read(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map((match) => match[1]!)
    const missing = links.filter((link) => {
      try {
        readFileSync(join(root, file, '..', link))
        return false
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'EISDIR'
      }
    })
    expect(missing).toEqual([])
  })

  test.each(documents)('%s uses documentation names and addresses', (file) => {
    const addresses = [...read(file).matchAll(/\b(\d{1,3}(?:\.\d{1,3}){3})\b/g)].map((match) => match[1]!)
    const allowed = /^(10|127|0|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168|192\.0\.2|198\.51\.100|203\.0\.113|224\.0\.0|255)\./
    expect(addresses.filter((address) => !allowed.test(address))).toEqual([])
  })
})
