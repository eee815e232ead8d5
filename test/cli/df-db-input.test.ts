import { describe, expect, test } from 'vitest'
import { fieldsOf, rowsIn } from '../../src/cli/df-db-input.ts'

const io = (input: string) => ({ out: () => {}, err: () => {}, input: () => Promise.resolve(input) })

describe('fields', () => {
  test.each([
    [['name=web', 'enabled=false'], { name: 'web', enabled: false }],
    [['name=a=b'], { name: 'a=b' }],
    [['name='], { name: '' }],
    [['ips=10.0.0.1,fd00::1'], { ips: ['10.0.0.1', 'fd00::1'] }],
    [['{"name": "web"}'], { name: 'web' }],
    [['-'], { name: 'from input' }],
    [['-', '{"mtu": 1}', 'name=last'], { name: 'last', mtu: 1 }],
  ])('%j are %j', async (given, fields) => {
    expect(await fieldsOf('lport', given, io('{"name": "from input"}'))).toEqual(fields)
  })

  test.each([
    [['name'], '"name" is no field: write field=value, a JSON object, or -'],
    [['=x'], '"=x" is no field'],
    [['{"name"'], 'the fields are not a JSON object ('],
    [['-'], 'the fields are not a JSON object: write {"field": value}'],
  ])('%j are none', async (given, message) => {
    await expect(fieldsOf('lport', given, io('[1]'))).rejects.toThrow(message)
  })
})

describe('rows of a file', () => {
  test('are one a line, the last of a key, whatever the id holds', () => {
    const text = `{"key": "/lport/p", "value": "1"}\n\n {"value": "2", "key": "/lport/a/b\\n", "more": 1}\r\n{"key": "/lport/p", "value": "3"}\n`
    expect(rowsIn(text, 'f')).toEqual([
      { table: 'lport', id: 'p', value: '3' },
      { table: 'lport', id: 'a/b\n', value: '2' },
    ])
  })

  test.each([
    ['{', 'f, line 2: not JSON ('],
    ['[]', 'f, line 2: a row is written {"key": "/<table>/<id>", "value": "<text>"}'],
    ['{"key": "/lport/p", "value": {}}', 'f, line 2: a row is written'],
    ['{"key": "lport/p", "value": "1"}', 'f, line 2: the key "lport/p" is not /<table>/<id>'],
    ['{"key": "/lport/", "value": "1"}', 'is not /<table>/<id>'],
    ['{"key": "/lport", "value": "1"}', 'is not /<table>/<id>'],
  ])('%s is none', (line, message) => {
    expect(() => rowsIn(`{"key": "/lport/p", "value": "1"}\n${line}`, 'f')).toThrow(message)
  })
})
