/** What ports are told of IPv6: addresses, resolvers, ways out, from rows that may be anything. */

import { describe, expect, test } from 'vitest'
import type { ServiceRules } from '../../../../src/app/dhcp/service.ts'
import { advertisementOf } from '../../../../src/app/dhcp/v6/decision.ts'
import { type Link, linkOf, routerMacs } from '../../../../src/app/dhcp/v6/link.ts'
import { rangeText } from '../../../../src/app/reach.ts'
import type { LocalPort, Port, Subnet, View } from '../../../../src/app/view.ts'
import { autoIp, type CloudOptions, cloudView, linkLocals, macs, portIn } from './cloud.ts'

const rules: ServiceRules = {
  dnsServers: [],
  defaultDomain: undefined,
  defaultMtu: 1460,
  leaseSeconds: 86_400,
}

interface Told extends CloudOptions {
  readonly name?: string
  readonly port?: Partial<LocalPort>
  readonly dhcpPorts?: readonly Port[]
  readonly rules?: Partial<ServiceRules>
  readonly view?: View
}

function told(options: Told = {}): Link | undefined {
  const view = options.view ?? cloudView(options)
  const port = { ...portIn(view, 'red', options.name ?? 'web'), ...options.port }
  const network = view.networks.get(port.networkId)!
  return linkOf(port, network, options.dhcpPorts ?? [], routerMacs(view.routers), {
    ...rules,
    ...options.rules,
  })
}

const only =
  (family: '4' | '6', change: Partial<Subnet>) =>
  ({ cidr }: Subnet): Partial<Subnet> =>
    cidr.includes(':') === (family === '6') ? change : {}

describe('a port is told', () => {
  test('its row’s addresses, and which of them its MAC address makes', () => {
    const made = (options: Told) => told(options)!.addresses.map(({ ip, isAutonomous }) => [ip, isAutonomous])
    expect(made({})).toEqual([['fd00:a::11', false]])
    expect(made({ name: 'auto' })).toEqual([[autoIp, true]])
  })

  test('no address that is made where prefixes are not of 64 bits', () => {
    const view = cloudView({ change: only('6', { cidr: 'fd00:a::/56' }) })
    expect(told({ view, name: 'auto' })!.addresses).toMatchObject([{ ip: autoIp, isAutonomous: false }])
  })

  test.each<[string, Told]>([
    ['without an IPv6 address', { name: 'none' }],
    ['in a subnet without DHCP', { change: only('6', { isDhcpEnabled: false }) }],
    ['with an address of no subnet', { port: { addresses: [{ ip: 'fd00:a::11', subnet: undefined }] } }],
  ])('nothing %s', (_, options) => {
    expect(told(options)).toBeUndefined()
  })

  test('the way out by the router at the gateway', () => {
    expect(told()).toMatchObject({
      isRouted: true,
      advertiser: { mac: macs.router, ip: linkLocals.router },
    })
  })

  test.each<[string, Told]>([
    ['there is no router', { hasRouters: false }],
    ['the router is at another address', { change: only('6', { gatewayIp: 'fd00:a::2' }) }],
    ['there is no gateway', { change: only('6', { gatewayIp: undefined }) }],
  ])('no way out if %s', (_, options) => {
    const link = told(options)!
    expect([link.isRouted, link.advertiser, link.routes]).toEqual([false, link.server, []])
  })

  test('no way out by a router without a MAC address, nor by another tenant’s', () => {
    const view = cloudView()
    const [red, blue] = [...view.routers.values()]
    const mute = { ...red!, ports: red!.ports.map((port) => ({ ...port, mac: undefined })) }
    for (const routers of [[mute], [blue!]])
      expect(
        told({ view: { ...view, routers: new Map(routers.map((each) => [each.id, each])) } }),
      ).toMatchObject({
        isRouted: false,
      })
  })

  test('the first of two routers at one gateway', () => {
    const view = cloudView()
    const [red] = [...view.routers.values()]
    const later = { ...red!, id: 'z', ports: red!.ports.map((port) => ({ ...port, mac: macs.web })) }
    const routers = new Map([red!, later].map((each) => [each.id, each]))
    expect(told({ view: { ...view, routers } })).toMatchObject({ advertiser: { mac: macs.router } })
  })

  test('the routes by way of the gateway, each once; IPv4 and other next hops are left out', () => {
    const route = (destination: string, nexthop = 'fd00:a::1') => ({ destination, nexthop })
    const hostRoutes = [
      ...[route('2001:db8:9::/48'), route('2001:db8:8::1'), route('2001:db8:9::/48')],
      ...[route('2001:db8:7::/48', 'fd00:a::7'), route('198.51.100.0/24'), route('nowhere')],
    ]
    expect(told({ change: only('6', { hostRoutes }) })!.routes.map(rangeText)).toEqual([
      '2001:db8:9::/48',
      '2001:db8:8::1/128',
    ])
    const many = Array.from({ length: 40 }, (_, index) => route(`2001:db8:${index}::/48`))
    expect(told({ change: only('6', { hostRoutes: many }) })!.routes).toHaveLength(16)
  })

  test('the network’s MTU, if IPv6 can be used with it', () => {
    expect(told({ mtu: 1280 })!.mtu).toBe(1280)
    expect(told({ mtu: 1279 })!.mtu).toBeUndefined()
    expect(told({ mtu: undefined })!.mtu).toBe(1460)
  })
})

