/** docs/pipeline.md lists the tables, groups and registers that src/app/pipeline.ts declares, and each has its section. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { groups, registers, type TableSpec, tables } from '../../src/app/pipeline.ts'

const document = readFileSync(join(import.meta.dirname, '../../docs/pipeline.md'), 'utf8')

/** The cells of the first table below a heading, without the heading row and without code marks. */
function cellsBelow(heading: string): string[][] {
  const section = document.split(`\n${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

const named: [string, TableSpec][] = Object.entries(tables)
const list = (names: readonly string[]) => names.join(', ')

test('every table with its number, owner, borrowers and next tables', () => {
  const stated = cellsBelow('## Tables').map((cells) => cells.slice(0, 5))
  expect(stated).toEqual(
    named.map(([name, { id, owner, lends, next }]) => [`${id}`, name, owner, list(lends), list(next)]),
  )
})

test('every table has a purpose', () => {
  for (const [id, , , , , purpose] of cellsBelow('## Tables')) expect(purpose, `table ${id}`).toMatch(/\w{3}/)
})

test.each(named)('%s has a section', (name, { id }) => {
  expect(document).toContain(`\n### ${name} (${id})\n`)
})

test('every group', () => {
  const stated = cellsBelow('## Groups').map((cells) => cells.slice(0, 3))
  expect(stated).toEqual(Object.entries(groups).map(([name, { id, owner }]) => [`${id}`, name, owner]))
})

test('every register', () => {
  const stated = cellsBelow('## Registers').map((cells) => cells.slice(0, 2))
  expect(stated).toEqual(Object.entries(registers).map(([name, register]) => [register, name]))
})

test('there is a place for the flows of the demo', () => {
  expect(document).toMatch(/\n## The demo's flows\n[^#]*```\n/)
})
