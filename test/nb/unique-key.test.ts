import { expect, test } from 'vitest'
import { isCounter, nextCounter, raisedCounter } from '../../src/nb/unique-key.ts'

test.each([
  [undefined, '1'],
  ['0', '1'],
  ['16', '17'],
  ['16\n', '17'],
  ['4294967293', '4294967294'],
])('after %j comes %j', (stored, next) => {
  expect(isCounter(stored ?? '0')).toBe(true)
  expect(nextCounter('lport', stored)).toBe(next)
})

test.each([
  ['4294967294', 'the unique keys of lport are used up: the counter stands at 4294967294'],
  ['4294967295', 'the counter /unique_key/lport holds "4294967295", not a number'],
  ['', 'the counter /unique_key/lport holds "", not a number'],
  ['-1', 'not a number'],
  ['1.5', 'not a number'],
  ['0x10', 'not a number'],
])('after %j comes none', (stored, message) => {
  expect(() => nextCounter('lport', stored)).toThrow(message)
})

test.each([
  [undefined, 0, undefined],
  [undefined, 5, '5'],
  ['4', 5, '5'],
  ['5', 5, undefined],
  ['6', 5, undefined],
])('a counter at %j with key %j in use becomes %j', (stored, key, raised) => {
  expect(raisedCounter('lport', stored, key)).toBe(raised)
})
