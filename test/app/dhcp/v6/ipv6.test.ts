/** The service between the view and the wire: flows, decisions, and what it says unasked. */

import { beforeEach, describe, expect, test } from 'vitest'
import type { Beacon, Verdict } from '../../../../src/app/app.ts'
import { flowsIn } from '../../../../src/app/app.ts'
import { createIpv6Service, serverIdOf } from '../../../../src/app/dhcp/v6/ipv6.ts'
import type { LocalPort, View } from '../../../../src/app/view.ts'
import { silentLogger } from '../../../../src/log.ts'
import { formatFlow } from '../../../../src/openflow/index.ts'
import { puntOf } from '../../../support/apps.ts'
import { arp, broadcast, eth, ipv6, routerSolicitation, udp } from '../../../support/frames.ts'
import {
  autoIp,
  cloudView,
  linkLocals,
  macs,
  portIn,
  resolvers,
  vectorOf,
  vectorsOf,
  withoutLabel,
} from './cloud.ts'
import { address, association, client, message, option, said } from './messages.ts'

const rules = { dnsServers: [], defaultDomain: undefined, defaultMtu: 1460, leaseSeconds: 86_400 }
let warnings: unknown[]
let service: ReturnType<typeof createIpv6Service>

beforeEach(() => {
  warnings = []
  const log = {
    ...silentLogger,
    warn: (fields: unknown) => void warnings.push(fields),
  } as typeof silentLogger
  service = createIpv6Service(rules, 'dhcp', { log, now: () => 0 })
})

const view = cloudView()
const [web, auto, none] = ['web', 'auto', 'none'].map((name) => portIn(view, 'red', name)) as [
  LocalPort,
  LocalPort,
  LocalPort,
]
const decide = (frame: Buffer, port = web, at: View = view): Verdict | undefined =>
  service.decide(puntOf(port, frame), at)
const replyTo = (frame: Buffer, port = web, at: View = view) => {
  const verdict = decide(frame, port, at)
  if (verdict?.kind !== 'reply') throw new Error(verdict?.why)
  return verdict
}
const queryOf = (payload: Buffer) =>
  eth(macs.web, '33:33:00:01:00:02', ipv6(linkLocals.web, 'ff02::1:2', udp(546, 547, payload)))
const solicit = queryOf(message(1, client, association(1)))

describe('the flows', () => {
  const textOf = (at = view) => Array.from(flowsIn(service.units(at)), formatFlow)
  const punt = 'actions=controller(userdata=64.68.63.70,pause),resubmit(,55)'

  test('send up what ports that have IPv6 ask, keyed by the port', () => {
    const keys = ['0x11', '0x12', '0x21', '0x22']
    expect(textOf()).toEqual([
      'table=20, priority=110,icmp6,vlan_tci=0x0000/0x1fff,icmp_type=133 actions=goto_table:30',
      'table=20, priority=100,udp6,vlan_tci=0x0000/0x1fff,tp_src=546,tp_dst=547 actions=goto_table:30',
      ...keys.flatMap((key) => [
        `table=30, priority=100,icmp6,reg6=${key},icmp_type=133 ${punt}`,
        `table=30, priority=100,udp6,reg6=${key},tp_src=546,tp_dst=547 ${punt}`,
      ]),
    ])
  })

  test('let solicitations go on where a router outside may answer, too', () => {
    expect(textOf(cloudView({ hasRouters: false })).slice(2, 4)).toEqual([
      'table=30, priority=100,icmp6,reg6=0x11,icmp_type=133 actions=controller(userdata=64.68.63.70),resubmit(,55)',
      `table=30, priority=100,udp6,reg6=0x11,tp_src=546,tp_dst=547 ${punt}`,
    ])
  })

  test('send up nothing where no subnet is configured', () => {
    expect(textOf(cloudView({ change: () => ({ isDhcpEnabled: false }) }))).toHaveLength(2)
    expect(textOf({ ...view, networks: new Map() })).toHaveLength(2)
  })

  test('are the same arrays while nothing changes', () => {
    const [before, after] = [[...service.units(view)], [...service.units({ ...view, version: 99 })]]
    expect(after.every((unit, index) => unit === before[index])).toBe(true)
  })
})

