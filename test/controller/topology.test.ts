import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { View } from '../../src/app/view.ts'
import { createTopology, type Sources, viewOf } from '../../src/controller/topology.ts'
import { localPortOf } from '../../src/controller/view-port.ts'
import type { RawChange, RawRow } from '../../src/nb/index.ts'
import { changedNorthbound, northboundOf } from '../../src/nb/model.ts'
import type { SwitchPort } from '../../src/ovsdb/index.ts'

const host = 'compute-1'
const red = '0000000000000000000000000000000a'
const blue = '0000000000000000000000000000000b'

const row = (table: string, id: string, fields: object): RawRow => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})

/** The rows of a tenant's network with one subnet and one port, `vm`, bound to this node. */
function tenant(name: string, topic: string, key: number, port: object = {}): RawRow[] {
  const net = `net-${name}`
  const subnet = `subnet-${name}`
  return [
    row('lswitch', net, {
      topic,
      unique_key: key,
      name: net,
      network_type: 'vlan',
      physical_network: 'physnet1',
    }),
    row('lsubnet', subnet, { topic, lswitch: net, cidr: '10.0.0.0/24', gateway_ip: '10.0.0.1' }),
    row('domainname', subnet, { topic, subnet, domain_name: `${name}.example.org` }),
    row('lport', `vm-${name}`, {
      topic,
      unique_key: key,
      lswitch: net,
      ips: ['10.0.0.11'],
      subnets: [subnet],
      macs: ['FA:16:3E:00:00:01'],
      binding: { type: 'chassis', chassis: host },
      ...port,
    }),
    row('dnsname', `vm-${name}`, { topic, lport: `vm-${name}`, dns_name: 'web' }),
    router(name, topic, key, [{ lswitch: net, network: '10.0.0.1/24', mac: 'FA:16:3E:00:00:FE' }]),
  ]
}

/** A tenant's router with these ports. */
function router(name: string, topic: string, key: number, ports: object[]): RawRow {
  const common = { topic, unique_key: key }
  return row('lrouter', `router-${name}`, {
    ...common,
    ports: ports.map((port, index) => ({ id: `gateway-${name}-${index}`, ...common, ...port })),
  })
}

const cloud = [...tenant('red', red, 1), ...tenant('blue', blue, 2)]

const plug = (lport: string, ofport: number | undefined, more: Partial<SwitchPort> = {}): SwitchPort => ({
  id: `uuid-${lport}-${ofport}`,
  name: `tap-${lport}`,
  ofport,
  adminState: 'up',
  type: 'compute',
  lport,
  ...more,
})

const plugs = [plug('vm-red', 11), plug('vm-blue', 12)]

const sourcesOf = (rows: readonly RawRow[], switchPorts: readonly SwitchPort[] = plugs): Sources => ({
  nb: northboundOf(rows),
  switchPorts,
  host,
  patchPorts: new Map([['physnet1', 'patch-physnet1']]),
})

/** All that a view says; a port alone would be compared as the object that it is. */
const told = ({ version: _, ...view }: View) => ({
  ...view,
  ports: Array.from(view.ports.values(), (port) => localPortOf(port, 0)),
})

const local = (view: View) => view.localPorts.map((port) => `${port.id}@${port.ofport}`)

test('each tenant has its own network, subnet, domain and port, though everything is named and numbered alike', () => {
  const view = viewOf(sourcesOf(cloud))
  expect(view.ports.get('vm-red')).toMatchObject({
    key: 1,
    topic: red,
    networkId: 'net-red',
    dnsName: 'web',
    macs: ['fa:16:3e:00:00:01'],
    addresses: [
      { ip: '10.0.0.11', subnet: { id: 'subnet-red', topic: red, domain: { name: 'red.example.org' } } },
    ],
  })
  expect(view.ports.get('vm-blue')?.addresses[0]?.subnet?.domain?.name).toBe('blue.example.org')
  expect(view.networks.get('net-blue')?.subnets.map(({ id }) => id)).toEqual(['subnet-blue'])
  expect(local(view)).toEqual(['vm-red@11', 'vm-blue@12'])
})

