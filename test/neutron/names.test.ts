/** Names as the real server computed them, and what else servers may say. */

import { describe, expect, test } from 'vitest'
import { namesOf } from '../../src/neutron/names.ts'
import type { Port } from '../../src/neutron/resources.ts'
import { recordedCloud, recordedPort, withPorts } from '../support/neutron.ts'

/** Recorded ports, changed. */
const names = (...changes: readonly (Partial<Port> & { id: string })[]) =>
  namesOf(withPorts(recordedCloud(), ...changes).ports.values())

const web = recordedPort('web')
const mail = recordedPort('mail.cloud.example.')
const named = (port: Port, dns_name: string, hostname: string, fqdn: string) => ({
  id: port.id,
  dns_name,
  dns_assignment: port.fixed_ips.map(({ ip_address }) => ({ ip_address, hostname, fqdn })),
})

test('every subnet with a port has the domain, every port with a name its name', () => {
  const { domains, hosts, problems } = names()
  expect(new Set(domains.values())).toEqual(new Set(['cloud.example']))
  expect(domains.size).toBe(recordedCloud().subnets.size)
  expect([...hosts.values()].sort()).toEqual(
    [
      'a.b',
      'app',
      'db',
      'dup',
      'dup',
      'mail.cloud.example.',
      'multi',
      'pd',
      'sblue',
      'sred',
      'v6',
      'web',
      'web',
    ].sort(),
  )
  expect(problems).toEqual([])
})

test('the domain is the server’s of this moment, whatever the revision', () => {
  const ports = [...recordedCloud().ports.values()].map((port) => ({
    ...port,
    dns_assignment: port.dns_assignment!.map((one) => ({ ...one, fqdn: one.fqdn.replace('cloud.', 'new.') })),
  }))
  expect(new Set(namesOf(ports).domains.values())).toEqual(new Set(['new.example']))
})

describe('odd names', () => {
  test('with the default domain a dns_name of old is ignored, and said to be', () => {
    const { hosts, problems } = names(named(web, 'web', 'host-10-0-0-5', 'host-10-0-0-5.cloud.example.'))
    expect(hosts.has(web.id)).toBe(false)
    expect(problems).toMatchObject([{ portId: web.id, kind: 'dns_name ignored' }])
    expect(problems[0]!.reason).toMatch(/set dns_domain in neutron\.conf/)
  })

  test('without a domain there is none, and the name stays', () => {
    const { domains, hosts } = namesOf([{ ...web, ...named(web, 'web', 'web', 'web') }])
    expect(domains.size).toBe(0)
    expect(hosts.get(web.id)).toBe('web')
  })

  test('a subnet has the domain of most addresses; another one cannot be kept', () => {
    const { domains, hosts, problems } = names(named(web, 'web', 'web', 'web.ports.example.'))
    expect(domains.get(web.fixed_ips[0]!.subnet_id)).toBe('cloud.example')
    expect(hosts.has(web.id)).toBe(false)
    expect(problems).toMatchObject([{ portId: web.id, kind: 'other domain' }])
  })

  test.each([
    ['alone, it tells the domain after its first label', [mail], 'cloud.example'],
    ['with others it must stand under their domain', [mail, web], 'cloud.example'],
  ])('a full name: %s', (_, ports, domain) => {
    const { domains, hosts, problems } = namesOf(ports)
    expect([domains.get(mail.fixed_ips[0]!.subnet_id), hosts.get(mail.id)]).toEqual([
      domain,
      'mail.cloud.example.',
    ])
    expect(problems).toEqual([])
  })

  test('a full name of several labels, alone in its subnet: the cloud’s usual domain', () => {
    const deep = { ...mail, ...named(mail, 'a.b.cloud.example.', 'a.b.cloud.example.', 'a.b.cloud.example.') }
    const other = recordedPort('app')
    expect(namesOf([deep, other]).domains.get(mail.fixed_ips[0]!.subnet_id)).toBe('cloud.example')
  })

  test('a name that does not begin with its host name is not understood', () => {
    const { hosts, problems } = names(named(web, 'web', 'web', 'www.cloud.example.'))
    expect(hosts.has(web.id)).toBe(false)
    expect(problems).toMatchObject([{ portId: web.id, kind: 'not understood' }])
  })

  test.each([
    ['no addresses', { fixed_ips: [], dns_assignment: [] }],
    ['no DNS extension', { dns_name: undefined, dns_assignment: undefined }],
    ['assignments of addresses that it has not', { fixed_ips: [] }],
  ])('%s: no name', (_, change) => {
    expect(names({ id: web.id, ...change }).hosts.has(web.id)).toBe(false)
  })
})
