/** The application on the fake switch: which packets come to it, and what its switch answers by itself. */

import { describe, expect, test } from 'vitest'
import { flowsIn } from '../../../src/app/app.ts'
import type { Port, Router, Subnet, View } from '../../../src/app/view.ts'
import { formatFlow } from '../../../src/openflow/index.ts'
import { allApps, appsOf, cloudOf, flowsOf } from '../../support/cloud.ts'
import { arp, broadcast, eth, experiment, ipv4, type Payload, tagged, udp } from '../../support/frames.ts'
import { networkOf, portOf, routerOf, viewOf } from '../../support/view.ts'
import { appOf, ask, dhcpNetwork, frameOf, hostOf, localView, replyOf, twoTenants } from './asking.ts'

const webMac = 'fa:16:3e:00:00:01'
const serverMac = '02:df:0a:00:00:02'
const discover = frameOf({ options: '350101' })

/** Red and blue with the same addresses: `web` and `db` in each, DHCP on both; what differs is said. */
function cloudWith(
  subnet: Partial<Subnet> = {},
  port: Partial<Port> = {},
  more: readonly Port[] = [],
  routers: Router[] = [],
) {
  const networks = [dhcpNetwork('red', 1, subnet), dhcpNetwork('blue', 2, subnet)]
  const ports = networks.flatMap((network, index) => [
    { ...portOf(network, 3 * index + 1, 'web', ['10.0.0.11']), macs: [webMac], ...port },
    { ...portOf(network, 3 * index + 2, 'db', ['10.0.0.12']), macs: ['fa:16:3e:00:00:02'] },
  ])
  const view = viewOf(networks, [...ports, ...more], { 1: 11, 2: 12, 4: 14, 5: 15 }, routers)
  return { view, ...cloudOf(view) }
}

/** Who was asked by a frame of red's `web`, and where the frame went. */
function sending(cloud: ReturnType<typeof cloudWith>, frame: Buffer) {
  const arrived = Object.keys(cloud.port('red-web').sends(frame))
  return { arrived, punts: cloud.fake.punts.map(({ userdata, metadata }) => `${userdata} ${metadata.reg6}`) }
}

const taken = { arrived: [], punts: ['dhcp 1'] }
const asker = (src: string, dst: string, ethDst = broadcast, payload: Payload = udp(68, 67)) =>
  eth(webMac, ethDst, ipv4(src, dst, payload))

describe('a query', () => {
  test.each([
    ['to everybody', discover],
    ['of a client that renews', asker('10.0.0.11', '10.0.0.2', serverMac)],
    ['of a client that rebinds', asker('10.0.0.11', '255.255.255.255')],
    ['from an address that the port no longer has', asker('10.0.0.99', '255.255.255.255')],
    ['to the server, from an address that the port no longer has', asker('10.0.0.99', '10.0.0.2', serverMac)],
    [
      'to the server by way of the gateway’s MAC address',
      asker('10.0.0.11', '10.0.0.2', 'fa:16:3e:00:00:fe'),
    ],
  ])('%s comes up, and goes nowhere else', (_, frame) => {
    expect(sending(cloudWith(), frame)).toEqual(taken)
    expect(sending(cloudWith({}, { isPortSecurityEnabled: false }), frame)).toEqual(taken)
  })

  test('with the hardware address of another machine is kept back by port security', () => {
    const frame = eth('02:00:00:00:00:99', broadcast, ipv4('0.0.0.0', '255.255.255.255', udp(68, 67)))
    expect(sending(cloudWith(), frame)).toEqual({ arrived: [], punts: [] })
  })

  /** What a tenant does by itself is left alone: its own DHCP server sees the very frame. */
  test.each<[string, Partial<Subnet>, Buffer]>([
    ['of a port whose subnet has no DHCP', { isDhcpEnabled: false }, discover],
    ['with a tag', {}, tagged(discover, 7)],
    ['to another server', {}, asker('10.0.0.11', '10.0.0.12', 'fa:16:3e:00:00:02')],
    ['of a relay', {}, asker('10.0.0.11', '10.0.0.12', 'fa:16:3e:00:00:02', udp(67, 67))],
    ['to another port', {}, asker('10.0.0.11', '255.255.255.255', broadcast, udp(68, 69))],
  ])('%s goes on untouched', (_, subnet, frame) => {
    const cloud = cloudWith(subnet)
    const arrived = cloud.port('red-web').sends(frame)
    expect(arrived['red-db']).toEqual([frame])
    expect(Object.keys(arrived).filter((name) => name.startsWith('blue'))).toEqual([])
    expect(cloud.fake.punts).toEqual([])
  })

  test('with a tag, from an address that the port does not have, is kept back by port security', () => {
    const frame = tagged(asker('10.0.0.99', '255.255.255.255'), 7)
    expect(sending(cloudWith(), frame)).toEqual({ arrived: [], punts: [] })
  })

  test('from outside does not come up', () => {
    const cloud = cloudWith()
    cloud.port('physnet1').sends(tagged(discover, 101))
    expect(cloud.fake.punts).toEqual([])
  })
})

