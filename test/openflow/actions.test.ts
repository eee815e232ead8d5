/** Every action and instruction as `ovs-ofctl` prints what we encode. */

import { describe, expect, test } from 'vitest'
import { type Action, action, actionTable, actionText } from '../../src/openflow/actions.ts'
import { formatActions, load, move, output, resubmit, setField } from '../../src/openflow/flow.ts'
import { formatMessage } from '../../src/openflow/format.ts'
import { type Instruction, instructionTable } from '../../src/openflow/instructions.ts'
import type { Match } from '../../src/openflow/match.ts'
import { decode, encode, type Message } from '../../src/openflow/messages.ts'
import { CodecError, decodeWith, encodeWith } from '../../src/wire/codec.ts'
import { ofpPrint } from '../support/ofctl.ts'
import { actionRows, learned, reg } from '../support/openflow-actions.ts'

const flowMod = (match: Match, instructions: readonly Instruction[]): Message => ({
  kind: 'flowMod',
  xid: 1,
  command: 'add',
  tableId: 1,
  priority: 0x8000,
  match,
  instructions,
})

test('every action has a row', () => {
  const kinds = new Set<string>(actionRows.map(([, { kind }]) => kind))
  // Masked set-fields and `nat` stand in other rows.
  expect(Object.keys(actionTable).filter((kind) => !kinds.has(kind))).toEqual(['setFieldMasked', 'nat'])
})

describe('an action', () => {
  test.each(actionRows)('%s', async (text, one, match = {}) => {
    const message = flowMod(match, [{ kind: 'applyActions', actions: [one] }])
    expect(actionText(one)).toBe(text)
    expect(formatActions([one])).toBe(text)
    expect(formatMessage(message)).toBe(await ofpPrint(encode(message)))
    expect(formatMessage(message)).toContain(` actions=${text}`)
    expect(formatMessage(decode(encode(message)))).toBe(formatMessage(message))
  })
})

const instructionRows: [string, readonly Instruction[]][] = [
  ['drop', []],
  ['drop', [{ kind: 'applyActions', actions: [] }]],
  ['meter:5', [{ kind: 'meter', meterId: 5 }]],
  ['clear_actions', [{ kind: 'clearActions' }]],
  ['write_actions(output:1)', [{ kind: 'writeActions', actions: [output(1)] }]],
  ['write_metadata:0x5', [{ kind: 'writeMetadata', metadata: 5n, metadataMask: 0xffff_ffff_ffff_ffffn }]],
  ['write_metadata:0x5/0xf', [{ kind: 'writeMetadata', metadata: 5n, metadataMask: 15n }]],
  ['goto_table:9', [{ kind: 'gotoTable', tableId: 9 }]],
  [
    'meter:1,output:1,clear_actions,write_actions(group:1),write_metadata:0x1,goto_table:2',
    [
      { kind: 'gotoTable', tableId: 2 },
      { kind: 'writeMetadata', metadata: 1n, metadataMask: 0xffff_ffff_ffff_ffffn },
      { kind: 'writeActions', actions: [{ kind: 'group', groupId: 1 }] },
      { kind: 'clearActions' },
      { kind: 'applyActions', actions: [output(1)] },
      { kind: 'meter', meterId: 1 },
    ],
  ],
]

test('every instruction has a row', () => {
  const kinds = new Set<string>(instructionRows.flatMap(([, all]) => all.map(({ kind }) => kind)))
  expect(Object.keys(instructionTable).filter((kind) => !kinds.has(kind))).toEqual([])
})

describe('instructions', () => {
  test.each(instructionRows)('%s', async (text, instructions) => {
    const message = flowMod({}, instructions)
    expect(formatMessage(message)).toBe(await ofpPrint(encode(message)))
    expect(formatMessage(message)).toContain(` actions=${text}`)
  })
})

describe('an action without bytes', () => {
  test.each<[Action, string]>([
    [setField({}), 'setField: needs exactly one field'],
    [setField({ reg1: 1, reg2: 2 }), 'setField: needs exactly one field'],
    [setField({ ethType: 5 }), 'setField.field: ethType is read-only'],
    [setField({ inPort: 5 }), 'setField.field: inPort is written by load alone'],
    [
      setField({ reg1: { value: 0x100, mask: 0xff } }),
      'setField.field.reg1: 256 has bits outside its mask 255',
    ],
    [setField({ ipDscp: 64 }), 'setField.field.ipDscp: 64 does not fit 6 bits'],
    [load(4, 'reg1', { bits: 2 }), 'load: 4 does not fit 2 bits'],
    [load(4, 'reg1', { offset: 30, bits: 4 }), 'load: reg1 has no bits 30..33'],
    [move('reg1', 'reg2', { bits: 33 }), 'move: reg1 has no bits 0..32'],
    [move('reg1', 'ethType', { bits: 3 }), 'move: ethType is read-only'],
    [
      { kind: 'outputReg', bits: 1, from: { field: 'actsetOutput', offset: 0 }, maxLen: 0 },
      'outputReg: actsetOutput has no header of 4 bytes',
    ],
    [
      { kind: 'learnLimited', ...learned, flags: 4, specs: [] },
      'learnLimited: flags and result do not agree',
    ],
    [
      { kind: 'learn', ...learned, specs: [{ kind: 'load', bits: 2, value: 4n, to: reg(1) }] },
      'learn.specs: 4 does not fit 2 bits',
    ],
    [
      { kind: 'learn', ...learned, specs: [{ kind: 'load', bits: 0, value: 4n, to: reg(1) }] },
      'learn.specs: 0 bits',
    ],
    [resubmit(256), 'resubmit.tableId: 256 is not a u8'],
    [{ kind: 'unknown', type: 0x10000, bytes: Buffer.alloc(4) }, 'unknown: 65536 is not a u16'],
  ])('%#', (one, reason) => {
    expect(() => encodeWith(action, one)).toThrow(CodecError)
    expect(() => encodeWith(action, one)).toThrow(reason)
    expect(() => formatActions([output(1), one])).toThrow(`1.${reason}`)
  })
})

describe('bytes that are no action', () => {
  const nicira = 'ffff001800002320'
  test.each([
    [
      'a learn spec without bits',
      `ffff002800002320${'0010'}${'00'.repeat(22)}2000${'00'.repeat(8)}`.slice(0, 80),
      'learn.specs: 0x2000 is no spec',
    ],
    [
      'a learn spec of a kind that is none',
      `ffff002800002320${'0010'}${'00'.repeat(22)}1801${'00'.repeat(6)}`.slice(0, 80),
      'learn.specs: 0x1801 is no spec',
    ],
    ['flags of ct that are none', `${nicira}0023ffff${'00'.repeat(12)}`, 'ct: flags 0xffff'],
    ['flags of nat that are none', `${nicira}00240000ffff0000${'00'.repeat(8)}`, 'nat: flags 65535, range 0'],
    ['more ids than bytes', `${nicira}0015ffff${'00'.repeat(12)}`, 'decTtlIds: 65535 ids in 8 bytes'],
    ['a size that is no multiple of 8', '0000000c000000010000000000', 'an action of 12 bytes'],
    [
      'a set-field with a mask',
      '0019001080000b04aabbccddffffffff'.slice(0, 32),
      'setField.field: ethType has a mask',
    ],
  ])('%s', (_name, hex, reason) => {
    expect(() => decodeWith(action, Buffer.from(hex, 'hex'))).toThrow(reason)
  })
})
