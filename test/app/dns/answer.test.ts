import { describe, expect, test } from 'vitest'
import type { Domain, LocalPort, Network, View } from '../../../src/app/view.ts'
import { networkOf, portOf, twoTenants, viewOf } from '../../support/view.ts'
import { appOf, ask, hostOf, queryOf, textOf, verdictOf } from './asking.ts'

const [red, blue] = [1, 4]

/** A tenant's network whose subnets have that domain. */
function under(network: Network, domain: Domain | undefined): Network {
  return { ...network, subnets: network.subnets.map((subnet) => ({ ...subnet, domain })) }
}

const redSoa = 'red.example.org 5 SOA red.example.org min 5'
const reverse6 = (last: string) =>
  `${[...last.padStart(16, '0')].reverse().join('.')}.0.0.0.0.0.0.0.0.a.0.0.0.0.0.d.f.ip6.arpa`
const zone6 = '0.0.0.0.0.0.0.0.a.0.0.0.0.0.d.f.ip6.arpa'

describe('names of the two tenants', () => {
  const view = twoTenants()
  const app = appOf()

  // biome-ignore format: one question a line
  test.each<[string, number, string, string, string]>([
    ['own A',                      red,  'web.red.example.org', 'A',     'NOERROR web.red.example.org 30 A 10.0.0.11'],
    ['own AAAA',                   red,  'web.red.example.org', 'AAAA',  'NOERROR web.red.example.org 30 AAAA fd00:a::11'],
    ['a neighbour',                red,  'db.red.example.org',  'A',     'NOERROR db.red.example.org 30 A 10.0.0.12'],
    ['a port on another node',     red,  'cache.red.example.org', 'A',   'NOERROR cache.red.example.org 30 A 10.0.0.13'],
    ['the same name of the other', blue, 'web.blue.example.org', 'A',    'NOERROR web.blue.example.org 30 A 10.0.0.11'],
    ['red asks for a blue name',   red,  'web.blue.example.org', 'A',    'pass unknown-name'],
    ['blue asks for a red name',   blue, 'web.red.example.org', 'A',     'pass unknown-name'],
    ['blue asks for a red type',   blue, 'web.red.example.org', 'MX',    'pass unknown-name'],
    ['the case of the question',   red,  'WeB.rEd.eXample.ORG', 'A',     'NOERROR WeB.rEd.eXample.ORG 30 A 10.0.0.11'],
    ['a short name',               red,  'web', 'A',                     'NOERROR web 30 A 10.0.0.11'],
    ['a short name over IPv6',     blue, 'web', 'AAAA',                  'NOERROR web 30 AAAA fd00:a::11'],
    ['a short name, other type',   red,  'web', 'MX',                    'pass short-name'],
    ['a short name, any type',     red,  'web', 'ANY',                   'pass short-name'],
    ['no such family',             red,  'db.red.example.org', 'AAAA',   `NOERROR | ${redSoa}`],
    ['no such family of a short',  red,  'db', 'AAAA',                   'NOERROR | db 5 SOA db min 5'],
    ['HTTPS',                      red,  'web.red.example.org', 'HTTPS', `NOERROR | ${redSoa}`],
    ['MX',                         red,  'web.red.example.org', 'MX',    `NOERROR | ${redSoa}`],
    ['TXT',                        red,  'web.red.example.org', 'TXT',   `NOERROR | ${redSoa}`],
    ['DS',                         red,  'web.red.example.org', 'DS',    `NOERROR | ${redSoa}`],
    ['PTR of a forward name',      red,  'web.red.example.org', 'PTR',   `NOERROR | ${redSoa}`],
    ['SOA of a host',              red,  'web.red.example.org', 'SOA',   `NOERROR | ${redSoa}`],
    ['an unknown type',            red,  'web.red.example.org', 'UNKNOWN_65534', `NOERROR | ${redSoa}`],
    ['ANY gives one set',          red,  'web.red.example.org', 'ANY',   'NOERROR web.red.example.org 30 A 10.0.0.11'],
    ['ANY of a reverse name',      red,  '13.0.0.10.in-addr.arpa', 'ANY', 'NOERROR 13.0.0.10.in-addr.arpa 30 PTR cache.red.example.org'],
    ['AXFR',                       red,  'web.red.example.org', 'AXFR',  'pass meta-type'],
    ['IXFR',                       red,  'red.example.org', 'IXFR',      'pass meta-type'],
    ['TKEY',                       red,  'web.red.example.org', 'TKEY',  'pass meta-type'],
    ['type 127',                   red,  'web.red.example.org', 'UNKNOWN_127', `NOERROR | ${redSoa}`],
    ['type 128',                   red,  'web.red.example.org', 'UNKNOWN_128', 'pass meta-type'],
    ['type 254',                   red,  'web.red.example.org', 'UNKNOWN_254', 'pass meta-type'],
    ['type 256',                   red,  'web.red.example.org', 'UNKNOWN_256', `NOERROR | ${redSoa}`],
    ['PTR over IPv4',              red,  '12.0.0.10.in-addr.arpa', 'PTR', 'NOERROR 12.0.0.10.in-addr.arpa 30 PTR db.red.example.org'],
    ['PTR, the other tenant',      blue, '12.0.0.10.in-addr.arpa', 'PTR', 'NOERROR 12.0.0.10.in-addr.arpa 30 PTR db.blue.example.org'],
    ['PTR over IPv6',              red,  reverse6('11'), 'PTR',          `NOERROR ${reverse6('11')} 30 PTR web.red.example.org`],
    ['A of a reverse name',        red,  '12.0.0.10.in-addr.arpa', 'A',  'NOERROR | 0.0.10.in-addr.arpa 5 SOA 0.0.10.in-addr.arpa min 5'],
    ['TXT of a reverse name',      red,  reverse6('13'), 'TXT',          `NOERROR | ${zone6} 5 SOA ${zone6} min 5`],
    ['PTR of nobody',              red,  '77.0.0.10.in-addr.arpa', 'PTR', 'pass unknown-name'],
    ['a default name, unused',     red,  'host-10-0-0-11.red.example.org', 'A', 'pass unknown-name'],
    ['an unknown name',            red,  'nosuch.red.example.org', 'A',  'pass unknown-name'],
    ['a name below a host',        red,  'x.web.red.example.org', 'A',   'pass unknown-name'],
    ['the domain itself',          red,  'red.example.org', 'SOA',       'pass unknown-name'],
    ['an outside name',            red,  'www.example.net', 'A',         'pass unknown-name'],
    ['the root',                   red,  '.', 'NS',                      'pass unknown-name'],
  ])('%s', (_name, key, name, type, expected) => {
    expect(ask(app, view, key, name, type)).toBe(expected)
  })

  test('a short name needs recursion desired', () => {
    expect(textOf(verdictOf(app, view, red, queryOf('web', 'A', { flags: 0 })))).toBe('pass short-name')
    const full = queryOf('web.red.example.org', 'A', { flags: 0 })
    expect(textOf(verdictOf(app, view, red, full))).toBe('NOERROR web.red.example.org 30 A 10.0.0.11')
  })

  test("an address counts if its subnet is one of the asker's", () => {
    const db = 2 // has no IPv6 address
    expect(ask(app, view, db, 'web.red.example.org', 'A')).toBe('NOERROR web.red.example.org 30 A 10.0.0.11')
    expect(ask(app, view, db, 'web.red.example.org', 'AAAA')).toBe(`NOERROR | ${redSoa}`)
    expect(ask(app, view, db, reverse6('11'), 'PTR')).toBe('pass unknown-name')
  })

  test('nothing of a tenant is found by the other, whatever it is called', () => {
    const names = ['web', 'db', 'cache'].flatMap((name) => [
      name,
      `${name}.red.example.org`,
      `${name}.blue.example.org`,
    ])
    for (const name of names)
      for (const type of ['A', 'AAAA', 'TXT', 'ANY']) {
        if (name.includes('.blue.')) expect(ask(app, view, red, name, type)).toMatch(/^pass /)
        if (name.includes('.red.')) expect(ask(app, view, blue, name, type)).toMatch(/^pass /)
      }
  })
})