test('an MTU of 0 is none', () => {
  const rows = [0, 1450].map((mtu) =>
    row('lswitch', `net-${mtu}`, { topic: red, unique_key: mtu + 1, name: 'net', mtu }),
  )
  const { networks } = viewOf(sourcesOf(rows))
  expect([...networks.values()].map(({ mtu }) => mtu)).toEqual([undefined, 1450])
})

describe('a port is local', () => {
  const rows = (port: object) => tenant('red', red, 1, port)
  test.each([
    ['when it is bound here and plugged', {}, plugs, ['vm-red@11']],
    ['when enabled is said', { enabled: true }, plugs, ['vm-red@11']],
    ['not when it is disabled', { enabled: false }, plugs, []],
    ['not when it is not bound', { binding: null }, plugs, []],
    ['not when it is bound elsewhere', { binding: { type: 'chassis', chassis: 'compute-2' } }, plugs, []],
    ['not when it is bound to a VTEP', { binding: { type: 'vtep', vtep_address: '192.0.2.200' } }, plugs, []],
    ['not when it is not plugged', {}, [], []],
    ['not while the switch has not given it a number', {}, [plug('vm-red', undefined)], []],
    ['once, when two interfaces carry its id', {}, [plug('vm-red', 31), plug('vm-red', 11)], ['vm-red@11']],
    [
      'not by a port without an id',
      {},
      [{ ...plug('x', 11), lport: undefined } as unknown as SwitchPort],
      [],
    ],
  ] as const)('%s', (_name, port, switchPorts, expected) => {
    expect(local(viewOf(sourcesOf(rows(port), switchPorts)))).toEqual(expected)
  })
})

describe('it does not matter what comes first', () => {
  const orders: [string, Sources[]][] = [
    ['the rows', [sourcesOf([], []), sourcesOf(cloud, []), sourcesOf(cloud)]],
    ['the plugs (a port plugged before its row)', [sourcesOf([], []), sourcesOf([]), sourcesOf(cloud)]],
    ['one tenant', [sourcesOf(tenant('red', red, 1)), sourcesOf(cloud)]],
    ['the names', [sourcesOf(cloud.filter(({ table }) => /name$/.test(table))), sourcesOf(cloud)]],
    ['the rows in reverse', [sourcesOf(cloud.toReversed())]],
  ]

  test.each(orders)('%s', (_name, sources) => {
    const viewAt = createTopology()
    expect(told(sources.map(viewAt).at(-1)!)).toEqual(told(viewOf(sourcesOf(cloud))))
  })

  test('nor what goes first', () => {
    const { version: _version, ...empty } = viewOf(sourcesOf([], []))
    for (const between of [sourcesOf([]), sourcesOf(cloud, [])]) {
      const views = [sourcesOf(cloud), between, sourcesOf([], [])].map(createTopology())
      expect(views[2]).toMatchObject(empty)
    }
  })
})

describe('views share what did not change', () => {
  const viewAt = createTopology()
  const before = viewAt(sourcesOf(cloud))

  test('all of it', () => {
    expect(viewAt(sourcesOf(cloud))).toBe(before)
  })

  test('all of it when a row says something new that no view shows', () => {
    const nb = changedNorthbound(northboundOf(cloud), tenant('red', red, 1, { device_id: 'vm', version: 2 }))
    expect(nb.lport.get('vm-red')).toMatchObject({ device_id: 'vm' })
    expect(viewAt({ ...sourcesOf(cloud), nb })).toBe(before)
  })

  test('everything but the port that was renamed', () => {
    const renamed = row('dnsname', 'vm-red', { topic: red, lport: 'vm-red', dns_name: 'db' })
    const nb = changedNorthbound(northboundOf(cloud), [renamed])
    const after = viewAt({ ...sourcesOf(cloud), nb })
    expect(after.version).toBe(before.version + 1)
    expect(after.ports.get('vm-red')).toMatchObject({ dnsName: 'db' })
    expect(after.ports.get('vm-blue')).toBe(before.ports.get('vm-blue'))
    expect(after.localPorts[1]).toBe(before.localPorts[1])
    expect(after.networks).toBe(before.networks)
    expect(after.subnets).toBe(before.subnets)
    expect(after.uplinks).toBe(before.uplinks)
  })

  test('everything of the other tenant when a domain changes', () => {
    const changed = row('domainname', 'subnet-red', {
      topic: red,
      subnet: 'subnet-red',
      domain_name: 'new.example.org',
    })
    const viewAt = createTopology()
    const before = viewAt(sourcesOf(cloud))
    const after = viewAt({ ...sourcesOf(cloud), nb: changedNorthbound(northboundOf(cloud), [changed]) })
    expect(after.ports.get('vm-red')?.addresses[0]?.subnet?.domain?.name).toBe('new.example.org')
    expect(after.localPorts[0]).not.toBe(before.localPorts[0])
    expect(after.ports.get('vm-blue')).toBe(before.ports.get('vm-blue'))
    expect(after.networks.get('net-blue')).toBe(before.networks.get('net-blue'))
  })
})

