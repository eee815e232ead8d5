import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { isJsonObject, type Json, pythonJson } from '../../src/nb/json.ts'
import { dragonflowRows } from '../support/nb.ts'

describe('the text of a value is what Python writes', () => {
  const values: Json[] = [
    {},
    [],
    { b: [], a: { d: 1, c: [1, 2.5, -3, 1e21, 0.1] } },
    [true, false, null, ['x', null]],
    'quote " backslash \\ slash / tab \t line \n return \r feed \f back \b bell \u0007 nul \u0000',
    'delete \u007f, C1 \u0085, ä 漢 🂡, \u2028, half a pair \ud800',
    { 'ä key': 'x', Z: 1, a: 2, _: 3, '10': 4, '9': 5 },
  ]

  test('as python3 shows', () => {
    const script = 'import json,sys; [print(json.dumps(v, sort_keys=True)) for v in json.load(sys.stdin)]'
    const lines = execFileSync('python3', ['-c', script], { input: JSON.stringify(values), encoding: 'utf8' })
    expect(values.map(pythonJson)).toEqual(lines.trimEnd().split('\n'))
  })

  test.each(dragonflowRows())('of /$table/$id, up to the order of DHCP options', ({ value }) => {
    const inOrder = value.replace(
      '{"67": "pxelinux.0", "66": "10.0.0.250"}',
      '{"66": "10.0.0.250", "67": "pxelinux.0"}',
    )
    expect(pythonJson(JSON.parse(value))).toBe(inOrder)
  })

  test('without what is missing', () => {
    expect(pythonJson({ b: undefined, a: null, c: [null] })).toBe('{"c": [null]}')
  })
})

test.each([
  [{}, true],
  [[], false],
  [null, false],
  ['x', false],
  [1, false],
])('%j is a JSON object: %j', (value, isObject) => {
  expect(isJsonObject(value)).toBe(isObject)
})
