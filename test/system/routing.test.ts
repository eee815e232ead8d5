/**
 * Routers and the way outside as VMs meet them: two tenants with the same addresses and MAC addresses on one node, each with
 * a router between two networks, and a resolver outside that both reach from the address of the node.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dig } from '../../src/lab/dig.ts'
import { captureOf } from '../../src/lab/dns-server.ts'
import { down, type Lab, namespaceOf, up } from '../../src/lab/lab.ts'
import { ip, runIn } from '../../src/lab/namespace.ts'
import { northboundOf } from '../../src/lab/plan.ts'
import { waitUntil } from '../../src/lab/process.ts'
import { openNbDriver, updateRow } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { startCapture } from '../support/capture.ts'
import { labNameOf, tracesOf } from '../support/lab.ts'

const tenants = ['red', 'blue'] as const
const name = labNameOf('route')
const external = '198.51.100.21'

const networksText = (tenant: string, id: number) => `
  ${tenant}-front: { tenant: ${tenant}, type: geneve, segmentation_id: ${id}, subnets: [
    { cidr: 10.0.0.0/24, gateway: 10.0.0.1 }, { cidr: 'fd00:a::/64', gateway: 'fd00:a::1' }] }
  ${tenant}-back: { tenant: ${tenant}, type: geneve, segmentation_id: ${id + 1}, mtu: 1400, subnets: [
    { cidr: 10.0.1.0/24, gateway: 10.0.1.1 }, { cidr: 'fd00:b::/64', gateway: 'fd00:b::1' }] }`

const routerText = (tenant: string) => `
  ${tenant}-router: { tenant: ${tenant}, interfaces: { ${tenant}-front: [10.0.0.1, 'fd00:a::1'], ${tenant}-back: [10.0.1.1, 'fd00:b::1'] } }`

const portsText = (tenant: string) => `
  ${tenant}-web: { network: ${tenant}-front, mac: 'fa:16:3e:00:00:11', ips: [10.0.0.11, 'fd00:a::11'] }
  ${tenant}-db: { network: ${tenant}-back, mac: 'fa:16:3e:00:00:12', ips: [10.0.1.12, 'fd00:b::12'], security: false }`

const text = `
nodes: [compute-1]
networks:${networksText('red', 5001)}${networksText('blue', 5003)}
routers:${routerText('red')}${routerText('blue')}
ports:${portsText('red')}${portsText('blue')}
outside:
  subnets: [198.51.100.0/24, '2001:db8::/64']
  external_host_ips: { compute-1: [${external}, '2001:db8::21'] }
  servers: { resolver: { addresses: [198.51.100.53, '2001:db8::53'], records: { ext.example.net: [192.0.2.80] } } }
options:
  df: { apps_list: "portbinding,classifier,portsec,l2,tunneling,l3_proactive,chassis_snat,dns" }
  df_l3_app: { router_ttl_invalid_max_rate: 100, router_port_unreach_max_rate: 100 }
`

let lab: Lab
beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'df-lab-file-'))
  const file = join(directory, 'lab.yaml')
  writeFileSync(file, text)
  const controller = join(builtSource(), 'main.js')
  lab = await up({ name, file, controller, diesWithParent: true, report: () => {} }).finally(() =>
    rmSync(directory, { recursive: true }),
  )
}, buildMs)
afterAll(async () => {
  await down(name)
  expect(tracesOf(name)).toEqual([])
})

const at = (port: string) => namespaceOf(lab.plan, port)
/** What a command says, whether it succeeds or not. */
const said = (port: string, command: string) => runIn(at(port), 'sh', ['-c', `${command} 2>&1 || true`])
const ping = (port: string, address: string, options = '') =>
  said(port, `ping -n -c1 -W1 ${options} ${address}`)

/** The error with which a program hears of a packet that it sent: its name in Python. */
const errorOf = (port: string, kind: 'udp' | 'tcp', address: string, number: number) =>
  runIn(at(port), 'python3', [
    '-c',
    `
import socket
s = socket.socket(socket.AF_INET6 if ':' in '${address}' else socket.AF_INET, socket.SOCK_${kind === 'udp' ? 'DGRAM' : 'STREAM'})
s.settimeout(3)
try:
    s.connect(('${address}', ${number}))
    s.send(b'hello')
    s.recv(1)
except OSError as e:
    print(type(e).__name__)
`,
  ]).then((output) => output.trim())