describe('the address of the server', () => {
  const question = eth(
    webMac,
    broadcast,
    arp({ op: 'request', sha: webMac, spa: '10.0.0.11', tpa: '10.0.0.2' }),
  )
  const answer = eth(
    serverMac,
    webMac,
    arp({ op: 'reply', sha: serverMac, spa: '10.0.0.2', tha: webMac, tpa: '10.0.0.11' }),
  )
  const echo = (type: number): Payload => ({
    protocol: 1,
    bytesFor: () => withSum(Buffer.from([type, 0, 0, 0, 0, 1, 0, 1])),
  })
  const ping = eth(webMac, serverMac, ipv4('10.0.0.11', '10.0.0.2', echo(8)))
  const pong = eth(serverMac, webMac, ipv4('10.0.0.2', '10.0.0.11', echo(0)))

  test('answers ARP, to the asker alone', () => {
    expect(cloudWith().port('red-web').sends(question)).toEqual({ 'red-web': [answer] })
  })

  test('answers pings, to the asker alone', () => {
    expect(cloudWith().port('red-web').sends(ping)).toEqual({ 'red-web': [pong] })
  })

  const unbound = (network: string, ips: string[], mac: string): Port => {
    const [red] = [dhcpNetwork('red', 1), network]
    return {
      ...portOf(red!, 9, undefined, ips),
      macs: [mac],
      deviceOwner: 'network:dhcp',
      chassis: undefined,
    }
  }

  test('is the MAC address of the port that stands for it', () => {
    const mac = 'fa:16:3e:00:00:d0'
    const frame = eth(
      mac,
      webMac,
      arp({ op: 'reply', sha: mac, spa: '10.0.0.2', tha: webMac, tpa: '10.0.0.11' }),
    )
    const cloud = cloudWith({ dhcpIp: undefined }, {}, [unbound('red', ['10.0.0.2'], mac)])
    expect(cloud.port('red-web').sends(question)).toEqual({ 'red-web': [frame] })
  })

  const rows = (view: View) =>
    flowsOf(appsOf(['dhcp']), view)
      .map(formatFlow)
      .filter((text) => /^table=(25|55),/.test(text))
      .map((text) => /metadata=0x\d.*?(?= actions)/.exec(text)![0])

  test.each<[string, () => View, number]>([
    ['once for each network', () => cloudWith().view, 4],
    ['not where the gateway is the server', () => cloudWith({ dhcpIp: undefined }).view, 0],
    ['not where there is no DHCP', () => cloudWith({ isDhcpEnabled: false }).view, 0],
    [
      'not where a router has the address',
      () => cloudWith({ dhcpIp: '10.0.0.1' }, {}, [], [routerOf('red', 1, [networkOf('red', 1)])]).view,
      2,
    ],
    ['not where a bound port has the address', () => cloudWith({ dhcpIp: '10.0.0.12' }).view, 0],
    [
      'not in a network without local ports',
      () =>
        viewOf([dhcpNetwork('red', 1)], [portOf(dhcpNetwork('red', 1), 3, 'cache', ['10.0.0.13'])], {}, [
          routerOf('red', 1, [dhcpNetwork('red', 1)]),
        ]),
      0,
    ],
  ])('has its rows %s', (_, view, count) => {
    expect(rows(view())).toHaveLength(count)
  })

  test('has no rows in a network that only a router leads to', () => {
    const home = dhcpNetwork('red', 1)
    const far = { ...dhcpNetwork('red', 3), id: 'net-far' }
    const view = viewOf([home, far], [portOf(home, 1, 'web', ['10.0.0.11'])], { 1: 11 }, [
      routerOf('red', 1, [home, far]),
    ])
    expect(rows(view).every((match) => match.startsWith('metadata=0x1,'))).toBe(true)
    expect(rows(view)).toHaveLength(2)
  })

  test('is answered for over IPv6, too', () => {
    const network = networkOf('red', 1)
    const [ipv4Subnet, ipv6Subnet] = network.subnets
    const subnets = [ipv4Subnet!, { ...ipv6Subnet!, isDhcpEnabled: true, dhcpIp: 'fd00:a::2' }]
    const view = localView([{ ...network, subnets }], [portOf(network, 1, 'web', ['fd00:a::11'])])
    const flows = Array.from(appOf().flows(view), formatFlow)
    const matches = flows
      .filter((text) => text.includes('fd00:a::2'))
      .map((text) => text.split(' actions=')[0])
    expect(matches).toEqual([
      'table=45, priority=100,icmp6,metadata=0x1,icmp_type=135,nd_target=fd00:a::2',
      'table=55, priority=300,icmp6,metadata=0x1,ipv6_dst=fd00:a::2,icmp_type=128',
    ])
  })

  test('two subnets with one server have them once', () => {
    const network = dhcpNetwork('red', 1)
    const subnets = [network.subnets[0]!, { ...network.subnets[0]!, id: 'another', cidr: '10.0.1.0/24' }]
    expect(
      rows(localView([{ ...network, subnets }], [portOf(network, 1, 'web', ['10.0.0.11'])])),
    ).toHaveLength(2)
  })

  test('other packets to it are not answered', () => {
    expect(
      cloudWith()
        .port('red-web')
        .sends(eth(webMac, serverMac, experiment)),
    ).not.toHaveProperty('red-web')
  })
})