describe('what only some applications ask for', () => {
  const group = (topic: string) => ({ topic, name: 'default', unique_key: topic === red ? 1 : 2 })
  const rule = { topic: red, direction: 'ingress', ethertype: 'IPv4', protocol: 6, port_range_min: 80 }
  const view = viewOf(
    sourcesOf(
      [
        ...tenant('red', red, 1, {
          security_groups: ['group-red', 'gone'],
          dhcp_params: { opts: { '66': '10.0.0.250' }, siaddr: '10.0.0.250' },
        }),
        ...tenant('blue', blue, 2, { binding: { type: 'vtep', vtep_address: '192.0.2.200' } }),
        row('chassis', host, {
          ip: '192.0.2.11',
          tunnel_types: ['geneve'],
          external_host_ip: '198.51.100.1',
        }),
        row('secgroup', 'group-red', { ...group(red), rules: [{ id: 'rule', ...rule }] }),
        row('secgroup', 'group-blue', group(blue)),
      ],
      [
        ...plugs,
        plug('', 101, { name: 'geneve-vtp', type: 'tunnel', tunnelType: 'geneve' }),
        plug('', 102, { name: 'second', type: 'tunnel', tunnelType: 'geneve' }),
        plug('', undefined, { name: 'vxlan-vtp', type: 'tunnel', tunnelType: 'vxlan' }),
      ],
    ),
  )

  test('compute nodes and the way to them', () => {
    expect([...view.chassis.values()]).toEqual([
      { id: host, ip: '192.0.2.11', tunnelTypes: ['geneve'], externalHostIp: '198.51.100.1' },
    ])
    expect([...view.tunnels]).toEqual([['geneve', 101]])
  })

  test('security groups of each tenant', () => {
    expect([...view.securityGroups.values()].map(({ id, key, rules }) => [id, key, rules])).toEqual([
      ['group-blue', 2, []],
      [
        'group-red',
        1,
        [
          {
            id: 'rule',
            direction: 'ingress',
            ethertype: 'IPv4',
            protocol: 6,
            portRangeMin: 80,
            portRangeMax: undefined,
            remoteGroupId: undefined,
            remoteIpPrefix: undefined,
          },
        ],
      ],
    ])
  })

  test('what a port says of them', () => {
    const [vmRed, vmBlue] = ['vm-red', 'vm-blue'].map((id) => view.ports.get(id)!)
    expect(vmRed?.securityGroups).toEqual(['group-red', 'gone'])
    expect(vmRed?.dhcp).toEqual({ options: new Map([[66, '10.0.0.250']]), siaddr: '10.0.0.250' })
    expect([vmBlue?.chassis, vmBlue?.vtepAddress, vmBlue?.dhcp]).toEqual([
      undefined,
      '192.0.2.200',
      undefined,
    ])
  })
})

