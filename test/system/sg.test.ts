/**
 * Security groups on a real Open vSwitch with its connection tracking: packets between ports of two tenants who have the
 * same addresses and whose groups have the same names. What leaves is looked at on every port.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SecurityGroup, View } from '../../src/app/view.ts'
import { formatFlow } from '../../src/openflow/index.ts'
import { appsOf, flowsOf, groupsOf, namesOf, ofportOf } from '../support/cloud.ts'
import { type DummyBridge, type DummySwitch, startDummySwitch } from '../support/dummy-switch.ts'
import {
  arp,
  behind,
  broadcast,
  type Content,
  eth,
  fragmentsOf,
  icmp,
  ipv4,
  ipv6,
  type Payload,
  ping6,
  routerAdvertisement,
  tagged,
  tcp,
  udp,
} from '../support/frames.ts'
import { guardedView } from '../support/guarded.ts'

const apps = appsOf(['classifier', 'portsec', 'l2', 'provider', 'sg'])
const view = guardedView()
const names = namesOf(view)

let dummy: DummySwitch
let bridge: DummyBridge
beforeAll(async () => {
  dummy = await startDummySwitch('sg')
  bridge = await dummy.addBridge('br0', [...names.keys()])
  await bridge.install(flowsOf(apps, view), groupsOf(apps, view))
})
afterAll(() => dummy?.stop())
beforeEach(async () => {
  await dummy.real.appctl('dpctl/flush-conntrack')
})

/** Gives the switch the flows of that view. */
const become = (next: View) => bridge.replace(flowsOf(apps, next))

/** The view with other groups of those names. */
const withGroup = (id: string, more: Partial<SecurityGroup>): View => ({
  ...view,
  securityGroups: new Map([...view.securityGroups, [id, { ...view.securityGroups.get(id)!, ...more }]]),
})

test('the switch has every flow, and shows it as we do', async () => {
  expect((await bridge.dump()).sort()).toEqual(flowsOf(apps, view).map(formatFlow).sort())
})