describe('a domain with authority', () => {
  const owned = { name: 'red.example.org', ttl: 60, isAuthoritative: true }
  const network = under(networkOf('red', 1), owned)
  const other = networkOf('blue', 2)
  const ports = [
    portOf(network, 1, 'web', ['10.0.0.11', 'fd00:a::11']),
    portOf(network, 2, 'a.b.c', ['10.0.0.12']),
    portOf(other, 4, 'web', ['10.0.0.11']),
  ]
  const view = viewOf([network, other], ports, { 1: 11, 4: 14 })
  const app = appOf()
  const nx = `NXDOMAIN | ${redSoa}`
  const nodata = `NOERROR | ${redSoa}`
  const zone4 = '0.0.10.in-addr.arpa'

  // biome-ignore format: one question a line
  test.each<[string, string, string, string]>([
    ['a host, with the TTL of its domain', 'web.red.example.org', 'A', 'NOERROR web.red.example.org 60 A 10.0.0.11'],
    ['no such name',               'nosuch.red.example.org', 'A',       nx],
    ['no such name, any type',     'nosuch.red.example.org', 'ANY',     nx],
    ['no such name, AXFR',         'nosuch.red.example.org', 'AXFR',    'pass meta-type'],
    ['below a host',               'x.web.red.example.org', 'A',        nx],
    ['with an underscore',         '_sip._udp.red.example.org', 'SRV',  nx],
    ['the apex',                   'red.example.org', 'A',              nodata],
    ['the apex, SOA',              'red.example.org', 'SOA',            `NOERROR ${redSoa}`],
    ['the apex, NS',               'red.example.org', 'NS',             'NOERROR red.example.org 30 NS red.example.org'],
    ['the apex, ANY',              'red.example.org', 'ANY',            `NOERROR ${redSoa}`],
    ['the apex, DS',               'red.example.org', 'DS',             'pass parent-side'],
    ['the apex, DNSKEY',           'red.example.org', 'DNSKEY',         nodata],
    ['the apex, AXFR',             'red.example.org', 'AXFR',           'pass meta-type'],
    ['an empty non-terminal, ANY', 'b.c.red.example.org', 'ANY',        nodata],
    ['an empty non-terminal',      'b.c.red.example.org', 'A',          nodata],
    ['a higher one',               'c.red.example.org', 'MX',           nodata],
    ['the name below them',        'a.b.c.red.example.org', 'A',        'NOERROR a.b.c.red.example.org 60 A 10.0.0.12'],
    ['the parent domain',          'example.org', 'SOA',                'pass unknown-name'],
    ['the other tenant',           'nosuch.blue.example.org', 'A',      'pass unknown-name'],
    ['reverse of nobody',          '77.0.0.10.in-addr.arpa', 'PTR',     `NXDOMAIN | ${zone4} 5 SOA ${zone4} min 5`],
    ['reverse apex',               zone4, 'SOA',                        `NOERROR ${zone4} 5 SOA ${zone4} min 5`],
    ['reverse of the neighbour',   '77.1.0.10.in-addr.arpa', 'PTR',     'pass unknown-name'],
    ['the covering reverse zone',  '0.10.in-addr.arpa', 'SOA',           'pass unknown-name'],
    ['reverse of nobody, IPv6',    reverse6('77'), 'PTR',               `NXDOMAIN | ${zone6} 5 SOA ${zone6} min 5`],
    ['an empty reverse name',      `0.0.${zone6}`, 'PTR',               `NOERROR | ${zone6} 5 SOA ${zone6} min 5`],
    ['a short name nobody has',    'nosuch', 'A',                       'pass unknown-name'],
  ])('%s', (_name, name, type, expected) => {
    expect(ask(app, view, 1, name, type)).toBe(expected)
  })

  test('is none for the other tenant', () => {
    expect(ask(app, view, 4, 'nosuch.red.example.org', 'A')).toBe('pass unknown-name')
    expect(ask(app, view, 4, '77.0.0.10.in-addr.arpa', 'PTR')).toBe('pass unknown-name')
  })

  test('ends where a longer domain of the asker begins', () => {
    const inner = { name: 'inner.red.example.org', ttl: undefined, isAuthoritative: false }
    const subnets = network.subnets.map((subnet, i) => (i === 0 ? subnet : { ...subnet, domain: inner }))
    const mixed = { ...network, subnets }
    const port = portOf(mixed, 1, 'web', ['10.0.0.11', 'fd00:a::11'])
    const view = viewOf([mixed], [port], { 1: 11 })
    expect(ask(app, view, 1, 'nosuch.red.example.org', 'A')).toBe(nx)
    expect(ask(app, view, 1, 'nosuch.inner.red.example.org', 'A')).toBe('pass unknown-name')
    expect(ask(app, view, 1, 'web.inner.red.example.org', 'A')).toBe(
      'NOERROR | inner.red.example.org 5 SOA inner.red.example.org min 5',
    )
  })
})

