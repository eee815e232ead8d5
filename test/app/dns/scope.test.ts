/** `df_dns_scope`: what each setting adds, and what none of them does, in two tenants with the same addresses. */

import { describe, expect, test } from 'vitest'
import type { NameScope } from '../../../src/app/dns/port-names.ts'
import type { Network, Port, Router, View } from '../../../src/app/view.ts'
import { networkOf, portOf, routerOf, viewOf } from '../../support/view.ts'
import { appOf, ask } from './asking.ts'

/**
 * Of each tenant: `front` (10.0.0.0/24 and fd00:a::/64) with web (both families) and old (IPv4 only), `back`
 * (10.1.0.0/24), which a router of its own joins to it, with db and a second web, and `far` (10.2.0.0/24), which it does
 * not.
 */
function cloud(): View {
  const tenants = ['red', 'blue'] as const
  const networks: Network[] = []
  const ports: Port[] = []
  const routers: Router[] = []
  for (const [index, tenant] of tenants.entries()) {
    const key = 10 * index
    const front = networkOf(tenant, key + 1)
    const [back, far] = ['back', 'far'].map((name, place) =>
      moved(networkOf(tenant, key + 2 + place), name, place + 1),
    )
    networks.push(front, back!, far!)
    ports.push(
      portOf(front, key + 1, 'web', ['10.0.0.11', 'fd00:a::11']),
      portOf(front, key + 2, 'old', ['10.0.0.12']),
      portOf(back!, key + 3, 'db', ['10.1.0.13']),
      portOf(back!, key + 4, 'web', ['10.1.0.11']),
      portOf(far!, key + 5, 'lost', ['10.2.0.14']),
    )
    routers.push(routerOf(tenant, key + 1, [front, back!]))
  }
  return viewOf(networks, ports, { 2: 12, 3: 13, 12: 22, 13: 23 }, routers)
}

/** The network with other subnets: 10.<place>.0.0/24 alone. */
function moved(network: Network, name: string, place: number): Network {
  const [first] = network.subnets
  const id = `${network.id}-${name}`
  const subnet = {
    ...first!,
    id: `subnet-${id}`,
    networkId: id,
    cidr: `10.${place}.0.0/24`,
    gatewayIp: `10.${place}.0.1`,
  }
  return { ...network, id, name: id, subnets: [subnet] }
}

const view = cloud()
const [old, db] = [2, 3]

/** The verdicts of a tenant's questions, the other tenant's being the same with its own names. */
const said = (scope: NameScope, key: number, name: string, type: string) =>
  [
    [key, 'red'],
    [key + 10, 'blue'],
  ].map(([asker, tenant]) =>
    ask(
      appOf({ df_dns_scope: scope }),
      view,
      asker as number,
      `${name}.${tenant}.example.org`,
      type as never,
    ).replaceAll(`${tenant}.example.org`, 'T'),
  )

const same = (text: string) => [text, text]
const nodata = 'NOERROR | T 5 SOA T min 5'

describe.each([
  ['subnet', nodata, 'pass unknown-name', 'NOERROR web.T 30 A 10.0.0.11'],
  ['network', 'NOERROR web.T 30 AAAA fd00:a::11', 'pass unknown-name', 'NOERROR web.T 30 A 10.0.0.11'],
  [
    'router',
    'NOERROR web.T 30 AAAA fd00:a::11',
    'NOERROR db.T 30 A 10.1.0.13',
    'NOERROR web.T 30 A 10.0.0.11 web.T 30 A 10.1.0.11',
  ],
] as const)('%s', (scope, otherSubnet, otherNetwork, both) => {
  test('another subnet of the network', () =>
    expect(said(scope, old, 'web', 'AAAA')).toEqual(same(otherSubnet)))
  test('a network behind the router', () => expect(said(scope, old, 'db', 'A')).toEqual(same(otherNetwork)))
  test('a name that is in both', () => expect(said(scope, old, 'web', 'A')).toEqual(same(both)))
  test('a network that nothing joins', () =>
    expect(said(scope, old, 'lost', 'A')).toEqual(same('pass unknown-name')))
})

test('the asker’s own subnet comes first in every reply, whatever its turn', () => {
  const app = appOf({ df_dns_scope: 'router' })
  for (let turn = 0; turn < 8; turn += 1) {
    expect(ask(app, view, old, 'web.red.example.org', 'A', turn)).toMatch(
      /^NOERROR web\S+ 30 A 10\.0\.0\.11 web/,
    )
    expect(ask(app, view, db, 'web.red.example.org', 'A', turn)).toMatch(
      /^NOERROR web\S+ 30 A 10\.1\.0\.11 web/,
    )
  }
})

test.each(['subnet', 'network', 'router'] as const)('%s finds nothing of the other tenant', (scope) => {
  for (const name of ['web', 'old', 'db', 'lost'])
    expect(ask(appOf({ df_dns_scope: scope }), view, old, `${name}.blue.example.org`, 'A')).toBe(
      'pass unknown-name',
    )
})

test('a router of another tenant joins nothing', () => {
  const routers = new Map([...view.routers].map(([id, router]) => [id, { ...router, topic: 'somebody' }]))
  const other = { ...view, version: view.version + 1000, routers }
  expect(ask(appOf({ df_dns_scope: 'router' }), other, old, 'db.red.example.org', 'A')).toBe(
    'pass unknown-name',
  )
})

test('a port on a network that nobody knows finds its own subnet', () => {
  const networks = new Map([...view.networks].filter(([id]) => id !== 'net-red'))
  const other = { ...view, version: view.version + 2000, networks }
  for (const df_dns_scope of ['network', 'router'] as const)
    expect(ask(appOf({ df_dns_scope }), other, old, 'web.red.example.org', 'A')).toMatch(
      /^NOERROR web\.red\.example\.org 30 A 10\.0\.0\.11/,
    )
})
