import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { dhcpOptionNumber } from '../../src/neutron/dhcp-options.ts'

test('every name that dnsmasq knows has its number', () => {
  const listed = execFileSync('dnsmasq', ['--help', 'dhcp'], { encoding: 'utf8' })
  const named = [...listed.matchAll(/^ *(\d+) (\S+)$/gm)].map(
    ([, number, name]) => [name!, Number(number)] as const,
  )
  // Its own number for what is no option: the address of the server that a client boots from.
  const known = named.filter(([name]) => name !== 'server-ip-address')
  expect(known.length).toBeGreaterThan(50)
  for (const [name, number] of known) expect(dhcpOptionNumber(name), name).toBe(number)
})

test.each([
  ['hostname', 12],
  ['66', 66],
  ['0066', undefined],
  ['nobody-knows', undefined],
  ['constructor', undefined],
  ['', undefined],
])('%j is %s', (name, number) => {
  expect(dhcpOptionNumber(name)).toBe(number)
})
