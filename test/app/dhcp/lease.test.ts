import { describe, expect, test } from 'vitest'
import type { DhcpParams, Port, Subnet } from '../../../src/app/view.ts'
import { portOf } from '../../support/view.ts'
import { appOf, ask, dhcpNetwork, frameOf, hostOf, localView, replyOf, twoTenants } from './asking.ts'

type Options = Parameters<typeof appOf>[0]

interface Told {
  readonly subnet?: Partial<Subnet>
  readonly port?: Partial<Port>
  readonly options?: Options
  readonly leaseSeconds?: number
  /** What the client asks for, as hexadecimal. */
  readonly asking?: string
}

const discover = '350101'
/** 1, 3, 6, 12, 15, 17, 26, 28, 42, 43, 66, 67, 119, 121, 249. */
const everything = '370f0103060c0f111a1c2a2b42437779f9'

/** What red's `web` is told. Blue's has the same address and is told the same under its own domain. */
function told({ subnet = {}, port = {}, options = {}, leaseSeconds, asking = everything }: Told = {}) {
  const { view, web } = twoTenants(subnet, port)
  const app = appOf(options, hostOf({}, leaseSeconds))
  const frame = frameOf({ options: discover + asking })
  const [red, blue] = (['red', 'blue'] as const).map((tenant) => replyOf(ask(app, view, web(tenant), frame)))
  const withoutDomain = ({ options: { 15: _name, 119: _search, ...rest } }: typeof red & object) => rest
  expect(withoutDomain(blue!)).toEqual(withoutDomain(red!))
  return red!
}

const params = (options: Record<number, string>, siaddr?: string): { dhcp: DhcpParams } => ({
  dhcp: { options: new Map(Object.entries(options).map(([code, text]) => [Number(code), text])), siaddr },
})

const routes = '(192.0.2.0/25:10.0.0.254),(169.254.169.254/32:10.0.0.11),(default:10.0.0.1)'

test('the rows say it all', () => {
  expect(told().options).toEqual({
    1: '255.255.255.0',
    3: '10.0.0.1',
    6: '198.51.100.53,198.51.100.54',
    12: '"web"',
    15: '"red.example.org"',
    26: '1450',
    28: '10.0.0.255',
    51: '86400',
    53: 'Offer',
    54: '10.0.0.2',
    58: '43200',
    59: '75600',
    119: '3.114.101.100.7.101.120.97.109.112.108.101.3.111.114.103.0',
    121: routes,
    249: routes,
  })
})

describe('what is asked for', () => {
  const always = [1, 3, 6, 15, 26, 51, 53, 54, 58, 59, 121]
  test.each<[string, string, number[]]>([
    ['nothing that is not told anyway', '37020103', always],
    ['the name and the search list', '37020c77', [...always, 12, 119]],
    ['what the port does not have', '37012a', always],
    ['nothing in particular', '', [...always, 12, 28, 119, 249]],
  ])('%s', (_, asking, codes) => {
    const { options } = told({ asking })
    expect(Object.keys(options).map(Number)).toEqual(codes.toSorted((a, b) => a - b))
  })
})

describe('the subnet', () => {
  test.each<[string, Told, Record<number, string | undefined>]>([
    [
      'without a gateway',
      { subnet: { gatewayIp: undefined } },
      { 3: undefined, 121: '(192.0.2.0/25:10.0.0.254),(169.254.169.254/32:10.0.0.11)' },
    ],
    [
      'without routes',
      { subnet: { hostRoutes: [] } },
      { 121: '(169.254.169.254/32:10.0.0.11),(default:10.0.0.1)' },
    ],
    [
      'without the metadata route',
      { options: { df_add_link_local_route: false } },
      { 121: '(192.0.2.0/25:10.0.0.254),(default:10.0.0.1)' },
    ],
    [
      'without any route',
      { options: { df_add_link_local_route: false }, subnet: { hostRoutes: [], gatewayIp: undefined } },
      { 121: undefined, 249: undefined },
    ],
    [
      'with a default route of its own',
      { subnet: { hostRoutes: [{ destination: '0.0.0.0/0', nexthop: '10.0.0.254' }] } },
      { 3: '10.0.0.1', 121: '(169.254.169.254/32:10.0.0.11),(default:10.0.0.254)' },
    ],
    [
      'without a resolver: those of df.conf',
      { subnet: { dnsNameservers: [] }, options: { df_dns_servers: ['2001:db8::53', '203.0.113.53'] } },
      { 6: '203.0.113.53' },
    ],
    [
      'with resolvers of the other family: as without',
      { subnet: { dnsNameservers: ['2001:db8::53'] } },
      { 6: '10.0.0.2' },
    ],
    ['without a resolver anywhere: the server itself', { subnet: { dnsNameservers: [] } }, { 6: '10.0.0.2' }],
    ['without a domain: the default one', { subnet: { domain: undefined } }, { 15: '"openstacklocal"' }],
    [
      'with a domain that is none',
      { subnet: { domain: { name: 'no domain', ttl: undefined, isAuthoritative: false } } },
      { 15: '"openstacklocal"' },
    ],
  ])('%s', (_, said, wanted) => {
    const { options } = told(said)
    for (const [code, value] of Object.entries(wanted))
      expect(options[Number(code)], `option ${code}`).toBe(value)
  })

  test.each<[string, string, string, string]>([
    ['10.0.0.0/25', '10.0.0.11', '255.255.255.128', '10.0.0.127'],
    ['10.0.0.0/8', '10.0.0.11', '255.0.0.0', '10.255.255.255'],
    ['10.0.0.11/32', '10.0.0.11', '255.255.255.255', '10.0.0.11'],
    ['0.0.0.0/0', '10.0.0.11', '0.0.0.0', '255.255.255.255'],
  ])('%s: mask and broadcast address', (cidr, _ip, mask, broadcast) => {
    expect(told({ subnet: { cidr } }).options).toMatchObject({ 1: mask, 28: broadcast })
  })
})

