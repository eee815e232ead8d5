/** Every flow of Dragonflow's tunneling, and of its l2 behind tunnels, beside ours. */

import { expect, test } from 'vitest'
import { formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { dragonflowFlows, dragonflowView } from '../../support/dragonflow.ts'

const ours = (name: string) =>
  appsOf([name]).flatMap((app) => Array.from(app.flows(dragonflowView()), formatFlow))
const many = 'dl_dst=01:00:00:00:00:00/01:00:00:00:00:00'

test('tunneling', () => {
  const flows = new Set(ours('tunneling'))
  expect(dragonflowFlows('TunnelingApp').filter((flow) => !flows.has(flow))).toEqual([
    // The sender is looked at before anything is delivered: docs/decisions/0006-tunnels.md.
    'priority=100,tun_id=0x29,in_port=101 actions=set_field:0x1->metadata,goto_table:100',
    'priority=100,tun_id=0x2a,in_port=101 actions=set_field:0x2->metadata,goto_table:100',
    // DF-1: one flow for the broadcast of all networks, to wherever the last of them had ports.
    `table=75, priority=50,${many} actions=set_field:192.0.2.200->tun_dst,set_field:0x29->tun_id,output:101,set_field:192.0.2.12->tun_dst,set_field:0x29->tun_id,output:101`,
  ])
  expect(dragonflowFlows('TunnelingApp')).toHaveLength(6)
})

test('l2, table 100', () => {
  const byKey = (flow: string) => flow.replace(/(set_field:0x\w+->reg7,resubmit\(,105\),?)+/, ordered)
  const ordered = (copies: string) =>
    copies
      .match(/set_field:0x\w+->reg7,resubmit\(,105\)/g)!
      .sort()
      .join()
  const flows = new Set(ours('l2').map(byKey))
  const theirs = dragonflowFlows('L2App').filter((flow) => flow.startsWith('table=100,'))
  expect(theirs.length).toBeGreaterThan(5)
  // The port 12 is bound to the node but plugged in nowhere: nothing is behind it.
  expect(theirs.map(byKey).filter((flow) => !flows.has(flow))).toEqual([
    'table=100, priority=200,metadata=0x2,dl_dst=fa:16:3e:00:00:0c actions=set_field:0xc->reg7,goto_table:105',
    `table=100, priority=200,metadata=0x2,${many} actions=set_field:0x9->reg7,resubmit(,105),set_field:0xa->reg7,resubmit(,105),set_field:0xc->reg7,resubmit(,105)`,
  ])
})
