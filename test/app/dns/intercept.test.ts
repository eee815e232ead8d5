import { describe, expect, test } from 'vitest'
import {
  createInterceptions,
  type Intercept,
  type Interception,
  isIntercepted,
} from '../../../src/app/dns/intercept.ts'
import { reachOf } from '../../../src/app/reach.ts'
import type { Network, Port, Router, View } from '../../../src/app/view.ts'
import { appsOf, cloudOf } from '../../support/cloud.ts'
import { eth, ipv4, ipv6, udp } from '../../support/frames.ts'
import { networkOf, portOf, type Tenant, tenants, viewOf } from '../../support/view.ts'
import { appOf } from './asking.ts'

/** A second network of a tenant, 10.<key>.0.0/24, with a gateway, a DHCP server and these announced servers. */
function stubOf(tenant: Tenant, key: number, dnsNameservers: string[] = []): Network {
  const plain = networkOf(tenant, key)
  const id = `stub-${tenant}-${key}`
  const cidr = `10.${key}.0.0/24`
  const subnet = { ...plain.subnets[0]!, id: `${id}-v4`, networkId: id, cidr }
  const own = { gatewayIp: `10.${key}.0.1`, dhcpIp: `10.${key}.0.2`, dnsNameservers }
  return { ...plain, id, subnets: [{ ...subnet, ...own }] }
}

function routerOf(tenant: Tenant, networks: readonly Network[], id = `router-${tenant}`): Router {
  const ports = networks.map((network) => ({
    id: `${id}-${network.id}`,
    key: 0,
    networkId: network.id,
    networks: [],
    mac: 'fa:16:3e:00:01:01',
  }))
  return { id, key: 1, topic: tenants[tenant], name: id, ports, routes: [] }
}

const routed = (view: View, ...routers: Router[]): View => ({
  ...view,
  routers: new Map(routers.map((router) => [router.id, router])),
})

/**
 * Two tenants alike: an asker at 10.0.0.11 on the first network, a router that joins the second (10.7.0.0/24, with a guest
 * at .53 that may also use 172.16.0.9) and, not joined, a third (10.8.0.0/24, with a guest at .53).
 */
function cloud(more: Partial<Record<Tenant, { nameservers?: string[] }>> = {}) {
  const routers: Router[] = []
  const networks: Network[] = []
  const ports: Port[] = []
  for (const [tenant, first] of [
    ['red', 1],
    ['blue', 4],
  ] as const) {
    const plain = networkOf(tenant, first)
    const [v4, v6] = plain.subnets
    const dnsNameservers = more[tenant]?.nameservers ?? []
    const home = { ...plain, subnets: [{ ...v4!, dhcpIp: '10.0.0.2', dnsNameservers }, v6!] }
    const joined = { ...stubOf(tenant, 7, ['10.7.0.9']), key: first + 1 }
    const lonely = { ...stubOf(tenant, 8), key: first + 2 }
    const pair = { ip: '172.16.0.9', mac: '' }
    networks.push(home, joined, lonely)
    ports.push(
      portOf(home, first, 'web', ['10.0.0.11', 'fd00:a::11']),
      { ...portOf(home, first + 30, 'ns', ['10.0.0.53']), chassis: 'compute-2' },
      { ...portOf(joined, first + 1, 'ns', ['10.7.0.53']), allowedAddressPairs: [pair] },
      portOf(lonely, first + 2, 'ns', ['10.8.0.53']),
      { ...portOf(joined, first + 20, undefined, ['10.7.0.1']), deviceOwner: 'network:router_interface' },
    )
    routers.push(routerOf(tenant, [home, joined]))
  }
  return { view: routed(viewOf(networks, ports, { 1: 11, 4: 14 }), ...routers), networks, ports, routers }
}

const asked = (intercept: Intercept, view: View): Interception[] =>
  createInterceptions(intercept)(view, view.localPorts)

const isAsked = (intercept: Intercept, view: View, ip: string, index = 0) =>
  isIntercepted(intercept, asked(intercept, view)[index]!, reachOf(ip)!)

