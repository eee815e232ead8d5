import { expect, test } from 'vitest'
import { createNumbering } from '../../../src/app/sg/conjunctions.ts'
import type { Grant } from '../../../src/app/sg/grants.ts'
import { stages } from '../../../src/app/sg/stages.ts'

const grantOf = (name: string): Grant => ({ name, stage: stages[0]!, clauses: [] })
const [a, b, c] = ['a', 'b', 'c'].map(grantOf) as [Grant, Grant, Grant]
const idsOf = (numbered: ReadonlyMap<Grant, { id: number }>) =>
  Object.fromEntries([...numbered].map(([{ name }, { id }]) => [name, id]))

test('a grant has the same number whoever else is there, and whoever asks', () => {
  const [alone] = createNumbering()([b]).values()
  expect(createNumbering()([a, b, c]).get(b)).toEqual(alone)
})

test('the number is one of 32 bits made of the name', () => {
  // printf b | sha1sum
  expect(idsOf(createNumbering()([b]))).toEqual({ b: 0xe9d71f5e })
})

test('a number that is taken makes way, 0 is nobody’s, and the last one is followed by the first', () => {
  expect(idsOf(createNumbering(() => 7)([c, a, b, a]))).toEqual({ a: 7, b: 8, c: 9 })
  expect(idsOf(createNumbering(() => 0)([a, b]))).toEqual({ a: 1, b: 2 })
  expect(idsOf(createNumbering(() => 0xffff_ffff)([a, b]))).toEqual({ a: 0xffff_ffff, b: 1 })
})

test('a numbered grant is the same object for as long as it is the same grant', () => {
  const number = createNumbering()
  const first = number([a, b])
  const second = number([a, { ...b }])
  expect(second.get(a)).toBe(first.get(a))
  expect([...second.values()]).toHaveLength(2)
  expect([...second.values()]).not.toContain(first.get(b))
})
