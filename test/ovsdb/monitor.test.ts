import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { JsonStream } from '../../src/ovsdb/json-stream.ts'
import { monitorRequests, updated } from '../../src/ovsdb/monitor.ts'
import { noRows, schema, type Tables } from '../../src/ovsdb/schema.ts'
import { bridgeRow, interfaceRow, row, set, uuidOf, withPorts } from '../support/fake-ovsdb.ts'

const session = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/ovsdb/session.json'), 'utf8'))
const messages = new JsonStream(1 << 20).push(Buffer.from(session.bytes, 'base64')) as {
  method?: string
  params: unknown[]
  result: unknown
}[]

/** Every state of the recorded session, the first of them empty. */
function history(): Tables[] {
  const updates = messages.filter(({ method }) => method === 'update').map(({ params }) => params[1])
  const states = [noRows]
  for (const update of [messages[0]?.result, ...updates])
    states.push(updated(states.at(-1) as Tables, update))
  return states
}

describe('a recorded session', () => {
  test('ends with the interfaces that ovs-vsctl shows', () => {
    const { data } = session.interfaces as { data: [string, string, unknown, unknown[], unknown[]][] }
    const shown = data.map(([name, type, ofport, [, ids], [, options]]) => ({
      name,
      type,
      ofport,
      ids: new Map(ids as [string, string][]),
      options: new Map(options as [string, string][]),
    }))
    const ours = [...(history().at(-1) as Tables).Interface.values()].map((each) => ({
      name: each.name,
      type: each.type,
      ofport: each.ofport,
      ids: each.external_ids,
      options: each.options,
    }))
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
    expect(ours.sort(byName)).toEqual(shown.sort(byName))
  })

  test('leaves every earlier state as it was', () => {
    const first = updated(noRows, messages[0]?.result)
    const before = structuredClone(first)
    expect(history().at(-1)).not.toEqual(first)
    expect(first).toEqual(before)
  })

  test('keeps the tables that an update does not name', () => {
    const states = history()
    const [before, after] = [states.at(-2), states.at(-1)] as [Tables, Tables]
    expect(after.Bridge).toBe(before.Bridge)
    expect(after.Interface).not.toBe(before.Interface)
  })
})

describe('updates', () => {
  const start = updated(noRows, withPorts(interfaceRow('tap-a', { ofport: 1 })))

  test('a row is removed', () => {
    const after = updated(start, { Interface: { [uuidOf(101)]: { old: interfaceRow('tap-a') } } })
    expect(after.Interface.size).toBe(0)
  })

  test('a row that was never there is removed all the same', () => {
    expect(updated(start, { Port: { [uuidOf(9)]: { old: {} } } }).Port).toEqual(start.Port)
  })

  test('columns that were not asked for do not matter', () => {
    const after = updated(noRows, { Bridge: { [uuidOf(1)]: { new: bridgeRow({ stp_enable: false }) } } })
    expect(after.Bridge.get(uuidOf(1))).not.toHaveProperty('stp_enable')
  })

  test.each<[unknown, string]>([
    [null, 'table-updates: expected an object'],
    [[], 'table-updates: expected an object'],
    [{ Mirror: {} }, 'an update of the table Mirror, which is not monitored'],
    [{ constructor: {} }, 'an update of the table constructor, which is not monitored'],
    [{ Bridge: 1 }, 'Bridge: expected an object'],
    [{ Bridge: { x: [] } }, 'Bridge x: expected an object'],
    [{ Bridge: { x: {} } }, 'Bridge x: an update with neither old nor new'],
    [{ Bridge: { x: { new: 1 } } }, 'Bridge x: expected a row'],
    [{ Port: { x: { new: { name: 'p' } } } }, 'Port x: the column interfaces is missing'],
    [
      { Port: { x: { new: { name: 'p', interfaces: set(row(1), 'y') } } } },
      'Port x interfaces: expected a uuid, got "y"',
    ],
  ])('refuses %j', (update, message) => {
    expect(() => updated(start, update)).toThrow(new ProtocolError(message))
  })
})

test('every column that a row needs is asked for', () => {
  expect(monitorRequests()).toMatchObject({
    Port: { columns: ['name', 'interfaces'] },
    Controller: { columns: Object.keys(schema.Controller) },
  })
})
