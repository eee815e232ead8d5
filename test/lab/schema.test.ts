import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { parseLabFile, readLabFile } from '../../src/lab/schema.ts'
import { changedText, tunnelledText } from '../support/tunnelled-lab.ts'

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

const changed = (path: string, value: unknown) => changedText(text, path, value)

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

  test('the example of two nodes is one, of three tenants who share addresses, MAC addresses and names', () => {
    const { ports, networks } = readLabFile('examples/two-nodes.yaml')
    const webs = Object.values(ports).filter(({ dns_name }) => dns_name === 'web')
    expect(new Set(webs.map(({ network }) => networks[network]!.tenant)).size).toBe(3)
    for (const field of ['mac', 'dns_name'] as const)
      expect(new Set(webs.map((port) => port[field])).size).toBe(1)
    expect(new Set(webs.map(({ ips }) => ips[0]))).toEqual(new Set(['10.0.0.11']))
  })

  // biome-ignore format: one row a line
  test.each<[what: string, path: string, value: unknown, message: string]>([
    ['no nodes',             'nodes',                           undefined,             'lab.yaml: nodes: is missing; add it'],
    ['an empty list',        'nodes',                           [],                    'lab.yaml: nodes: a lab needs a compute node'],
    ['an unknown section',   'netwerks',                        {},                    'lab.yaml: the file: unknown key netwerks; the keys here are nodes, networks, routers, security_groups, ports, gateways, outside, options'],
    ['an unknown key',       'ports.red-web.dnsname',           'web',                 'lab.yaml: ports.red-web: unknown key dnsname; the keys here are network, node, dns_name, mac, ips, security, security_groups, boot, dhcp_options, dns_server'],
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
    ['an unknown type',      'networks.red-net.type',           'gre',                 'lab.yaml: networks.red-net.type: the type is vlan, flat, geneve or vxlan'],
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

describe('a lab file with tunnels', () => {
  test('says what stands where nothing is written', () => {
    const lab = parseLabFile(tunnelledText, 'lab.yaml')
    expect(lab.networks['red-front']).toMatchObject({ type: 'geneve', mtu: 1450 })
    expect(lab.networks['red-front']).not.toHaveProperty('physical_network')
    expect(lab.networks['red-back']!.subnets[0]).toMatchObject({ dhcp: true, host_routes: [] })
    expect(lab.security_groups['red-open']!.rules).toMatchObject([
      { direction: 'egress', ethertype: 'IPv4' },
      { protocol: 6 },
      { protocol: 58 },
    ])
    expect(Object.values(lab.ports).map(({ boot }) => boot)).toEqual(['dhclient', 'udhcpc', 'networkd'])
  })

  // biome-ignore format: one row a line
  test.each<[what: string, path: string, value: unknown, message: string]>([
    ['a physical network',   'networks.red-front.physical_network', 'physnet1',        'lab.yaml: networks.red-front: a geneve network has no physical_network'],
    ['a VNI too high',       'networks.red-front.segmentation_id', 16777216,           'lab.yaml: networks.red-front.segmentation_id: a VNI is 1 to 16777215'],
    ['no VNI',               'networks.red-front.segmentation_id', undefined,          'lab.yaml: networks.red-front: a geneve network needs a segmentation_id'],
    ['a VNI twice',          'networks.red-front.segmentation_id', 5002,               'lab.yaml: networks.blue-front: red-front is on geneve 5002 already'],
    ['a vlan nowhere',       'networks.blue-front.type',         'vlan',               'lab.yaml: networks.blue-front.segmentation_id: a VLAN is 1 to 4094'],
    ['a flat nowhere',       'networks.blue-front',              { tenant: 'blue', type: 'flat', subnets: [{ cidr: '10.0.0.0/24' }] }, 'lab.yaml: networks.blue-front: a flat network needs a physical_network'],
    ['a flat with VLAN',     'networks.blue-front.type',         'flat',               'lab.yaml: networks.blue-front: a flat network has no segmentation_id'],
    ['a DHCP server elsewhere', 'networks.red-back.subnets.0.dhcp_ip', '10.0.0.3',     'lab.yaml: networks.red-back.subnets.0.dhcp_ip: 10.0.0.3 is not inside 10.0.1.0/24'],
    ['a route of the other version', 'networks.red-back.subnets.0.host_routes', [{ destination: 'fd00:b::/64', nexthop: '10.0.1.9' }], 'lab.yaml: networks.red-back.subnets.0.host_routes.0: the routes of 10.0.1.0/24 are of its own IP version'],
    ['a router of nobody',   'routers.red-router.tenant',        undefined,            'lab.yaml: routers.red-router.tenant: is missing; add it'],
    ['a router to nowhere',  'routers.red-router.interfaces',    { net: ['10.0.0.1'] }, 'lab.yaml: routers.red-router.interfaces.net: there is no network net'],
    ["another tenant's network", 'routers.red-router.interfaces.blue-front', ['10.0.0.1'], "lab.yaml: routers.red-router.interfaces.blue-front: blue-front is blue's; a router joins networks of its own tenant"],
    ['an interface elsewhere', 'routers.red-router.interfaces.red-back', ['10.0.2.1'],  'lab.yaml: routers.red-router.interfaces.red-back.0: 10.0.2.1 is in no subnet of red-back'],
    ["a port's address",     'routers.red-router.interfaces.red-back', ['10.0.1.12'],  "lab.yaml: routers.red-router.interfaces.red-back.0: 10.0.1.12 is red-db's already"],
    ['a bad direction',      'security_groups.blue-open.rules',  [{ direction: 'in' }], 'lab.yaml: security_groups.blue-open.rules.0.direction: the direction is ingress or egress'],
    ['a bad ethertype',      'security_groups.blue-open.rules',  [{ direction: 'egress', ethertype: 'ipv4' }], 'lab.yaml: security_groups.blue-open.rules.0.ethertype: the ethertype is IPv4 or IPv6'],
    ['a bad protocol',       'security_groups.blue-open.rules',  [{ direction: 'egress', protocol: 'gre' }], 'lab.yaml: security_groups.blue-open.rules.0.protocol: the protocol is icmp, tcp, udp, icmpv6 or a number'],
    ["another tenant's group in a rule", 'security_groups.blue-open.rules', [{ direction: 'ingress', remote_group: 'red-open' }], 'lab.yaml: security_groups.blue-open.rules.0.remote_group: blue has no security group red-open'],
    ['two remotes in a rule', 'security_groups.blue-open.rules', [{ direction: 'ingress', remote_group: 'blue-open', remote_ip_prefix: '10.0.0.0/8' }], 'lab.yaml: security_groups.blue-open.rules.0: a rule has a remote_group or a remote_ip_prefix, not both'],
    ["another tenant's group", 'ports.blue-web.security_groups', ['red-open'],         'lab.yaml: ports.blue-web.security_groups.0: blue has no security group red-open'],
    ['an unknown way to boot', 'ports.blue-web.boot',            'dhcpcd',             'lab.yaml: ports.blue-web.boot: a port boots static, or by dhclient, udhcpc or networkd'],
    ['a server that boots',  'ports.blue-web.dns_server',        { records: {} },      'lab.yaml: ports.blue-web.boot: a port with a dns_server boots static'],
    ['udhcpc without IPv4',  'ports.red-web',                    { network: 'red-front', ips: ['fd00:a::11'], boot: 'udhcpc' }, 'lab.yaml: ports.red-web.boot: udhcpc speaks IPv4 alone'],
    ['an unknown DHCP option', 'ports.blue-web.dhcp_options',    { 255: 'end' },       'lab.yaml: ports.blue-web.dhcp_options.255: not a DHCP option; write a number from 1 to 254'],
    ['an external node that is none', 'outside.external_host_ips', { compute: ['198.51.100.21'] }, 'lab.yaml: outside.external_host_ips.compute: there is no node compute; it is one of compute-1, compute-2'],
    ['an external IPv6 address alone', 'outside.external_host_ips', { 'compute-1': ['2001:db8::1'] }, 'lab.yaml: outside.external_host_ips.compute-1: write one IPv4 address, and one IPv6 address behind it'],
    ['two of IPv4',          'outside.external_host_ips',        { 'compute-1': ['198.51.100.21', '198.51.100.22'] }, 'lab.yaml: outside.external_host_ips.compute-1: write one IPv4 address, and one IPv6 address behind it'],
    ['an external address inside', 'outside.external_host_ips',  { 'compute-1': ['10.0.0.1'] }, 'lab.yaml: outside.external_host_ips.compute-1.0: 10.0.0.1 is in no subnet of outside.subnets'],
    ['a gateway in a tunnel', 'gateways',                        { out: { network: 'red-front', outside: ['198.51.100.9'] } }, 'lab.yaml: gateways.out.network: red-front is a geneve network; a gateway stands on a vlan or flat one'],
    ['the key underlay',     'ports.underlay',                   { network: 'red-back', ips: ['10.0.1.13'] }, 'lab.yaml: ports.underlay: the key is used by the lab itself too'],
  ])('with %s is refused', (_, path, value, message) => {
    const refusal = refusalOf(changedText(tunnelledText, path, value))
    expect(refusal.slice(0, message.length)).toBe(message)
    expect(refusal).not.toContain('\n')
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
