import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { tables } from '../../src/nb/tables.ts'

const document = readFileSync(join(import.meta.dirname, '../../docs/northbound.md'), 'utf8')

describe.each(Object.entries(tables))('docs/northbound.md on %s', (table, { fields, refersTo }) => {
  const rows = document
    .split('\n')
    .filter((line) => line.startsWith(`| \`${table}\``) || line.startsWith(`| \`/${table}/`))
  const text = rows.join('\n')

  test('names every field', () => {
    const names = [...text.matchAll(/`([a-z_]+)`/g)].map((match) => match[1])
    expect(Object.keys(fields).filter((field) => !names.includes(field))).toEqual([])
  })

  test('marks what a row needs', () => {
    for (const [field, schema] of Object.entries<z.ZodType>(fields)) {
      const isNeeded = !schema.safeParse(undefined).success
      expect(text.includes(`\`${field}\`*`), field).toBe(isNeeded)
    }
  })

  test('tells what it refers to', () => {
    for (const [field, reference] of Object.entries<{ table: string }>(refersTo))
      expect(text).toContain(`\`${field}\`* → ${reference.table}`)
  })
})