describe.each(['red', 'blue'] as const)('from a network of %s', (tenant) => {
  const index = tenant === 'red' ? 0 : 1

  // biome-ignore format: one destination a line
  test.each<[string, string, boolean, boolean]>([
    ['a server outside',                                '198.51.100.53',  true,  false],
    ['a server outside over IPv6',                      '2001:db8::53',   true,  false],
    ['an address in the own subnet',                    '10.0.0.77',      false, false],
    ['an address in the own IPv6 subnet',               'fd00:a::77',     false, false],
    ['a neighbour',                                     '10.0.0.53',      false, false],
    ['the gateway',                                     '10.0.0.1',       true,  false],
    ['the IPv6 gateway',                                'fd00:a::1',      true,  false],
    ['the DHCP server, announced without another',      '10.0.0.2',       true,  true],
    ['a server across the router',                      '10.7.0.53',      false, false],
    ['any other address across the router',             '10.7.0.77',      false, false],
    ['the gateway across the router, a port of it',     '10.7.0.1',       true,  false],
    ['the DHCP server across the router',               '10.7.0.2',       true,  false],
    ['what is announced there and no port has',         '10.7.0.9',       true,  false],
    ['an address pair of a guest across the router',    '172.16.0.9',     false, false],
    ['its neighbour',                                   '172.16.0.10',    true,  false],
    ['a guest of a network that no router joins',       '10.8.0.53',      true,  false],
    ['a link-local address',                            'fe80::1',        false, false],
  ])('%s (%s): external %s, advertised %s', (_name, ip, isExternal, isAdvertised) => {
    const { view } = cloud()
    expect(isAsked('external', view, ip, index)).toBe(isExternal)
    expect(isAsked('advertised', view, ip, index)).toBe(isAdvertised)
  })

  // biome-ignore format: one server a line
  test.each<[string, string, boolean]>([
    ['outside',                             '198.51.100.53', true],
    ['outside over IPv6',                   '2001:db8::53',  true],
    ['inside that no port has',             '10.0.0.9',      true],
    ['that is a guest',                     '10.0.0.53',     false],
    ['that is a guest across the router',   '10.7.0.53',     false],
    ['across the router that nobody knows', '10.7.0.77',     false],
    ['across the router, announced there',  '10.7.0.9',      true],
    ['that a guest across the router may be', '172.16.0.9',  false],
    ['on the link',                         'fe80::53',      false],
  ])('an announced server %s is asked: %s', (_name, ip, expected) => {
    const { view } = cloud({ [tenant]: { nameservers: [ip] } })
    expect(isAsked('advertised', view, ip, index)).toBe(expected)
    expect(isAsked('external', view, ip, index)).toBe(expected)
    expect(isAsked('advertised', view, '10.0.0.2', index)).toBe(false)
    // The other tenant's networks do not know it.
    expect(isAsked('advertised', view, ip, 1 - index)).toBe(false)
  })
})

describe('the DHCP server of a subnet', () => {
  const dhcpPort = (network: Network, chassis: string | undefined): Port => ({
    ...portOf(network, 9, undefined, ['10.0.0.3']),
    deviceOwner: 'network:dhcp',
    chassis,
  })
  /** Red's asker and, if there is one, a DHCP port; `more` is of the IPv4 subnet. */
  const served = (more: object, chassis?: string) => {
    const plain = networkOf('red', 1)
    const [v4, v6] = plain.subnets
    const network = { ...plain, subnets: [{ ...v4!, isDhcpEnabled: true, ...more }, v6!] }
    const ports = [portOf(network, 1, 'web', ['10.0.0.11']), dhcpPort(network, chassis)]
    return viewOf([network], ports, { 1: 11 })
  }

  // biome-ignore format: one server a line
  test.each<[string, View, string, boolean, boolean]>([
    ['the DHCP port, on no node',              served({}),                       '10.0.0.3', true,  true],
    ['the DHCP port, an agent’s',              served({}, 'compute-2'),          '10.0.0.3', false, false],
    ['dhcp_ip, before the port',               served({ dhcpIp: '10.0.0.2' }),   '10.0.0.2', true,  true],
    ['the port, behind dhcp_ip',               served({ dhcpIp: '10.0.0.2' }),   '10.0.0.3', true,  false],
    ['the port, where another is announced',   served({ dnsNameservers: ['10.0.0.9'] }), '10.0.0.3', true, false],
    ['the port, where there is no DHCP',       served({ isDhcpEnabled: false }), '10.0.0.3', true,  false],
  ])('%s: external %s', (_, view, ip, isExternal, isAdvertised) => {
    expect([isAsked('external', view, ip), isAsked('advertised', view, ip)]).toEqual([isExternal, isAdvertised])
  })

  test('is the gateway where there is no other, and announced', () => {
    const plain = networkOf('red', 1)
    const network = { ...plain, subnets: [{ ...plain.subnets[0]!, isDhcpEnabled: true }] }
    const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11'])], { 1: 11 })
    expect(isAsked('advertised', view, '10.0.0.1')).toBe(true)
    const nowhere = { ...network, subnets: [{ ...network.subnets[0]!, gatewayIp: undefined }] }
    const other = viewOf([nowhere], [portOf(nowhere, 1, 'web', ['10.0.0.11'])], { 1: 11 })
    expect(isAsked('advertised', other, '10.0.0.1')).toBe(false)
  })
})

