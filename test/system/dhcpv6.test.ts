/**
 * VMs that boot by router advertisements and DHCPv6 alone, on a real switch: the kernel, dhclient and systemd-networkd, of
 * two tenants with the same prefixes, addresses, MAC addresses and names. What comes to every VM is looked at to the end.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressText, interfaceAddress as madeAddress, reachOf } from '../../src/app/reach.ts'
import { configuredAddresses, untilBooted } from '../../src/lab/boot.ts'
import { down, type Lab, portOf, up } from '../../src/lab/lab.ts'
import { ip } from '../../src/lab/namespace.ts'
import { northboundOf } from '../../src/lab/plan.ts'
import { waitUntil } from '../../src/lab/process.ts'
import { type NbDriver, openNbDriver, updateRow } from '../../src/nb/index.ts'
import { macBytes } from '../../src/wire/address.ts'
import { asking, association, client, message, option } from '../app/dhcp/v6/messages.ts'
import { tcpdumpOf } from '../packet/foreign.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { type Capture, sendFrames, startCapture } from '../support/capture.ts'
import { eth, icmpv6, ipv6, routerSolicitation, udp } from '../support/frames.ts'
import { labNameOf, metricsOf, printedIn, tracesOf } from '../support/lab.ts'

const made = 'fd00:a::f816:3eff:fe00:12'
const networkText = (tenant: string, id: number, more: string) => `
  ${tenant}-net: { tenant: ${tenant}, physical_network: physnet1, segmentation_id: ${id}, mtu: 1400, subnets: [
    { cidr: 'fd00:a::/64', gateway: 'fd00:a::1', dhcp: true, domain: ${tenant}.example.org, ${more} } ] }`
const groupText = (tenant: string) => `
  ${tenant}-open: { tenant: ${tenant}, rules: [{ direction: egress, ethertype: IPv6 }, { direction: ingress, ethertype: IPv6 }] }`
const portsText = (tenant: string) => `
  ${tenant}-given: { network: ${tenant}-net, dns_name: given, mac: 'fa:16:3e:00:00:11', ips: ['fd00:a::11'], boot: dhclient, security_groups: [${tenant}-open] }
  ${tenant}-made: { network: ${tenant}-net, dns_name: made, mac: 'fa:16:3e:00:00:12', ips: ['${made}'], boot: dhclient, security_groups: [${tenant}-open] }`

/** Red has a router and names no resolver; blue has none and names one. A group forbids all that red's third VM says. */
const text = `
nodes: [compute-1]
networks:${networkText('red', 101, "host_routes: [{ destination: '2001:db8:9::/48', nexthop: 'fd00:a::1' }]")}${networkText('blue', 102, "dns_nameservers: ['2001:db8::53']")}
routers:
  red-router: { tenant: red, interfaces: { red-net: ['fd00:a::1'] } }
security_groups:${groupText('red')}${groupText('blue')}
  red-closed: { tenant: red, rules: [] }
ports:${portsText('red')}${portsText('blue')}
  red-networkd: { network: red-net, dns_name: networkd, mac: 'fa:16:3e:00:00:13', ips: ['fd00:a::13'], boot: networkd, security_groups: [red-closed] }
options:
  df: { apps_list: 'portbinding,classifier,portsec,l2,provider,sg,l3_proactive,dhcp,dns' }
`
const keys = ['red-given', 'red-made', 'red-networkd', 'blue-given', 'blue-made']

const name = labNameOf('dhcpv6')
const folder = mkdtempSync(join(tmpdir(), 'df-dhcpv6-'))
let lab: Lab
let store: NbDriver
let captures: Map<string, Capture>

beforeAll(async () => {
  const file = join(folder, 'lab.yaml')
  writeFileSync(file, text)
  const controller = join(builtSource(), 'main.js')
  lab = await up({ name, file, controller, diesWithParent: true, report: () => {} })
  store = await openNbDriver(northboundOf(lab.plan))
  const filter = '(icmp6 and (ip6[40] = 133 or ip6[40] = 134)) or udp port 546 or udp port 547'
  const capture = (key: string) => startCapture(vm(key).namespace, 'eth0', { direction: 'in', filter })
  captures = new Map(await Promise.all(keys.map(async (key) => [key, await capture(key)] as const)))
  await untilBooted(lab.plan, lab.plan.ports)
  // They asked before anybody listened.
  for (const key of keys) await sendFrames(vm(key).namespace, [solicitationOf(vm(key).mac)])
  await waitUntil('advertisements', () =>
    [...captures.values()].every((each) => each.frames().some(isAdvertisement)),
  )
}, buildMs)

afterAll(async () => {
  const heard = await Promise.all(
    [...(captures ?? [])].map(async ([key, each]) => [key, await each.stop()] as const),
  )
  for (const [key, frames] of heard) expect(strange(key, frames)).toEqual([])
  await store?.close()
  await down(name)
  rmSync(folder, { recursive: true })
  expect(tracesOf(name)).toEqual([])
})

