import { expect, test } from 'vitest'
import { share } from '../../src/controller/share.ts'

const map = (entries: [string, unknown][]) => new Map(entries)

test.each([
  ['the same number', 1, 1],
  ['nothing', undefined, undefined],
  ['equal objects', { a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 2] } }],
  ['equal arrays', [{ a: 1 }, 'x'], [{ a: 1 }, 'x']],
  ['equal maps', map([['a', { b: 1 }]]), map([['a', { b: 1 }]])],
  [
    'maps in another order',
    map([
      ['a', 1],
      ['b', 2],
    ]),
    map([
      ['b', 2],
      ['a', 1],
    ]),
  ],
])('%s give the old value', (_name, previous, next) => {
  expect(share(previous, next)).toBe(previous)
})

test.each([
  ['another number', 1, 2],
  ['an object where there was none', undefined, { a: 1 }],
  ['an array where there was an object', { 0: 1 }, [1]],
  ['a map where there was an object', {}, map([])],
  ['null where there was an object', {}, null],
  ['a longer array', [1], [1, 2]],
  ['a shorter array', [1, 2], [1]],
  ['a key more', { a: 1 }, { a: 1, b: undefined }],
  ['another key', { a: undefined }, { b: undefined }],
  ['another key in a map', map([['a', undefined]]), map([['b', undefined]])],
  [
    'a shorter map',
    map([
      ['a', 1],
      ['b', 2],
    ]),
    map([['a', 1]]),
  ],
])('%s gives the new value', (_name, previous, next) => {
  const shared = share(previous, next)
  expect(shared).not.toBe(previous)
  expect(shared).toEqual(next)
})

test('a changed part leaves its neighbours the same objects', () => {
  const previous = {
    ports: map([
      ['a', { ips: ['10.0.0.1'] }],
      ['b', { ips: ['10.0.0.2'] }],
    ]),
    networks: [{ id: 'n' }],
  }
  const next = {
    ports: map([
      ['a', { ips: ['10.0.0.1'] }],
      ['b', { ips: ['10.0.0.3'] }],
    ]),
    networks: [{ id: 'n' }],
  }
  const shared = share(previous, next)
  expect(shared.networks).toBe(previous.networks)
  expect(shared.ports.get('a')).toBe(previous.ports.get('a'))
  expect(shared.ports.get('b')).toEqual({ ips: ['10.0.0.3'] })
})