test.each([undefined, 0])('a network of the MTU %s, and nothing with a domain', (mtu) => {
  const network = { ...dhcpNetwork('red', 1, { domain: undefined }), mtu }
  const view = localView([network], [portOf(network, 1, 'web', ['10.0.0.11'])])
  const host = hostOf()
  const app = appOf({}, { ...host, common: { ...host.common, dnsDomain: '' } })
  const { options } = replyOf(ask(app, view, view.localPorts[0]!, frameOf({ options: discover })))
  expect(options).toMatchObject({ 12: '"web"', 26: '1460' })
  for (const code of [15, 119]) expect(options[code]).toBeUndefined()
})

describe('times', () => {
  test.each([
    [3600, { 51: '3600', 58: '1800', 59: '3150' }],
    [-1, { 51: '4294967295' }],
  ])('a lease of %i seconds', (leaseSeconds, times) => {
    const { 51: lease, 58: renewal, 59: rebinding } = told({ leaseSeconds }).options
    expect({ 51: lease, ...(renewal && { 58: renewal }), ...(rebinding && { 59: rebinding }) }).toEqual(times)
  })
})

describe('the row of a port', () => {
  // biome-ignore format: a row a line
  test.each<[string, Record<number, string>, Record<number, string>]>([
    ['another router, and with it another default route', { 3: '10.0.0.9' }, { 3: '10.0.0.9', 121: routes.replace('10.0.0.1)', '10.0.0.9)') }],
    ['two routers', { 3: '10.0.0.9,10.0.0.8' }, { 3: '10.0.0.9,10.0.0.8', 121: routes.replace('10.0.0.1)', '10.0.0.9)') }],
    ['other resolvers', { 6: '10.0.0.53,10.0.0.54' }, { 6: '10.0.0.53,10.0.0.54' }],
    ['another name', { 12: 'other' }, { 12: '"other"' }],
    ['another domain', { 15: 'dev.example.org' }, { 15: '"dev.example.org"' }],
    ['another MTU', { 26: '9000' }, { 26: '9000' }],
    ['another time', { 51: '120' }, { 51: '120', 58: '60', 59: '105' }],
    ['times of its own', { 51: '120', 58: '10', 59: '20' }, { 51: '120', 58: '10', 59: '20' }],
    ['a time server', { 42: '10.0.0.123' }, { 42: '10.0.0.123' }],
    ['a text', { 17: '/srv/root' }, { 17: '"/srv/root"' }],
    ['a route of its own', { 121: '10.8.0.0/16,10.0.0.7' }, { 121: routes.replace(',(default', ',(10.8.0.0/16:10.0.0.7),(default') }],
    ['a route instead of the subnet’s', { 121: '192.0.2.0/25,10.0.0.7' }, { 121: routes.replace('10.0.0.254', '10.0.0.7') }],
    ['a default route instead of the subnet’s', { 121: '0.0.0.0/0,10.0.0.7' }, { 121: routes.replace('10.0.0.1)', '10.0.0.7)') }],
    ['routes for Windows alone', { 249: '10.8.0.0/16,10.0.0.7' }, { 121: routes, 249: '(10.8.0.0/16:10.0.0.7)' }],
  ])('%s', (_, options, wanted) => {
    expect(told({ port: params(options) }).options).toMatchObject(wanted)
  })

  test('a lease for ever is not renewed', () => {
    const { 51: lease, 58: renewal, 59: rebinding } = told({ port: params({ 51: '-1' }) }).options
    expect([lease, renewal, rebinding]).toEqual(['4294967295', undefined, undefined])
  })

  test('an empty value says that there is none', () => {
    const { options } = told({ port: params({ 3: '', 6: ' ', 12: '', 26: '', 121: '' }) })
    for (const code of [3, 6, 12, 26, 121]) expect(options[code], `option ${code}`).toBeUndefined()
    expect(options[249]).toBe(routes.replace(',(default:10.0.0.1)', ''))
  })

  test('what it boots, in the options and in the fields', () => {
    const { fields, options } = told({ port: params({ 66: '10.0.0.250', 67: 'pxelinux.0' }, '10.0.0.251') })
    expect(fields).toMatchObject({ 'Server-IP': '10.0.0.251', sname: '"10.0.0.250"', file: '"pxelinux.0"' })
    expect(options).toMatchObject({ 66: '"10.0.0.250"', 67: '"pxelinux.0"' })
  })

  test('what it boots, if it is too long for the fields', () => {
    const { fields, options } = told({ port: params({ 66: 'a'.repeat(64), 67: 'b'.repeat(127) }) })
    expect(fields).toMatchObject({ 'Server-IP': '10.0.0.2', file: `"${'b'.repeat(127)}"` })
    expect(fields.sname).toBeUndefined()
    expect(options[66]).toBe(`"${'a'.repeat(64)}"`)
  })
})

