/** Views with security groups, for tests. The default cloud is again two tenants, whose groups have the same names too. */

import type { Port, SecurityGroup, SecurityGroupRule, View } from '../../src/app/view.ts'
import { networkOf, portOf, type Tenant, tenants, viewOf } from './view.ts'

/** A rule that lets in everything over IPv4, but for what is said here. */
export function ruleOf(more: Partial<SecurityGroupRule> = {}): SecurityGroupRule {
  return {
    id: 'rule',
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: undefined,
    portRangeMin: undefined,
    portRangeMax: undefined,
    remoteGroupId: undefined,
    remoteIpPrefix: undefined,
    ...more,
  }
}

/** A group of a tenant; its id is `<tenant>-<name>`. */
export function groupOf(
  tenant: Tenant,
  name: string,
  key: number,
  rules: readonly Partial<SecurityGroupRule>[],
): SecurityGroup {
  return { id: `${tenant}-${name}`, key, topic: tenants[tenant], name, rules: rules.map(ruleOf) }
}

/** The view with these groups. */
export const withGroups = (view: View, groups: readonly SecurityGroup[]): View => ({
  ...view,
  securityGroups: new Map(groups.map((group) => [group.id, group])),
})

const tcp = (min: number, max = min) => ({ protocol: 6, portRangeMin: min, portRangeMax: max })

/** Neutron's rules for what goes out: everything. */
export const allOut = [
  { direction: 'egress', ethertype: 'IPv4' },
  { direction: 'egress', ethertype: 'IPv6' },
] as const

/**
 * Red and blue with the same addresses, the same MAC addresses and groups of the same names. `web` may be reached at ports
 * 80 to 82 and pinged, and says what it likes; `db` may be reached at port 5432 by members of `web` and says nothing of
 * its own accord. Red's `web` (.11) is a member of `web`, blue's is not: there only `cache` (.13, on another node) is.
 * `bare` (red, .14) has no group, `open` (blue, .15) no port security.
 */
export function guardedView(): View {
  const [red, blue] = [networkOf('red', 1), networkOf('blue', 2)]
  const groups = [['red', 1] as const, ['blue', 3] as const].flatMap(([tenant, key]) => [
    groupOf(tenant, 'web', key, [
      ...allOut,
      tcp(80, 82),
      { protocol: 1, portRangeMin: 8, portRangeMax: 0 },
      { ethertype: 'IPv6', protocol: 58, portRangeMin: 128 },
    ]),
    groupOf(tenant, 'db', key + 1, [
      { ...tcp(5432), remoteGroupId: `${tenant}-web` },
      { ...tcp(5432), remoteGroupId: `${tenant}-web`, ethertype: 'IPv6' },
    ]),
  ])
  const trio = (network: typeof red, firstKey: number, groupsOfWeb: readonly string[]): Port[] =>
    [
      { name: 'web', host: 11, groups: groupsOfWeb, chassis: 'compute-1' },
      { name: 'db', host: 12, groups: ['db'], chassis: 'compute-1' },
      { name: 'cache', host: 13, groups: ['web'], chassis: 'compute-2' },
    ].map(({ name, host, groups: names, chassis }, index) => ({
      ...portOf(network, firstKey + index, name, [`10.0.0.${host}`, `fd00:a::${host}`]),
      macs: [macs[index]!],
      chassis,
      securityGroups: names.map((each) => `${network === red ? 'red' : 'blue'}-${each}`),
    }))
  const ports = [
    ...trio(red, 1, ['web']),
    ...trio(blue, 4, []),
    portOf(red, 7, 'bare', ['10.0.0.14']),
    { ...portOf(blue, 8, 'open', ['10.0.0.15']), isPortSecurityEnabled: false },
  ]
  return withGroups(viewOf([red, blue], ports, { 1: 11, 2: 12, 4: 14, 5: 15, 7: 17, 8: 18 }), groups)
}

const macs = ['fa:16:3e:00:00:01', 'fa:16:3e:00:00:02', 'fa:16:3e:00:00:03'] as const