const vm = (key: string) => portOf(lab.plan, key).port
const inside = (key: string, ...command: string[]) => printedIn(vm(key).namespace, ...command)
const defaultRoute = (key: string) => inside(key, 'ip', '-6', 'route', 'show', 'default')
/** How many packets the application dropped so far, by reason. */
async function dropped(): Promise<Map<string, number>> {
  const lines = (await metricsOf(lab.plan.nodes[0]!)).matchAll(
    /^df_punts_total\{app="dhcp",verdict="drop",why="(\w+)"\} (\d+)$/gm,
  )
  return new Map([...lines].map(([, why, count]) => [why!, Number(count)]))
}

const linkLocalOf = (mac: string) => addressText(madeAddress(reachOf('fe80::')!, mac))
const solicitationOf = (mac: string, payload = routerSolicitation) =>
  eth(mac, '33:33:00:00:00:02', ipv6(linkLocalOf(mac), 'ff02::2', payload))
const queryOf = (mac: string, payload: Buffer) =>
  eth(mac, '33:33:00:01:00:02', ipv6(linkLocalOf(mac), 'ff02::1:2', udp(546, 547, payload)))
const isAdvertisement = (frame: Buffer) => frame[20] === 58 && frame[54] === 134

const isSolicitation = (frame: Buffer) => frame[20] === 58 && frame[54] === 133

const allNodes = '333300000001'

/** What a VM heard that was not for it: questions of others, answers to others, names of the other tenant. */
function strange(key: string, frames: readonly Buffer[]): string[] {
  const own = macBytes(vm(key).mac).toString('hex')
  const other = key.startsWith('red') ? 'blue' : 'red'
  return frames
    .filter((frame) => {
      // Where no router of the cloud is, a solicitation goes on: not red's, of whose three machines blue has two.
      if (key.startsWith('blue') && isSolicitation(frame))
        return frame.toString('hex', 6, 12) === 'fa163e000013'
      const isAnswer = isAdvertisement(frame) || frame.readUInt16BE(54) === 547
      const isMine = [own, allNodes].includes(frame.toString('hex', 0, 6))
      return !isAnswer || !isMine || frame.includes(`${other}\x07example`)
    })
    .map((frame) => `${key} heard ${frame.toString('hex')}`)
}

describe('a VM has exactly the address of its row, its own resolver and domain', () => {
  // biome-ignore format: one row a line
  test.each([
    ['red-given',    'fd00:a::11', 'nameserver fd00:a::1\nsearch red.example.org\n'],
    ['red-made',     made,         'nameserver fd00:a::1\nsearch red.example.org\n'],
    ['red-networkd', 'fd00:a::13', 'nameserver fd00:a::1\nsearch red.example.org\n'],
    ['blue-given',   'fd00:a::11', 'nameserver 2001:db8::53\nsearch blue.example.org\n'],
    ['blue-made',    made,         'nameserver 2001:db8::53\nsearch blue.example.org\n'],
  ])('%s', async (key, address, resolver) => {
    expect(await configuredAddresses(vm(key))).toEqual([address])
    expect(await inside(key, 'cat', '/etc/resolv.conf')).toBe(resolver)
    expect(await inside(key, 'ip', '-6', 'route')).toContain('fd00:a::/64 dev eth0')
  })

  test('and the way out where there is a router', async () => {
    for (const key of ['red-given', 'red-made', 'red-networkd'])
      expect(await defaultRoute(key)).toMatch(/^default via fe80::\S+ dev eth0 proto ra .*expires \d{4}sec/)
    for (const key of ['blue-given', 'blue-made']) expect(await defaultRoute(key)).toBe('')
    expect(await inside('red-networkd', 'ip', '-6', 'route')).toMatch(/2001:db8:9::\/48 via fe80::/)
    expect(await inside('red-made', 'cat', '/proc/sys/net/ipv6/conf/eth0/mtu')).toBe('1400\n')
  })

  test('so that it reaches its gateway, and its neighbour by name', async () => {
    expect(await inside('red-made', 'ping', '-c1', '-W2', 'fd00:a::1')).toContain(' 0% packet loss')
    expect(await inside('red-made', 'ping', '-c1', '-W2', 'given')).toContain(
      'from given.red.example.org (fd00:a::11)',
    )
  })
})