describe('routers', () => {
  test('of another tenant join nothing for us', () => {
    const { view, networks, routers } = cloud()
    const foreign = routerOf('blue', [networks[0]!, networks[5]!], 'foreign')
    expect(isAsked('external', routed(view, ...routers, foreign), '10.8.0.53')).toBe(true)
    const own = routerOf('red', [networks[0]!, networks[2]!], 'own')
    expect(isAsked('external', routed(view, ...routers, own), '10.8.0.53')).toBe(false)
  })

  test('join in both directions, for askers on either side', () => {
    const { view, ports } = cloud()
    const behind = { ...ports[2]!, ofport: 12 }
    const both = { ...view, localPorts: [view.localPorts[0]!, behind] }
    expect(asked('external', both).map(({ network }) => network.id)).toEqual(['net-red', 'stub-red-7'])
    for (const index of [0, 1])
      for (const ip of ['10.0.0.53', '10.7.0.53']) expect(isAsked('external', both, ip, index)).toBe(false)
  })

  test('that join a network nobody knows do no harm', () => {
    const { view, networks } = cloud()
    const broken = routerOf('red', [networks[0]!, { ...networks[1]!, id: 'unknown' }])
    expect(isAsked('external', routed(view, broken), '10.7.0.53')).toBe(true)
  })

  test('count for each tenant with askers on a shared network', () => {
    const { view, networks, ports, routers } = cloud()
    const guest = { ...ports[5]!, id: 'blue-on-red', key: 9, networkId: networks[0]!.id, ofport: 19 }
    const own = routerOf('blue', [networks[0]!, networks[5]!], 'own')
    const shared = { ...routed(view, ...routers, own), localPorts: [...view.localPorts, guest] }
    expect(isAsked('external', shared, '10.8.0.53')).toBe(false)
    expect(isAsked('external', routed(view, ...routers, own), '10.8.0.53')).toBe(true)
  })

  test('that go take their networks with them', () => {
    const { view, routers } = cloud()
    const interceptions = createInterceptions('external')
    const before = interceptions(view, view.localPorts)
    const after = interceptions(routed(view, routers[1]!), view.localPorts)
    expect(isIntercepted('external', before[0]!, reachOf('10.7.0.53')!)).toBe(false)
    expect(isIntercepted('external', after[0]!, reachOf('10.7.0.53')!)).toBe(true)
    expect(after[1]).toBe(before[1])
    expect(interceptions(view, view.localPorts)[0]).toEqual(before[0])
  })
})

