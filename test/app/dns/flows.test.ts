import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import type { Network, Port, Subnet, View } from '../../../src/app/view.ts'
import { formatFlow, formatGroup } from '../../../src/openflow/index.ts'
import { networkOf, portOf, twoTenants, viewOf } from '../../support/view.ts'
import { appOf } from './asking.ts'

const textOf = (view: View, options = {}): string[] => [...appOf(options).flows(view)].map(formatFlow)

/** The rows of the table dns for one red network, its subnets changed, with these ports beside the asker's. */
function rows(subnet: Partial<Subnet>, ports: (network: Network) => Port[] = () => []): string[] {
  const plain = networkOf('red', 1)
  const [v4, v6] = plain.subnets
  const network = {
    ...plain,
    subnets: [
      { ...v4!, gatewayIp: undefined, ...subnet },
      { ...v6!, gatewayIp: undefined },
    ],
  }
  const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11']), ...ports(network)], { 1: 11 })
  return textOf(view).filter((text) => text.includes('metadata='))
}

test('the flows of two tenants', () => {
  expect(textOf(twoTenants())).toMatchInlineSnapshot(`
    [
      "table=31, priority=300,reg6=0xffffffff actions=goto_table:32",
      "table=31, priority=100,ipv6,ipv6_dst=fe80::/10 actions=goto_table:55",
      "table=31, priority=200,ip,metadata=0x1,nw_dst=10.0.0.1 actions=goto_table:32",
      "table=31, priority=200,ipv6,metadata=0x1,ipv6_dst=fd00:a::1 actions=goto_table:32",
      "table=31, priority=100,ip,metadata=0x1,nw_dst=10.0.0.0/24 actions=goto_table:55",
      "table=31, priority=100,ipv6,metadata=0x1,ipv6_dst=fd00:a::/64 actions=goto_table:55",
      "table=31, priority=200,ip,metadata=0x2,nw_dst=10.0.0.1 actions=goto_table:32",
      "table=31, priority=200,ipv6,metadata=0x2,ipv6_dst=fd00:a::1 actions=goto_table:32",
      "table=31, priority=100,ip,metadata=0x2,nw_dst=10.0.0.0/24 actions=goto_table:55",
      "table=31, priority=100,ipv6,metadata=0x2,ipv6_dst=fd00:a::/64 actions=goto_table:55",
      "table=31, priority=1 actions=goto_table:32",
      "table=32, priority=100,reg6=0x1 actions=group:31",
      "table=32, priority=100,reg6=0x2 actions=group:31",
      "table=32, priority=100,reg6=0x4 actions=group:31",
      "table=32, priority=100,reg6=0x5 actions=group:31",
      "table=32, priority=100,reg6=0xffffffff actions=group:31",
      "table=32, priority=1 actions=goto_table:55",
      "table=33, priority=1 actions=controller(userdata=64.6e.73,pause),resubmit(,55)",
    ]
  `)
})

test('the rows of the table dns where only what is advertised is asked', () => {
  const view = twoTenants()
  const networks = [...view.networks.values()].map((network) => {
    const [v4, v6] = network.subnets
    const announced = network.key === 1 ? ['198.51.100.53', '10.0.0.11'] : []
    return { ...network, subnets: [{ ...v4!, dhcpIp: '10.0.0.2', dnsNameservers: announced }, v6!] }
  })
  const changed = { ...view, networks: new Map(networks.map((network) => [network.id, network])) }
  const rows = textOf(changed, { df_dns_intercept: 'advertised' }).filter((text) => text.includes('table=31'))
  expect(rows).toMatchInlineSnapshot(`
    [
      "table=31, priority=300,reg6=0xffffffff actions=goto_table:32",
      "table=31, priority=100,ipv6,ipv6_dst=fe80::/10 actions=goto_table:55",
      "table=31, priority=200,ip,metadata=0x1,nw_dst=198.51.100.53 actions=goto_table:32",
      "table=31, priority=200,ip,metadata=0x2,nw_dst=10.0.0.2 actions=goto_table:32",
      "table=31, priority=1 actions=goto_table:55",
    ]
  `)
})

