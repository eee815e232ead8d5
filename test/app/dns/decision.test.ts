import { describe, expect, test } from 'vitest'
import { createDecider } from '../../../src/app/dns/decision.ts'
import type { View } from '../../../src/app/view.ts'
import { puntOf } from '../../support/apps.ts'
import { networkOf, portOf, twoTenants, viewOf } from '../../support/view.ts'
import { frameWith, localPort, queryOf } from './asking.ts'

const [red, blue] = [1, 4]

const rules = {
  scope: 'subnet' as const,
  dnsDomain: 'openstacklocal',
  ttlSeconds: 30,
  negativeTtlSeconds: 5,
  nsid: '',
  hasDefaultHostnames: true,
  hasShortNames: true,
}
const decider = createDecider(rules)

/** The reasons in order; without a listener the verdict must be the same. */
function explained(message: Buffer, key: number, view: View): string[] {
  const reasons: string[] = []
  const punt = puntOf(localPort(view, key), frameWith(message))
  const verdict = decider.decide(punt, view, (reason) => reasons.push(reason))
  expect(decider.decide(punt, view)).toEqual(verdict)
  return reasons
}

describe('what people are told', () => {
  const plain = twoTenants()
  const networks = [networkOf('red', 1), networkOf('blue', 2)].map((network) => ({
    ...network,
    subnets: network.subnets.map((subnet) => ({
      ...subnet,
      domain: { ...subnet.domain!, isAuthoritative: true },
    })),
  }))
  const owned = viewOf(
    networks,
    networks.map((network, index) => portOf(network, 3 * index + 1, 'web', ['10.0.0.11', 'fd00:a::11'])),
    { 1: 11, 4: 14 },
  )
  const goesOn = (why: string) => `it goes on untouched (${why})`
  const known = (text: string) => `it is one of the names that the port may ask for: ${text}`
  const none = `it is none of the names that the port may ask for`

  // biome-ignore format: one question a line
  test.each<[string, View, number, string, string, string[]]>([
    ['an address', plain, red, 'web.red.example.org', 'A',      [known('1 A, 1 AAAA'), '1 of its records answer', 'it is answered: NOERROR, 53 bytes']],
    ['no data', plain, red, 'db.red.example.org', 'MX',         [known('1 A'), 'it has no TYPE15 record, which nobody else can know: no data', 'it is answered: NOERROR, 86 bytes']],
    ['a stranger', plain, blue, 'web.red.example.org', 'A',     [none, "it is under no domain of the asker's subnets", goesOn('unknown-name')]],
    ['not authoritative', plain, red, 'x.red.example.org', 'A', [none, 'the domain red.example.org is not authoritative: other servers may know more names in it', goesOn('unknown-name')]],
    ['authoritative', owned, red, 'x.red.example.org', 'A',     [none, 'the domain red.example.org is authoritative: the name does not exist', 'it is answered: NXDOMAIN, 85 bytes']],
    ['the domain', owned, red, 'red.example.org', 'DS',         [known('a domain with authority'), "the DS record of a domain is its parent's to answer", goesOn('parent-side')]],
    ['a short name', plain, red, 'web', 'TXT',                  [known('without its domain, 1 A, 1 AAAA'), 'a name without its domain is answered for A and AAAA with recursion desired only', goesOn('short-name')]],
    ['a transfer', plain, red, 'web', 'AXFR',                   ['TYPE252 asks for something else than records of a name', goesOn('meta-type')]],
    ['the root', plain, red, '.', 'NS',                         [none, "it is under no domain of the asker's subnets", goesOn('unknown-name')]],
  ])('about %s', (_name, view, key, name, type, expected) => {
    const [first, ...rest] = explained(queryOf(name, type), key, view)
    expect(first).toMatch(new RegExp(`^the question is ${name} [A-Z0-9]+$`))
    expect(rest).toEqual(expected)
  })

  test('about a port without names', () => {
    const network = networkOf('red', 1)
    const view = viewOf([network], [{ ...portOf(network, 1, 'web', ['10.0.0.11']), topic: '' }], { 1: 11 })
    expect(explained(queryOf('web', 'A'), 1, view)).toEqual([
      'the question is web A',
      'the port may ask for no names: it has no tenant, no address in a subnet, or nothing there has a name',
      goesOn('no-names'),
    ])
  })

  test('about names that hold names only', () => {
    const network = networks[0]!
    const view = viewOf([network], [portOf(network, 1, 'a.b', ['10.0.0.11'])], { 1: 11 })
    expect(explained(queryOf('b.red.example.org', 'A'), 1, view)).toContain(
      known('nothing but names below it'),
    )
  })

  test.each([
    ['a version', '0001', 'EDNS version 1 is not known, 0 is', 'BADVERS'],
    ['a cookie', '0000', 'a DNS cookie has no 4 bytes', 'FORMERR'],
  ])('about %s', (_name, version, reason, rcode) => {
    const query = queryOf('web.red.example.org', 'A')
    const options = '000a 0004 01234567'.replaceAll(' ', '')
    const opt = Buffer.from(`00002904d000${version.slice(2)}00000008${options}`, 'hex')
    const message = Buffer.concat([query, opt])
    message.writeUInt16BE(1, 10)
    const reasons = explained(message, red, plain)
    expect(reasons).toContain(reason)
    expect(reasons.at(-1)).toMatch(new RegExp(`^it is answered: ${rcode}, `))
  })

  test('about what is not understood', () => {
    expect(explained(Buffer.alloc(3), red, plain)).toEqual([
      'the message is not a query that is wholly understood',
      goesOn('message'),
    ])
    const reasons: string[] = []
    decider.decide(puntOf(localPort(plain, red), Buffer.alloc(3)), plain, (reason) => reasons.push(reason))
    expect(reasons).toEqual(['the frame is not wholly understood', goesOn('short')])
  })
})