describe('a solicitation', () => {
  const asked = vectorOf('advertisements', 'stateful').request

  test('is answered as radvd answers it', () => {
    const { frame, why } = replyTo(asked)
    expect([withoutLabel(frame), why]).toEqual([
      withoutLabel(vectorOf('advertisements', 'stateful').reply),
      'router_advertisement',
    ])
  })

  test('of a port whose MAC address makes its address is told to make it', () => {
    const { frame } = replyTo(asked, auto)
    expect(withoutLabel(frame)).toBe(withoutLabel(vectorOf('advertisements', 'stateless').reply))
  })

  test('of the other tenant is answered with the other tenant’s names', () => {
    const { frame } = replyTo(asked, portIn(view, 'blue', 'web'))
    expect(frame.includes('\x04blue\x07example\x03org')).toBe(true)
    expect(frame.includes('\x03red')).toBe(false)
  })

  test('from an own address is answered there, from another’s it is not', () => {
    const from = (ip: string) => eth(macs.auto, '33:33:00:00:00:02', ipv6(ip, 'ff02::2', routerSolicitation))
    expect(replyTo(from(autoIp), auto).kind).toBe('reply')
    expect(decide(from('fd00:a::99'), auto)).toEqual({ kind: 'drop', why: 'source' })
  })

  test('that is broken is dropped', () => {
    expect(decide(asked.subarray(0, 60))).toEqual({ kind: 'drop', why: 'length' })
  })
})

