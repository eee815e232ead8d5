import { expect, test } from 'vitest'
import { type FileLook, FileLooks } from '../../src/nb/file-look.ts'

const look: FileLook = {
  fingerprint: 2 ** 48 - 1,
  ...{ isSettled: false, isWhole: false, isHalf: false },
}
const looksOf = (more: Partial<FileLook> = {}, name = 'red-web.json') =>
  new FileLooks().with(new Map([['lport', new Map([[name, { ...look, ...more }]])]]))

test.each<[string, Partial<FileLook>]>([
  ['nothing', {}],
  ['the lowest number', { fingerprint: 0 }],
  ['settled', { isSettled: true }],
  ['whole', { isWhole: true }],
  ['half', { isHalf: true }],
  ['all', { isSettled: true, isWhole: true, isHalf: true }],
])('a look comes out as it went in: %s', (_, more) => {
  expect(looksOf(more).get('lport', 'red-web.json')).toEqual({ ...look, ...more })
})

test.each<[string, FileLooks, string[]]>([
  ['the same look made twice', looksOf(), []],
  ['another fingerprint', looksOf({ fingerprint: 1 }), ['lport/red-web.json']],
  ['another flag', looksOf({ isHalf: true }), ['lport/red-web.json']],
  ['another file', looksOf({}, 'blue-web.json'), ['lport/red-web.json', 'lport/blue-web.json']],
  ['no files', new FileLooks(), ['lport/red-web.json']],
])('what differs from a look at one file: %s', (_, other, changed) => {
  expect(new Set(FileLooks.changed(looksOf(), other))).toEqual(new Set(changed))
  expect(new Set(FileLooks.changed(other, looksOf()))).toEqual(new Set(changed))
})

test('a file whose name stands for no row is no other file, whatever the id of the other one', () => {
  const names = [
    'a b.json',
    'a b.json.json',
    'a%20b.json',
    'a%20b.json.json',
    '%61.json',
    'a.json',
    '\ud800.json',
  ]
  const numbers = names.map((name, fingerprint) => [name, { ...look, fingerprint }] as const)
  const looks = new FileLooks().with(new Map([['lport', new Map(numbers)]]))
  expect(Array.from(looks.of('lport'), ([name]) => name).sort()).toEqual(names.toSorted())
  expect(names.map((name) => looks.get('lport', name)?.fingerprint)).toEqual([...names.keys()])
  expect([...looks.missing('lport', names)]).toEqual([])
  expect([...looks.missing('lport', names.slice(1))]).toEqual(names.slice(0, 1))
})

test('files of one name in two tables are two files', () => {
  const looks = looksOf().with(
    new Map([['dnsname', new Map([['red-web.json', { ...look, fingerprint: 7 }]])]]),
  )
  expect([
    looks.get('lport', 'red-web.json')?.fingerprint,
    looks.get('dnsname', 'red-web.json')?.fingerprint,
  ]).toEqual([...[look.fingerprint, 7]])
  const less = looks.with(new Map([['lport', new Map([['red-web.json', undefined]])]]))
  expect([
    looks.size,
    less.size,
    [...less.missing('lport', [])],
    [...less.missing('dnsname', [])],
    [...less.missing('none', [])],
  ]).toEqual([...[2, 1, [], ['red-web.json'], []]])
})