test('a port that floods is dropped by the switch for a second, and the other tenant’s is not', () => {
  const { view, web } = twoTenants()
  const app = appOf({ df_dhcp_max_rate_per_sec: 1 })
  expect(ask(app, view, web('red'), discover, 0)).toMatchObject({ kind: 'reply' })
  for (let packet = 0; packet < 10; packet++)
    expect(ask(app, view, web('red'), discover, 1)).toEqual({ kind: 'drop', why: 'overload' })
  expect(ask(app, view, web('red'), discover, 1)).toEqual({ kind: 'drop', why: 'flood', bypassSeconds: 1 })
  expect(ask(app, view, web('blue'), discover, 2)).toMatchObject({ kind: 'reply' })
  expect(app.bypass!(web('red')).map(formatFlow)).toEqual([
    `table=30, priority=200,reg6=0x${web('red').key.toString(16)} actions=drop`,
  ])
})

describe('flows stay the same objects', () => {
  test('but for the port that changed', () => {
    const app = appOf()
    const { view } = twoTenants()
    const before = [...app.units!(view)]
    const [web, ...others] = view.localPorts
    const renamed = {
      ...view,
      version: view.version + 1,
      localPorts: [{ ...web!, dnsName: 'other' }, ...others],
    }
    const after = [...app.units!(renamed)]
    expect(after).toHaveLength(before.length)
    expect(after.filter((unit, index) => unit !== before[index]).length).toBeLessThanOrEqual(2)
    expect([...app.flows(renamed)]).toEqual([...flowsIn(after)])
  })
})