describe('the resolvers', () => {
  const resolversOf = (options: Told = {}) => told(options)!.nameservers
  const none = only('6', { dnsNameservers: [] })

  test('are the subnet’s of IPv6', () => {
    expect(resolversOf()).toEqual(['fd00:a::53', '2001:db8::53'])
  })

  test('are else those of df.conf', () => {
    const dnsServers = ['198.51.100.53', '2001:DB8:0::99']
    expect(resolversOf({ change: none, rules: { dnsServers } })).toEqual(['2001:db8::99'])
    const ipv4 = only('6', { dnsNameservers: ['198.51.100.1'] })
    expect(resolversOf({ change: ipv4, rules: { dnsServers } })).toEqual(['2001:db8::99'])
  })

  test('are else the subnet’s server: its dhcp_ip, a DHCP port, the gateway', () => {
    expect(resolversOf({ change: only('6', { dnsNameservers: [], dhcpIp: 'fd00:a::3' }) })).toEqual([
      'fd00:a::3',
    ])
    const view = cloudView({ change: none })
    const subnet = [...view.subnets.values()].find(({ id }) => id === 'subnet-red-v6')!
    const dhcpPort = { ...portIn(view, 'red', 'none'), addresses: [{ ip: 'fd00:a::2', subnet }] }
    expect(resolversOf({ view, dhcpPorts: [dhcpPort] })).toEqual(['fd00:a::2'])
    expect(resolversOf({ view })).toEqual(['fd00:a::1'])
  })

  test('are none where there is nobody', () => {
    expect(resolversOf({ change: only('6', { dnsNameservers: [], gatewayIp: undefined }) })).toEqual([])
    expect(resolversOf({ change: only('6', { dnsNameservers: [], gatewayIp: '10.0.0.1' }) })).toEqual([])
  })

  test('are at most eight', () => {
    const dnsNameservers = Array.from({ length: 20 }, (_, index) => `2001:db8::${index + 1}`)
    expect(resolversOf({ change: only('6', { dnsNameservers }) })).toEqual(dnsNameservers.slice(0, 8))
  })
})

test('an advertisement has four prefixes, and sends machines to DHCPv6 for more', () => {
  const view = cloudView()
  const auto = portIn(view, 'red', 'auto')
  const subnet = auto.addresses[0]!.subnet!
  const addresses = Array.from({ length: 6 }, (_, index) => ({
    ip: `fd00:${index}::f816:3eff:fe00:12`,
    subnet: { ...subnet, id: `subnet-${index}`, cidr: `fd00:${index}::/64` },
  }))
  const saidOf = (count: number) =>
    advertisementOf(told({ view, name: 'auto', port: { addresses: addresses.slice(0, count) } })!)
  expect([4, 6].map((count) => [saidOf(count).prefixes.length, saidOf(count).isManaged])).toEqual([
    [4, false],
    [4, true],
  ])
})

describe('the server of DHCPv6', () => {
  test('is at the MAC address of the network’s DHCP port, whatever addresses it has', () => {
    const dhcpPort = { ...portIn(cloudView(), 'red', 'none'), addresses: [], macs: ['fa:16:3e:00:00:02'] }
    expect(told({ dhcpPorts: [dhcpPort] })!.server).toEqual({
      mac: 'fa:16:3e:00:00:02',
      ip: 'fe80::f816:3eff:fe00:2',
    })
  })

  test('is else at one made of its address, the same on every node', () => {
    expect(told()!.server).toEqual({ mac: '02:df:00:00:00:01', ip: 'fe80::df:ff:fe00:1' })
  })

  test('is there although no row says where', () => {
    expect(told({ change: only('6', { gatewayIp: undefined }) })!.server.mac).toBe('02:df:00:00:00:00')
  })
})

describe('names', () => {
  test('are each tenant’s own', () => {
    const view = cloudView()
    const link = (tenant: 'red' | 'blue') => {
      const port = portIn(view, tenant, 'web')
      return linkOf(port, view.networks.get(port.networkId)!, [], routerMacs(view.routers), rules)!
    }
    expect([link('red').domains, link('red').name]).toEqual([['red.example.org'], 'web.red.example.org'])
    expect([link('blue').domains, link('blue').name]).toEqual([['blue.example.org'], 'web.blue.example.org'])
  })

  test('without a domain are none', () => {
    expect(told({ change: only('6', { domain: undefined }) })).toMatchObject({ domains: [], name: undefined })
    expect(
      told({ change: only('6', { domain: undefined }), rules: { defaultDomain: 'cloud.example.org' } }),
    ).toMatchObject({ domains: ['cloud.example.org'], name: 'web.cloud.example.org' })
    expect(told({ port: { dnsName: undefined } })).toMatchObject({ name: undefined })
  })
})

test('several subnets are told together, each once', () => {
  const view = cloudView()
  const [v6] = [...view.subnets.values()].filter(({ id }) => id === 'subnet-red-v6')
  const second: Subnet = {
    ...v6!,
    id: 'second',
    cidr: 'fd00:c::/64',
    gatewayIp: 'fd00:c::1',
    dnsNameservers: ['2001:db8::53', '2001:db8::54'],
  }
  const port = portIn(view, 'red', 'web')
  const addresses = [
    ...port.addresses,
    { ip: 'fd00:c::11', subnet: second },
    { ip: 'fd00:c::f816:3eff:fe00:11', subnet: second },
  ]
  const link = told({ view, port: { addresses } })!
  expect(link.addresses.map(({ ip, isAutonomous }) => [ip, isAutonomous])).toEqual([
    ['fd00:a::11', false],
    ['fd00:c::11', false],
    ['fd00:c::f816:3eff:fe00:11', true],
  ])
  expect([link.nameservers, link.domains]).toEqual([
    ['fd00:a::53', '2001:db8::53', '2001:db8::54'],
    ['red.example.org'],
  ])
})