describe('what no port can be told is listed', () => {
  const problemsOf = (subnet: Partial<Subnet>, port: Partial<Port>) => {
    const { view } = twoTenants(subnet, port)
    const { problems } = appOf().inspect!.check!({}, view) as { problems: { row: string; reason: string }[] }
    return problems.filter(({ row }) => row.includes('red')).map(({ row, reason }) => `${row}: ${reason}`)
  }

  // biome-ignore format: a row a line
  test.each<[string, Record<number, string>, string[]]>([
    ['a router that is no address', { 3: 'router' }, ["lport/net-red-1: option 3: 'router' is no value of it"]],
    ['the type of the message', { 53: '5' }, ['lport/net-red-1: option 53 belongs to the protocol']],
    ['no lease time', { 51: '' }, ["lport/net-red-1: option 51: '' is no value of it"]],
    ['a number that no option has', { 259: '10.0.0.9' }, ['lport/net-red-1: option 259: the highest number is 254']],
    ['nothing wrong', { 3: '10.0.0.9' }, []],
  ])('%s', (_, options, problems) => {
    expect(problemsOf({}, params(options))).toEqual(problems)
  })

  test('and the client is told what the subnet says', () => {
    expect(told({ port: params({ 3: 'router', 51: '', 53: '5' }) }).options).toMatchObject({
      3: '10.0.0.1',
      51: '86400',
      53: 'Offer',
    })
  })

  test('a server to boot from that is of the other family', () => {
    const port = params({}, '2001:db8::69')
    expect(problemsOf({}, port)).toEqual(["lport/net-red-1: siaddr: '2001:db8::69' is not an IPv4 address"])
    expect(told({ port }).fields).toMatchObject({ 'Server-IP': '10.0.0.2' })
  })

  test('a subnet without a server', () => {
    expect(problemsOf({ dhcpIp: undefined, gatewayIp: undefined }, {})).toEqual([
      'lsubnet/subnet-red-v4: has DHCP, but no dhcp_ip and no gateway_ip',
    ])
    expect(problemsOf({ isDhcpEnabled: false }, params({ 3: 'router' }))).toEqual([])
  })
})

describe('which address', () => {
  const inSubnets = (...addresses: [string, Partial<Subnet>][]) => {
    const network = dhcpNetwork('red', 1)
    const subnets = addresses.map(([ip, more], index) => ({
      ...network.subnets[0]!,
      id: `s-${index}`,
      ...more,
      ip,
    }))
    const port: Port = {
      ...portOf(network, 1, 'web', []),
      addresses: subnets.map(({ ip, ...subnet }) => ({ ip, subnet })),
    }
    const view = localView([{ ...network, subnets: port.addresses.map(({ subnet }) => subnet!) }], [port])
    return ask(appOf(), view, view.localPorts[0]!, frameOf({ options: discover }))
  }
  const ipv6 = { cidr: 'fd00:a::/64' }

  test.each<[string, [string, Partial<Subnet>][], string]>([
    [
      'IPv4 before IPv6',
      [
        ['10.0.0.11', {}],
        ['fd00:a::11', ipv6],
      ],
      '10.0.0.11',
    ],
    [
      'IPv6 before IPv4',
      [
        ['fd00:a::11', ipv6],
        ['10.0.0.11', {}],
      ],
      '10.0.0.11',
    ],
    [
      'the first of two',
      [
        ['10.0.0.12', {}],
        ['10.0.0.11', {}],
      ],
      '10.0.0.12',
    ],
    [
      'the first whose subnet has DHCP',
      [
        ['10.0.0.12', { isDhcpEnabled: false }],
        ['10.0.0.11', {}],
      ],
      '10.0.0.11',
    ],
  ])('%s', (_, addresses, ip) => {
    expect(replyOf(inSubnets(...addresses)).fields['Your-IP']).toBe(ip)
  })

  test('none, if no subnet has DHCP', () => {
    expect(inSubnets(['10.0.0.11', { isDhcpEnabled: false }])).toEqual({ kind: 'drop', why: 'not_served' })
    expect(inSubnets(['fd00:a::11', ipv6])).toEqual({ kind: 'drop', why: 'not_served' })
  })
})