describe('a router', () => {
  const routerOf = (rows: RawRow[], id = 'router-red') => viewOf(sourcesOf(rows)).routers.get(id)
  const port = (index: number, networkId: string, more: object = {}) => ({
    ...{ id: `gateway-red-${index}`, key: 1, networkId, networks: [], mac: undefined },
    ...more,
  })

  test('is the one of its tenant', () => {
    expect([...viewOf(sourcesOf(cloud)).routers.values()]).toEqual(
      ['blue', 'red'].map((name, index) => ({
        id: `router-${name}`,
        key: 2 - index,
        topic: name === 'red' ? red : blue,
        name: '',
        ports: [
          {
            id: `gateway-${name}-0`,
            key: 2 - index,
            networkId: `net-${name}`,
            networks: ['10.0.0.1/24'],
            mac: 'fa:16:3e:00:00:fe',
          },
        ],
        routes: [],
      })),
    )
  })

  test.each<[string, object[], object[]]>([
    ['without addresses', [{ lswitch: 'net-red' }], [port(0, 'net-red')]],
    ['on a network that is missing', [{ lswitch: 'gone' }, { lswitch: 'net-red' }], [port(1, 'net-red')]],
    ['on no network', [{}, { lswitch: 'net-red' }], [port(1, 'net-red')]],
    ['without ports', [], []],
  ])('%s', (_name, ports, expected) => {
    expect(routerOf([...cloud, router('red', red, 1, ports)])?.ports).toEqual(expected)
  })

  test('finds a network that comes later, and stays the same object with what it does not join', () => {
    const viewAt = createTopology()
    const before = viewAt(sourcesOf(cloud.filter(({ id }) => id !== 'net-red')))
    expect(before.routers.get('router-red')?.ports).toEqual([])
    const after = viewAt(sourcesOf(cloud))
    expect(after.routers.get('router-red')?.ports).toHaveLength(1)
    expect(after.routers.get('router-blue')).toBe(before.routers.get('router-blue'))
    const renamed = row('dnsname', 'vm-red', { topic: red, lport: 'vm-red', dns_name: 'db' })
    const nb = changedNorthbound(northboundOf(cloud), [renamed])
    expect(viewAt({ ...sourcesOf(cloud), nb }).routers).toBe(after.routers)
  })
})

describe('a row', () => {
  const portOf = (port: object, rows: RawRow[] = []) =>
    viewOf(sourcesOf([...tenant('red', red, 1, port), ...tenant('blue', blue, 2), ...rows])).ports.get(
      'vm-red',
    )!

  test.each([
    ['naming another network’s subnet has none', { subnets: ['subnet-blue'] }],
    ['naming a missing subnet has none', { subnets: ['gone'] }],
    ['naming a subnet that does not hold its address has none', { ips: ['10.0.1.11'] }],
    ['naming no subnet has none', { subnets: [] }],
  ])('%s', (_name, port) => {
    expect(portOf(port).addresses.map(({ subnet }) => subnet)).toEqual([undefined])
  })

  test.each([
    ['port security is on unless it is off', {}, { isPortSecurityEnabled: true }],
    ['port security off', { port_security_enabled: false }, { isPortSecurityEnabled: false }],
    [
      'allowed pairs',
      {
        allowed_address_pairs: [{ ip_address: '10.0.0.99', mac_address: 'FA:16:3E:00:00:99' }],
      },
      { allowedAddressPairs: [{ ip: '10.0.0.99', mac: 'fa:16:3e:00:00:99' }] },
    ],
    [
      'a VTEP is no chassis',
      { binding: { type: 'vtep', vtep_address: '192.0.2.200' } },
      { chassis: undefined },
    ],
    ['a remote chassis', { binding: { type: 'chassis', chassis: 'compute-2' } }, { chassis: 'compute-2' }],
  ])('%s', (_name, port, expected) => {
    expect(portOf(port)).toMatchObject(expected)
  })

  test.each([
    ['of another tenant', 'dnsname', 'vm-red', { topic: blue, lport: 'vm-red', dns_name: 'stolen' }],
    ['of nobody', 'dnsname', 'vm-red', { topic: '', lport: 'vm-red', dns_name: 'stolen' }],
  ])('that names a port and is %s does not count', (_name, table, id, fields) => {
    const rows = [...tenant('red', red, 1).filter((each) => each.table !== 'dnsname'), row(table, id, fields)]
    expect(viewOf(sourcesOf(rows)).ports.get('vm-red')?.dnsName).toBeUndefined()
  })
})