test('what docs/pipeline.md shows of sg is what the switch shows', async () => {
  const document = readFileSync(join(import.meta.dirname, '../../docs/pipeline.md'), 'utf8')
  const blocks = [...document.matchAll(/^```guarded\n([^`]*)^```$/gm)]
  const dump = new Set(await bridge.dump())
  expect(blocks.flatMap((block) => block[1]!.trim().split('\n')).filter((line) => !dump.has(line))).toEqual(
    [],
  )
  expect(blocks.length).toBeGreaterThan(4)
})

const gateway = '02:00:00:00:00:01'
const macs = {
  web: 'fa:16:3e:00:00:01',
  db: 'fa:16:3e:00:00:02',
  bare: 'fa:16:3e:00:00:07',
  open: 'fa:16:3e:00:00:08',
}
type Name = keyof typeof macs
const hosts = { web: 11, db: 12, bare: 14, open: 15 }
const ip4 = (name: Name) => `10.0.0.${hosts[name]}`
const ip6 = (name: Name) => `fd00:a::${hosts[name]}`
const outside = { v4: '198.51.100.53', v6: '2001:db8::53' }
const tags = { red: 101, blue: 102 }
type Tenant = keyof typeof tags

/** From a port of the tenant to another one. */
const between = (from: Name, to: Name, payload: Payload) =>
  eth(macs[from], macs[to], ipv4(ip4(from), ip4(to), payload))
const between6 = (from: Name, to: Name, payload: Payload) =>
  eth(macs[from], macs[to], ipv6(ip6(from), ip6(to), payload))
/** From outside to a port, and back. */
const inward = (tenant: Tenant, to: Name, content: Content) =>
  tagged(eth(gateway, macs[to], content), tags[tenant])
const come = (tenant: Tenant, to: Name, payload: Payload, source = outside.v4) =>
  inward(tenant, to, ipv4(source, ip4(to), payload))
const come6 = (tenant: Tenant, to: Name, payload: Payload, source = outside.v6) =>
  inward(tenant, to, ipv6(source, ip6(to), payload))
const go = (from: Name, payload: Payload, destination = outside.v4) =>
  eth(macs[from], gateway, ipv4(ip4(from), destination, payload))

/** One step: who says what, and who gets it. */
type Step = readonly [from: string, frame: Buffer | readonly Buffer[], arrivesAt: readonly string[]]

async function walk(steps: readonly Step[]): Promise<void> {
  for (const [index, [from, frame, arrivesAt]] of steps.entries()) {
    const frames = Buffer.isBuffer(frame) ? [frame] : frame
    const sent = await bridge.receive(ofportOf(names, from), ...frames)
    const wanted = arrivesAt.flatMap((name) => frames.map(() => name))
    expect(sent.map(({ port }) => names.get(port)).sort(), `step ${index + 1}, from ${from}`).toEqual(
      wanted.sort(),
    )
  }
}

const nobody: string[] = []
const red = 'red-web'

// biome-ignore format: one step a line
describe('a rule lets by what it says, and replies to it', () => {
  test.each<[string, Step[]]>([
    ['a port of a range, and the next one', [
      ['physnet1', come('red', 'web', tcp(4000, 80)), [red]],
      ['physnet1', come('red', 'web', tcp(4000, 82)), [red]],
      ['physnet1', come('red', 'web', tcp(4000, 83)), nobody],
      ['physnet1', come('red', 'web', tcp(4000, 79)), nobody],
      ['physnet1', come('red', 'web', udp(4000, 80)), nobody],
    ]],
    ['the same for the other tenant, whose web has no group', [
      ['physnet1', come('blue', 'web', tcp(4000, 80)), nobody],
    ]],
    ['a type of ICMP, its reply, and no other type', [
      ['physnet1', come('red', 'web', icmp(8, 0)), [red]],
      [red, go('web', icmp(0, 0)), ['physnet1']],
      ['physnet1', come('red', 'web', icmp(13, 0)), nobody],
      ['physnet1', come('red', 'web', icmp(0, 0)), nobody],
    ]],
    ['a type of ICMPv6', [
      ['physnet1', come6('red', 'web', ping6), [red]],
      ['physnet1', come6('red', 'db', ping6), nobody],
    ]],
    ['who may say nothing may reply', [
      [red, between('web', 'db', udp(4000, 5432)), nobody],
      [red, between('web', 'db', tcp(4000, 5432)), ['red-db']],
      ['red-db', between('db', 'web', tcp(5432, 4000, { isReply: true })), [red]],
      ['red-db', between('db', 'web', tcp(5433, 4000)), nobody],
      ['red-db', go('db', udp(4000, 53)), nobody],
    ]],
    ['who asks gets the reply, whatever may come in', [
      [red, go('web', udp(4000, 53)), ['physnet1']],
      ['physnet1', come('red', 'web', udp(53, 4000)), [red]],
      ['physnet1', come('red', 'web', udp(53, 4001)), nobody],
      ['physnet1', come('blue', 'web', udp(53, 4000)), nobody],
    ]],
    ['an error about a connection, and none about another one', [
      [red, go('web', udp(4000, 9)), ['physnet1']],
      ['physnet1', come('red', 'web', unreachable(go('web', udp(4000, 9)))), [red]],
      ['physnet1', come('red', 'web', unreachable(go('web', udp(4001, 9)))), nobody],
    ]],
    ['IPv6 behind extension headers is what it carries', [
      [red, between6('web', 'db', behind(0, tcp(4000, 5432))), ['red-db']],
      [red, between6('web', 'db', behind(60, tcp(4000, 5433))), nobody],
    ]],
    ['a broken packet', [
      ['physnet1', come('red', 'web', { protocol: 6, bytesFor: () => Buffer.from('0fa00050', 'hex') }), nobody],
    ]],
  ])('%s', (_, steps) => walk(steps))
})

// biome-ignore format: one step a line
describe('a remote group', () => {
  test.each<[string, Step[]]>([
    ['a member, here or elsewhere', [
      [red, between('web', 'db', tcp(4000, 5432)), ['red-db']],
      ['physnet1', come('red', 'db', tcp(4000, 5432), '10.0.0.13'), ['red-db']],
      [red, between6('web', 'db', tcp(4000, 5432)), ['red-db']],
      ['physnet1', come6('red', 'db', tcp(4000, 5432), 'fd00:a::13'), ['red-db']],
    ]],
    ['nobody else', [
      ['physnet1', come('red', 'db', tcp(4000, 5432)), nobody],
      ['blue-open', between('open', 'db', tcp(4000, 5432)), nobody],
    ]],
    ['an address that is a member in the other tenant only', [
      ['physnet1', come('blue', 'db', tcp(4000, 5432), '10.0.0.11'), nobody],
      ['physnet1', come('blue', 'db', tcp(4000, 5432), '10.0.0.13'), ['blue-db']],
      ['physnet1', come6('blue', 'db', tcp(4000, 5432), 'fd00:a::11'), nobody],
    ]],
    ['the connection of one tenant is not the other one\'s', [
      ['physnet1', come('red', 'db', tcp(4000, 5432), '10.0.0.13'), ['red-db']],
      ['blue-db', go('db', tcp(5432, 4000, { isReply: true }), '10.0.0.13'), nobody],
      ['red-db', go('db', tcp(5432, 4000, { isReply: true }), '10.0.0.13'), ['physnet1']],
    ]],
  ])('%s', (_, steps) => walk(steps))

  test('who leaves it is nobody at once', async () => {
    await walk([[red, between('web', 'db', tcp(4000, 5432)), ['red-db']]])
    const web = { ...view.ports.get('net-red-1')!, securityGroups: ['red-db'] }
    const ports = new Map([...view.ports, [web.id, web]])
    const localPorts = view.localPorts.map((port) => (port.id === web.id ? { ...web, ofport: port.ofport } : port))
    await become({ ...view, ports, localPorts })
    await walk([[red, between('web', 'db', tcp(4000, 5432)), nobody]])
    await become(view)
  })
})

// biome-ignore format: one step a line
describe('ports that are not like others', () => {
  test.each<[string, Step[]]>([
    ['without groups: nothing', [
      ['red-bare', go('bare', udp(4000, 53)), nobody],
      ['red-bare', between('bare', 'web', tcp(4000, 80)), nobody],
      ['physnet1', come('red', 'bare', icmp(8, 0)), nobody],
    ]],
    ['without groups: what makes it a machine of the network', [
      ['red-bare', eth(macs.bare, broadcast, ipv4('0.0.0.0', '255.255.255.255', udp(68, 67))), ['physnet1', red, 'red-db'].slice(0, 1)],
      ['physnet1', inward('red', 'bare', ipv4('10.0.0.1', ip4('bare'), udp(67, 68))), ['red-bare']],
      ['physnet1', inward('red', 'bare', ipv6('fe80::1', 'ff02::1', routerAdvertisement)), ['red-bare']],
      ['physnet1', tagged(eth(gateway, broadcast, arp({ op: 'request', sha: gateway, spa: '10.0.0.1', tpa: ip4('bare') })), 101), ['red-bare', 'red-db', red]],
    ]],
    ['without port security: everything', [
      ['blue-open', eth('02:00:00:00:00:99', gateway, ipv4('192.0.2.7', outside.v4, udp(1, 2))), ['physnet1']],
      ['physnet1', come('blue', 'open', tcp(4000, 22)), ['blue-open']],
    ]],
    ['a guarded machine as a DHCP server', [
      [red, go('web', udp(67, 68)), nobody],
    ]],
    ['a router advertisement that came by way of a router', [
      ['physnet1', withHopLimit(inward('red', 'bare', ipv6('fe80::1', 'ff02::1', routerAdvertisement)), 254), nobody],
    ]],
    ['broadcast: only who may get it', [
      [red, eth(macs.web, broadcast, ipv4(ip4('web'), '255.255.255.255', udp(4000, 4001))), ['physnet1']],
      ['blue-open', eth(macs.open, broadcast, ipv4(ip4('open'), '255.255.255.255', udp(4000, 4001))), ['physnet1']],
    ]],
  ])('%s', (_, steps) => walk(steps))
})

describe('fragments', () => {
  const large = 'x'.repeat(3000)
  const parts = (payload: Payload) =>
    fragmentsOf(ipv4(ip4('web'), ip4('db'), payload)).map((content) => eth(macs.web, macs.db, content))
  const pings = (type: number) =>
    fragmentsOf(ipv4(outside.v4, ip4('web'), icmp(type, 0, Buffer.alloc(3000)))).map((content) =>
      inward('red', 'web', content),
    )

  test.each<[string, Step[]]>([
    [
      'all of a packet that a rule with a port lets by',
      [[red, parts(tcp(4000, 5432, { data: large })), ['red-db']]],
    ],
    ['none of one that no rule lets by', [[red, parts(tcp(4000, 5433, { data: large })), nobody]]],
    ['all of a ping', [['physnet1', pings(8), [red]]]],
    ['none of another type', [['physnet1', pings(13), nobody]]],
    [
      'none below the size that the switch takes for honest',
      [
        [
          red,
          fragmentsOf(ipv4(ip4('web'), ip4('db'), tcp(4000, 5432, { data: large })), 1000).map((content) =>
            eth(macs.web, macs.db, content),
          ),
          nobody,
        ],
      ],
    ],
    ['a later one alone is nothing', [[red, parts(tcp(4000, 5432, { data: large })).slice(1, 2), nobody]]],
  ])('%s', (_, steps) => walk(steps))
})

test('ofproto/trace tells what becomes of a new connection', async () => {
  const traced = (port: number) =>
    dummy.real.appctl(
      ...['ofproto/trace', 'br0', '--ct-next', 'trk,new', '--ct-next', 'trk,new'],
      `in_port=11,dl_src=${macs.web},dl_dst=${macs.db},tcp,nw_src=${ip4('web')},nw_dst=${ip4('db')},tp_dst=${port}`,
    )
  expect(await traced(5432)).toMatch(/output:12\b/)
  expect(await traced(5433)).not.toMatch(/output:12\b/)
})

// biome-ignore format: one step a line
describe('a rule that is removed', () => {
  const ask: Step = ['physnet1', come('red', 'web', tcp(4000, 80)), [red]]
  const answer: Step = [red, go('web', tcp(80, 4000, { isReply: true })), ['physnet1']]
  const without = withGroup('red-web', { rules: view.securityGroups.get('red-web')!.rules.filter(({ direction }) => direction === 'egress') })

  test('ends its connections, both ways, and lets them live again when it comes back', async () => {
    await walk([ask, answer])
    await become(without)
    await walk([
      [ask[0], ask[1], nobody],
      [answer[0], answer[1], nobody], // although all may go out
      [ask[0], ask[1], nobody],
    ])
    await become(view)
    await walk([ask, answer])
  })

  test('leaves other connections of the port alone', async () => {
    const own: Step = [red, go('web', udp(4000, 53)), ['physnet1']]
    await walk([ask, own])
    await become(without)
    await walk([[ask[0], ask[1], nobody], own, ['physnet1', come('red', 'web', udp(53, 4000)), [red]]])
    await become(view)
  })
})

/** Port unreachable, about that frame's packet. */
function unreachable(frame: Buffer): Payload {
  return icmp(3, 3, Buffer.concat([Buffer.alloc(4), frame.subarray(14)]))
}

/** A tagged IPv6 frame with another hop limit. */
function withHopLimit(frame: Buffer, hopLimit: number): Buffer {
  const changed = Buffer.from(frame)
  changed[25] = hopLimit
  return changed
}