describe('what a VM hears', () => {
  const heard = (key: string) => tcpdumpOf(captures.get(key)!.frames())

  test('is understood by tcpdump', () => {
    for (const key of keys)
      for (const line of heard(key)) {
        expect(line).toMatch(/sum ok\]/)
        expect(line).not.toMatch(/bad|trunc|invalid|\[\|/i)
      }
  })

  test('are the options of its subnet', () => {
    const advertised = heard('red-given').find((line) => line.includes('router advertisement'))!
    expect(advertised).toContain('Flags [managed, other stateful], pref medium, router lifetime 9000s')
    expect(advertised).toContain('fd00:a::/64, Flags [onlink], valid time infinity, pref. time infinity')
    expect(advertised).toContain('2001:db8:9::/48, pref=medium, lifetime=9000s')
    expect(advertised).toContain('lifetime 9000s, addr: fd00:a::1')
    expect(advertised).toContain('domain(s): red.example.org.')
    expect(advertised).toContain('mtu option (5), length 8 (1):  1400')
    const blue = heard('blue-made').find((line) => line.includes('router advertisement'))!
    expect(blue).toContain('Flags [other stateful], pref medium, router lifetime 0s')
    expect(blue).toContain('fd00:a::/64, Flags [onlink, auto], valid time infinity')
  })

  test('are replies to its own client', async () => {
    const asked = [client, asking(23, 24), association(1)]
    const frames = [message(1, ...asked), message(1, ...asked, option(14))].map((each) =>
      queryOf(vm('red-given').mac, each),
    )
    await sendFrames(vm('red-given').namespace, frames)
    const given = String.raw`\(IA_NA .*\(IA_ADDR fd00:a::11 pltime:86400 vltime:86400\)`
    const rest = String.raw`.*\(DNS-search-list red\.example\.org\.\) \(DNS-server fd00:a::1\)`
    for (const type of ['advertise', 'reply'])
      await waitUntil(`an ${type} with all that`, () =>
        heard('red-given').some((line) => new RegExp(`dhcp6 ${type} .*${given}${rest}`).test(line)),
      )
  })
})

describe('a change of rows reaches a VM that asks nothing', () => {
  test('the router goes: so does the way out; it comes back', async () => {
    const [router] = await store.list('lrouter')
    await store.delete('lrouter', router!.id)
    await waitUntil('the route to go', async () => (await defaultRoute('red-made')) === '')
    await store.put('lrouter', router!.id, router!.value)
    await waitUntil('the route to come', async () => (await defaultRoute('red-made')) !== '')
    expect(await defaultRoute('blue-made')).toBe('')
  })

  test('a resolver comes: red hears of it, blue does not', async () => {
    const subnet = vm('red-made').addresses[0]!.subnetId
    await updateRow(store, 'lsubnet', subnet, { dns_nameservers: ['2001:db8::99'] })
    const isTold = (key: string) =>
      tcpdumpOf(captures.get(key)!.frames()).some((line) => line.includes('addr: 2001:db8::99'))
    await waitUntil('red to be told', () => isTold('red-made'))
    expect(isTold('blue-made')).toBe(false)
  })
})

const mac = 'fa:16:3e:00:00:12'
const query = (payload: Buffer) => queryOf(mac, payload)
const changed = (frame: Buffer, at: number, value: number) => {
  frame[at] = value
  return frame
}

test('bad input is dropped and counted, and nobody hears it', async () => {
  // biome-ignore format: one row a line
  const rows: [string, Buffer, string][] = [
    ['a solicitation through a router',      changed(solicitationOf(mac), 21, 254),                                 'hop_limit'],
    ['a solicitation with a wrong checksum', changed(solicitationOf(mac), 56, 0),                                   'checksum'],
    ['a solicitation with a broken option',  solicitationOf(mac, icmpv6(133, Buffer.from('0000000001000000', 'hex'))), 'options'],
    ['a query with a wrong checksum',        changed(query(message(1, client)), 60, 0),                             'checksum'],
    ['a query without a client',             query(message(1, association(1))),                                     'identifiers'],
    ['a relayed query',                      query(message(12, '00'.repeat(34))),                                   'relay'],
    ['a reply to itself',                    query(message(7, client)),                                             'type'],
    ['a query that is cut',                  query(Buffer.from('01abc12300', 'hex')),                               'options'],
  ]
  const before = await dropped()
  await sendFrames(
    vm('red-made').namespace,
    rows.map(([, frame]) => frame),
  )
  const wanted = new Map(before)
  for (const [, , why] of rows) wanted.set(why, (wanted.get(why) ?? 0) + 1)
  await waitUntil('all to be counted', async () => isDeepStrictEqual(await dropped(), wanted))
})

test('a flood costs its port alone', async () => {
  const before = (await dropped()).get('overload') ?? 0
  await sendFrames(vm('red-made').namespace, Array(60).fill(solicitationOf(mac)))
  const answers = () => captures.get('red-given')!.frames().length
  const answered = answers()
  await ip(vm('red-given').namespace, ['link set eth0 down', 'link set eth0 up'])
  await waitUntil('another port to be answered', () => answers() > answered)
  await waitUntil('the flood to be counted', async () => ((await dropped()).get('overload') ?? 0) > before)
})