describe.each(tenants)('in the cloud of %s', (tenant) => {
  const [web, db] = [`${tenant}-web`, `${tenant}-db`]

  test.each([
    [web, '10.0.1.12'],
    [db, '10.0.0.11'],
    [web, 'fd00:b::12'],
    [db, 'fd00:a::11'],
  ])('%s reaches %s by the router, and nobody else hears of it', async (from, address) => {
    const others = tenants
      .filter((other) => other !== tenant)
      .flatMap((other) => [`${other}-web`, `${other}-db`])
    const filter = { direction: 'inout', filter: 'icmp or icmp6[0] == 128' } as const
    const captures = await Promise.all(others.map((key) => startCapture(at(key), 'eth0', filter)))
    expect(await ping(from, address)).toMatch(/1 received.* 0% packet loss/)
    const seen = await Promise.all(captures.map((capture) => capture.stop()))
    expect(seen).toEqual([[], []])
  })

  test.each([
    ['10.0.1.12', '10.0.0.1'],
    ['fd00:b::12', 'fd00:a::1'],
  ])('the first hop to %s is %s', async (address, router) => {
    expect(await ping(web, address, '-t 1')).toMatch(new RegExp(`From ${router}.* Time (to live )?exceeded`))
    expect(await ping(web, router)).toContain(' 0% packet loss')
  })

  test.each([
    ['10.0.1.99', /From 10\.0\.0\.1 .*Destination Host Unreachable/],
    ['fd00:b::99', /From fd00:a::1 .*Address unreachable/],
    ['169.254.169.254', /From 10\.0\.0\.1 .*Destination Net Unreachable/],
  ])('%s is told to be nowhere', async (address, message) => {
    expect(await ping(web, address)).toMatch(message)
  })

  test.each([
    ['10.0.1.12', '-s 1400', /Frag needed and DF set \(mtu = 1400\)/],
    ['fd00:b::12', '-s 1400', /Packet too big: mtu=1400/],
  ])('what is too big for the way to %s is told the size that fits', async (address, size, message) => {
    expect(await ping(web, address, `-M do ${size}`)).toMatch(message)
    // The next one is small enough: the VM has learned.
    expect(await ping(web, address, size)).toContain(' 0% packet loss')
  })

  test.each(['10.0.0.1', 'fd00:a::1'])('nothing listens at the router, %s', async (router) => {
    expect(await errorOf(web, 'udp', router, 4001)).toBe('ConnectionRefusedError')
    expect(await errorOf(web, 'tcp', router, 80)).toBe('ConnectionRefusedError')
  })

  test.each(['198.51.100.53', '2001:db8::53'])(
    'programs hear of what goes wrong outside, %s',
    async (resolver) => {
      expect(await errorOf(web, 'udp', resolver, 4001)).toBe('ConnectionRefusedError')
      expect(await errorOf(web, 'tcp', resolver, 80)).toBe('ConnectionRefusedError')
      expect(await ping(web, resolver, '-t 2')).toMatch(/From .* Time (to live )?exceeded/)
    },
  )
})

describe('outside', () => {
  test.each([
    ['10.0.0.11', '198.51.100.53'],
    ['fd00:a::11', '2001:db8::53'],
  ])('the same packet of two tenants, from %s: both get their answer', async (own, resolver) => {
    const ask = (tenant: string) =>
      dig(at(`${tenant}-web`), ['-b', `${own}#4000`, `@${resolver}`, 'ext.example.net', '+tries=1'])
    const replies = await Promise.all(tenants.map(ask))
    expect(replies.map((reply) => reply?.answers)).toEqual([['192.0.2.80'], ['192.0.2.80']])
  })

  test('the resolver has seen the node alone', async () => {
    const seen = await runIn(at('resolver'), 'tcpdump', [
      '-n',
      '-r',
      captureOf(lab.plan, 'resolver'),
      'udp dst port 53',
    ])
    const sources = [...seen.matchAll(/IP6? (\S+)\.\d+ > /g)].map(([, source]) => source)
    expect(new Set(sources)).toEqual(new Set([external, '2001:db8::21']))
  })

  test('nobody there reaches a port', async () => {
    const captures = await Promise.all(
      ['red-web', 'blue-web'].map((key) =>
        startCapture(at(key), 'eth0', { direction: 'in', filter: 'icmp or udp' }),
      ),
    )
    await said('resolver', `ping -n -c1 -W1 ${external}`)
    expect(await Promise.all(captures.map((capture) => capture.stop()))).toEqual([[], []])
  })
})

test('an extra route is there when its row says so, and for its tenant alone', async () => {
  const store = await openNbDriver(northboundOf(lab.plan))
  const [router] = lab.plan.routers
  const behind = '192.0.2.200'
  await ip(at('red-db'), [`addr add ${behind}/32 dev lo`])
  const isReached = async (tenant: string) =>
    (await ping(`${tenant}-web`, behind)).includes(' 0% packet loss')
  try {
    const routes = [{ destination: '192.0.2.192/26', nexthop: '10.0.1.12' }]
    await updateRow(store, 'lrouter', router!.id, { routes })
    await waitUntil('the route', () => isReached('red'))
    expect(await isReached('blue')).toBe(false)
    await updateRow(store, 'lrouter', router!.id, { routes: [] })
    await waitUntil('the route to go', async () => !(await isReached('red')))
  } finally {
    await store.close()
  }
})
