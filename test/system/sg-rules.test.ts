/**
 * Random rules in two tenants who have the same addresses, and random packets: what a real Open vSwitch lets by is what
 * test/support/rule-judge.ts, which knows no flow, reads in the rules.
 */

import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Port, SecurityGroup, View } from '../../src/app/view.ts'
import { appsOf, flowsOf, groupsOf } from '../support/cloud.ts'
import { type DummyBridge, type DummySwitch, startDummySwitch } from '../support/dummy-switch.ts'
import { eth, icmp, icmpv6, ipv4, ipv6, type Payload, tagged, tcp, udp } from '../support/frames.ts'
import { groupOf, withGroups } from '../support/guarded.ts'
import { ends, isLetBy, type Judged, randomPacket, randomRule } from '../support/rule-judge.ts'
import { networkOf, portOf, type Tenant, viewOf } from '../support/view.ts'

const apps = appsOf(['classifier', 'portsec', 'l2', 'provider', 'sg'])
const tenants = [
  { tenant: 'red', key: 1, tag: 101, ofport: 11 },
  { tenant: 'blue', key: 2, tag: 102, ofport: 12 },
] as const
const names = ['web', 'db', 'gone'] // of the last one there is no row
const uplink = 1
const own = { v4: '10.0.0.11', v6: 'fd00:a::11', mac: 'fa:16:3e:00:00:01' }
const gateway = '02:00:00:00:00:01'
const rounds = 8
const packetsEach = 40

let dummy: DummySwitch
let bridge: DummyBridge
beforeAll(async () => {
  dummy = await startDummySwitch('sg-rules')
  bridge = await dummy.addBridge('br0', [uplink, ...tenants.map(({ ofport }) => ofport)])
})
afterAll(() => dummy?.stop())

const idOf = (tenant: Tenant, name: string) => `${tenant}-${name}`

/** A guarded port for each tenant, ports elsewhere in some of its groups, and the groups' rules. */
const randomCloud = fc.tuple(...tenants.map(({ tenant }) => randomTenant(tenant))).map((each) => ({
  ports: each.flatMap(({ ports }) => ports),
  groups: each.flatMap(({ groups }) => groups),
}))

function randomTenant(tenant: Tenant) {
  const { key } = tenants.find((one) => one.tenant === tenant)!
  const network = networkOf(tenant, key)
  const ids = names.map((name) => idOf(tenant, name))
  const rules = fc.array(randomRule(ids), { maxLength: 15, size: 'max' })
  const some = fc.subarray(ids, { minLength: 1 })
  return fc
    .record({ web: rules, db: rules, groups: some, members: fc.array(some, { minLength: 3, maxLength: 3 }) })
    .map(({ web, db, groups, members }): { ports: Port[]; groups: SecurityGroup[] } => ({
      ports: [
        { ...portOf(network, key, 'vm', [own.v4, own.v6]), macs: [own.mac], securityGroups: groups },
        ...members.map((of, index) => ({
          ...portOf(network, 10 * key + index, undefined, [ends.IPv4[index]!, ends.IPv6[index]!]),
          chassis: 'compute-2',
          securityGroups: of,
        })),
      ],
      groups: [groupOf(tenant, 'web', 2 * key, web), groupOf(tenant, 'db', 2 * key + 1, db)],
    }))
}

const viewAt = ({ ports, groups }: { ports: Port[]; groups: SecurityGroup[] }): View =>
  withGroups(
    viewOf(
      tenants.map(({ tenant, key }) => networkOf(tenant, key)),
      ports,
      Object.fromEntries(tenants.map(({ key, ofport }) => [key, ofport])),
    ),
    groups,
  )

/** The packet's bytes, from or to the tenant's port; the source port tells it from every other one. */
function frameOf(packet: Judged, index: number, isInward: boolean): Buffer {
  const payload = payloadOf(packet, 20_000 + index)
  const self = packet.isIpv6 ? own.v6 : own.v4
  const [source, destination] = isInward ? [packet.remote, self] : [self, packet.remote]
  const content = packet.isIpv6 ? ipv6(source, destination, payload) : ipv4(source, destination, payload)
  return isInward ? eth(gateway, own.mac, content) : eth(own.mac, gateway, content)
}

function payloadOf({ isIpv6, protocol, port = 0, type = 0 }: Judged, number: number): Payload {
  const body = Buffer.from([number >> 8, number & 255, 0, 1])
  if (protocol === 6) return tcp(number, port)
  if (protocol === 17) return udp(number, port)
  if (protocol === 47) return { protocol, bytesFor: () => Buffer.concat([Buffer.alloc(4), body]) }
  return isIpv6 ? icmpv6(type, body) : icmp(type, 0, body)
}

const seed = 20261126
const seen = { passed: 0, stopped: 0 }
const clouds = fc.sample(randomCloud, { numRuns: rounds, seed })
const packets = fc.sample(fc.array(randomPacket, { minLength: packetsEach, maxLength: packetsEach }), {
  numRuns: rounds,
  seed,
})

test.each(clouds.map((cloud, round) => [round, cloud] as const))(
  'rules of round %d',
  async (round, cloud) => {
    const view = viewAt(cloud)
    if (round === 0) await bridge.install([], groupsOf(apps, view))
    await bridge.replace(flowsOf(apps, view))
    for (const { tenant, key, tag, ofport } of tenants)
      for (const direction of ['ingress', 'egress'] as const) {
        const isInward = direction === 'ingress'
        const port = view.localPorts.find((one) => one.key === key)!
        const groups = port.securityGroups.flatMap((id) => view.securityGroups.get(id) ?? [])
        const membersOf = (id: string) =>
          view.securityGroups.has(id)
            ? [...view.ports.values()]
                .filter((one) => one.securityGroups.includes(id))
                .flatMap(({ addresses }) => addresses.map(({ ip }) => ip))
            : []
        const frames = packets[round]!.map((packet, index) => frameOf(packet, index, isInward))
        const wanted = packets[round]!.flatMap((packet, index) => {
          const passes = isLetBy(packet, direction, groups, membersOf)
          seen[passes ? 'passed' : 'stopped'] += 1
          if (!passes) return []
          const left = isInward ? frames[index]! : tagged(frames[index]!, tag)
          return [`${isInward ? ofport : uplink} ${left.toString('hex')}`]
        })
        for (const time of ['by flows', 'by what the datapath remembers of them']) {
          await dummy.real.appctl('dpctl/flush-conntrack')
          const sent = isInward
            ? await bridge.receive(uplink, ...frames.map((frame) => tagged(frame, tag)))
            : await bridge.receive(ofport, ...frames)
          const got = sent.map((one) => `${one.port} ${one.frame.toString('hex')}`)
          expect(got.sort(), `${tenant} ${direction} ${time}: ${JSON.stringify(groups)}`).toEqual(
            wanted.sort(),
          )
        }
      }
  },
)

test('there were many packets of both kinds', () => {
  expect(Math.min(seen.passed, seen.stopped)).toBeGreaterThan(rounds * packetsEach * 0.5)
})