describe('bugs of Dragonflow (dragonflow.md section 10)', () => {
  test('8: a port that asks too much is answered again at once when it asks less, and the other is not touched', () => {
    const { view, web } = twoTenants()
    const app = appOf({ df_dhcp_max_rate_per_sec: 3 })
    const asked = (tenant: 'red' | 'blue', atMs: number) => ask(app, view, web(tenant), discover, atMs).why
    expect([0, 1, 2, 3, 4].map((atMs) => asked('red', atMs))).toEqual([
      'offer',
      'offer',
      'offer',
      'overload',
      'overload',
    ])
    expect(asked('blue', 5)).toBe('offer')
    expect([400, 401].map((atMs) => asked('red', atMs))).toEqual(['offer', 'overload'])
    expect([2000, 2001, 2002, 2003].map((atMs) => asked('red', atMs))).toEqual([
      'offer',
      'offer',
      'offer',
      'overload',
    ])
  })

  test('8: no reply goes to 0.0.0.0', () => {
    const { view, web } = twoTenants()
    expect(replyOf(ask(appOf(), view, web('red'), discover)).to).toBe(`${webMac} 10.0.0.11.68`)
  })

  test('11: without a controller other packets of the port go on', () => {
    const cloud = cloudWith()
    cloud.fake.isControllerAlive = false
    const hello = eth(webMac, 'fa:16:3e:00:00:02', ipv4('10.0.0.11', '10.0.0.12', udp(68, 68)))
    expect(Object.keys(cloud.port('red-web').sends(hello))).toEqual(['red-db'])
  })

  test('18: option 3 of a port’s row is an address, not a text', () => {
    const { view, web } = twoTenants(
      { gatewayIp: undefined },
      { dhcp: { options: new Map([[3, '10.0.0.9']]), siaddr: undefined } },
    )
    const { options } = replyOf(ask(appOf(), view, web('red'), discover))
    expect([options[3], options[121]!.split(',').at(-1)]).toEqual(['10.0.0.9', '(default:10.0.0.9)'])
  })

  test('18: a port with IPv6 first has a lease', () => {
    const network = dhcpNetwork('red', 1)
    const view = localView([network], [portOf(network, 1, 'web', ['fd00:a::11', '10.0.0.11'])])
    expect(replyOf(ask(appOf(), view, view.localPorts[0]!, discover)).fields['Your-IP']).toBe('10.0.0.11')
  })

  test('18: a port that is gone, or whose network is, costs its packet', () => {
    const { view, web } = twoTenants()
    const gone = { ...view, networks: new Map() }
    expect(ask(appOf(), gone, web('red'), discover)).toEqual({ kind: 'drop', why: 'not_served' })
    const { view: silent, web: port } = twoTenants({ dhcpIp: undefined, gatewayIp: undefined })
    expect(ask(appOf(), silent, port('red'), discover)).toEqual({ kind: 'drop', why: 'no_server' })
    expect(sending(cloudWith({ dhcpIp: undefined, gatewayIp: undefined }), discover)).toEqual(taken)
  })

  test('18: NAK, INFORM and RELEASE are understood', () => {
    const { view, web } = twoTenants()
    const why = (options: string, ciaddr = '0.0.0.0') =>
      ask(appOf(), view, web('red'), frameOf({ options, ciaddr })).why
    expect(why('35010332040a00004d')).toBe('nak')
    expect(why('350108', '10.0.0.11')).toBe('ack')
    expect(why('350107', '10.0.0.11')).toBe('released')
  })

  test('18: the domain and the resolvers are the tenant’s', () => {
    const networks = [dhcpNetwork('red', 1), dhcpNetwork('blue', 2, { dnsNameservers: ['203.0.113.9'] })]
    const ports = networks.map((network, index) => portOf(network, index + 1, 'web', ['10.0.0.11']))
    const view = localView(
      networks,
      ports.map((port) => ({ ...port, macs: [webMac] })),
    )
    const told = view.localPorts.map((port) => replyOf(ask(appOf(), view, port, discover)).options)
    expect(told.map(({ 6: resolvers, 15: domain }) => [resolvers, domain])).toEqual([
      ['198.51.100.53,198.51.100.54', '"red.example.org"'],
      ['203.0.113.9', '"blue.example.org"'],
    ])
  })

  test('18: every server of a network answers pings, not only the first', () => {
    const network = dhcpNetwork('red', 1)
    const [first] = network.subnets
    const subnets = [first!, { ...first!, id: 'second', cidr: '10.0.1.0/24', dhcpIp: '10.0.1.2' }]
    const view = localView([{ ...network, subnets }], [portOf(network, 1, 'web', ['10.0.0.11'])])
    const pinged = Array.from(appOf().flows(view), formatFlow).filter((text) => text.includes('icmp_type=8'))
    expect(pinged.map((text) => /nw_dst=([\d.]+)/.exec(text)![1])).toEqual(['10.0.0.2', '10.0.1.2'])
  })
})