describe('a DHCPv6 message', () => {
  test('is answered by the row of its port, whoever it says it is', () => {
    const { frame, why } = replyTo(solicit)
    expect(why).toBe('advertise')
    expect(said(frame).options).toMatchObject({ 3: 'iaid 1, fd00:a::11 86400 86400' })
    expect(said(replyTo(solicit, auto).frame).options).toMatchObject({ 3: `iaid 1, ${autoIp} 86400 86400` })
  })

  test('is answered by a server that is the same on every node, and another in each network', () => {
    const idIn = (tenant: 'red' | 'blue') =>
      said(replyTo(solicit, portIn(view, tenant, 'web')).frame).options['2']
    // DUID-UUID, version 5, variant of RFC 9562.
    expect(idIn('red')).toMatch(/^0004[0-9a-f]{12}5[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
    expect(idIn('red')).toBe(serverIdOf('net-red').toString('hex'))
    expect(idIn('blue')).not.toBe(idIn('red'))
  })

  test('is answered from the MAC address of the network’s DHCP port', () => {
    const dhcpPort = { ...none, id: 'dhcp', deviceOwner: 'network:dhcp', macs: ['fa:16:3e:00:00:02'] }
    const ports = new Map([...view.ports, ['dhcp', dhcpPort]])
    const senderOf = (port: LocalPort) =>
      replyTo(solicit, port, { ...view, version: 99, ports }).frame.toString('hex', 6, 12)
    expect(senderOf(web)).toBe('fa163e000002')
    expect(senderOf(portIn(view, 'blue', 'web'))).toBe('02df00000001')
  })

  test('that says that an address is taken is told to the log', () => {
    const server = option(2, serverIdOf('net-red').toString('hex'))
    expect(replyTo(queryOf(message(9, client, server, association(1, address('fd00:a::11'))))).why).toBe(
      'declined',
    )
    expect(warnings).toEqual([{ port: web.id, ips: ['fd00:a::11'], suppressed: 0 }])
  })
})

describe('what is not the service’s', () => {
  test('of another protocol is left to others', () => {
    const frame = eth(
      macs.web,
      broadcast,
      arp({ op: 'request', sha: macs.web, spa: '10.0.0.11', tpa: '10.0.0.1' }),
    )
    expect(decide(frame)).toBeUndefined()
    expect(decide(Buffer.alloc(13))).toBeUndefined()
  })

  test('of a port that has no IPv6 any more goes on', () => {
    expect(decide(solicit, none)).toEqual({ kind: 'pass', why: 'not_served' })
  })
})

describe('advertisements that nobody asked for', () => {
  const beaconsOf = (at: View) => new Map([...service.beacons(at)].map((beacon) => [beacon.port.id, beacon]))
  const ofWeb = (at: View) => beaconsOf(at).get(web.id)!
  const end = (before: View, after: View) => ofWeb(before).endFor!(ofWeb(after))

  test('go to all nodes on each port, every 200 to 600 seconds', () => {
    const beacons = [...service.beacons(view)]
    expect(beacons.map(({ port }) => port.key)).toEqual([17, 18, 33, 34])
    const { frame, everySeconds } = beacons[0]!
    const solicited = vectorOf('advertisements', 'stateful').reply
    expect(frame.toString('hex', 0, 6)).toBe('333300000001')
    expect(frame.toString('hex', 38, 54)).toBe('ff020000000000000000000000000001')
    expect(frame.toString('hex', 58)).toBe(solicited.toString('hex', 58))
    expect(everySeconds).toEqual({ least: 200, most: 600 })
  })

  test('are the same objects while nothing changes that they say', () => {
    const before = ofWeb(view)
    const other = { ...[...view.routers.values()][1]!, name: 'renamed' }
    const routers = new Map([...view.routers, [other.id, other]])
    expect(ofWeb({ ...view, version: 99, routers })).toBe(before)
  })

  test('take back the way out when the router goes', () => {
    const after = { ...view, routers: new Map() }
    const frame = end(view, after)!
    expect(frame.toString('hex', 6, 12)).toBe('fa163e0000fe')
    expect(frame.readUInt16BE(60)).toBe(0)
    expect(end(after, view)!.toString('hex', 6, 12)).toBe('02df00000001')
  })

  test('take back nothing when only more is said', () => {
    const more = cloudView({ change: () => ({ dnsNameservers: [...resolvers, '2001:db8::54'] }) })
    expect(end(view, more)).toBeUndefined()
  })

  test('take back all when there is nothing to say any more', () => {
    const last: Beacon = ofWeb(view)
    expect(last.endFor!(undefined)!.readUInt16BE(60)).toBe(0)
  })
})

describe('what rows say and nobody can be told', () => {
  test('is nothing here', () => {
    expect(service.problems(view)).toEqual([])
  })

  test('is listed, each once', () => {
    const hostRoutes = [
      { destination: '2001:db8:8::/48', nexthop: 'fd00:a::1' },
      { destination: '2001:db8:9::/48', nexthop: 'fd00:a::7' },
    ]
    const odd = cloudView({ change: ({ cidr }) => (cidr.includes(':') ? { hostRoutes } : {}), mtu: 1000 })
    const localPorts = ['web', 'auto', 'none'].map((name) => portIn(odd, 'red', name))
    expect(service.problems({ ...odd, localPorts })).toEqual([
      {
        row: 'lsubnet/subnet-red-v6',
        reason: 'the way to 2001:db8:9::/48 is fd00:a::7: IPv6 can be told of ways by the gateway only',
      },
      { row: 'lswitch/net-red', reason: 'IPv6 needs an MTU of 1280, not 1000' },
    ])
    expect(service.problems({ ...odd, networks: new Map() })).toEqual([])
  })
})

test('no frame, whatever it is made of, is more than one word of a few', () => {
  const words = new Set<string>()
  const frames = [...vectorsOf('leases'), ...vectorsOf('advertisements')].map(({ request }) => request)
  let seed = 7
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % below
  }
  for (let i = 0; i < 20_000; i++) {
    const frame = Buffer.from(frames[random(frames.length)]!)
    // What stands behind the checksum is broken in a way that the checksum agrees with.
    const at = 58 + random(frame.length - 60)
    const before = frame.readUInt16BE(at & ~1)
    frame[at] = [0, 1, 255, random(256)][random(4)]!
    const sum = frame[20] === 58 ? 56 : 60
    if (random(8) > 0 && (at & ~1) !== sum)
      frame.writeUInt16BE(
        (frame.readUInt16BE(sum) + before - frame.readUInt16BE(at & ~1) + 2 * 0xffff) % 0xffff,
        sum,
      )
    words.add(decide(random(10) > 0 ? frame : frame.subarray(0, random(frame.length)))?.why ?? 'undefined')
  }
  expect(words.size).toBeLessThan(25)
  expect([...words]).toEqual(
    expect.arrayContaining(['reply', 'advertise', 'router_advertisement', 'options', 'checksum']),
  )
})
