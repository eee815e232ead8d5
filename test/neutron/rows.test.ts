/** The rows that the recorded cloud becomes: Dragonflow's, for two projects with the same addresses. */

import { describe, expect, test } from 'vitest'
import { wantedOf } from '../../src/neutron/rows.ts'
import { blue, recordedCloud, recordedPort, red, withPorts } from '../support/neutron.ts'

const cloud = recordedCloud()
const { rows, problems, hasNames } = wantedOf(cloud)
const fieldsOf = (table: string, id: string, from = rows) =>
  from.find((row) => row.table === table && row.id === id)?.fields

test('every resource is a row, in an order in which references come later', () => {
  const counts = new Map<string, number>()
  for (const { table } of rows) counts.set(table, (counts.get(table) ?? 0) + 1)
  expect([...counts]).toEqual([
    ['lswitch', 5],
    ['lsubnet', 7],
    ['domainname', 7],
    ['secgroup', 3],
    ['lport', 19],
    ['dnsname', 13],
    ['lrouter', 1],
    ['floatingip', 1],
  ])
  expect([problems, hasNames]).toEqual([[], true])
})

test.each([
  ['red', red],
  ['blue', blue],
])('the port web of %s', (_, project) => {
  const port = recordedPort('web', project)
  expect(fieldsOf('lport', port.id)).toMatchObject({
    topic: project,
    version: 3,
    name: 'web-port',
    ips: ['10.0.0.5', expect.stringContaining('fd00:')],
    subnets: port.fixed_ips.map(({ subnet_id }) => subnet_id),
    macs: [port.mac_address],
    enabled: true,
    binding: { type: 'chassis', chassis: 'compute-1' },
    lswitch: port.network_id,
    port_security_enabled: true,
    device_owner: 'compute:nova',
    binding_vnic_type: 'normal',
  })
  expect(fieldsOf('dnsname', port.id)).toEqual({
    id: port.id,
    topic: project,
    version: 3,
    lport: port.id,
    dns_name: 'web',
  })
})

test('a shared network’s domain is its owner’s, its ports are their own projects’', () => {
  const [sred, sblue] = [recordedPort('sred'), recordedPort('sblue', blue)]
  const subnet = sred.fixed_ips[0]!.subnet_id
  expect(fieldsOf('domainname', subnet)).toMatchObject({
    topic: '9'.repeat(32),
    subnet,
    domain_name: 'cloud.example',
  })
  expect([sred, sblue].map(({ id }) => fieldsOf('dnsname', id)?.topic)).toEqual([red, blue])
})

test('ports without project have no tenant, and are there', () => {
  const own = [...cloud.ports.values()].filter(({ project_id }) => project_id === '')
  expect(own.map(({ device_owner }) => device_owner).sort()).toEqual([
    'network:floatingip',
    'network:router_gateway',
  ])
  for (const { id } of own) expect(fieldsOf('lport', id)).toMatchObject({ topic: '' })
})

test('the router joins its networks; the floating address knows its three ports', () => {
  const router = [...cloud.routers.keys()][0]!
  const ports = fieldsOf('lrouter', router)?.ports as { network: string }[]
  expect(ports.map(({ network }) => network).sort()).toEqual(['10.0.0.1/24', '10.0.1.1/24'])
  const address = [...cloud.floatingips.keys()][0]!
  expect(fieldsOf('floatingip', address)).toMatchObject({
    topic: red,
    floating_ip_address: '203.0.113.75',
    lport: recordedPort('web').id,
    floating_lport: [...cloud.ports.values()].find(
      ({ device_owner }) => device_owner === 'network:floatingip',
    )!.id,
    lrouter: router,
  })
})

test('an unbound port has no chassis, and no status hides a port', () => {
  const { id } = recordedPort('db')
  const unbound = wantedOf(withPorts(cloud, { id, 'binding:host_id': '' })).rows
  expect(fieldsOf('lport', id, unbound)).not.toHaveProperty('binding')
  expect(fieldsOf('dnsname', id, unbound)).toBeDefined()
})

test('DHCP options by number and by name, and the server’s address', () => {
  const { id } = recordedPort('db')
  const option = (opt_name: string, opt_value: string, ip_version = 4) => ({
    opt_name,
    opt_value,
    ip_version,
  })
  const { rows: changed } = wantedOf(
    withPorts(cloud, {
      id,
      extra_dhcp_opts: [
        option('66', '10.0.0.9'),
        option('server-ip-address', '10.0.0.8'),
        option('23', 'x', 6),
        option('mtu', '1400'),
        option('router', ''),
        option('bootfile-name', 'x', 6),
        option('nobody-knows', '1'),
      ],
    }),
  )
  expect(fieldsOf('lport', id, changed)?.dhcp_params).toEqual({
    opts: { 3: '', 26: '1400', 66: '10.0.0.9' },
    siaddr: '10.0.0.8',
  })
})

describe('security groups', () => {
  const [group] = [...cloud.securityGroups.values()]
  const rule = group!.security_group_rules[0]!
  const rulesWith = (change: Partial<typeof rule>) => {
    const changed = { ...group!, security_group_rules: [{ ...rule, ...change }] }
    const wanted = wantedOf({ ...cloud, securityGroups: new Map([[group!.id, changed]]) })
    return {
      rules: fieldsOf('secgroup', group!.id, wanted.rows)?.rules as object[],
      problems: wanted.problems,
    }
  }

  test.each([
    ['tcp', 6],
    ['17', 17],
    [47, 47],
    ['ipv6-icmp', 58],
    [null, undefined],
    ['any', undefined],
  ])('protocol %j is %j', (protocol, number) => {
    expect(rulesWith({ protocol }).rules).toMatchObject([{ direction: 'ingress', protocol: number }])
  })

  test.each([
    ['an unknown protocol', { protocol: 'quic' }],
    ['a remote address group', { remote_address_group_id: 'g' }],
  ])('a rule with %s is left out, not widened', (_, change) => {
    const found = rulesWith(change)
    expect(found.rules).toEqual([])
    expect(found.problems).toMatchObject([{ kind: 'rule left out' }])
  })
})

test('without the DNS extension there are no names, and that is said', () => {
  const silent = [...cloud.ports.values()].map(({ id }) => ({
    id,
    dns_name: undefined,
    dns_assignment: undefined,
  }))
  const wanted = wantedOf(withPorts(cloud, ...silent))
  expect(wanted.hasNames).toBe(false)
  expect(wanted.rows.filter(({ table }) => /name$/.test(table))).toEqual([])
})