describe('a subnet of another size with authority', () => {
  const view = (cidr: string, ip: string) => {
    const plain = networkOf('red', 1)
    const domain = { name: 'red.example.org', ttl: undefined, isAuthoritative: true }
    const network = { ...plain, subnets: [{ ...plain.subnets[0]!, cidr, domain }] }
    const blue = networkOf('blue', 2)
    const asker = { ...portOf(network, 1, 'web', [ip]), addresses: [{ ip, subnet: network.subnets[0] }] }
    return viewOf([network, blue], [asker, portOf(blue, 4, 'web', [ip])], { 1: 11, 4: 14 })
  }
  const soaOf = (zone: string) => `| ${zone} 5 SOA ${zone} min 5`
  const app = appOf()

  // biome-ignore format: one question a line
  test.each<[string, string, string, string]>([
    ['10.0.4.0/22', '10.0.6.9', '9.6.0.10.in-addr.arpa',    'NOERROR 9.6.0.10.in-addr.arpa 30 PTR web.red.example.org'],
    ['10.0.4.0/22', '10.0.6.9', '77.7.0.10.in-addr.arpa',   `NXDOMAIN ${soaOf('7.0.10.in-addr.arpa')}`],
    ['10.0.4.0/22', '10.0.6.9', '77.8.0.10.in-addr.arpa',   'pass unknown-name'],
    ['10.0.4.0/22', '10.0.6.9', '0.10.in-addr.arpa',        'pass unknown-name'],
    ['10.0.0.64/26', '10.0.0.70', '70.0.0.10.in-addr.arpa', 'NOERROR 70.0.0.10.in-addr.arpa 30 PTR web.red.example.org'],
    ['10.0.0.64/26', '10.0.0.70', '71.0.0.10.in-addr.arpa', `NOERROR ${soaOf('71.0.0.10.in-addr.arpa')}`],
    ['10.0.0.64/26', '10.0.0.70', '63.0.0.10.in-addr.arpa', 'pass unknown-name'],
    ['10.0.0.64/26', '10.0.0.70', '128.0.0.10.in-addr.arpa', 'pass unknown-name'],
    ['10.0.0.64/26', '10.0.0.70', '0.0.10.in-addr.arpa',    'pass unknown-name'],
    ['fd00:a::/64', 'fd00:a::9', reverse6('77'),            `NXDOMAIN ${soaOf(zone6)}`],
    ['fd00:a::/62', 'fd00:a:0:3::9', `${'0.'.repeat(15)}1.${zone6.replace(/^0/, '3')}`, `NXDOMAIN ${soaOf(zone6.replace(/^0/, '3'))}`],
  ])('%s with %s: %s', (cidr, ip, name, expected) => {
    expect(ask(app, view(cidr, ip), 1, name, 'PTR')).toBe(expected)
    expect(ask(app, view(cidr, ip), 4, name, 'PTR')).not.toMatch(/red|SOA/)
  })
})

