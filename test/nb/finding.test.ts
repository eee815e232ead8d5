import { describe, expect, test } from 'vitest'
import { findingsOf } from '../../src/nb/finding.ts'
import { northboundOf } from '../../src/nb/model.ts'

const row = (table: string, id: string, fields: object) => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})

/** A tenant's network, subnet and port; both tenants have the same addresses. */
const tenant = (name: string, key: number, subnets: string[]) => [
  row('lswitch', `net-${name}`, { topic: name, unique_key: key }),
  row('lsubnet', `subnet-${name}`, { topic: name, lswitch: `net-${name}`, cidr: '10.0.0.0/24' }),
  row('lport', `web-${name}`, {
    topic: name,
    unique_key: key,
    lswitch: `net-${name}`,
    ips: subnets.map((_, index) => `10.0.0.${11 + index}`),
    subnets,
  }),
]

const found = (red: string[]) =>
  findingsOf(northboundOf([...tenant('red', 1, red), ...tenant('blue', 2, ['subnet-blue'])])).map(
    ({ id, field, reason }) => `${id} ${field} ${reason}`,
  )

test.each<[string, string[], string[]]>([
  ['its own subnet', ['subnet-red'], []],
  [
    'a subnet that is not there',
    ['subnet-red', 'nowhere'],
    [
      'web-red subnets.1 names lsubnet nowhere, which does not exist or does not count; the port has no names there',
    ],
  ],
  [
    'a subnet of the other tenant',
    ['subnet-blue'],
    [
      'web-red subnets.0 names lsubnet subnet-blue of another lswitch (net-blue); the port has no names there',
    ],
  ],
])('a port that names %s', (_, subnets, expected) => {
  expect(found(subnets)).toEqual(expected)
})

test('a port whose subnet does not hold its address', () => {
  const stray = row('lport', 'db-red', {
    topic: 'red',
    unique_key: 3,
    lswitch: 'net-red',
    ips: ['10.0.1.12'],
    subnets: ['subnet-red'],
  })
  const rows = [...tenant('red', 1, ['subnet-red']), ...tenant('blue', 2, ['subnet-blue']), stray]
  expect(findingsOf(northboundOf(rows)).map(({ id, field, reason }) => [id, field, reason])).toEqual([
    [
      'db-red',
      'subnets.0',
      'names lsubnet subnet-red, 10.0.0.0/24, which does not hold its address 10.0.1.12; the port has no names there',
    ],
  ])
})

test.each([
  ['the same range', '10.0.0.0/24', true],
  ['a part of it', '10.0.0.128/25', true],
  ['a range around it', '10.0.0.0/8', true],
  ['the range beside it', '10.0.1.0/24', false],
  ['the other family', 'fd00:a::/64', false],
])('a second subnet of one network with %s', (_, cidr, isFound) => {
  const second = row('lsubnet', 'zz', { topic: 'red', lswitch: 'net-red', cidr })
  const rows = [...tenant('red', 1, ['subnet-red']), ...tenant('blue', 2, ['subnet-blue']), second]
  expect(findingsOf(northboundOf(rows)).map(({ id, reason }) => `${id}: ${reason}`)).toEqual(
    isFound
      ? [
          `zz: ${cidr} overlaps with 10.0.0.0/24 of lsubnet subnet-red in the same lswitch; which of them an address is in cannot be told`,
        ]
      : [],
  )
})

describe('two networks that claim one wire', () => {
  const network = (id: string, key: number, fields: object) =>
    row('lswitch', id, { topic: id, unique_key: key, physical_network: 'physnet1', ...fields })
  const wires = (...networks: ReturnType<typeof network>[]) =>
    findingsOf(northboundOf(networks)).map(({ id, field, reason }) => `${id} ${field} ${reason}`)
  const vlan = (segmentation_id: number) => ({ network_type: 'vlan', segmentation_id })
  const flat = { network_type: 'flat' }

  test.each<[string, object, object, string[]]>([
    [
      'one VLAN',
      vlan(100),
      vlan(100),
      [
        "blue segmentation_id claims VLAN 100 of physical network physnet1, which is lswitch red's; this one stays inside",
      ],
    ],
    [
      'the untagged wire',
      flat,
      flat,
      [
        "blue physical_network claims physical network physnet1, which is lswitch red's; this one stays inside",
      ],
    ],
    ['two VLANs', vlan(100), vlan(101), []],
    ['a VLAN and the untagged wire', vlan(100), flat, []],
    ['a VLAN of two physical networks', vlan(100), { ...vlan(100), physical_network: 'physnet2' }, []],
  ])('%s', (_, red, blue, expected) => {
    expect(wires(network('blue', 2, blue), network('red', 1, red))).toEqual(expected)
  })
})

describe('routers', () => {
  const port = (name: string, key: number, more: object = {}) => ({
    ...{ id: `gateway-${name}`, topic: name, unique_key: key, lswitch: `net-${name}` },
    ...{ network: '10.0.0.1/24', mac: 'fa:16:3e:00:00:fe', ...more },
  })
  const router = (name: string, key: number, fields: object) =>
    row('lrouter', `router-${name}`, { topic: name, unique_key: key, ...fields })
  const both = [...tenant('red', 1, ['subnet-red']), ...tenant('blue', 2, ['subnet-blue'])]
  const said = (...routers: ReturnType<typeof router>[]) =>
    findingsOf(northboundOf([...both, ...routers])).map(({ id, field, reason }) => `${id} ${field} ${reason}`)

  test('two tenants with the same addresses have no quarrel', () => {
    const pair = [
      router('red', 1, { ports: [port('red', 1)] }),
      router('blue', 2, { ports: [port('blue', 2)] }),
    ]
    expect(said(...pair)).toEqual([])
  })

  test('what is left out is told with its place in the row', () => {
    const ports = [port('red', 1), port('gone', 2), port('blue', 3, { network: '10.0.9.1/24' })]
    const routes = [{ destination: '192.0.2.0/24', nexthop: '203.0.113.1' }]
    expect(said(router('red', 1, { ports, routes }))).toEqual([
      'router-red ports.1.lswitch is on no network that exists; it is left out',
      'router-red ports.2.network 10.0.9.1/24 is in no subnet of its network (10.0.0.0/24); it is left out',
      'router-red routes.0.nexthop 203.0.113.1 is in no subnet that the router has a port in; it is left out',
    ])
  })
})
