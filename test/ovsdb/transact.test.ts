import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { OvsdbError, refusal } from '../../src/ovsdb/errors.ts'
import { JsonStream } from '../../src/ovsdb/json-stream.ts'
import { checkedResults, isRace, type Operation, operationText } from '../../src/ovsdb/transact.ts'

const session = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/ovsdb/session.json'), 'utf8'))
const messages = new JsonStream(1 << 20).push(Buffer.from(session.bytes, 'base64')) as {
  id: number | null
  result?: unknown
  error?: unknown
}[]
const replyTo = (id: number) => messages.find((message) => message.id === id)

const insert: Operation = { op: 'insert', table: 'Nowhere', row: {} }
const comment: Operation = { op: 'comment', comment: 'not reached' }
const wait: Operation = {
  op: 'wait',
  table: 'Bridge',
  where: [],
  columns: ['name'],
  until: '==',
  rows: [],
  timeout: 0,
}
const select: Operation = { op: 'select', table: 'Bridge', where: [], columns: ['name', 'fail_mode'] }

function thrownBy(work: () => unknown): OvsdbError {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(OvsdbError)
    return error as OvsdbError
  }
  throw new Error('nothing was thrown')
}

describe('replies of a real server', () => {
  test('rows', () => {
    expect(checkedResults([select], replyTo(2)?.result)).toEqual([
      { rows: [{ name: 'br-int', fail_mode: 'secure' }] },
    ])
  })

  test('a refused operation is named', () => {
    const error = thrownBy(() => checkedResults([insert, comment], replyTo(3)?.result))
    expect(error.message).toBe(
      'the Open vSwitch database refused insert Nowhere {"row":{}}: syntax error (Parsing ovsdb operation 1 of 2 failed: No table named Nowhere.)',
    )
    expect(error).toMatchObject({
      reason: 'syntax error',
      isRetriable: false,
      operation: operationText(insert),
    })
    expect(isRace(error)).toBe(false)
  })

  test('a wait that fails is a race', () => {
    const error = thrownBy(() => checkedResults([wait], replyTo(4)?.result))
    expect(error).toMatchObject({ reason: 'timed out', isRetriable: true })
    expect(isRace(error)).toBe(true)
  })

  test('a refused request', () => {
    expect(refusal(replyTo(6)?.error, 'transact').message).toBe(
      'the Open vSwitch database refused transact: unknown database (transact request specifies unknown database Nothing)',
    )
  })
})

describe('replies that are none', () => {
  test.each([
    [{}, 'the reply to transact is no list'],
    [[{ rows: [] }], '1 results for 2 operations'],
    [[{}, null], 'no result for comment {"comment":"not reached"}'],
    [[{}, {}, {}], '3 results for 2 operations'],
  ])('%j', (reply, message) => {
    expect(() => checkedResults([select, comment], reply)).toThrow(new ProtocolError(message))
  })

  test.each([
    ['x', 'x'],
    [{ code: 1 }, '{"code":1}'],
  ])('an error of an odd shape, %j', (error, reason) => {
    expect(refusal(error, 'monitor')).toMatchObject({ reason, isRetriable: false })
  })
})

test('a refusal at the commit names every operation', () => {
  const reply = [{}, {}, { error: 'referential integrity violation', details: 'x' }]
  expect(thrownBy(() => checkedResults([insert, comment], reply)).message).toBe(
    'the Open vSwitch database refused the commit of insert Nowhere {"row":{}}; comment {"comment":"not reached"}: referential integrity violation (x)',
  )
})
