import { describe, expect, test } from 'vitest'
import { allotTables } from '../../src/app/extension.ts'
import {
  assertForeign,
  type ForeignStep,
  foreignFlow,
  goto,
  hostFlows,
  hostGroups,
  leasedFlows,
  punt,
} from '../../src/app/extension-flow.ts'
import {
  controller,
  type Flow,
  formatFlow,
  formatGroup,
  load,
  move,
  output,
  ports,
  resubmit,
  setField,
} from '../../src/openflow/index.ts'
import { flowOf } from '../support/apps.ts'

/** early 201, echo 202 and 203, late 204 behind services; inbound 205 and last 206 behind ingressConntrack. */
const [extension] = allotTables([
  {
    name: 'echo',
    tables: {
      early: { after: 'services' },
      echo: { after: 'services', canPunt: true },
      late: { after: 'services' },
      inbound: { after: 'ingressConntrack' },
      last: { after: 'ingressConntrack' },
    },
  },
]) as [ReturnType<typeof allotTables>[number]]

const made = (table: string, priority: number, steps: readonly ForeignStep[]) =>
  foreignFlow(extension, table, priority, {}, steps)

describe('a flow', () => {
  test.each<[string, string, readonly ForeignStep[], string]>([
    ['into an own table', 'services', [goto('echo')], 'table=20, priority=10 actions=goto_table:202'],
    ['to a later own table', 'early', [goto('late')], 'table=201, priority=10 actions=goto_table:204'],
    ['back to the pipeline', 'echo', [goto('lookup')], 'table=202, priority=10 actions=resubmit(,55)'],
    ['to a port', 'echo', [goto('dispatch')], 'table=202, priority=10 actions=resubmit(,115)'],
    ['past an own table', 'services', [goto('lookup')], 'table=20, priority=10 actions=goto_table:55'],
    ['up', 'echo', [punt], 'table=202, priority=10 actions=group:203'],
    [
      'with something done before',
      'echo',
      [setField({ reg0: 1 }), punt],
      'table=202, priority=10 actions=set_field:0x1->reg0,group:203',
    ],
    ['that drops', 'inbound', [], 'table=205, priority=10 actions=drop'],
    [
      'with a copy and a way on',
      'inbound',
      [output(7), goto('dispatch')],
      'table=205, priority=10 actions=output:7,resubmit(,115)',
    ],
  ])('%s', (_name, table, steps, text) => {
    expect(formatFlow(made(table, 10, steps))).toBe(text)
  })

  test.each<[string, () => Flow, string]>([
    ['an unknown table', () => made('ehco', 10, []), 'there is no table ehco; echo has early, echo, late'],
    ['an unknown target', () => made('echo', 10, [goto('ehco')]), 'there is no table ehco'],
    [
      'a built-in table that lends nothing',
      () => made('lookup', 10, []),
      'neither a table of echo nor lends',
    ],
    ['a target behind', () => made('late', 10, [goto('echo')]), 'table 204 may not go on to table 202'],
    ['itself', () => made('late', 10, [goto('late')]), 'may not go on to table 204'],
    ['a target elsewhere', () => made('early', 10, [goto('inbound')]), 'may not go on to table 205'],
    [
      'a circle',
      () => made('inbound', 10, [goto('lookup')]),
      'may not go on to table 55; it may to 206, 115',
    ],
    ['a table of dns', () => made('services', 10, [goto('dns')]), 'table 20 may not go on to table 31'],
    ['too low where rows are lent', () => made('services', 9, []), 'priority 9 is not from 10 to 89'],
    ['too high where rows are lent', () => made('services', 90, []), 'priority 90 is not from 10 to 89'],
    ["the host's own row", () => made('echo', 0, []), 'priority 0 is not from 1 to 65535'],
    ['no priority', () => made('echo', Number.NaN, []), 'priority: NaN is not 0 to 65535'],
    ['punt where it is not declared', () => made('late', 10, [punt]), 'declared with canPunt: true'],
    ['punt from services', () => made('services', 10, [punt]), 'declared with canPunt: true'],
    ['goto in the middle', () => made('early', 10, [goto('late'), output(1)]), 'last steps'],
    [
      'a missing prerequisite',
      () => foreignFlow(extension, 'echo', 1, { udpDst: 53 }, []),
      'udpDst needs ipProto',
    ],
  ])('refuses %s', (_name, make, message) => {
    expect(make).toThrow(message)
  })
})

describe('a flow that was made in another way', () => {
  const withActions = (...actions: Extract<ForeignStep, { kind: string }>[]): Flow => ({
    ...flowOf(202, 1),
    instructions: [{ kind: 'applyActions', actions: actions as never }],
  })
  test.each<[string, Flow, string]>([
    ['in a table of others', flowOf(5, 10), 'table 5 is neither a table of echo nor lends rows: table=5'],
    ['in the table that sends up', flowOf(203, 10), 'table 203 is neither'],
    ['to a table of others', flowOf(202, 1, {}, 206), 'may not go on to table 206'],
    ['by resubmit', withActions(resubmit(33)), 'may not go on to table 33'],
    ['by resubmit to itself', withActions(resubmit()), 'may not go on to table undefined'],
    ['up past the lease', withActions(controller({ maxLen: 64 })), 'controller is not for applications'],
    ['to the controller port', withActions(output(ports.controller)), 'by punt, not by an output'],
    ['to a group of others', withActions({ kind: 'group', groupId: 31 }), 'group 31 is not a group of this'],
    ['from another port', withActions(setField({ reg6: 4 })), 'reg6 says who sent the packet'],
    ['in another network', withActions(setField({ metadata: 2n })), 'metadata says who sent'],
    ['from another port, by load', withActions(load(4n, 'reg6')), 'reg6 says who sent the packet'],
    ['by both halves', withActions(move('xreg0', 'xreg3')), 'xreg3 says who sent the packet'],
    [
      'with other instructions',
      { ...flowOf(202, 1), instructions: [{ kind: 'clearActions' }] },
      'clearActions is not for applications',
    ],
  ])('is refused %s', (_name, flow, message) => {
    expect(() => assertForeign(extension, flow)).toThrow(message)
  })
})

test('the host adds a way on for whatever nobody wants, and the way of its self-check', () => {
  expect([...hostFlows(extension)].map(formatFlow)).toEqual([
    'table=201, priority=0 actions=resubmit(,55)',
    'table=202, priority=0 actions=resubmit(,55)',
    'table=203, priority=0 actions=resubmit(,55)',
    'table=203, priority=2,reg6=0xffffffff actions=controller(userdata=65.63.68.6f,pause),resubmit(,55)',
    'table=204, priority=0 actions=resubmit(,55)',
    'table=205, priority=0 actions=resubmit(,115)',
    'table=206, priority=0 actions=resubmit(,115)',
  ])
  expect(leasedFlows(extension).map(formatFlow)).toEqual([
    'table=203, priority=1 actions=controller(userdata=65.63.68.6f,pause),resubmit(,55)',
  ])
  expect([...hostGroups(extension)].map(formatGroup)).toEqual([
    'group_id=202,type=indirect,bucket=actions=drop',
    'group_id=203,type=ff,bucket=watch_port:CONTROLLER,actions=resubmit(,203),bucket=watch_group:202,actions=resubmit(,55)',
  ])
})