describe('the options', () => {
  test.each<[string, Parameters<typeof appOf>[0], number, string]>([
    [
      'a resolver that is a name',
      { df_dns_servers: ['203.0.113.53', 'resolver'] },
      86_400,
      "[df_dhcp_app] df_dns_servers: 'resolver' is not an IP address",
    ],
    [
      'a lease of nothing',
      {},
      0,
      '[DEFAULT] dhcp_lease_duration: 0 seconds are no lease: use 60 or more, or -1 for ever',
    ],
  ])('refuse %s', (_, options, leaseSeconds, message) => {
    expect(() => appOf(options, hostOf({}, leaseSeconds))).toThrow(message)
  })

  test('have no limit of 0', () => {
    const { view, web } = twoTenants()
    const app = appOf({ df_dhcp_max_rate_per_sec: 0 })
    const words = Array.from({ length: 100 }, () => ask(app, view, web('red'), discover).why)
    expect(new Set(words)).toEqual(new Set(['offer']))
  })
})

describe('the metrics', () => {
  test('tell of options that were left out, and of rows that stand for nothing', async () => {
    const host = hostOf()
    const { view, web } = twoTenants(
      {},
      {
        dhcp: {
          options: new Map([
            [3, 'router'],
            [43, 'x'.repeat(400)],
          ]),
          siaddr: undefined,
        },
      },
    )
    const app = appOf({}, host)
    expect(await host.metrics.text()).toContain('df_dhcp_problems 0')
    app.flows(view)
    ask(app, view, web('red'), discover)
    const text = await host.metrics.text()
    expect(text).toContain('df_dhcp_options_left_out_total{option="43"} 1')
    expect(text).toContain('df_dhcp_problems 2')
  })

  test('and the log of an address that is taken, a line a minute', () => {
    const { view, web } = twoTenants()
    const told: unknown[][] = []
    const log = { ...hostOf().log, warn: (...words: unknown[]) => told.push(words) } as unknown as ReturnType<
      typeof hostOf
    >['log']
    let nowMs = 0
    const app = appOf({}, hostOf({ log, now: () => nowMs }))
    const decline = frameOf({ options: '35010432040a00000b' })
    for (nowMs of [0, 1000, 2000, 60_000]) ask(app, view, web('red'), decline)
    const about = { port: 'net-red-1', ip: '10.0.0.11' }
    expect(told.map(([fields]) => fields)).toEqual([
      { ...about, suppressed: 0 },
      { ...about, suppressed: 2 },
    ])
  })
})

test('the applications together accept its flows', () => {
  const flows = flowsOf(allApps(), cloudWith().view).map(formatFlow)
  expect(new Set(flows.map((text) => text.split(' actions=')[0])).size).toBe(flows.length)
})

/** ICMP's checksum (RFC 792). */
function withSum(message: Buffer): Buffer {
  let sum = 0
  for (let at = 0; at < message.length; at += 2) sum += message.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  message.writeUInt16BE(0xffff - sum, 2)
  return message
}