describe('several addresses', () => {
  const network = networkOf('red', 1)
  const neighbour = networkOf('blue', 2)
  const ips = Array.from({ length: 60 }, (_, i) => `10.0.0.${100 + i}`)
  const ports = [
    portOf(network, 1, 'web', ['10.0.0.11', 'fd00:a::11']),
    portOf(network, 2, 'many', ips),
    portOf(network, 3, 'pair', ['10.0.0.21', 'fd00:a::21']),
    portOf(network, 4, 'pair', ['10.0.0.22']),
    portOf(network, 5, 'pair', ['10.0.0.21']),
    portOf(neighbour, 6, 'pair', ['10.0.0.23']),
  ]
  const view = viewOf([network, neighbour], ports, { 1: 11 })
  const app = appOf()
  const addressesOf = (text: string) => [...text.matchAll(/ A (\S+)/g)].map((match) => match[1])

  test('two ports with one name answer together, and each address once', () => {
    expect(addressesOf(ask(app, view, 1, 'pair', 'A')).sort()).toEqual(['10.0.0.21', '10.0.0.22'])
    expect(ask(app, view, 1, 'pair', 'AAAA')).toBe('NOERROR pair 30 AAAA fd00:a::21')
  })

  test('begin with another one from query to query', () => {
    const orders = [0, 1, 2, 3].map((id) => addressesOf(ask(app, view, 1, 'pair', 'A', id)).join())
    expect(new Set(orders).size).toBe(2)
  })

  test('that do not fit are left out, others each time, without TC', () => {
    const seen = new Set<string>()
    for (let id = 0; id < 60; id += 20) {
      const verdict = verdictOf(app, view, 1, queryOf('many.red.example.org', 'A', { id }))
      const text = textOf(verdict)
      const addresses = addressesOf(text)
      expect(addresses).toHaveLength(29) // (512 - 12 - 26) / 16
      expect(verdict.kind === 'reply' && verdict.frame.length).toBe(42 + 12 + 26 + 29 * 16)
      for (const address of addresses) seen.add(address!)
    }
    expect(seen.size).toBe(60)
  })
})

