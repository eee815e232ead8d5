/** Router advertisements against radvd's bytes, and what is taken back when something changes. */

import { describe, expect, test } from 'vitest'
import {
  type Advertisement,
  advertisementBytes,
  withdrawalBytes,
} from '../../../../src/app/dhcp/v6/advertisement.ts'
import { reachOf } from '../../../../src/app/reach.ts'
import { icmpv6Frame } from '../../../../src/packet/index.ts'
import { ipv6Bytes } from '../../../../src/wire/address.ts'
import { linkLocals, macs, vectorOf, withoutLabel } from './cloud.ts'

const prefix = (cidr: string, isAutonomous: boolean) => ({ reach: reachOf(cidr)!, isAutonomous })
const stateless: Advertisement = {
  mac: macs.router,
  isRouter: true,
  isManaged: false,
  prefixes: [prefix('fd00:a::/64', true)],
  routes: [],
  nameservers: ['fd00:a::53', '2001:db8::53'].map(ipv6Bytes),
  domains: ['red.example.org'],
  mtu: 1450,
}
const stateful = { ...stateless, isManaged: true, prefixes: [prefix('fd00:a::/64', false)] }

const router = { mac: macs.router, ip: linkLocals.router }
const web = { mac: macs.web, ip: linkLocals.web }
const allNodes = { mac: '33:33:00:00:00:01', ip: 'ff02::1' }

describe('an advertisement is, byte for byte, what radvd says of the same', () => {
  test.each<[string, Advertisement]>([
    ['stateless', stateless],
    ['stateful', stateful],
    ['without a router', { ...stateful, isRouter: false }],
    [
      'with routes',
      {
        ...stateless,
        routes: ['2001:db8:9::/48', '2001:db8:9:1:8000::/72', '::/0'].map((cidr) => reachOf(cidr)!),
      },
    ],
    [
      'two prefixes',
      { ...stateless, isManaged: true, prefixes: [...stateless.prefixes, prefix('fd00:c::/120', false)] },
    ],
    ['no MTU, no names', { ...stateless, mtu: undefined, nameservers: [], domains: [] }],
  ])('%s', (name, said) => {
    const frame = icmpv6Frame(router, web, advertisementBytes(said))
    expect(withoutLabel(frame)).toBe(withoutLabel(vectorOf('advertisements', name).reply))
  })
})

describe('what is taken back', () => {
  test('is, when nothing takes its place, what radvd says at its end', () => {
    const frame = icmpv6Frame(router, allNodes, withdrawalBytes(stateless, undefined)!)
    expect(withoutLabel(frame)).toBe(withoutLabel(vectorOf('advertisements', 'stateless').end))
  })

  test('are the routes, too', () => {
    const routes = [reachOf('2001:db8:9::/48')!]
    expect(withdrawalBytes({ ...stateful, isRouter: false, routes }, undefined)).toBeDefined()
  })

  test('is nothing when the next one says all of it', () => {
    const more: Advertisement = {
      ...stateless,
      isManaged: true,
      prefixes: [...stateless.prefixes, prefix('fd00:c::/64', false)],
      nameservers: [...stateless.nameservers, ipv6Bytes('2001:db8::54')],
      domains: ['example.org', ...stateless.domains],
      routes: [reachOf('2001:db8:9::/48')!],
    }
    expect(withdrawalBytes(stateless, more)).toBeUndefined()
    expect(withdrawalBytes(stateful, stateless)).toBeUndefined()
    expect(
      withdrawalBytes({ ...stateful, isRouter: false }, { ...stateful, isRouter: false }),
    ).toBeUndefined()
  })

  const parts = (said: Advertisement, next: Advertisement) => {
    const bytes = withdrawalBytes(said, next)!
    const options: string[] = []
    for (let at = 16; at < bytes.length; at += 8 * bytes[at + 1]!)
      options.push(bytes.toString('hex', at, at + 8 * bytes[at + 1]!))
    return {
      routerSeconds: bytes.readUInt16BE(6),
      codes: options.map((hex) => Number.parseInt(hex.slice(0, 2), 16)),
      options,
    }
  }
  const always = [5, 1] // MTU and sender

  test('is the way out when the router goes, and with it all that only that sender said', () => {
    const other = { ...stateless, mac: macs.web, isRouter: false }
    expect(parts(stateless, other)).toMatchObject({ routerSeconds: 0, codes: [25, 31, ...always] })
  })

  test('is the way out alone when the sender stays', () => {
    expect(parts(stateless, { ...stateless, isRouter: false })).toMatchObject({
      routerSeconds: 0,
      codes: always,
    })
  })

  test('is a prefix that a machine has made its address of, although the sender stays a router', () => {
    const { routerSeconds, codes, options } = parts(stateless, stateful)
    expect([routerSeconds, codes]).toEqual([9000, [3, ...always]])
    expect(options[0]).toBe(
      '030440c0' + '00001c20' + '00000000' + '00000000' + 'fd00000a000000000000000000000000',
    )
  })

  test('are the resolvers, names and routes that went, and no others', () => {
    const routed = {
      ...stateless,
      routes: ['2001:db8:8::/48', '2001:db8:9::/48'].map((cidr) => reachOf(cidr)!),
    }
    const next = {
      ...routed,
      routes: routed.routes.slice(1),
      nameservers: stateless.nameservers.slice(1),
      domains: ['blue.example.org'],
    }
    const { codes, options } = parts(routed, next)
    expect(codes).toEqual([24, 25, 31, ...always])
    expect(options.slice(0, 3)).toEqual([
      '18033000' + '00000000' + '20010db8000800000000000000000000',
      '19030000' + '00000000' + 'fd00000a000000000000000000000053',
      `1f040000${'00000000'}${Buffer.from('\x03red\x07example\x03org\0').toString('hex').padEnd(48, '0')}`,
    ])
  })
})
