/** What the cloud's own addresses say where any other server would get the packet, in two tenants alike. */

import { decode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import type { Network, Port, View } from '../../../src/app/view.ts'
import { faultOf } from '../../support/reply-judge.ts'
import { networkOf, portOf, routerOf, type Tenant, viewOf } from '../../support/view.ts'
import { appOf, frameWith, messageIn, queryOf, textOf, verdictOf } from './asking.ts'

/** 10.<place>.0.0/24 alone, with a gateway at .1 and a DHCP server at .2. */
function stubOf(tenant: Tenant, key: number, place: number): Network {
  const plain = networkOf(tenant, key)
  const id = `net-${tenant}-${place}`
  const ips = { cidr: `10.${place}.0.0/24`, gatewayIp: `10.${place}.0.1`, dhcpIp: `10.${place}.0.2` }
  return { ...plain, id, subnets: [{ ...plain.subnets[0]!, ...ips, id: `subnet-${id}`, networkId: id }] }
}

/** DHCP's port at an address, on a node or on none. */
const dhcpPortOf = (network: Network, key: number, ip: string, chassis?: string): Port => ({
  ...{ ...portOf(network, key, undefined, [ip]), deviceOwner: 'network:dhcp' },
  chassis,
})

/**
 * Of each tenant: an asker on 10.0.0.0/24, which a router joins to 10.7.0.0/24 and to a network outside (10.9.0.0/24,
 * where the router is .9 and the gateway a machine that nobody here knows); 10.8.0.0/24 has a router of its own. DHCP's
 * ports at 10.7.0.2 and 10.0.0.4 are bound to a node, by an agent.
 */
function cloud(): View {
  const tenants = ['red', 'blue'] as const
  const parts = tenants.map((tenant, index) => {
    const key = 10 * index
    const home = networkOf(tenant, key + 1)
    const networks = [
      { ...home, subnets: [{ ...home.subnets[0]!, dhcpIp: '10.0.0.2' }, home.subnets[1]!] },
      ...[7, 8, 9].map((place) => stubOf(tenant, key + place, place)),
    ]
    const [front, back, lonely, outside] = networks as [Network, Network, Network, Network]
    const router = routerOf(tenant, key + 1, [front, back])
    const leg = {
      id: `leg-${tenant}`,
      key: 0,
      networkId: outside.id,
      networks: ['10.9.0.9/24', 'nonsense'],
      mac: undefined,
    }
    const far = { ...routerOf(tenant, key + 2, [lonely]), id: `far-${tenant}` }
    const ports = [
      portOf(front, key + 1, 'web', ['10.0.0.11', 'fd00:a::11']),
      dhcpPortOf(front, key + 2, '10.0.0.2'),
      dhcpPortOf(front, key + 4, '10.0.0.3'),
      dhcpPortOf(front, key + 5, '10.0.0.4', 'compute-2'),
      dhcpPortOf(back, key + 3, '10.7.0.2', 'compute-2'),
    ]
    return { networks, ports, routers: [{ ...router, ports: [...router.ports, leg] }, far] }
  })
  return viewOf(
    parts.flatMap(({ networks }) => networks),
    parts.flatMap(({ ports }) => ports),
    { 1: 11, 11: 21 },
    parts.flatMap(({ routers }) => routers),
  )
}

const view = cloud()
const refusal = 'REFUSED'
const goesOn = 'pass unknown-name'
/** The cookie 0123456789abcdef, as an OPT record. */
const opt = (cookie = '000a0008 0123456789abcdef', version = '00') => {
  const options = Buffer.from(cookie.replaceAll(' ', ''), 'hex')
  return Buffer.concat([
    Buffer.from(`00002904d000${version}000000`, 'hex'),
    Buffer.from([options.length]),
    options,
  ])
}
const withOpt = (message: Buffer, ...more: Parameters<typeof opt>) => {
  const whole = Buffer.concat([message, opt(...more)])
  whole.writeUInt16BE(1, 10)
  return whole
}

describe.each([
  ['red', 1],
  ['blue', 11],
] as const)('a port of %s', (tenant, key) => {
  const app = appOf({ df_dns_nsid: 'compute-1' })
  const said = (server: string, message = queryOf('www.example.net', 'A')) =>
    textOf(verdictOf(app, view, key, message, server))

  // biome-ignore format: one server a line
  test.each<[string, string, string]>([
    ['the router',                                   '10.0.0.1',      refusal],
    ['the router over IPv6',                         'fd00:a::1',     refusal],
    ['a DHCP server that no agent is',               '10.0.0.2',      refusal],
    ['the port of a DHCP server that no agent is',   '10.0.0.3',      refusal],
    ['the port of a DHCP agent',                     '10.0.0.4',      goesOn],
    ['the router’s address on a network it joins',   '10.7.0.1',      refusal],
    ['a DHCP agent',                                 '10.7.0.2',      goesOn],
    ['the router’s address outside',                 '10.9.0.9',      refusal],
    ['the gateway outside, which is no router here', '10.9.0.1',      goesOn],
    ['a router that joins nothing to its network',   '10.8.0.1',      goesOn],
    ['the DHCP server there',                        '10.8.0.2',      goesOn],
    ['a server outside',                             '198.51.100.53', goesOn],
    ['a server outside over IPv6',                   '2001:db8::53',  goesOn],
  ])('asks %s for a name of the world', (_name, server, expected) => {
    expect(said(server)).toBe(expected)
  })

  test('gets the names of its own from there as from everywhere', () => {
    const a = `NOERROR web.${tenant}.example.org 30 A 10.0.0.11`
    for (const server of ['10.0.0.1', '10.0.0.2', 'fd00:a::1', '198.51.100.53'])
      expect(said(server, queryOf(`web.${tenant}.example.org`, 'A'))).toBe(a)
  })

  const wire = '037777770765 78616d706c65 036e6574 00'.replaceAll(' ', '') // www.example.net
  const raw = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const header = (flags: string, questions = '0001') => `1234${flags}${questions}000000000000`

  // biome-ignore format: one message a line
  test.each<[string, Buffer, string, string]>([
    ['a name of the other tenant', queryOf(`web.${tenant === 'red' ? 'blue' : 'red'}.example.org`, 'A'), refusal, 'unknown-name'],
    ['a transfer',             queryOf(`web.${tenant}.example.org`, 'AXFR'), refusal,      'meta-type'],
    ['a bare name of ours, MX', queryOf('web', 'MX'),                        refusal,      'short-name'],
    ['class CHAOS',            raw(`${header('0100')}${wire}0010 0003`),     refusal,      'class'],
    ['a name no host has',     raw(`${header('0100')}012a ${wire}0001 0001`), refusal,     'odd-name'],
    ['NOTIFY',                 raw(`${header('2000')}${wire}0006 0001`),     'NOTIMP',     'opcode'],
    ['opcode 15, no question', raw(header('7900', '0000')),                  'NOTIMP',     'opcode'],
    ['two questions',          raw(`${header('0100', '0002')}${wire}00010001${wire}00010001`), 'FORMERR', 'counts'],
    ['no question',            raw(header('0100', '0000')),                  'FORMERR',    'counts'],
    ['a pointer to itself',    raw(`${header('0100')}c00c 0001 0001`),       'FORMERR',    'name'],
    ['bytes left over',        raw(`${header('0100')}${wire}0001 0001 00`),  'FORMERR',    'message'],
    ['two OPT records',        Buffer.concat([raw(`1234 0100 0001 0000 0000 0002 ${wire}0001 0001`), opt(), opt()]), 'FORMERR', 'additional'],
    ['EDNS version 1',         withOpt(queryOf('www.example.net', 'A'), '', '01'), 'NOERROR', 'unknown-name'], // BADVERS: 16 & 15
    ['half a cookie',          withOpt(queryOf('www.example.net', 'A'), '000a0004 01234567'), 'FORMERR', 'unknown-name'],
    ['a cookie alone',         withOpt(raw(header('0100', '0000'))),         'NOERROR',    'no-question'],
    ['half a cookie alone',    withOpt(raw(header('0100', '0000')), '000a0004 01234567'), 'FORMERR', 'no-question'],
    ['a response',             raw(`${header('8180')}${wire}0001 0001`),     'pass response', 'response'],
    ['eleven bytes',           raw(header('0100').slice(0, 22)),             'pass message',  'message'],
    ['nothing',                Buffer.alloc(0),                              'pass message',  'message'],
  ])('asks the router with %s, and a server outside gets it', (_name, message, expected, why) => {
    expect(said('198.51.100.53', message)).toBe(`pass ${why}`)
    for (const router of ['10.0.0.1', 'fd00:a::1']) {
      const verdict = verdictOf(app, view, key, message, router)
      expect(textOf(verdict)).toBe(expected)
      if (verdict.kind === 'reply') expect(faultOf(frameWith(message, router), verdict.frame)).toBeUndefined()
    }
  })

  /** The OPT record's codes and data in a reply of the router. */
  const optionsOf = (message: Buffer) => {
    const verdict = verdictOf(app, view, key, message, '10.0.0.1')
    const reply = decode(messageIn(verdict.kind === 'reply' ? verdict.frame : Buffer.alloc(0)))
    const opt = reply.additionals![0] as unknown as {
      options: { code: number; data: Buffer }[]
      extendedRcode: number
    }
    return {
      rcode: opt.extendedRcode,
      options: opt.options.map(({ code, data }) => `${code} ${data.toString('hex')}`),
    }
  }
  const cookie = expect.stringMatching(/^10 0123456789abcdef[0-9a-f]{16}$/)

  test('is told by an extended error that the server knows other names only', () => {
    const query = queryOf('www.example.net', 'A')
    expect(optionsOf(withOpt(query, '')).options).toEqual(['15 0014'])
    const nsid = '3 636f6d707574652d31'
    expect(optionsOf(withOpt(query, '000a0008 0123456789abcdef 00030000')).options).toEqual([
      cookie,
      nsid,
      '15 0014',
    ])
  })

  test('fetches a cookie without a question', () => {
    const message = withOpt(raw(header('0100', '0000')))
    const verdict = verdictOf(app, view, key, message, '10.0.0.1')
    const reply = messageIn(verdict.kind === 'reply' ? verdict.frame : Buffer.alloc(0))
    expect([verdict.why, reply.toString('hex', 0, 12)]).toEqual(['cookie', '123481800000000000000001'])
    expect(optionsOf(message).options).toEqual([cookie])
  })

  test('hears BADVERS of a version that nobody knows', () => {
    expect(optionsOf(withOpt(queryOf('www.example.net', 'A'), '', '01'))).toEqual({ rcode: 1, options: [] })
  })
})

describe('when the network changes', () => {
  const app = appOf()
  const said = (at: View, server: string) =>
    textOf(verdictOf(app, at, 1, queryOf('www.example.net', 'A'), server))

  test('the addresses are those of the view', () => {
    expect(said(view, '10.0.0.1')).toBe(refusal)
    expect(said({ ...view, routers: new Map() }, '10.0.0.1')).toBe(goesOn)
    expect(said(view, '10.0.0.1')).toBe(refusal)
  })

  test('an agent that comes to a node answers for itself', () => {
    const [id, port] = [...view.ports].find(([, { key }]) => key === 2)!
    const ports = new Map([...view.ports, [id, { ...port, chassis: 'compute-1' }]])
    expect(said({ ...view, ports }, '10.0.0.2')).toBe(goesOn)
    expect(said(view, '10.0.0.2')).toBe(refusal)
  })

  test('a port on a network that nobody knows has no such address', () => {
    expect(said({ ...view, networks: new Map() }, '10.0.0.2')).toBe(goesOn)
  })
})
