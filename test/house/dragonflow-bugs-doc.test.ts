/** docs/dragonflow-bugs.md names a test for each fault of the original, and there is a test of that name. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

const rows = read('docs/dragonflow-bugs.md')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const cells = line.split('|').map((cell) => cell.trim())
    const [, file, title] = /^(test\/\S+): (.+)$/.exec(cells[4]!) ?? []
    return { number: cells[1]!, file: file!, title: title! }
  })

test('there are as many faults as there were', () => {
  expect(rows.length).toBeGreaterThanOrEqual(20)
})

test.each(rows)('the test of $number', ({ file, title }) => {
  expect(read(file).replaceAll("\\'", "'")).toContain(title)
})
