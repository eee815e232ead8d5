import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { ConfigError } from '../../src/errors.ts'
import { parseLabFile, readLabFile } from '../../src/lab/schema.ts'

/** Two tenants with the same addresses, as short as it gets. */
const text = `
nodes: [compute-1]
networks:
  red-net: { tenant: red, physical_network: physnet1, segmentation_id: 101, subnets: [{ cidr: 10.0.0.0/24, gateway: 10.0.0.1 }] }
  blue-net: { tenant: blue, physical_network: physnet1, segmentation_id: 102, subnets: [{ cidr: 10.0.0.0/24 }] }
ports:
  red-web: { network: red-net, dns_name: web, ips: [10.0.0.11] }
  blue-web: { network: blue-net, dns_name: web, ips: [10.0.0.11] }
gateways:
  red-gateway: { network: red-net, outside: [198.51.100.11] }
outside:
  subnets: [198.51.100.0/24, 2001:db8::/64]
  servers:
    resolver: { addresses: [198.51.100.53], records: { ext.example.net: [192.0.2.80] } }
`

/** The file with one place set to something else; undefined removes it. */
function changed(path: string, value: unknown): string {
  const lab = parse(text) as Record<string, unknown>
  const steps = path.split('.')
  const last = steps.pop()!
  const holder = steps.reduce((at, step) => at[step] as Record<string, unknown>, lab)
  if (value === undefined) delete holder[last]
  else holder[last] = value
  return stringify(lab)
}

