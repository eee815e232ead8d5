import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import {
  boolean,
  type Column,
  integer,
  namedUuid,
  optional,
  setOf,
  string,
  stringMap,
  uuid,
} from '../../src/ovsdb/values.ts'

const id = '36bef046-7da7-43a5-905a-c17899216fcb'

/** The JSON is as ovsdb-server 3.1.0 sends it (test/vectors/ovsdb), or as RFC 7047 §5.1 has it. */
describe('read and written', () => {
  test.each<[string, Column<unknown>, unknown, unknown]>([
    ['a string', string, 'br-int', 'br-int'],
    ['an empty string', string, '', ''],
    ['an integer', integer, -1, -1],
    ['the largest integer', integer, 2 ** 53 - 1, 2 ** 53 - 1],
    ['a boolean', boolean, false, false],
    ['a uuid', uuid, ['uuid', id], id],
    ['an empty set', setOf(uuid), ['set', []], []],
    ['a set of two', setOf(string), ['set', ['OpenFlow10', 'OpenFlow13']], ['OpenFlow10', 'OpenFlow13']],
    ['a set of uuids', setOf(uuid), ['set', [['uuid', id]]], [id]],
    ['no value', optional(integer), ['set', []], undefined],
    ['a value', optional(integer), ['set', [65534]], 65534],
    ['an empty map', stringMap, ['map', []], new Map()],
    ['a map', stringMap, ['map', [['iface-id', 'Zürich 🙂']]], new Map([['iface-id', 'Zürich 🙂']])],
  ])('%s', (_, column, json, value) => {
    expect(column.read(json, 'T')).toEqual(value)
    expect(column.write(value)).toEqual(json)
  })

  test.each<[string, Column<unknown>, unknown, unknown]>([
    ['a set of one without its brackets', setOf(string), 'OpenFlow13', ['OpenFlow13']],
    ['a set of one uuid', setOf(uuid), ['uuid', id], [id]],
    ['a value without brackets', optional(integer), 11, 11],
  ])('%s is read', (_, column, json, value) => {
    expect(column.read(json, 'T')).toEqual(value)
  })

  test('a row of the same transaction', () => {
    expect(namedUuid('port')).toEqual(['named-uuid', 'port'])
  })
})

describe('refused', () => {
  test.each<[Column<unknown>, unknown, string]>([
    [string, 1, 'Bridge 7 name: expected a string, got 1'],
    [string, undefined, 'Bridge 7 name: expected a string, got undefined'],
    [integer, 1.5, 'Bridge 7 name: expected an integer, got 1.5'],
    [integer, '1', 'Bridge 7 name: expected an integer, got "1"'],
    [integer, 2 ** 53, 'Bridge 7 name: expected an integer, got 9007199254740992'],
    [boolean, 0, 'Bridge 7 name: expected a boolean, got 0'],
    [uuid, id, `Bridge 7 name: expected a uuid, got "${id}"`],
    [uuid, ['uuid', 'x'], 'Bridge 7 name: expected a uuid, got ["uuid","x"]'],
    [uuid, ['named-uuid', 'x'], 'Bridge 7 name: expected a uuid, got ["named-uuid","x"]'],
    [setOf(string), ['set', 'a'], 'Bridge 7 name: expected a set, got ["set","a"]'],
    [setOf(string), ['set', [1]], 'Bridge 7 name: expected a string, got 1'],
    [
      optional(string),
      ['set', ['a', 'b']],
      'Bridge 7 name: expected at most one value, got ["set",["a","b"]]',
    ],
    [stringMap, ['set', []], 'Bridge 7 name: expected a map, got ["set",[]]'],
    [stringMap, ['map', [['a']]], 'Bridge 7 name: expected a pair, got ["a"]'],
    [stringMap, ['map', [['a', 1]]], 'Bridge 7 name: expected a string, got 1'],
  ])('%# %j', (column, json, message) => {
    expect(() => column.read(json, 'Bridge 7 name')).toThrow(new ProtocolError(message))
  })
})
