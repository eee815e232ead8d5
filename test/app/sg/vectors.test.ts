/** Every flow of Dragonflow's sg beside ours: the same, or here with the reason why it is another one. */

import { expect, test } from 'vitest'
import { formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { dragonflowFlows, dragonflowView } from '../../support/dragonflow.ts'

const ours = new Set(appsOf(['sg']).flatMap((app) => Array.from(app.flows(dragonflowView()), formatFlow)))
const theirs = dragonflowFlows('SGApp', 'switch_features/sg')

/** What of theirs a reason is about, how many there are, and what stands here in place of the first. */
// biome-ignore format: one reason a row
const reasons: [reason: string, of: RegExp, count: number, instead: string[]][] = [
  ['a port that is plugged in nowhere has no flows, nor has a group without such a port',
    /0xc|priority=4,/, 14, []],
  ['a zone for each port: 16 bits of the key of a network are another one\'s, too',
    /zone=OXM_OF_METADATA/, 4, ['table=105, priority=100,ip,reg7=0x5 actions=ct(table=110,zone=15)']],
  ['the priority of rules is one for all, and far from that of states',
    /priority=65534,ct_state=\+inv/, 2, ['table=110, priority=300,ct_state=+inv+trk actions=drop']],
  ['who opened a connection is held to the rules; replies pass unless it is refused',
    /ct_state=-new\+est-rel-inv\+trk actions/, 2, [
      'table=110, priority=300,ct_state=+est-rel+rpl-inv+trk,ct_mark=0/0x1 actions=goto_table:115',
      'table=110, priority=300,ct_state=+est-rel+rpl-inv+trk,ct_mark=0x1/0x1 actions=drop',
    ]],
  ['errors of a refused connection do not pass',
    /ct_state=-new\+rel-inv\+trk actions/, 2, [
      'table=110, priority=300,ct_state=-new+rel-inv+trk,ct_mark=0/0x1 actions=goto_table:115',
      'table=110, priority=300,ct_state=-new+rel-inv+trk,ct_mark=0x1/0x1 actions=drop',
    ]],
  ['nobody here expects connections, so that a new one is held to the rules whatever it is related to',
    /ct_state=\+new\+rel-inv\+trk/, 4, []],
  ['a grant has a number of its own, and what it lets by is remembered in a table of its own',
    /conj_id=/, 4, [
      'table=110, priority=200,conj_id=1171323677 actions=goto_table:111',
      'table=111, priority=200,ct_state=+new-inv+trk,ip actions=ct(commit,zone=NXM_NX_CT_ZONE[],exec(load:0->NXM_NX_CT_MARK[0])),goto_table:115',
    ]],
  ['the port\'s part is for packets of known connections, too, and for all grants at once',
    /reg[67]=0x5 actions=conjunction/, 2, ['table=110, priority=200,reg7=0x5 actions=conjunction(1171323677,1/2),conjunction(2024649186,1/2)']],
  ['ports are those of whole packets; fragments have flows of their own',
    /tcp,tp_dst=22 /, 1, [
      'table=110, priority=200,tcp,nw_frag=no,tp_dst=22 actions=conjunction(2024649186,2/2)',
      'table=110, priority=200,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=22,tcp,nw_frag=first actions=conjunction(2024649186,2/2)',
      'table=110, priority=200,tcp,nw_frag=later actions=conjunction(2024649186,2/2)',
    ]],
  ['the other parts are the same but for numbers',
    /priority=3,ip.* actions=conjunction/, 3, [
      'table=15, priority=200,ip actions=conjunction(2620323781,2/2)',
      'table=15, priority=200,ipv6 actions=conjunction(1557496716,2/2)',
      'table=110, priority=200,ip,nw_src=10.0.0.14 actions=conjunction(1171323677,2/2)',
    ]],
]

test('every flow is the same, or there is a reason', () => {
  const others = theirs.filter((flow) => !ours.has(flow))
  expect(theirs.length - others.length).toBe(2)
  const counts = new Map(reasons.map(([reason]) => [reason, 0]))
  for (const flow of others) {
    const [reason] = reasons.find(([, of]) => of.test(flow)) ?? [`no reason for ${flow}`]
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  expect([...counts]).toEqual(reasons.map(([reason, , count]) => [reason, count]))
})

test('what stands in their place', () => {
  expect(reasons.flatMap(([, , , instead]) => instead).filter((flow) => !ours.has(flow))).toEqual([])
})