test.each([
  [
    'the patch port’s number',
    [...plugs, { ...plug('x', 7), name: 'patch-physnet1', type: 'patch' }],
    [['physnet1', 7]],
  ],
  ['nothing without the patch port', plugs, []],
  ['nothing without its number', [{ ...plug('x', undefined), name: 'patch-physnet1' }], []],
] as [string, SwitchPort[], [string, number][]][])(
  'the uplink of a physical network is %s',
  (_name, switchPorts, uplinks) => {
    expect([...viewOf(sourcesOf(cloud, switchPorts)).uplinks]).toEqual(uplinks)
  },
)

test('the MAC address behind an uplink is that of the bridge at the other end', () => {
  const patch = { ...plug('x', 7), name: 'patch-physnet1', type: 'patch' } as const
  const behind = (more: object) => [...viewOf(sourcesOf(cloud, [...plugs, { ...patch, ...more }])).uplinkMacs]
  expect(behind({ peerMac: '02:00:00:00:00:01' })).toEqual([['physnet1', '02:00:00:00:00:01']])
  expect(behind({})).toEqual([])
})

test('the rows of the real Dragonflow make a view', () => {
  const lines = readFileSync(join(import.meta.dirname, '../vectors/nb/dragonflow.jsonl'), 'utf8')
    .trim()
    .split('\n')
  const rows = lines.flatMap((line) => {
    const { key, value } = JSON.parse(line) as { key: string; value: unknown }
    const [, table, id] = key.split('/')
    return id === undefined
      ? []
      : [{ table: table!, id, value: typeof value === 'string' ? value : JSON.stringify(value) }]
  })
  const nb = northboundOf(rows)
  const ports = [...nb.lport.keys()].map((id, index) => plug(id, 10 + index))
  const view = viewOf({ nb, switchPorts: ports, host, patchPorts: new Map() })
  expect(view.localPorts.length).toBeGreaterThan(4)
  for (const port of view.localPorts) expect(port.chassis).toBe(host)
  for (const port of view.ports.values()) expect(view.networks.has(port.networkId)).toBe(true)
})

test('however it came about, the same sources make the same view', () => {
  const variants: (RawChange | SwitchPort)[] = [
    ...cloud,
    row('lport', 'vm-red', {
      topic: red,
      unique_key: 1,
      lswitch: 'net-red',
      subnets: ['subnet-blue'],
      ips: ['10.0.0.11'],
    }),
    row('lport', 'vm-red', { topic: red, unique_key: 2, lswitch: 'net-red' }),
    row('lport', 'vm-blue', {
      topic: blue,
      unique_key: 2,
      lswitch: 'net-red',
      subnets: ['subnet-red'],
      ips: ['10.0.0.11'],
    }),
    row('lsubnet', 'subnet-red', { topic: red, lswitch: 'net-blue', cidr: '10.0.0.0/24' }),
    row('domainname', 'subnet-blue', { topic: blue, subnet: 'subnet-blue', domain_name: 'new.example.org' }),
    row('dnsname', 'vm-red', { topic: red, lport: 'vm-red', dns_name: 'db' }),
    router('red', red, 1, [{ lswitch: 'net-blue' }, { lswitch: 'net-red', network: '10.0.0.2/24' }]),
    ...cloud.map(({ table, id }) => ({ table, id, value: undefined })),
    ...plugs,
    plug('vm-red', 12),
    plug('vm-blue', undefined),
  ]
  const batches = fc.array(fc.array(fc.constantFrom(...variants), { maxLength: 8 }), { maxLength: 12 })
  fc.assert(
    fc.property(batches, (steps) => {
      const viewAt = createTopology()
      let sources = sourcesOf([], [])
      for (const step of steps) {
        const rows = step.filter((each): each is RawChange => 'table' in each)
        const ports = step.filter((each): each is SwitchPort => 'ofport' in each)
        const switchPorts = new Map([...sources.switchPorts, ...ports].map((port) => [port.lport, port]))
        sources = {
          ...sources,
          nb: changedNorthbound(sources.nb, rows),
          switchPorts: [...switchPorts.values()],
        }
        const view = viewAt(sources)
        expect(told(view)).toEqual(told(viewOf(sources)))
        for (const port of view.ports.values())
          for (const { subnet } of port.addresses) expect(subnet).toBe(subnet && view.subnets.get(subnet.id))
      }
    }),
    { numRuns: 60 },
  )
})
