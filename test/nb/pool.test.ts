import { expect, test } from 'vitest'
import { createPool } from '../../src/nb/pool.ts'

const row = (topic: string) =>
  JSON.parse(
    `{"topic":"${topic}","ips":["10.0.0.11","${topic}"],"none":[],"binding":{"chassis":"${topic}"},"n":1}`,
  )

test('rows of two tenants stay as they were, and apart', () => {
  const pool = createPool()
  const rows = ['red', 'blue', 'red'].map((topic) => pool.row(row(topic)))
  expect(rows).toEqual(['red', 'blue', 'red'].map(row))
  expect(rows[0]).not.toBe(rows[2])
})

test('equal lists and objects are one, in rows that are read together', () => {
  const pool = createPool()
  expect(pool.row(row('red')).none).toBe(pool.row(row('blue')).none)
  expect(pool.row(row('red')).ips).toBe(pool.row(row('red')).ips)
  expect(pool.row(row('red')).binding).toBe(pool.row(row('red')).binding)
  expect(pool.row(row('red')).binding).not.toBe(pool.row(row('blue')).binding)
  expect(createPool().row(row('red')).none).not.toBe(pool.row(row('red')).none)
})

test('what is undefined is left out', () => {
  expect(Object.keys(createPool().row({ a: undefined, b: 1, c: { d: undefined } }))).toEqual(['b', 'c'])
})
