/**
 * Source NAT on a real Open vSwitch with dummy ports, whose datapath tracks connections by itself: two tenants with equal
 * addresses, and every frame that leaves.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { View } from '../../src/app/view.ts'
import { tcpdumpOf } from '../packet/foreign.ts'
import { appsOf, flowsOf } from '../support/cloud.ts'
import { type DummyBridge, type DummySwitch, startDummySwitch } from '../support/dummy-switch.ts'
import type { Sent } from '../support/fake-switch.ts'
import {
  arp,
  broadcast,
  type Content,
  eth,
  fragmentsOf,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Payload,
  solicitation,
  solicitedNode,
  tagged,
  tcp,
  tcpFlags,
  timeExceeded,
  udp,
} from '../support/frames.ts'
import { macs, outsideMac, routedView, withOutside } from '../support/routed.ts'

const view = withOutside(routedView())
const externalMac = '02:df:cb:00:71:01'
const [v4, v6] = ['203.0.113.1', '2001:db8::1']
const [red, blue, outside] = [11, 31, 1]

const names = ['classifier', 'portsec', 'l2', 'provider', 'l3_proactive', 'chassis_snat']
const flowsAt = (at: View) => flowsOf(appsOf(names, { external_host_ip6: v6 }), at)

let dummy: DummySwitch
let bridge: DummyBridge
beforeAll(async () => {
  dummy = await startDummySwitch('snat')
  bridge = await dummy.addBridge('br0', [outside, ...view.localPorts.map(({ ofport }) => ofport)])
  await bridge.install(flowsAt(view), [])
})
afterAll(() => dummy?.stop())

const fromWeb = (content: Content) => eth(macs.web, macs.frontGateway, content)
const fromOutside = (content: Content) => eth(outsideMac, externalMac, content)
const toWeb = (content: Content) => eth(externalMac, macs.web, content)
const hexOf = (sent: readonly Sent[]) => sent.map(({ port, frame }) => [port, frame.toString('hex')])

/** The one frame that a packet of a port becomes outside. */
async function leaving(port: number, content: Content): Promise<Buffer> {
  const sent = await bridge.receive(port, fromWeb(content))
  expect(sent.map((each) => each.port)).toEqual([outside])
  expect(sent[0]!.frame.subarray(0, 12)).toEqual(eth(externalMac, outsideMac, content).subarray(0, 12))
  return sent[0]!.frame
}

/** Both families, with what each needs. */
const families = [
  {
    ip: ipv4,
    hops: (n: number) => ({ ttl: n }),
    own: '10.0.0.11',
    other: '10.0.0.77',
    server: '198.51.100.53',
    external: v4,
    router: '198.51.100.1',
    at: 34,
  },
  {
    ip: ipv6,
    hops: (n: number) => ({ hopLimit: n }),
    own: 'fd00:a::11',
    other: 'fd00:a::77',
    server: '2001:db8:5::53',
    external: v6,
    router: '2001:db8:5::1',
    at: 54,
  },
]

