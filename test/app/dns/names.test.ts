import { describe, expect, test } from 'vitest'
import { keyOf } from '../../../src/app/dns/domain-name.ts'
import { apexOf } from '../../../src/app/dns/drafts.ts'
import type { OwnedName } from '../../../src/app/dns/name-table.ts'
import { createNames, type Names } from '../../../src/app/dns/names.ts'
import type { NameRules } from '../../../src/app/dns/port-names.ts'
import type { Network, Port, View } from '../../../src/app/view.ts'
import { networkOf, portOf, twoTenants, viewOf } from '../../support/view.ts'
import { localPort } from './asking.ts'

const secret = Buffer.from('a secret')
const rules: NameRules = {
  scope: 'subnet',
  dnsDomain: 'openstacklocal',
  ttlSeconds: 30,
  hasDefaultHostnames: true,
  hasShortNames: true,
}
const namesOf = (view: View, more: Partial<NameRules> = {}): Names =>
  createNames({ ...rules, ...more }, secret)(view)

/** What the local port with that key may ask for, by key of the name. */
const namesFor = (names: Names, view: View, key: number): ReadonlyMap<string, OwnedName> =>
  new Map(names.scopeOf(localPort(view, key))!.names)

/** Red's network with changed rows. */
function redWith(domain: Network['subnets'][number]['domain'], port: Partial<Port> = {}): View {
  const plain = networkOf('red', 1)
  const network = { ...plain, subnets: plain.subnets.map((subnet) => ({ ...subnet, domain })) }
  const target = { ...portOf(network, 2, 'db', ['10.0.0.12']), ...port }
  return viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11']), target], { 1: 11 })
}

describe('scopes', () => {
  const view = twoTenants()
  const names = namesOf(view)

  test('are shared by askers with the same tenant and subnets', () => {
    const network = networkOf('red', 1)
    const ips = (last: number) => [`10.0.0.${last}`, `fd00:a::${last}`]
    const ports = [1, 2].map((key) => portOf(network, key, undefined, key === 1 ? ips(1) : ips(2).reverse()))
    const view = viewOf([network], ports, { 1: 11, 2: 12 })
    const names = namesOf(view)
    expect(names.scopeOf(localPort(view, 1))).toBe(names.scopeOf(localPort(view, 2)))
  })

  test('are never shared by tenants', () => {
    const [red, blue] = [1, 4].map((key) => [...namesFor(names, view, key).keys()])
    const full = (keys: typeof red) => keys!.filter((key) => key.includes('example')).length
    expect([full(red), full(blue)]).toEqual([3, 3])
    expect(red!.some((key) => key.includes('blue'))).toBe(false)
    expect(blue!.some((key) => key.includes('red'))).toBe(false)
  })

  test('of a shared network hold the names of the own tenant', () => {
    const network = networkOf('red', 1)
    const guest = { ...portOf(network, 3, 'guest', ['10.0.0.13']), topic: 'another' }
    const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11']), guest], { 1: 11, 3: 13 })
    const names = namesOf(view)
    const short = (key: number) =>
      ['web', 'guest'].filter((name) => namesFor(names, view, key).has(keyOf(name)))
    expect(short(1)).toEqual(['web'])
    expect(short(3)).toEqual(['guest'])
  })

  test('are made once a view, and again only if one of their ports changed', () => {
    const make = createNames(rules, secret)
    const names = make(view)
    expect(make(view)).toBe(names)
    const changed = { ...view.ports.get('net-red-3')!, dnsName: 'other' }
    const ports = new Map([...view.ports, [changed.id, changed]])
    const later = { ...view, version: view.version + 1, ports }
    const [red, blue] = [1, 4].map((key) => names.scopeOf(localPort(view, key)))
    expect(make(later).scopeOf(localPort(view, 1))).not.toBe(red)
    expect(make(later).scopeOf(localPort(view, 4))).toBe(blue)
  })

  test.each<[string, Partial<Port>]>([
    ['a port that is not local', { id: 'elsewhere' }],
    ['a port without a tenant', { topic: '' }],
    ['a port without a subnet', { addresses: [{ ip: '10.0.0.11', subnet: undefined }] }],
    ['a port without an address', { addresses: [] }],
  ])('there is none for %s', (_name, more) => {
    const network = networkOf('red', 1)
    const port = { ...portOf(network, 1, 'web', ['10.0.0.11']), ...more }
    const view = viewOf([network], [port], more.id ? {} : { 1: 11 })
    expect(namesOf(view).scopeOf(port)).toBeUndefined()
  })

  test('a port without a tenant is not found either', () => {
    const network = networkOf('red', 1)
    const nobody = { ...portOf(network, 2, 'nobody', ['10.0.0.12']), topic: '' }
    const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11']), nobody], { 1: 11 })
    expect(namesFor(namesOf(view), view, 1).has(keyOf('nobody'))).toBe(false)
  })
})