describe('rows and options', () => {
  const askOne = (
    port: Partial<LocalPort>,
    domain: Domain | undefined,
    name: string,
    type = 'A',
    options = {},
  ) => {
    const network = under(networkOf('red', 1), domain)
    const asker = portOf(network, 1, undefined, ['10.0.0.11', 'fd00:a::11'])
    const target = { ...portOf(network, 2, undefined, ['10.0.0.12', 'fd00:a::12']), ...port }
    const blue = networkOf('blue', 2)
    const same = portOf(blue, 3, 'web', ['10.0.0.13'])
    const view: View = viewOf([network, blue], [asker, target, same], { 1: 11 })
    return ask(appOf(options), view, 1, name, type)
  }
  const domain = { name: 'Red.example.org', ttl: undefined, isAuthoritative: false }
  const a = (name: string) => `NOERROR ${name} 30 A 10.0.0.12`

  // biome-ignore format: one case a line
  test.each<[string, Partial<LocalPort>, Domain | undefined, string, string, string, object]>([
    ['a default name, IPv4',           {}, domain, 'host-10-0-0-12.red.example.org', 'A', a('host-10-0-0-12.red.example.org'), {}],
    ['a default name, IPv6',           {}, domain, 'host-fd00-a--12.red.example.org', 'AAAA', 'NOERROR host-fd00-a--12.red.example.org 30 AAAA fd00:a::12', {}],
    ['a default name is for one family', {}, domain, 'host-10-0-0-12.red.example.org', 'AAAA', `NOERROR | ${redSoa}`, {}],
    ['a default name is a short one',  {}, domain, 'host-10-0-0-12', 'A', a('host-10-0-0-12'), {}],
    ['the PTR of a default name',      {}, domain, '12.0.0.10.in-addr.arpa', 'PTR', 'NOERROR 12.0.0.10.in-addr.arpa 30 PTR host-10-0-0-12.Red.example.org', {}],
    ['ANY gives IPv6 if that is all',  {}, domain, 'host-fd00-a--12.red.example.org', 'ANY', 'NOERROR host-fd00-a--12.red.example.org 30 AAAA fd00:a::12', {}],
    ['no default names',               {}, domain, 'host-10-0-0-12.red.example.org', 'A', 'pass no-names', { df_dns_default_hostnames: false }],
    ['none for DHCP',                  { deviceOwner: 'network:dhcp' }, domain, 'host-10-0-0-12', 'A', 'pass unknown-name', {}],
    ['none for floating addresses',    { deviceOwner: 'network:floatingip' }, domain, 'host-10-0-0-12', 'A', 'pass unknown-name', {}],
    ['none for HA routers',            { deviceOwner: 'network:router_ha_interface' }, domain, 'host-10-0-0-12', 'A', 'pass unknown-name', {}],
    ['none for distributed ports',     { deviceOwner: 'network:distributed' }, domain, 'host-10-0-0-12', 'A', 'pass unknown-name', {}],
    ['one for a router',               { deviceOwner: 'network:router_interface' }, domain, 'host-10-0-0-12', 'A', a('host-10-0-0-12'), {}],
    ['a given name for DHCP',          { deviceOwner: 'network:dhcp', dnsName: 'ns' }, domain, 'ns', 'A', a('ns'), {}],
    ['an empty name is none',          { dnsName: '' }, domain, 'host-10-0-0-12', 'A', a('host-10-0-0-12'), {}],
    ['no short names',                 { dnsName: 'x' }, domain, 'x', 'A', 'pass unknown-name', { df_dns_short_names: false }],
    ['a special-use label',            { dnsName: 'localhost' }, domain, 'localhost', 'A', 'pass unknown-name', {}],
    ['under its domain it is a name',  { dnsName: 'localhost' }, domain, 'localhost.red.example.org', 'A', a('localhost.red.example.org'), {}],
    ['several labels under the domain', { dnsName: 'a.b' }, domain, 'a.b.red.example.org', 'A', a('a.b.red.example.org'), {}],
    ['several labels without it',      { dnsName: 'a.b' }, domain, 'a.b', 'A', 'pass unknown-name', {}],
    ['a trailing dot under the domain', { dnsName: 'x.RED.example.org.' }, domain, 'x.red.example.org', 'A', a('x.red.example.org'), {}],
    ['a trailing dot, short',          { dnsName: 'x.red.example.org.' }, domain, 'x', 'A', a('x'), {}],
    ['a trailing dot elsewhere',       { dnsName: 'www.example.net.' }, domain, 'www.example.net', 'A', 'pass unknown-name', {}],
    ['nor with the domain behind it',  { dnsName: 'www.example.net.' }, domain, 'www.example.net.red.example.org', 'A', 'pass unknown-name', {}],
    ['no domain row: the default',     { dnsName: 'x' }, undefined, 'x.openstacklocal', 'A', a('x.openstacklocal'), {}],
    ['a disabled port has its name',   { dnsName: 'x', isEnabled: false }, domain, 'x', 'A', a('x'), {}],
    ['an unbound port has its name',   { dnsName: 'x', chassis: undefined }, domain, 'x', 'A', a('x'), {}],
    ['an address without a subnet',    { dnsName: 'x', addresses: [{ ip: '10.0.0.12', subnet: undefined }] }, domain, 'x', 'A', 'pass unknown-name', {}],
    ['a name in capitals',             { dnsName: 'X' }, domain, 'x', 'A', a('x'), {}],
    ['the TTL of the options',         { dnsName: 'x' }, domain, 'x', 'A', 'NOERROR x 7 A 10.0.0.12', { df_dns_ttl: 7 }],
    ['the TTL of the domain',          { dnsName: 'x' }, { ...domain, ttl: 9 }, 'x', 'A', 'NOERROR x 9 A 10.0.0.12', {}],
    ['the TTL 0',                      { dnsName: 'x' }, { ...domain, ttl: 0 }, 'x', 'A', 'NOERROR x 0 A 10.0.0.12', {}],
    ['the negative TTL',               { dnsName: 'x' }, domain, 'x', 'AAAA', 'NOERROR x 30 AAAA fd00:a::12', { df_dns_negative_ttl: 9 }],
    ['the negative TTL of NODATA',     { dnsName: 'x' }, domain, 'x.red.example.org', 'TXT', 'NOERROR | red.example.org 9 SOA red.example.org min 9', { df_dns_negative_ttl: 9 }],
  ])('%s', (_name, port, domain, name, type, expected, options) => {
    expect(askOne(port, domain, name, type, options)).toBe(expected)
  })

  test('without any domain there are short names only', () => {
    const network = under(networkOf('red', 1), undefined)
    const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11'])], { 1: 11 })
    const app = appOf({}, hostOf(''))
    expect(ask(app, view, 1, 'web', 'A')).toBe('NOERROR web 30 A 10.0.0.11')
    expect(ask(app, view, 1, '11.0.0.10.in-addr.arpa', 'PTR')).toBe('pass unknown-name')
  })
})