describe.each(families)('$own', ({ ip, hops, own, other, server, external, router, at }) => {
  const isIpv6 = own.includes(':')
  const portOf = (frame: Buffer) => frame.readUInt16BE(at)
  const echo = (isRequest: boolean, body: Buffer) =>
    isIpv6 ? icmpv6(isRequest ? 128 : 129, body) : icmp(isRequest ? 8 : 0, 0, body)

  test('two tenants, the same packet: each gets its own answer', async () => {
    const packet = ip(own, server, udp(4000, 53), hops(64))
    const left = [await leaving(red, packet), await leaving(blue, packet)]
    const ports = left.map(portOf)
    expect(new Set(ports).size).toBe(2)
    for (const [index, frame] of left.entries())
      expect(frame.subarray(14)).toEqual(ip(external, server, udp(ports[index]!, 53), hops(63)).bytes)
    for (const [index, to] of [blue, red].entries()) {
      const reply = (dst: string, port: number, n: number) =>
        ip(server, dst, udp(53, port, `for ${to}`), hops(n))
      const sent = await bridge.receive(outside, fromOutside(reply(external, ports[1 - index]!, 60)))
      expect(hexOf(sent)).toEqual([[to, toWeb(reply(own, 4000, 59)).toString('hex')]])
    }
  })

  test('two addresses of one port, the same ports', async () => {
    const left = [
      await leaving(red, ip(own, server, udp(4100, 53))),
      await leaving(red, ip(other, server, udp(4100, 53))),
    ]
    const ports = left.map(portOf)
    expect(new Set(ports).size).toBe(2)
    for (const [index, dst] of [own, other].entries()) {
      const reply = fromOutside(ip(server, external, udp(53, ports[index]!)))
      const [sent, ...more] = await bridge.receive(outside, reply)
      expect(more).toEqual([])
      expect([sent!.port, tcpdumpOf([sent!.frame])[0]]).toEqual([
        red,
        expect.stringContaining(` > ${dst}.4100: `),
      ])
    }
  })

  test('pings; of two with the same number, the datapath lets only the first out', async () => {
    for (const [number, port] of [red, blue].entries()) {
      const number4 = Buffer.from([7, number, 0, 1])
      await leaving(port, ip(own, server, echo(true, number4)))
      const sent = await bridge.receive(outside, fromOutside(ip(server, external, echo(false, number4))))
      expect(hexOf(sent)).toEqual([
        [port, toWeb(ip(server, own, echo(false, number4), hops(isIpv6 ? 254 : 63))).toString('hex')],
      ])
      const rival = port === red ? blue : red
      expect(await bridge.receive(rival, fromWeb(ip(own, server, echo(true, number4))))).toEqual([])
    }
  })

  test('a TCP connection', async () => {
    const { syn, ack } = tcpFlags
    const opened = await leaving(red, ip(own, server, tcp(5000, 80, { flags: syn, seq: 100 })))
    const accept = (dst: string, port: number) =>
      ip(server, dst, tcp(80, port, { flags: syn | ack, seq: 500, ack: 101 }))
    const sent = await bridge.receive(outside, fromOutside(accept(external, portOf(opened))))
    expect(sent.map(({ port, frame }) => [port, tcpdumpOf([frame])[0]])).toEqual([
      [
        red,
        expect.stringMatching(
          new RegExp(`${server}.80 > ${own}.5000: Flags \\[S.\\], cksum 0x\\w+ \\(correct\\)`),
        ),
      ],
    ])
    await leaving(red, ip(own, server, tcp(5000, 80, { flags: ack, seq: 101, ack: 501 })))
  })

  test('an error about a packet on its way comes with the packet as it was sent', async () => {
    const packet = ip(own, server, udp(4200, 33434))
    const left = await leaving(blue, packet)
    const error = timeExceeded({ ...packet, bytes: left.subarray(14) })
    const sent = await bridge.receive(outside, fromOutside(ip(router, external, error)))
    expect(sent.map(({ port }) => port)).toEqual([blue])
    const { frame } = sent[0]!
    expect(tcpdumpOf([frame])[0]).toMatch(
      isIpv6 ? /\[icmp6 sum ok\].*time exceeded in-transit/ : /time exceeded in-transit/,
    )
    const quoted = frame.subarray(at + 8)
    const decremented = ip(own, server, udp(4200, 33434), hops(isIpv6 ? 254 : 63)).bytes
    expect(quoted.toString('hex')).toBe(decremented.toString('hex'))
  })

  test.each<[string, Payload]>([
    ['a new connection', udp(53, 4000)],
    ['a ping', echo(true, Buffer.alloc(4))],
    ['a segment of nobody', tcp(80, 5999, { flags: tcpFlags.ack })],
  ])('%s from outside ends here', async (_, payload) => {
    const content = ip(router, external, payload)
    expect(await bridge.receive(outside, fromOutside(content))).toEqual([])
  })

  test('what has no hop left does not come in, and nobody reaches the address itself', async () => {
    const left = await leaving(red, ip(own, server, udp(4300, 53)))
    const late = ip(server, external, udp(53, portOf(left)), hops(1))
    expect(await bridge.receive(outside, fromOutside(late))).toEqual([])
    expect(await bridge.receive(red, fromWeb(ip(own, external, udp(4300, 53))))).toEqual([])
  })

  test('a frame with a tag does not go out to the network that it names', async () => {
    const content = ip(own, server, udp(4350, 53))
    expect(await bridge.receive(red, tagged(fromWeb(content), 102))).toEqual([])
    await leaving(red, content)
  })

  test('a late answer is not for whoever has the place in the switch now', async () => {
    const left = await leaving(red, ip(own, server, udp(4400, 53)))
    const late = fromOutside(ip(server, external, udp(53, portOf(left))))
    const moved = view.localPorts.map((port) => (port.ofport === red ? { ...port, key: 77 } : port))
    await bridge.replace(flowsAt({ ...view, localPorts: moved }))
    expect(await bridge.receive(outside, late)).toEqual([])
    await bridge.replace(flowsAt(view))
    expect((await bridge.receive(outside, late)).map(({ port }) => port)).toEqual([red])
  })
})

test('a reply in fragments comes in fragments, with its own address in each', async () => {
  const asked = await leaving(red, ipv4('10.0.0.11', '198.51.100.53', udp(4500, 53)))
  const reply = (dst: string, port: number, ttl: number) =>
    fragmentsOf(ipv4('198.51.100.53', dst, udp(53, port, 'x'.repeat(2000)), { ttl }))
  const arrived: Sent[] = []
  for (const part of reply(v4, asked.readUInt16BE(34), 64))
    arrived.push(...(await bridge.receive(outside, fromOutside(part))))
  expect(hexOf(arrived)).toEqual(
    reply('10.0.0.11', 4500, 63).map((part) => [red, toWeb(part).toString('hex')]),
  )
})

test('the external address is answered for, and no other', async () => {
  const request = (tpa: string) => arp({ op: 'request', sha: outsideMac, spa: '198.51.100.1', tpa })
  const reply = arp({ op: 'reply', sha: externalMac, spa: v4, tha: outsideMac, tpa: '198.51.100.1' })
  expect(hexOf(await bridge.receive(outside, eth(outsideMac, broadcast, request(v4))))).toEqual([
    [outside, eth(externalMac, outsideMac, reply).toString('hex')],
  ])
  expect(await bridge.receive(outside, eth(outsideMac, broadcast, request('203.0.113.2')))).toEqual([])
  const { ip, mac } = solicitedNode(v6)
  const asked = ipv6('fe80::1', ip, solicitation(v6, { sll: outsideMac }))
  const [answer, ...more] = await bridge.receive(outside, eth(outsideMac, mac, asked))
  expect(more).toEqual([])
  expect(answer!.port).toBe(outside)
  expect(tcpdumpOf([answer!.frame])[0]).toMatch(
    /2001:db8::1 > fe80::1: \[icmp6 sum ok\].*neighbor advertisement.*tgt is 2001:db8::1, Flags \[solicited, override\].*destination link-address option.*02:df:cb:00:71:01/,
  )
})
