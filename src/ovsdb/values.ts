/**
 * OVSDB's notation of values (RFC 7047 §5.1) and what it is in JavaScript: a set is an array, an optional value may be
 * undefined, a map is a Map, a UUID is its text. It knows no table.
 */

import { ProtocolError } from '../errors.ts'

/** How a column's values are read and written. `path` names the place in messages; a wrong value throws `ProtocolError`. */
export interface Column<Value> {
  read(json: unknown, path: string): Value
  write(value: Value): unknown
}

export const string: Column<string> = atom('a string', (json) => typeof json === 'string')

/** Whole numbers; beyond 2^53 JavaScript could not tell neighbours apart, so those are refused. */
export const integer: Column<number> = atom('an integer', Number.isSafeInteger)

export const boolean: Column<boolean> = atom('a boolean', (json) => typeof json === 'boolean')

export const uuid: Column<string> = {
  read(json, path) {
    if (!isPair(json, 'uuid') || typeof json[1] !== 'string' || !uuidText.test(json[1]))
      throw wrong(path, 'a uuid', json)
    return json[1]
  },
  write: (value) => ['uuid', value],
}

/** In the server's order, which is sorted. */
export function setOf<Value>(element: Column<Value>): Column<readonly Value[]> {
  return {
    read: (json, path) => elementsOf(json, path).map((each) => element.read(each, path)),
    write: (values) => ['set', values.map(element.write)],
  }
}

/** A set of at most one value. */
export function optional<Value>(element: Column<Value>): Column<Value | undefined> {
  const set = setOf(element)
  return {
    read(json, path) {
      const values = set.read(json, path)
      if (values.length > 1) throw wrong(path, 'at most one value', json)
      return values[0]
    },
    write: (value) => set.write(value === undefined ? [] : [value]),
  }
}

/** Of most interfaces' options. */
const noEntries: ReadonlyMap<string, string> = new Map()

/** A map of strings to strings, the only kind in the columns that are read here. */
export const stringMap: Column<ReadonlyMap<string, string>> = {
  read(json, path) {
    if (!isPair(json, 'map') || !Array.isArray(json[1])) throw wrong(path, 'a map', json)
    return json[1].length === 0 ? noEntries : new Map(json[1].map((pair) => entryOf(pair, path)))
  },
  write: (map) => ['map', [...map]],
}

/** The UUID of a row that an earlier operation of the same transaction inserts (RFC 7047 §5.1, <named-uuid>). */
export const namedUuid = (name: string): readonly [string, string] => ['named-uuid', name]

const uuidText = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function atom<Value extends string | number | boolean>(
  kind: string,
  isOne: (json: unknown) => boolean,
): Column<Value> {
  return {
    read(json, path) {
      if (!isOne(json)) throw wrong(path, kind, json)
      return json as Value
    },
    write: (value) => value,
  }
}

const isPair = (json: unknown, tag: string): json is [string, unknown] =>
  Array.isArray(json) && json.length === 2 && json[0] === tag

/** A set of one may be written without its brackets. */
function elementsOf(json: unknown, path: string): unknown[] {
  if (!isPair(json, 'set')) return [json]
  if (!Array.isArray(json[1])) throw wrong(path, 'a set', json)
  return json[1]
}

function entryOf(json: unknown, path: string): [string, string] {
  if (!Array.isArray(json) || json.length !== 2) throw wrong(path, 'a pair', json)
  return [string.read(json[0], path), string.read(json[1], path)]
}

function wrong(path: string, expected: string, json: unknown): ProtocolError {
  return new ProtocolError(`${path}: expected ${expected}, got ${JSON.stringify(json)?.slice(0, 80)}`)
}
