import { expect, test } from 'vitest'
import type { Change } from '../../src/controller/flow-table.ts'
import { identityOf, ownedFlow, wantedFlow } from '../../src/controller/held-flow.ts'
import {
  addFlow,
  deleteFlow,
  deleteTimedFlows,
  messagesOf,
  type Outgoing,
  probe,
  probeSequenceOf,
  sourceKeyOf,
  textOf,
} from '../../src/controller/messages.ts'
import { formatMessage } from '../../src/openflow/format.ts'
import { decode, encode, formatGroup, type Group, type Message, PacketIn } from '../../src/openflow/index.ts'
import { flowOf } from '../support/apps.ts'
import { wantedOf } from '../support/wanted.ts'

const cookie = 0x4446_0100_da6a_e8bcn
const bare = flowOf(32, 100, { reg6: 1 }, 55)
const flow = ownedFlow(bare, 'dns')
const identity = identityOf(flow)
const group: Group = { groupId: 31, type: 'all', buckets: [] }
const held = wantedOf('dns', bare)
const wantedGroup = { owner: 'dns', group, content: formatGroup(group) }

/** The message as ovs-ofctl prints it, after it was bytes. */
const shown = (message: Outgoing) => formatMessage(decode(encode({ ...message, xid: 1 } as Message)))

const changes: [Change, string, RegExp][] = [
  [
    { kind: 'addFlow', identity, wanted: held },
    'add cookie=0x44460100da6ae8bc, table=32, priority=100,reg6=0x1 actions=goto_table:55',
    /OFPT_FLOW_MOD.*ADD table:32 priority=100,reg6=0x1 cookie:0x44460100da6ae8bc actions=goto_table:55/,
  ],
  [
    { kind: 'deleteFlow', identity, held },
    'delete cookie=0x44460100da6ae8bc, table=32, priority=100,reg6=0x1 actions=goto_table:55',
    /OFPT_FLOW_MOD.*DEL_STRICT table:32 priority=100,reg6=0x1 cookie:0x44460100da6ae8bc\/0xffffffffffffffff/,
  ],
  [
    { kind: 'addGroup', wanted: wantedGroup },
    'add group_id=31,type=all',
    /OFPT_GROUP_MOD.*\n? ?ADD group_id=31,type=all/,
  ],
  [
    { kind: 'modifyGroup', wanted: wantedGroup },
    'modify group_id=31,type=all',
    /OFPT_GROUP_MOD.*\n? ?MOD group_id=31,type=all/,
  ],
  [{ kind: 'deleteGroup', groupId: 31 }, 'delete group_id=31', /OFPT_GROUP_MOD.*\n? ?DEL group_id=31/],
]

test.each(changes)('%o is one message, and one line for people', (change, text, message) => {
  expect(textOf(change)).toBe(text)
  const [made] = messagesOf([change])
  expect(shown(made!)).toMatch(message)
})

test('a part is asked for its flows once, however many of them are sent', () => {
  const flows = [1, 2, 3].map((reg6) => flowOf(32, 100, { reg6 }, 55))
  let asked = 0
  const part = {
    *[Symbol.iterator]() {
      asked += 1
      yield* flows
    },
  }
  const sent = flows.map((one, place): Change => {
    return { kind: 'addFlow', identity: identityOf(one), wanted: wantedFlow('dns', part, place, one) }
  })
  expect(messagesOf(sent).map((message) => /reg6=0x(\d)/.exec(shown(message))?.[1])).toEqual(['1', '2', '3'])
  expect(asked).toBe(1)
})

test('a renewal neither resets counters nor is it a modification', () => {
  const text = shown(addFlow({ ...flow, hardTimeout: 4 }))
  expect(text).toMatch(/ADD .*hard:4/)
  expect(text).not.toMatch(/reset_counts/)
})

test('timed rows are deleted in every table by their cookie', () => {
  expect(shown(deleteTimedFlows())).toMatch(
    /DEL table:255 priority=0 cookie:0x4446020000000000\/0xffffff0000000000/,
  )
})

test('a flow is deleted by its own cookie, so that a row that took its place stays', () => {
  expect(shown(deleteFlow(flowOf(5, 1)))).toMatch(
    /DEL_STRICT table:5 priority=1 cookie:0x0\/0xffffffffffffffff/,
  )
})

test('a self-check comes from the host’s port and carries its number', () => {
  const message = probe(31, Buffer.from('0102030405060a0b0c0d0e0f0800', 'hex'), 7)
  expect(shown(message)).toMatch(
    /OFPT_PACKET_OUT.*in_port=CONTROLLER actions=set_field:0xffffffff->reg6,set_field:0x7->reg15,resubmit\(,31\)/,
  )
})

test.each([
  ['of a self-check', { reg6: 0xffff_ffff, reg15: 7 }, 0xffff_ffff, 7],
  ['of a port', { inPort: 11, metadata: 1n, reg6: 1, reg7: 2 }, 1, -1],
  ['of nobody', { inPort: 11 }, undefined, -1],
])('the packet %s tells its source and its number', (_name, metadata, source, sequence) => {
  const parts = { packet: Buffer.alloc(14), tableId: 33, cookie, reason: 1, metadata }
  const rest = { continuation: Buffer.alloc(0), userdata: Buffer.from('dns') }
  const packetIn = new PacketIn(encode({ kind: 'packetIn2', xid: 9, ...parts, ...rest } as Message))
  expect([sourceKeyOf(packetIn), probeSequenceOf(packetIn)]).toEqual([source, sequence])
})
