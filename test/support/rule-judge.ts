/**
 * Judges by the words of a security group's rule whether it lets a packet by: field by field, as Neutron's documentation
 * of rules reads, without flows. Random rules and packets for it to judge.
 */

import { BlockList } from 'node:net'
import fc from 'fast-check'
import type { SecurityGroup, SecurityGroupRule } from '../../src/app/view.ts'
import { ruleOf } from './guarded.ts'

/** A packet as rules see it. `type` and `code` are of ICMP, `port` is a destination. */
export interface Judged {
  readonly isIpv6: boolean
  readonly remote: string
  readonly protocol: number
  readonly port?: number
  readonly type?: number
  readonly code?: number
}

/** Whether one of the rules of these groups lets the packet by; `membersOf` gives the addresses of a group. */
export function isLetBy(
  packet: Judged,
  direction: 'ingress' | 'egress',
  groups: readonly SecurityGroup[],
  membersOf: (groupId: string) => readonly string[],
): boolean {
  const holds = (rule: SecurityGroupRule): boolean => {
    if (rule.direction !== direction) return false
    if ((rule.ethertype === 'IPv6') !== packet.isIpv6) return false
    if (rule.remoteGroupId !== undefined && !membersOf(rule.remoteGroupId).includes(packet.remote))
      return false
    if (rule.remoteIpPrefix !== undefined && !isIn(packet.remote, rule.remoteIpPrefix)) return false
    if (rule.protocol === undefined) return true
    if ((rule.protocol === 1 && packet.isIpv6 ? 58 : rule.protocol) !== packet.protocol) return false
    const { portRangeMin: min, portRangeMax: max } = rule
    if (min === undefined) return true
    if (packet.type !== undefined) return packet.type === min && (max === undefined || packet.code === max)
    return packet.port !== undefined && packet.port >= min && packet.port <= max!
  }
  return groups.some(({ rules }) => rules.some(holds))
}

function isIn(address: string, cidr: string): boolean {
  const [network, length] = cidr.split('/') as [string, string]
  const family = network.includes(':') ? 'ipv6' : 'ipv4'
  if (address.includes(':') !== (family === 'ipv6')) return false
  const list = new BlockList()
  list.addSubnet(network, Number(length), family)
  return list.check(address, family)
}

/** Where the other end may be, in either family. */
export const ends = {
  IPv4: ['10.0.0.12', '10.0.0.13', '10.0.0.20', '198.51.100.53', '203.0.113.9'],
  IPv6: ['fd00:a::12', 'fd00:a::13', 'fd00:a::20', '2001:db8::53', 'fd00:b::9'],
} as const
const prefixes = {
  IPv4: ['0.0.0.0/0', '10.0.0.0/24', '10.0.0.12/31', '10.0.0.20/32', '198.51.100.0/24', '128.0.0.0/1'],
  IPv6: ['::/0', 'fd00:a::/64', 'fd00:a::12/127', 'fd00:a::20/128', '2001:db8::/32', '8000::/1'],
} as const
const ports = [1, 22, 53, 80, 81, 1023, 1024, 5000, 32767, 32768, 65535]
const port = fc.constantFrom(...ports)

const service = fc.oneof(
  fc.constant({}),
  fc.constantFrom(6, 17, 1, 47).map((protocol) => ({ protocol })),
  fc.tuple(fc.constantFrom(6, 17), port, port).map(([protocol, one, other]) => ({
    protocol,
    portRangeMin: Math.min(one, other),
    portRangeMax: Math.max(one, other),
  })),
  fc
    .record({ type: fc.constantFrom(8, 13, 128), code: fc.constantFrom(undefined, 0) })
    .map(({ type, code }) => ({ protocol: 1, portRangeMin: type, portRangeMax: code })),
)

/** A rule whose remote groups are of these ids. */
export const randomRule = (groupIds: readonly string[]) =>
  fc.constantFrom('IPv4', 'IPv6').chain((ethertype) => {
    const remote = fc.oneof(
      fc.constant({}),
      fc.constantFrom(...prefixes[ethertype]).map((remoteIpPrefix) => ({ remoteIpPrefix })),
      fc.constantFrom(...groupIds).map((remoteGroupId) => ({ remoteGroupId })),
    )
    const direction = fc.constantFrom('ingress' as const, 'egress' as const)
    return fc
      .tuple(direction, service, remote)
      .map((parts) => ruleOf({ direction: parts[0], ethertype, ...parts[1], ...parts[2] }))
  })

/** A packet that begins a connection. */
export const randomPacket: fc.Arbitrary<Judged> = fc.boolean().chain((isIpv6) => {
  const remote = fc.constantFrom(...ends[isIpv6 ? 'IPv6' : 'IPv4'])
  const content = fc.oneof(
    fc.record({ protocol: fc.constantFrom(6, 17), port }),
    isIpv6
      ? fc.constant({ protocol: 58, type: 128, code: 0 })
      : fc.constantFrom(8, 13).map((type) => ({ protocol: 1, type, code: 0 })),
    fc.constant({ protocol: 47 }),
  )
  return fc.tuple(remote, content).map(([end, rest]) => ({ isIpv6, remote: end, ...rest }))
})