test('the groups', () => {
  expect([...appOf().groups!(twoTenants())].map(formatGroup)).toMatchInlineSnapshot(`
    [
      "group_id=32,type=indirect,bucket=actions=drop",
      "group_id=31,type=ff,bucket=watch_port:CONTROLLER,actions=resubmit(,33),bucket=watch_group:32,actions=resubmit(,55)",
    ]
  `)
})

test('are the same for the same view', () => {
  const view = twoTenants()
  expect(textOf(view)).toEqual(textOf(view))
})

test('every row about an address is about one network', () => {
  for (const text of textOf(twoTenants()))
    if (/nw_dst|ipv6_dst/.test(text) && !text.includes('fe80::/10')) expect(text).toMatch(/metadata=0x[12]\b/)
})

describe('askers', () => {
  test('a port that owns no names is not punted', () => {
    const network = networkOf('red', 1)
    const other = networkOf('blue', 2)
    const ports = [portOf(network, 1, 'web', ['10.0.0.11']), portOf(other, 4, undefined, ['10.0.0.11'])]
    const view = viewOf([network, other], ports, { 1: 11, 4: 14 })
    const text = textOf(view, { df_dns_default_hostnames: false }).join('\n')
    expect(text).toContain('reg6=0x1 ')
    expect(text).not.toContain('reg6=0x4 ')
    expect(text).not.toContain('metadata=0x2')
  })

  test('of a network that is not there have no rows for it', () => {
    const network = networkOf('red', 1)
    const view = {
      ...viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11'])], { 1: 11 }),
      networks: new Map(),
    }
    expect(textOf(view).filter((text) => text.includes('metadata'))).toEqual([])
  })

  test('on a network without guests have its subnets only', () => {
    const network = networkOf('red', 1)
    const router = { ...portOf(network, 1, 'router', ['10.0.0.1']), deviceOwner: 'network:router_interface' }
    const text = textOf(viewOf([network], [router], { 1: 11 }))
    expect(text.filter((row) => row.includes('metadata'))).toHaveLength(4)
  })

  test('without names only the probe is punted', () => {
    expect(textOf(viewOf([], [])).filter((text) => text.includes('reg6'))).toMatchInlineSnapshot(`
      [
        "table=31, priority=300,reg6=0xffffffff actions=goto_table:32",
        "table=32, priority=100,reg6=0xffffffff actions=group:31",
      ]
    `)
  })

  test('a port without a tenant is not punted', () => {
    const network = { ...networkOf('red', 1), topic: '' }
    const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11'])], { 1: 11 })
    expect(textOf(view).join()).not.toContain('reg6=0x1 ')
  })
})

