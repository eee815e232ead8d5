/** Every flow of Dragonflow's l3_proactive beside ours; docs/pipeline.md says why where they differ. */

import { expect, test } from 'vitest'
import { formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { dragonflowFlows, dragonflowView } from '../../support/dragonflow.ts'

const ours = () =>
  appsOf(['l3_proactive']).flatMap((app) => Array.from(app.flows(dragonflowView()), formatFlow))

const theirs = (table: number) =>
  dragonflowFlows('L3ProactiveApp').filter((flow) => flow.startsWith(`table=${table},`))

const differing = (table: number) => {
  const flows = new Set(ours())
  return theirs(table).filter((flow) => !flows.has(flow))
}

/** A packet may go back by the port it came in by, which the original allows in its table 0. */
const withTurn = (flow: string) => flow.replace(/(,goto_table:\d+)$/, ',load:0->OXM_OF_IN_PORT[]$1')

test('all flows are looked at', () => {
  expect(dragonflowFlows('L3ProactiveApp')).toHaveLength([25, 55, 60, 65].flatMap(theirs).length)
  expect([25, 55, 60, 65].map((table) => theirs(table).length)).toEqual([2, 4, 10, 13])
})

test('lookup (55)', () => {
  expect(differing(55)).toEqual([])
})

test('l3Lookup (65)', () => {
  expect(differing(65)).toEqual([])
})

test('arp (25): before the answers for ports', () => {
  const flows = new Set(ours())
  const changed = theirs(25).map((flow) => withTurn(flow.replace('priority=100', 'priority=110')))
  expect(changed.filter((flow) => !flows.has(flow))).toEqual([])
})

test('l3 (60): the longest prefix first, and refusals by a table of their own', () => {
  const flows = new Set(ours())
  const changed = theirs(60).map((flow) => {
    const own = /priority=200(.*) actions=CONTROLLER:65535$/.exec(flow)
    if (own !== null) return `table=60, priority=900${own[1]} actions=set_field:0x10->reg8,goto_table:66`
    const turned = withTurn(flow)
    if (flow.includes('icmp_type=8')) return turned.replace('priority=300', 'priority=1000')
    return turned.replace('priority=100', flow.includes('ipv6') ? 'priority=229' : 'priority=149')
  })
  expect(changed.filter((flow) => !flows.has(flow))).toEqual([])
})