describe('a lab file', () => {
  test('with two tenants of the same addresses is fine', () => {
    const lab = parseLabFile(text, 'lab.yaml')
    expect(Object.keys(lab.ports)).toEqual(['red-web', 'blue-web'])
    expect(lab.networks['red-net']).toMatchObject({ type: 'vlan', mtu: 1500, segmentation_id: 101 })
    expect(lab.ports['red-web']).toMatchObject({ security: true, ips: ['10.0.0.11'] })
  })

  test('has canonical addresses once it is read', () => {
    const lab = parseLabFile(changed('outside.subnets', ['198.51.100.0/24', '2001:0DB8:0::/64']), 'lab.yaml')
    expect(lab.outside?.subnets).toEqual(['198.51.100.0/24', '2001:db8::/64'])
  })

  test('the example is one', () => {
    expect(Object.keys(readLabFile('examples/two-tenants.yaml').ports)).toHaveLength(5)
  })

  // biome-ignore format: one row a line
  test.each<[what: string, path: string, value: unknown, message: string]>([
    ['no nodes',             'nodes',                           undefined,             'lab.yaml: nodes: is missing; add it'],
    ['an empty list',        'nodes',                           [],                    'lab.yaml: nodes: a lab needs a compute node'],
    ['an unknown section',   'netwerks',                        {},                    'lab.yaml: the file: unknown key netwerks; the keys here are nodes, networks, ports, gateways, outside, options'],
    ['an unknown key',       'ports.red-web.dnsname',           'web',                 'lab.yaml: ports.red-web: unknown key dnsname; the keys here are network, node, dns_name, mac, ips, security, dns_server'],
    ['a list for a table',   'ports.red-web',                   [],                    'lab.yaml: ports.red-web: keys and values are expected here; the keys are network, node,'],
    ['a bad address',        'ports.red-web.ips',               ['10.0.0.256'],        'lab.yaml: ports.red-web.ips.0: "10.0.0.256" is not an IP address; write it like 10.0.0.11 or fd00:a::11'],
    ['a short address',      'ports.red-web.ips',               ['10.1'],              'lab.yaml: ports.red-web.ips.0: "10.1" is not an IP address'],
    ['a number',             'ports.red-web.ips',               [10],                  'lab.yaml: ports.red-web.ips.0: not an IP address'],
    ['no address',           'ports.red-web.ips',               [],                    'lab.yaml: ports.red-web.ips: a port needs an address'],
    ['a foreign address',    'ports.red-web.ips',               ['10.0.1.11'],         'lab.yaml: ports.red-web.ips.0: 10.0.1.11 is in no subnet of red-net; add the subnet or change the address'],
    ['an address twice',     'ports.red-web.ips',               ['10.0.0.11', '10.0.0.11'], "lab.yaml: ports.red-web.ips.1: 10.0.0.11 is red-web's already"],
    ['a bad MAC',            'ports.red-web.mac',               '01:00:5e:00:00:01',   'lab.yaml: ports.red-web.mac: write a unicast MAC in lower case'],
    ['an unknown network',   'ports.red-web.network',           'red',                 'lab.yaml: ports.red-web.network: there is no network red; it is one of red-net, blue-net'],
    ['an unknown node',      'ports.red-web.node',              'compute-2',           'lab.yaml: ports.red-web.node: there is no node compute-2; it is one of compute-1'],
    ['a bad key',            'ports.Red_Web',                   {},                    'lab.yaml: ports.Red_Web: use at most 30 lower case letters, digits and inner hyphens'],
    ['a key twice',          'ports.compute-1',                 { network: 'red-net', ips: ['10.0.0.12'] }, 'lab.yaml: ports.compute-1: the key is used by nodes too; each key becomes one namespace'],
    ['the key outside',      'ports.outside',                   { network: 'red-net', ips: ['10.0.0.12'] }, 'lab.yaml: ports.outside: the key is used by the lab itself too'],
    ['host bits',            'networks.red-net.subnets.0.cidr', '10.0.0.1/24',         'lab.yaml: networks.red-net.subnets.0.cidr: "10.0.0.1/24" is not a subnet; write it like 10.0.0.0/24'],
    ['a gateway elsewhere',  'networks.red-net.subnets.0.gateway', '10.1.0.1',         'lab.yaml: networks.red-net.subnets.0.gateway: 10.1.0.1 is not inside 10.0.0.0/24; use one of its addresses'],
    ['a VLAN too high',      'networks.red-net.segmentation_id', 4095,                 'lab.yaml: networks.red-net.segmentation_id: a VLAN is 1 to 4094'],
    ['a VLAN twice',         'networks.red-net.segmentation_id', 102,                  'lab.yaml: networks.blue-net: red-net is on physnet1 102 already; give each network a segment of its own'],
    ['a vlan without VLAN',  'networks.red-net.segmentation_id', undefined,            'lab.yaml: networks.red-net: a vlan network needs a segmentation_id'],
    ['an unknown type',      'networks.red-net.type',           'vxlan',               'lab.yaml: networks.red-net.type: the type is vlan or flat'],
    ['an unknown gateway net', 'gateways.red-gateway.network',  'net',                 'lab.yaml: gateways.red-gateway.network: there is no network net'],
    ['an outside address inside', 'gateways.red-gateway.outside', ['10.0.0.1'],         'lab.yaml: gateways.red-gateway.outside.0: 10.0.0.1 is in no subnet of outside.subnets'],
    ['an outside address twice', 'gateways.red-gateway.outside', ['198.51.100.53'],     'lab.yaml: outside.servers.resolver.addresses.0: 198.51.100.53 is used twice outside'],
    ['gateways without outside', 'outside',                     undefined,             'lab.yaml: gateways.red-gateway.outside.0: 198.51.100.11 is in no subnet of outside.subnets'],
    ['records as a list',    'outside.servers.resolver.records', ['ext.example.net'],  'lab.yaml: outside.servers.resolver.records: names with their addresses are expected'],
    ['a record of text',     'outside.servers.resolver.records', { a: 'b' },           'lab.yaml: outside.servers.resolver.records.a: a list of addresses is expected'],
    ['a name with a space',  'outside.servers.resolver.records', { 'a b': ['192.0.2.1'] }, 'lab.yaml: outside.servers.resolver.records.a b: not a name a DNS server can be given'],
    ['options as a list',    'options',                          { df: ['a'] },         'lab.yaml: options.df:'],
  ])('with %s is refused', (_, path, value, message) => {
    const refusal = refusalOf(changed(path, value))
    expect(refusal.slice(0, message.length)).toBe(message)
    expect(refusal).not.toContain('\n')
  })

  test.each([
    ['not YAML', 'nodes: [compute-1', /^lab\.yaml: .*; the file is not valid YAML$/],
    ['a key written twice', 'nodes: [a]\nnodes: [b]', /^lab\.yaml: .*; the file is not valid YAML$/],
    ['empty', '', /^lab\.yaml: holds no lab; it needs the sections nodes, networks and ports$/],
    ['one word', 'lab', /^lab\.yaml: holds no lab/],
  ])('that is %s is refused', (_, content, message) => {
    expect(refusalOf(content)).toMatch(message)
  })

  test('that is missing is refused by its path', () => {
    expect(() => readLabFile('/nowhere/lab.yaml')).toThrow(
      /^\/nowhere\/lab\.yaml: cannot be read \(.*ENOENT.*\); name an existing/,
    )
  })
})

function refusalOf(content: string): string {
  try {
    parseLabFile(content, 'lab.yaml')
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  return 'it was taken'
}