describe('destinations inside a network', () => {
  const subnets = ['ip,metadata=0x1,nw_dst=10.0.0.0/24', 'ipv6,metadata=0x1,ipv6_dst=fd00:a::/64']
  const exempt = (match: string) => expect.stringContaining(`priority=100,${match} actions=goto_table:55`)
  const asked = (match: string) => expect.stringContaining(`priority=200,${match} actions=goto_table:32`)
  const others = subnets.map(exempt)
  const guest = (network: Network, ip: string, more: Partial<Port> = {}) => ({
    ...portOf(network, 7, undefined, [ip]),
    ...more,
  })
  const gateway = { gatewayIp: '10.0.0.1' }
  const askedGateway = asked('ip,metadata=0x1,nw_dst=10.0.0.1')

  // biome-ignore format: one case a line
  test.each<[string, Partial<Subnet>, (network: Network) => Port[], unknown[]]>([
    ['are left alone',                       {}, () => [], others],
    ['but for the gateway',                  gateway, () => [], [askedGateway, ...others]],
    ['and the DHCP server',                  { dhcpIp: '10.0.0.2' }, () => [], [asked('ip,metadata=0x1,nw_dst=10.0.0.2'), ...others]],
    ['and announced servers that no port is', { dnsNameservers: ['10.0.0.53', 'fd00:a::53'] }, () => [], [asked('ip,metadata=0x1,nw_dst=10.0.0.53'), asked('ipv6,metadata=0x1,ipv6_dst=fd00:a::53'), ...others]],
    ['announced servers outside need no row', { dnsNameservers: ['198.51.100.53'] }, () => [], others],
    ['each once',                            { ...gateway, dhcpIp: '10.0.0.1', dnsNameservers: ['10.0.0.1'] }, () => [], [askedGateway, ...others]],
    ['not a gateway that is a guest',        gateway, (network) => [guest(network, '10.0.0.1')], others],
    ['not one that a guest may use',         gateway, (network) => [guest(network, '10.0.0.9', { allowedAddressPairs: [{ ip: '10.0.0.1', mac: '' }] })], others],
    ['not one in a range of a guest',        gateway, (network) => [guest(network, '10.0.0.9', { allowedAddressPairs: [{ ip: '10.0.0.0/28', mac: '' }] })], others],
    ['a gateway that is a router',           gateway, (network) => [guest(network, '10.0.0.1', { deviceOwner: 'network:router_interface' })], [askedGateway, ...others]],
    ['a DHCP server that is a port',         { dhcpIp: '10.0.0.2' }, (network) => [guest(network, '10.0.0.2', { deviceOwner: 'network:dhcp' })], [asked('ip,metadata=0x1,nw_dst=10.0.0.2'), ...others]],
    ['a guest of another network is none',   gateway, () => [guest(networkOf('blue', 2), '10.0.0.1')], [askedGateway, ...others]],
    ['an announced server that is a guest',  { dnsNameservers: ['10.0.0.53'] }, (network) => [guest(network, '10.0.0.53')], others],
    ['a guest outside the subnets',          {}, (network) => [guest(network, '172.16.0.9')], [...others, exempt('ip,metadata=0x1,nw_dst=172.16.0.9')]],
    ['an address pair outside them',         {}, (network) => [guest(network, '10.0.0.9', { allowedAddressPairs: [{ ip: '172.16.0.0/28', mac: '' }] })], [...others, exempt('ip,metadata=0x1,nw_dst=172.16.0.0/28')]],
    ['a pair that allows all names none',    {}, (network) => [guest(network, '10.0.0.9', { allowedAddressPairs: [{ ip: '0.0.0.0/0', mac: '' }, { ip: '::/0', mac: '' }] })], others],
    ['subnets that are none are left out',   { cidr: 'nonsense', ...gateway }, () => [], [others[1], exempt('ip,metadata=0x1,nw_dst=10.0.0.11')]],
    ['addresses that are none are left out', { ...gateway, dnsNameservers: ['nonsense', '10.1'] }, (network) => [guest(network, 'nonsense')], [askedGateway, ...others]],
  ])('%s', (_name, subnet, ports, expected) => {
    expect(rows(subnet, ports)).toEqual(expected)
  })
})

test('Open vSwitch reads every flow as we print it', () => {
  const view = twoTenants()
  const app = appOf()
  const texts = [...app.lease!.rows, ...app.flows(view)].map(formatFlow)
  const input = `${texts.join('\n')}\n`
  const printed = execFileSync('ovs-ofctl', ['-O', 'OpenFlow13', 'parse-flows', '-'], {
    input,
    encoding: 'utf8',
  })
  const read = [...printed.matchAll(/ADD (.*)/g)].map((match) => match[1]!.replace('0x0000/0x1fff', '0x0000'))
  expect(read).toEqual(texts.map((text) => text.replace(/^table=(\d+), /, 'table:$1 ')))
})