describe('rows that contradict each other', () => {
  test('a subnet whose CIDR is none has names, but no reverse zone', () => {
    const plain = networkOf('red', 1)
    const domain = { name: 'red.example.org', ttl: undefined, isAuthoritative: true }
    const network = {
      ...plain,
      subnets: plain.subnets.map((subnet) => ({ ...subnet, domain, cidr: 'nonsense' })),
    }
    const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11'])], { 1: 11 })
    const names = namesFor(namesOf(view), view, 1)
    const sizes = ['web.red.example.org', '11.0.0.10.in-addr.arpa'].map(
      (name) => names.get(keyOf(name))!.apexSize,
    )
    expect(sizes).toEqual([keyOf('red.example.org').length, keyOf('11.0.0.10.in-addr.arpa').length])
  })

  test('addresses of other subnets do not count', () => {
    const network = networkOf('red', 1)
    const both = portOf(network, 2, 'both', ['10.0.0.12', 'fd00:a::12'])
    const lost = { ...both, addresses: [...both.addresses, { ip: '172.16.0.1', subnet: undefined }] }
    const view = viewOf([network], [portOf(network, 1, 'web', ['10.0.0.11']), lost], { 1: 11 })
    const name = namesFor(namesOf(view), view, 1).get(keyOf('both'))!
    expect([name.a?.count, name.aaaa]).toEqual([1, undefined])
  })
})

describe('apexOf', () => {
  const apexes = new Map(['example.org', 'red.example.org'].map((name) => [keyOf(name), true]))

  test.each([
    ['web.red.example.org', 'red.example.org'],
    ['red.example.org', 'red.example.org'],
    ['blue.example.org', 'example.org'],
    ['ared.example.org', 'example.org'],
    ['org', undefined],
    ['example.net', undefined],
  ])('of %s is %s', (name, expected) => {
    expect(apexOf({ apexes }, keyOf(name))).toBe(expected && keyOf(expected))
  })

  test('of the root is none', () => {
    expect(apexOf({ apexes }, '\0')).toBeUndefined()
  })
})

describe('what cannot be served is listed', () => {
  const domain = { name: 'red.example.org', ttl: undefined, isAuthoritative: false }
  const long = 'a'.repeat(63)

  // biome-ignore format: one row a line
  test.each<[string, Network['subnets'][number]['domain'], Partial<Port>, string, string]>([
    ['an underscore',           domain, { dnsName: 'a_b' }, 'dnsname/net-red-2', "'a_b' is not a host name"],
    ['a line break',            domain, { dnsName: 'vm\n' }, 'dnsname/net-red-2', "'vm\n' is not a host name"],
    ['a keyword of Neutron',    domain, { dnsName: '<project_id>' }, 'dnsname/net-red-2', "'<project_id>' is not a host name"],
    ['a label of 64',           domain, { dnsName: `${long}a` }, 'dnsname/net-red-2', `'${long}a' is not a host name`],
    ['254 in all',              { ...domain, name: `${long}.${long}.${long}` }, { dnsName: 'b'.repeat(62) }, 'dnsname/net-red-2', `'${'b'.repeat(62)}.${long}.${long}.${long}' is longer than 253 characters`],
    ['a dot at the end',        domain, { dnsName: 'www.example.net.' }, 'dnsname/net-red-2', "'www.example.net.' ends with a dot but is no name under red.example.org"],
    ['the domain alone',        domain, { dnsName: 'red.example.org.' }, 'dnsname/net-red-2', "'red.example.org.' ends with a dot but is no name under red.example.org"],
    ['an empty label',          domain, { dnsName: '.red.example.org.' }, 'dnsname/net-red-2', "'' is not a host name"],
    ['a default name',          domain, { dnsName: undefined, addresses: [{ ip: 'fd00:a::', subnet: redWith(domain).subnets.get('subnet-red-v4') }] }, 'lport/net-red-2', "'host-fd00-a--' is not a host name"],
    ['no address',              domain, { addresses: [{ ip: 'fe80::1%eth0', subnet: redWith(domain).subnets.get('subnet-red-v4') }] }, 'lport/net-red-2', "'fe80::1%eth0' is not an IP address"],
    ['a bad domain',            { ...domain, name: 'a b' }, {}, 'domainname/subnet-red-v4', "'a b' is not a domain name"],
    ['a dot behind the domain', { ...domain, name: 'example.org.' }, {}, 'domainname/subnet-red-v4', "'example.org.' is not a domain name"],
    ['a bad TTL',               { ...domain, ttl: -1 }, {}, 'domainname/subnet-red-v4', 'ttl -1 is not a number of seconds from 0 to 2147483647'],
    ['a TTL with a fraction',   { ...domain, ttl: 1.5 }, {}, 'domainname/subnet-red-v4', 'ttl 1.5 is not a number of seconds from 0 to 2147483647'],
  ])('%s', (_name, domainRow, port, row, reason) => {
    expect(namesOf(redWith(domainRow, port)).problems).toEqual([{ row, reason }])
  })

  test('without a domain a dot at the end is always wrong', () => {
    const view = redWith(undefined, { dnsName: 'db.' })
    expect(namesOf(view, { dnsDomain: undefined }).problems).toEqual([
      { row: 'dnsname/net-red-2', reason: "'db.' ends with a dot but there is no domain" },
    ])
  })

  test('once a row, though it has several addresses', () => {
    const view = redWith(domain, { dnsName: 'a_b' })
    const subnet = view.subnets.get('subnet-red-v4')
    const addresses = [1, 2, 3].map((last) => ({ ip: `10.0.0.${last}`, subnet }))
    expect(namesOf(redWith(domain, { dnsName: 'a_b', addresses })).problems).toHaveLength(1)
  })

  test("rows of other tenants are nobody's problem here", () => {
    expect(namesOf(redWith(domain, { dnsName: 'a_b', topic: 'another' })).problems).toEqual([])
  })

  test('a bad domain falls back to the default one', () => {
    const view = redWith({ ...domain, name: 'a b' })
    expect(namesFor(namesOf(view), view, 1).has(keyOf('db.openstacklocal'))).toBe(true)
  })

  test('the fixture has none', () => {
    expect(namesOf(twoTenants()).problems).toEqual([])
  })
})
