import { describe, expect, test } from 'vitest'
import {
  allotTables,
  extensionPoints,
  type ForeignTable,
  groupIdsOf,
  tableIdsOf,
} from '../../src/app/extension.ts'
import { type TableSpec, tables } from '../../src/app/pipeline.ts'
import { ConfigError } from '../../src/errors.ts'

const plain: ForeignTable = { after: 'services' }
const punting: ForeignTable = { after: 'services', canPunt: true }

describe('extension points', () => {
  test.each(Object.entries(extensionPoints))(
    '%s leads on where the built-in table may',
    (name, { waysOn }) => {
      const { next, id }: TableSpec = tables[name as keyof typeof extensionPoints]
      expect(next).toContain(waysOn[0])
      for (const way of waysOn) expect(tables[way].id).toBeGreaterThan(id)
    },
  )
})

describe('numbers', () => {
  test('are given from 201 up, in order, two to a table that sends packets up', () => {
    const [echo, mirror] = allotTables([
      { name: 'echo', tables: { echo: punting, echoed: plain } },
      { name: 'mirror', tables: { mirror: plain } },
    ])
    expect(tableIdsOf(echo!)).toEqual([201, 202, 203])
    expect(tableIdsOf(mirror!)).toEqual([204])
    expect(groupIdsOf(echo!)).toEqual([201, 202])
    expect(groupIdsOf(mirror!)).toEqual([])
  })

  const many = (count: number, table: ForeignTable) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, table]))

  test.each([
    ['53 tables', many(53, plain), 253],
    ['26 tables that send packets up', many(26, punting), 252],
  ])('are enough for %s', (_name, own, last) => {
    expect(tableIdsOf(allotTables([{ name: 'big', tables: own }])[0]!).at(-1)).toBe(last)
  })

  test.each([
    ['a number too few', { big: many(54, plain) }, 'application big: there is no number left for table t53'],
    ['half a table too few', { big: many(27, punting) }, 'there is no number left for table t26'],
    ['a built-in name', { a: { dns: plain } }, 'application a: table dns is a table of dns; rename it'],
    [
      'a name twice',
      { a: { x: plain }, b: { x: plain } },
      'application b: table x is a table of a; rename it',
    ],
  ])('%s is an error that names it', (_name, all, message) => {
    const declared = Object.entries(all).map(([name, own]) => ({ name, tables: own }))
    expect(() => allotTables(declared)).toThrow(message)
    expect(() => allotTables(declared)).toThrow(ConfigError)
  })
})
