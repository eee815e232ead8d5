/** Dragonflow's flows and replies beside ours; docs/pipeline.md says why where they differ. */

import { describe, expect, test } from 'vitest'
import { formatFlow } from '../../../src/openflow/index.ts'
import { dragonflowFlows, dragonflowReplies, dragonflowView } from '../../support/dragonflow.ts'
import { appOf, ask, decoded, frameOf, replyOf } from './asking.ts'

const view = dragonflowView()
/** What its configuration said. */
const app = appOf({ df_dns_servers: ['8.8.8.8', '8.8.4.4'] })
const ours = Array.from(app.flows(view), formatFlow)
const theirs = dragonflowFlows('DHCPApp', 'switch_features/dhcp')

/** What of theirs is not among ours, changed as we say that it differs. */
const differing = (table: number, change = (flow: string) => flow) =>
  theirs.filter((flow) => flow.startsWith(`table=${table},`)).filter((flow) => !ours.includes(change(flow)))

const withTurn = (flow: string) => flow.replace(/(,goto_table:\d+)$/, ',load:0->OXM_OF_IN_PORT[]$1')

describe('flows', () => {
  test('all are looked at', () => {
    const tables = theirs.map((flow) => Number(/table=(\d+)/.exec(flow)![1]))
    expect(tables.toSorted((a, b) => a - b)).toEqual([20, 25, 25, 30, 30, 30, 30, 55, 55])
  })

  test('services (20): without a tag', () => {
    expect(differing(20, (flow) => flow.replace('udp,', 'udp,vlan_tci=0x0000/0x1fff,'))).toEqual([])
  })

  test('arp (25) and lookup (55): the answers go back by the port that the question came in by', () => {
    expect([...differing(25, withTurn), ...differing(55, withTurn)]).toEqual([])
  })

  test('dhcp (30): two rows for each port with a lease instead of one for a network, and none that punishes', () => {
    expect(differing(30).map((flow) => flow.replace(/ actions=.*/, ''))).toEqual([
      'table=30, priority=100,metadata=0x2',
      'table=30, priority=100,metadata=0x1',
      'table=30, priority=300,reg6=0xa',
    ])
    expect(ours.filter((flow) => /table=30, priority=100/.test(flow))).toEqual(
      view.localPorts.flatMap(({ key }) =>
        ['255.255.255.255', '10.0.0.2'].map(
          (to) =>
            `table=30, priority=100,ip,reg6=0x${key.toString(16)},nw_dst=${to} actions=controller(userdata=64.68.63.70)`,
        ),
      ),
    )
  })
})

describe('replies', () => {
  const portNamed = (name: string) => view.localPorts.find((port) => port.name === name)!

  test.each([...dragonflowReplies().keys()].filter((phase) => !phase.endsWith('flood')))('%s', (phase) => {
    const [, name, type] = phase.split(':')
    const port = portNamed(name!)
    const [theirReply] = decoded([dragonflowReplies().get(phase)!])
    const { 66: server, 67: file, ...theirOptions } = theirReply!.options
    const asking = server === undefined ? '370103' : '37024243'
    const chaddr = port.macs[0]!
    const said = {
      chaddr,
      options:
        type === 'DISCOVER'
          ? `350101${asking}`
          : `35010332040a0000${port.addresses[0]!.ip.split('.')[3] === '11' ? '0b' : '0c'}${asking}`,
    }
    const reply = replyOf(ask(app, view, port, frameOf(said)))
    expect(reply.from).toBe(theirReply!.from)
    // Bug 8: theirs goes to 0.0.0.0.
    expect([reply.to, theirReply!.to]).toEqual([
      `${chaddr} ${port.addresses[0]!.ip}.68`,
      `${chaddr} 0.0.0.0.68`,
    ])
    expect(reply.fields).toMatchObject({
      'Your-IP': theirReply!.fields['Your-IP'],
      'Server-IP': theirReply!.fields['Server-IP'],
    })
    // Times to renew; the MTU in an OFFER, too; boot server and file also where old clients look for them.
    const { 58: _renewal, 59: _rebinding, 26: mtu, 66: ourServer, 67: ourFile, ...options } = reply.options
    const { 26: theirMtu, ...rest } = theirOptions
    expect(options).toEqual(rest)
    expect(mtu).toBe(theirMtu ?? '1450')
    expect([ourServer, ourFile]).toEqual([server, file])
    expect(reply.fields.file).toBe(file)
  })
})
