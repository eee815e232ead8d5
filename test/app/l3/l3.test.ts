/** The application l3_proactive on the fake switch: the rows of test/support/routed-rows.ts, and what is refused. */

import { describe, expect, test } from 'vitest'
import type { Punt, Verdict } from '../../../src/app/app.ts'
import type { View } from '../../../src/app/view.ts'
import { formatFlow } from '../../../src/openflow/index.ts'
import { tcpdumpOf } from '../../packet/foreign.ts'
import { puntOf } from '../../support/apps.ts'
import { appsOf, cloudOf } from '../../support/cloud.ts'
import type { Paused } from '../../support/fake-switch.ts'
import {
  type Content,
  eth,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  solicitation,
  solicitedNode,
  tcp,
  tcpFlags,
  udp,
} from '../../support/frames.ts'
import { localPort, macs, routedView } from '../../support/routed.ts'
import { refusedRows, routedRows } from '../../support/routed-rows.ts'
import { portOf, tenants } from '../../support/view.ts'

const names = ['classifier', 'portsec', 'l2', 'provider', 'l3_proactive']
const view = routedView()
const both = ['red', 'blue'] as const
const shared = cloudOf(view, appsOf(names))
/** The same cloud each time: a packet leaves nothing behind in it. */
const cloudAt = (at: View) => {
  const cloud = at === view ? shared : cloudOf(at, appsOf(names))
  cloud.fake.punts.length = 0
  return cloud
}

describe.each(both)('%s', (tenant) => {
  test.each(routedRows)('$from: $name', ({ from, frame, arrives }) => {
    const cloud = cloudAt(view)
    const sent = cloud.port(`${tenant}-${from}`).sends(frame)
    const hex = (frames: readonly Buffer[]) => frames.map((each) => each.toString('hex'))
    expect(Object.fromEntries(Object.entries(sent).map(([to, frames]) => [to, hex(frames)]))).toEqual(
      Object.fromEntries(Object.entries(arrives).map(([to, left]) => [`${tenant}-${to}`, hex([left])])),
    )
    expect(cloud.fake.punts).toEqual([])
  })

  test.each(refusedRows)('$from is told $name', ({ name, from, frame }) => {
    const cloud = cloudAt(view)
    expect(cloud.port(`${tenant}-${from}`).sends(frame)).toEqual({})
    const verdict = decided(cloud.fake.punts, view)
    expect([verdict.kind, verdict.why]).toEqual(['reply', name])
  })
})

/** What the application says of the one packet that came up. */
function decided(punts: readonly Paused[], at: View, [app] = appsOf(['l3_proactive'])): Verdict {
  expect(punts.map(({ userdata }) => userdata.toString())).toEqual(['l3_proactive'])
  return app!.packetIn!(paused(punts[0]!, at), at)
}

const paused = ({ frame, metadata }: Paused, at: View): Punt =>
  puntOf(at.localPorts.find(({ key }) => BigInt(key) === metadata.reg6)!, frame, {
    registers: { register: (number) => Number(metadata[`reg${number}`] ?? 0) },
  })

/** What red's `web` is told about a frame, as tcpdump reads it. */
function told(frame: Buffer, at = view): string {
  const cloud = cloudAt(at)
  cloud.port('red-web').sends(frame)
  const verdict = decided(cloud.fake.punts, at)
  return verdict.kind === 'reply' ? tcpdumpOf([verdict.frame])[0]! : `${verdict.kind} ${verdict.why}`
}

