import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { documentOf, itemOf } from '../../src/cli/df-db-format.ts'
import { dragonflowRows } from '../support/nb.ts'

/** Text that a reader of YAML 1.1 or 1.2 would take for something else if it were not quoted. */
const treacherous = {
  words: ['yes', 'no', 'on', 'null', '~', 'true', '1e3', '0x10', '.inf', '2026-01-02', '10:20:30:40:50:10'],
  marks: [
    '- x',
    '# x',
    'a: b',
    '&a',
    '*a',
    '!t',
    '%d',
    '---',
    '...',
    '',
    ' x ',
    'a\nb',
    '"',
    "'",
    '\\',
    'ä\u2028',
  ],
  opts: { 66: '10.0.0.250' },
  nothing: { list: [], object: {}, null: null },
  numbers: [0, -1, 1.5, 4294967294, 1795374244.3783765],
}

describe('YAML', () => {
  test.each(['1.1', '1.2'] as const)('says to a reader of %s what was meant', (version) => {
    expect(parse(documentOf('yaml', treacherous), { version })).toEqual(
      JSON.parse(JSON.stringify(treacherous)),
    )
    for (const { table, id, value } of dragonflowRows())
      expect(parse(documentOf('yaml', JSON.parse(value)), { version }), `${table} ${id}`).toEqual(
        JSON.parse(value),
      )
  })

  test('is for people too', () => {
    const row = {
      id: 'web-red',
      ips: ['10.0.0.11'],
      unique_key: 3,
      binding: { type: 'chassis' },
      subnets: [],
    }
    expect(documentOf('yaml', row)).toBe(
      'id: "web-red"\nips:\n  - "10.0.0.11"\nunique_key: 3\nbinding:\n  type: "chassis"\nsubnets: []\n',
    )
  })

  test('of many values is a document each', () => {
    const text = itemOf('yaml', { id: 'a' }) + itemOf('yaml', 'text') + itemOf('yaml', { id: 'b' })
    expect(text).toBe('---\nid: "a"\n---\n"text"\n---\nid: "b"\n')
    expect(parseAllDocuments(text).map((document) => document.toJS() as unknown)).toEqual([
      { id: 'a' },
      'text',
      { id: 'b' },
    ])
  })
})

test('JSON of many values is a line each', () => {
  expect(itemOf('json', { id: 'a', ips: ['10.0.0.1'] })).toBe('{"id":"a","ips":["10.0.0.1"]}\n')
  expect(documentOf('json', { id: 'a' })).toBe('{\n  "id": "a"\n}\n')
})

test.each(['json', 'yaml'] as const)('no control character of a row comes through as %s', (format) => {
  const value = { name: '\u001b[2J\u009b2J\u0085\u007f\u0000', '\u009b\u001b': 'x', 'a: b': 1 }
  for (const text of [documentOf(format, value), itemOf(format, value)]) {
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    expect(parse(text)).toEqual(value)
  }
})