describe.each(['external', 'advertised'] as const)(
  'the rows for %s do what the function says',
  (intercept) => {
    const { view } = cloud({ red: { nameservers: ['198.51.100.53', '10.0.0.53', '10.7.0.9'] } })
    const apps = [
      ...appsOf(['classifier', 'portsec', 'l2', 'provider']),
      appOf({ df_dns_intercept: intercept }),
    ]

    // biome-ignore format: a list of addresses
    const destinations = [
    '198.51.100.53', '198.51.100.54', '2001:db8::53', '10.0.0.1', '10.0.0.2', '10.0.0.53', '10.0.0.77', '10.7.0.1',
    '10.7.0.2', '10.7.0.9', '10.7.0.53', '10.7.0.77', '10.8.0.1', '10.8.0.53', '172.16.0.9', '172.16.0.10', 'fd00:a::1',
    'fd00:a::77', 'fe80::1',
  ]

    test.each([
      ['red-web', 0],
      ['blue-web', 1],
    ] as const)('for %s', (port, index) => {
      const { fake, port: portNamed } = cloudOf(view, apps)
      const punted = destinations.filter((to) => {
        fake.punts.length = 0
        const { lport, sends } = portNamed(port)
        const payload = udp(4000, 53)
        const packet = to.includes(':') ? ipv6('fd00:a::11', to, payload) : ipv4('10.0.0.11', to, payload)
        sends(eth(lport!.macs[0]!, '02:00:00:00:00:01', packet))
        return fake.punts.length > 0
      })
      const said = destinations.filter((to) => isAsked(intercept, view, to, index))
      expect(punted).toEqual(said)
      expect(said.length).toBeGreaterThan(0)
    })
  },
)

test('a guest that comes makes no other part of the flows anew', () => {
  const { view, networks } = cloud()
  const app = appOf()
  const before = [...app.units!(view)]
  const guest = portOf(networks[0]!, 30, 'new', ['10.0.0.30'])
  const after = [...app.units!({ ...view, ports: new Map([...view.ports, [guest.id, guest]]) })]
  expect(after).toHaveLength(before.length)
  expect(after.filter((part, index) => part !== before[index])).toEqual([])
})

describe('what did not change stays the very same', () => {
  const isSame = (next: (view: View, made: ReturnType<typeof cloud>) => View) => {
    const made = cloud()
    const interceptions = createInterceptions('external')
    const before = interceptions(made.view, made.view.localPorts)
    const view = next(made.view, made)
    const after = interceptions(view, view.localPorts)
    return before.map((each, index) => each === after[index])
  }
  const withPort = (view: View, port: Port): View => ({
    ...view,
    ports: new Map([...view.ports, [port.id, port]]),
  })

  // biome-ignore format: one change a line
  test.each<[string, [boolean, boolean], Parameters<typeof isSame>[0]]>([
    ['nothing at all',                       [true, true],  (view) => view],
    ['an equal router',                      [true, true],  (view, { routers }) => routed(view, { ...routers[0]! }, routers[1]!)],
    ['a guest inside the own subnet',        [true, true],  (view, { networks }) => withPort(view, portOf(networks[0]!, 30, 'new', ['10.0.0.30']))],
    ['a guest inside across the router',     [true, true],  (view, { networks }) => withPort(view, portOf(networks[1]!, 30, 'new', ['10.7.0.30']))],
    ['a guest that is the gateway there',    [false, true], (view, { networks }) => withPort(view, portOf(networks[1]!, 30, 'new', ['10.7.0.1']))],
    ['a guest outside the own subnet',       [false, true], (view, { networks }) => withPort(view, portOf(networks[0]!, 30, 'new', ['172.16.1.1']))],
    ['a guest of a network not joined',      [true, true],  (view, { networks }) => withPort(view, portOf(networks[2]!, 30, 'new', ['172.16.1.1']))],
  ])('%s: red %j', (_name, expected, next) => {
    expect(isSame(next)).toEqual(expected)
  })
})

test('what a guest across the router may be is never asked, not even as a gateway', () => {
  const { view, ports, networks } = cloud()
  const pair = { ...ports[2]!, allowedAddressPairs: [{ ip: '10.0.0.0/28', mac: '' }] }
  const changed = { ...view, ports: new Map([...view.ports, [pair.id, pair]]) }
  expect(networks[0]!.subnets[0]!.gatewayIp).toBe('10.0.0.1')
  expect(isAsked('external', changed, '10.0.0.1')).toBe(false)
  expect(isAsked('external', changed, '10.0.0.1', 1)).toBe(true)
})