test('each refusal is an error of its own, with sound checksums, from the router that the sender knows', () => {
  const lines = refusedRows.map(({ frame }) => told(frame))
  for (const line of lines) expect(line).not.toMatch(/bad|wrong|incorrect/i)
  expect(
    lines.map((line) =>
      line.replace(/.*?((?:10\.|fd00|fe80)\S* > \S+ .*?)(?:\s\(tos.*|\s\(hlim.*|\s\(flowlabel.*)?$/, '$1'),
    ),
  ).toMatchInlineSnapshot(`
    [
      "10.0.0.1 > 10.0.0.11: ICMP time exceeded in-transit, length 41",
      "fd00:a::1 > fd00:a::11: [icmp6 sum ok] ICMP6, time exceeded in-transit for fd00:b::12",
      "10.0.0.1 > 10.0.0.11: ICMP net 198.51.100.1 unreachable, length 41",
      "10.0.0.1 > 10.0.0.11: ICMP net 169.254.169.254 unreachable, length 41",
      "fd00:a::1 > fd00:a::11: [icmp6 sum ok] ICMP6, destination unreachable, unreachable route 2001:db8::1",
      "10.0.0.1 > 10.0.0.11: ICMP host 10.0.1.99 unreachable, length 41",
      "fd00:a::1 > fd00:a::11: [icmp6 sum ok] ICMP6, destination unreachable, unreachable address fd00:b::99",
      "10.0.0.1 > 10.0.0.11: ICMP 10.0.1.12 unreachable - need to frag (mtu 1400), length 556",
      "fd00:a::1 > fd00:a::11: [icmp6 sum ok] ICMP6, packet too big, mtu 1400",
      "fd00:a::1 > fe80::f816:3eff:fe00:11: [icmp6 sum ok] ICMP6, destination unreachable, beyond scope fd00:b::12, source address fe80::f816:3eff:fe00:11",
      "10.0.0.1 > 10.0.0.11: ICMP 10.0.0.1 udp port 4001 unreachable, length 41",
      "fd00:a::1 > fd00:a::11: [icmp6 sum ok] ICMP6, destination unreachable, unreachable port, fd00:a::1 udp port 4001",
      "10.0.1.254 > 10.0.0.11: ICMP 10.0.1.254 udp port 4001 unreachable, length 41",
    ]
  `)
})

test("addresses of the subnet that are nobody's and everybody's", () => {
  const to = (ip: string) => told(eth(macs.web, macs.frontGateway, ipv4('10.0.0.11', ip, udp(1, 2))))
  expect([to('10.0.1.255'), to('10.0.1.0')]).toEqual(['drop broadcast', 'drop broadcast'])
})

// biome-ignore format: one row a line
test.each<[string, Content, RegExp]>([
  ['a connection', ipv4('10.0.0.11', '10.0.0.1', tcp(5000, 80)), /10\.0\.0\.1\.80 > 10\.0\.0\.11\.5000: Flags \[R\.\], cksum 0x\w+ \(correct\)/],
  ['a connection over IPv6', ipv6('fd00:a::11', 'fd00:b::1', tcp(5000, 80)), /fd00:b::1\.80 > fd00:a::11\.5000: Flags \[R\.\], cksum 0x\w+ \(correct\)/],
  ['a reset', ipv4('10.0.0.11', '10.0.0.1', tcp(5000, 80, { flags: tcpFlags.rst })), /^drop reset$/],
  ['another protocol', ipv4('10.0.0.11', '10.0.0.1', { protocol: 132, bytesFor: () => Buffer.alloc(12) }), /10\.0\.0\.1 > 10\.0\.0\.11: ICMP 10\.0\.0\.1 protocol 132 unreachable/],
  ['another protocol over IPv6', ipv6('fd00:a::11', 'fd00:a::1', { protocol: 132, bytesFor: () => Buffer.alloc(12) }), /\[icmp6 sum ok\] ICMP6, parameter problem, next header - octet 6/],
  ['a fragment', ipv4('10.0.0.11', '10.0.0.1', udp(1, 2), { isFragment: true }), /^drop fragment$/],
  ['a timestamp request', ipv4('10.0.0.11', '10.0.0.1', icmp(13, 0)), /^drop icmp$/],
  ['a query for groups', ipv6('fd00:a::11', 'fd00:a::1', icmpv6(130, Buffer.alloc(20))), /^drop icmp$/],
  ['a broken datagram', ipv4('10.0.0.11', '10.0.0.1', { protocol: 17, bytesFor: () => Buffer.from('0fa00fa100ff0000', 'hex') }), /^drop length$/],
  ['an error', ipv4('10.0.0.11', '10.0.0.1', icmp(3, 3)), /^drop icmp_error$/],
])('%s for the router itself', (_, content, text) => {
  expect(told(eth(macs.web, macs.frontGateway, content))).toMatch(text)
})

describe('a solicitation without the MAC address of who asks', () => {
  const gateway = { ip: 'fd00:a::1', linkLocal: 'fe80::f816:3eff:fe00:f1' }
  const ask = (target: string, src: string, hopLimit = 255) => {
    const { ip, mac } = solicitedNode(target)
    return eth(macs.web, mac, ipv6(src, ip, solicitation(target), { hopLimit }))
  }

  test.each([
    ['whether an address is taken', gateway.ip, '::', '33:33:00:00:00:01', 'ff02::1', 'router, override'],
    [
      'whether its link-local one is',
      gateway.linkLocal,
      '::',
      '33:33:00:00:00:01',
      'ff02::1',
      'router, override',
    ],
    [
      'whether a router is still there',
      gateway.ip,
      'fd00:a::11',
      macs.web,
      'fd00:a::11',
      'router, solicited, override',
    ],
  ])('%s is answered', (_, target, src, mac, to, flags) => {
    const line = told(ask(target, src))
    expect(line).toMatch(new RegExp(`^${macs.frontGateway} > ${mac}, .*\\(hlim 255,`))
    expect(line).toContain(
      `${target} > ${to}: [icmp6 sum ok] ICMP6, neighbor advertisement, length 32, tgt is ${target}, Flags [${flags}]`,
    )
    expect(line).toContain(`destination link-address option (2), length 8 (1): ${macs.frontGateway}`)
  })

  const registers = { register: (number: number) => (number === 5 ? 1 : 24) }
  const verdictOf = (frame: Buffer) =>
    appsOf(['l3_proactive'])[0]!.packetIn!(puntOf(localPort(view, 'red-web'), frame, { registers }), view)

  test.each([
    ['length', ask(gateway.ip, '::').subarray(0, 60)],
    [
      'length',
      eth(macs.web, macs.frontGateway, ipv6('fd00:a::11', gateway.ip, icmpv6(135, Buffer.alloc(4)))),
    ],
    ['header', ask(gateway.ip, 'fd00:a::11', 64)],
    ['unknown_target', ask('fd00:b::1', '::')],
    ['ethertype', eth(macs.web, macs.frontGateway, ipv4('10.0.0.11', '10.0.0.1', udp(1, 2)))],
  ])('%s: is not', (why, frame) => {
    expect(verdictOf(frame)).toEqual({ kind: 'drop', why })
  })
})

test('an error has the MAC addresses that the sender knows, also of a packet that was on its way', () => {
  const [toWeb, fromGateway] = [macs.web, macs.frontGateway]
  for (const { frame } of refusedRows.filter(({ name }) => /no_host|too_big|no_route/.test(name))) {
    expect(told(frame)).toMatch(new RegExp(`^${fromGateway} > ${toWeb}, `))
  }
})

test("a router without an address of the packet's version", () => {
  const lacking = (family: 'v4' | 'v6') =>
    routedView((router) => ({
      ...router,
      ports: router.ports.filter(({ networks }) => networks[0]!.includes(':') !== (family === 'v6')),
      routes: [],
    }))
  const unreachable = eth(macs.web, macs.frontGateway, ipv4('10.0.0.11', '198.51.100.1', udp(1, 2)))
  expect(told(unreachable, lacking('v4'))).toBe('drop no_address')
  const unreachable6 = eth(macs.web, macs.frontGateway, ipv6('fd00:a::11', '2001:db8::1', udp(1, 2)))
  expect(told(unreachable6, lacking('v6'))).toContain(
    'fe80::f816:3eff:fe00:f1 > fd00:a::11: [icmp6 sum ok] ICMP6',
  )
})

test('a port is told so many times a second, and for a second its errors stay in the switch', () => {
  const [app] = appsOf(['l3_proactive'], { router_port_unreach_max_rate: 2, router_ttl_invalid_max_rate: 1 })
  const cloud = cloudAt(view)
  const punts = refusedRows.filter(({ name }) => /no_route|hop_limit/.test(name)).slice(0, 4)
  for (const { frame } of [...punts, punts[3]!]) cloud.port('red-web').sends(frame)
  cloud.port('blue-web').sends(punts[0]!.frame)
  const verdicts = cloud.fake.punts.map((punt) => app!.packetIn!(paused(punt, view), view))
  expect(verdicts.map(({ kind, why }) => `${kind} ${why}`)).toEqual([
    'reply hop_limit',
    'pass rate',
    'reply no_route',
    'reply no_route',
    'pass rate',
    'reply hop_limit',
  ])
  expect(verdicts[1]).toMatchObject({ bypassSeconds: 1 })
  expect(app!.bypass!(localPort(view, 'red-web')).map(formatFlow)).toEqual([
    'table=66, priority=100,reg6=0x1 actions=drop',
  ])
})

test('a packet of no router that is there', () => {
  const [app] = appsOf(['l3_proactive'])
  const punt = puntOf(localPort(view, 'red-web'), Buffer.alloc(60))
  const registers = (reg5: number, reg8: number) => ({ register: (n: number) => (n === 5 ? reg5 : reg8) })
  const gone = { kind: 'drop', why: 'unknown_router' }
  expect(app!.packetIn!(punt, view)).toEqual(gone)
  expect(app!.packetIn!({ ...punt, registers: registers(99, 16) }, view)).toEqual(gone)
  expect(app!.packetIn!({ ...punt, registers: registers(1, 16) }, view)).toEqual({
    kind: 'drop',
    why: 'ethertype',
  })
})

/** Bug 21 of the original: with the router's own lport in its store it sent such packets to a port that nobody has. */
test("the router's own port among the ports changes nothing", () => {
  const front = view.networks.get('front-red')!
  const lport = {
    ...portOf(front, 11, undefined, ['10.0.0.1', 'fd00:a::1']),
    macs: [macs.frontGateway],
    deviceOwner: 'network:router_interface',
  }
  for (const chassis of [undefined, 'compute-1', 'compute-2']) {
    const at = { ...view, ports: new Map([...view.ports, ['front-gateway', { ...lport, chassis }]]) }
    const cloud = cloudOf(at, appsOf(names))
    for (const row of routedRows.filter(({ name }) => /ping|ARP|solicitation/.test(name))) {
      const sent = cloud.port('red-web').sends(row.frame)
      expect(sent, row.name).toEqual({ 'red-web': [row.arrives.web] })
    }
    for (const { name, frame } of refusedRows) {
      cloud.fake.punts.length = 0
      cloud.port('red-web').sends(frame)
      expect(decided(cloud.fake.punts, at).why, name).toBe(name)
    }
  }
})

test('the flows of a view are the same parts as long as nothing in them changes', () => {
  const [app] = appsOf(['l3_proactive'])
  const before = new Set(app!.units!(view))
  const again = [...app!.units!({ ...view, version: view.version + 1 })]
  expect(again.every((unit) => before.has(unit))).toBe(true)
  const routers = new Map([...view.routers].filter(([, { topic }]) => topic === tenants.red))
  const fewer = [...app!.units!({ ...view, routers })]
  expect(fewer.filter((unit) => !before.has(unit))).toEqual([])
  expect(fewer.length).toBeLessThan(again.length)
})
