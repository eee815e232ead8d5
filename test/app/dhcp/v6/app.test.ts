/** IPv6 in the application dhcp, on the fake switch: what comes up, what goes on, and what the switch answers by itself. */

import { describe, expect, test } from 'vitest'
import type { View } from '../../../../src/app/view.ts'
import { formatFlow } from '../../../../src/openflow/index.ts'
import { cloudOf } from '../../../support/cloud.ts'
import {
  eth,
  ipv6,
  ping6,
  routerSolicitation,
  solicitation,
  solicitedNode,
  udp,
} from '../../../support/frames.ts'
import { appOf, ask, frameOf } from '../asking.ts'
import { type Change, cloudView, linkLocals, macs, portIn } from './cloud.ts'
import { association, client, message } from './messages.ts'

const routers = { mac: '33:33:00:00:00:02', ip: 'ff02::2' }
const servers = { mac: '33:33:00:01:00:02', ip: 'ff02::1:2' }
const solicit = (mac: string, source: string) =>
  eth(mac, routers.mac, ipv6(source, routers.ip, routerSolicitation))
const query = eth(
  macs.web,
  servers.mac,
  ipv6(linkLocals.web, servers.ip, udp(546, 547, message(1, client, association(1)))),
)

function sending(from: string, frame: Buffer, view: View = cloudView()) {
  const cloud = cloudOf(view)
  const arrived = Object.keys(cloud.port(from).sends(frame))
  return { arrived, punts: cloud.fake.punts.map(({ userdata, metadata }) => `${userdata} ${metadata.reg6}`) }
}

describe('what a port asks', () => {
  test.each([
    ['for routers', solicit(macs.web, linkLocals.web)],
    ['for routers, without an address', solicit(macs.web, '::')],
    ['of DHCPv6', query],
  ])('%s comes up, and goes nowhere else', (_, frame) => {
    expect(sending('red-web', frame)).toEqual({ arrived: [], punts: ['dhcp 17'] })
    expect(sending('blue-web', frame)).toEqual({ arrived: [], punts: ['dhcp 33'] })
  })

  test('goes on where the port has no IPv6, or its subnet no DHCP', () => {
    const none = solicit('fa:16:3e:00:00:13', '::')
    expect(sending('red-none', none)).toEqual({ arrived: ['red-web', 'red-auto', 'physnet1'], punts: [] })
    const off = cloudView({ change: () => ({ isDhcpEnabled: false }) })
    for (const frame of [solicit(macs.web, linkLocals.web), query])
      expect(sending('red-web', frame, off)).toEqual({
        arrived: ['red-auto', 'red-none', 'physnet1'],
        punts: [],
      })
  })

  test('counts to one limit with what it asks of DHCP for IPv4', () => {
    const view = cloudView()
    const app = appOf({ df_dhcp_max_rate_per_sec: 3 })
    const web = portIn(view, 'red', 'web')
    const discover = frameOf({ options: '350101' })
    const verdicts = [solicit(macs.web, linkLocals.web), discover, query, query].map(
      (frame) => ask(app, view, web, frame).why,
    )
    expect(verdicts).toEqual(['router_advertisement', expect.any(String), 'advertise', 'overload'])
    expect(ask(app, view, portIn(view, 'blue', 'web'), query).why).toBe('advertise')
    expect(ask(app, view, web, query, 1000).why).toBe('advertise')
  })
})

test('the application says it unasked, too', () => {
  expect([...appOf().beacons!(cloudView())].map(({ port }) => port.key)).toEqual([17, 18, 33, 34])
})

describe('the server’s own address', () => {
  const server = 'fd00:a::3'
  const change: Change = ({ cidr }) => (cidr.includes(':') ? { dhcpIp: server } : {})
  const to = solicitedNode(server)
  const asking = eth(
    macs.auto,
    to.mac,
    ipv6(linkLocals.auto, to.ip, solicitation(server, { sll: macs.auto })),
  )

  test('is answered for by the switch, in its network alone', () => {
    const cloud = cloudOf(cloudView({ change }))
    const arrived = cloud.port('red-auto').sends(asking)
    expect(Object.keys(arrived)).toEqual(['red-auto'])
    const advertisement = arrived['red-auto']![0]!
    expect(advertisement[54]).toBe(136)
    expect(advertisement.toString('hex', 6, 12)).toBe('02df00000003')
    expect(advertisement.toString('hex', -6 + advertisement.length)).toBe('02df00000003')
    const ping = eth(macs.auto, '02:df:00:00:00:03', ipv6(linkLocals.auto, server, ping6))
    expect(Object.keys(cloud.port('red-auto').sends(ping))).toEqual(['red-auto'])
  })

  test('that is the gateway’s is not: whoever is there answers for it', () => {
    const flows = [...appOf().flows(cloudView())].map(formatFlow)
    expect(flows.filter((text) => text.includes('nd_target'))).toEqual([])
  })
})
