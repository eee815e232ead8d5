/** Every row of the field table against Open vSwitch: in a match, masked, and in each action that names a field. */

import { expect, test } from 'vitest'
import type { Action } from '../../src/openflow/actions.ts'
import { load, move, setField } from '../../src/openflow/flow.ts'
import { formatMessage } from '../../src/openflow/format.ts'
import { comparedOf, fromInt, type Match, toInt } from '../../src/openflow/match.ts'
import { encode, type Message } from '../../src/openflow/messages.ts'
import { type FieldName, fieldAt, fieldOf, fields, headerOf, needsOf } from '../../src/openflow/oxm.ts'
import { ofpPrint } from '../support/ofctl.ts'
import { matchOn, valueFor } from '../support/openflow-fields.ts'

const names = Object.keys(fields) as FieldName[]

const flowMod = (match: Match, actions: Action[] = []): Message => ({
  kind: 'flowMod',
  xid: 1,
  command: 'add',
  tableId: 0,
  priority: 5,
  match,
  instructions: [{ kind: 'applyActions', actions }],
})

async function expectSameText(message: Message): Promise<void> {
  expect(formatMessage(message)).toBe(await ofpPrint(encode(message)))
}

test.each(names)('%s is matched as Open vSwitch understands it', async (name) => {
  await expectSameText(flowMod(matchOn(name)))
})

test.each(names.filter((name) => fieldOf(name).isMaskable))('%s is matched with a mask', async (name) => {
  const value = valueFor(name)
  await expectSameText(flowMod(matchOn(name, { value, mask: fromInt(name, toInt(name, value) | 1n) })))
})

const withTwoHeaders = names.filter(
  (name) => fieldOf(name).oxm !== undefined && fieldOf(name).nxm !== undefined,
)
test.each(withTwoHeaders)('%s is matched by its other header', async (name) => {
  await expectSameText(flowMod(matchOn(name, { value: valueFor(name), header: 'nxm' })))
})

test.each(names.filter((name) => fieldOf(name).isWritable))('%s is written', async (name) => {
  const value = valueFor(name)
  const { isOnlyLoaded, isMaskable } = fieldOf(name)
  const actions: Action[] = [move('reg0', name, { bits: 1, fromOffset: 3 })]
  // A load names a field by four bytes; an experimenter's fields need eight.
  if (headerOf(name, 'nxm').experimenter === undefined) actions.push(load(1, name, { bits: 1 }))
  if (isOnlyLoaded !== true) actions.push(setField({ [name]: value } as Match))
  if (isMaskable) actions.push(setField({ [name]: { value, mask: value } } as Match))
  const ct: Action = { kind: 'ct', commit: true, force: false, zone: 1, alg: 0, actions }
  const isOfConnection = name.startsWith('ct')
  await expectSameText(
    isOfConnection ? flowMod({ ...matchOn(name), ethType: 0x0800 }, [ct]) : flowMod(matchOn(name), actions),
  )
})

test.each(names)('%s is read', async (name) => {
  const from = { field: name, offset: 0 }
  const actions: Action[] = [move(name, 'xxreg0'), { kind: 'stackPush', bits: 1, place: from }]
  // A learned flow names fields by four bytes; an experimenter's fields need eight.
  if (headerOf(name, 'nxm').experimenter === undefined)
    actions.push({
      ...{ kind: 'learn', idleTimeout: 0, hardTimeout: 0, priority: 5, cookie: 0n, flags: 0, tableId: 9 },
      ...{ finIdleTimeout: 0, finHardTimeout: 0 },
      specs: [{ kind: 'load', bits: 1, from, to: { field: 'reg1', offset: 4 } }],
    })
  await expectSameText(flowMod(matchOn(name), actions))
})

test('every header belongs to one field', () => {
  for (const name of names)
    for (const kind of ['oxm', 'nxm'] as const) {
      const at = fieldOf(name)[kind]
      if (at !== undefined) expect(fieldAt(at.class, at.field, at.experimenter)).toEqual({ name, kind })
    }
  expect(fieldAt(0x8000, 99)).toBeUndefined()
})

test('every prerequisite names a field', () => {
  for (const name of names) expect(names).toEqual(expect.arrayContaining(Object.keys(needsOf(name))))
})

test('a compared value has one form', () => {
  expect(comparedOf(5)).toEqual({ value: 5 })
  expect(comparedOf({ value: 5, mask: 7 })).toEqual({ value: 5, mask: 7 })
})
