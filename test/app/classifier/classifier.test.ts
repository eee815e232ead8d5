import { expect, test } from 'vitest'
import { formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { twoTenants } from '../../support/view.ts'

const [classifier] = appsOf(['classifier'])
const textOf = (view = twoTenants()) => Array.from(classifier!.flows(view), formatFlow)

test("each local port in and out, with the key of its own tenant's network", () => {
  expect(textOf()).toEqual([
    'priority=100,in_port=11 actions=set_field:0x1->reg6,set_field:0x1->metadata,goto_table:5',
    'table=115, priority=100,reg7=0x1 actions=output:11',
    'priority=100,in_port=12 actions=set_field:0x2->reg6,set_field:0x1->metadata,goto_table:5',
    'table=115, priority=100,reg7=0x2 actions=output:12',
    'priority=100,in_port=14 actions=set_field:0x4->reg6,set_field:0x2->metadata,goto_table:5',
    'table=115, priority=100,reg7=0x4 actions=output:14',
    'priority=100,in_port=15 actions=set_field:0x5->reg6,set_field:0x2->metadata,goto_table:5',
    'table=115, priority=100,reg7=0x5 actions=output:15',
  ])
})

test('a port of a network that does not exist gets nothing', () => {
  const view = twoTenants()
  const networks = new Map([...view.networks].filter(([id]) => id !== 'net-red'))
  expect(textOf({ ...view, networks })).toHaveLength(4)
})
