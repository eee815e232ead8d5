/**
 * Real clients that boot behind the real switch: two tenants with the same addresses, MAC addresses and names, each told
 * its own, and a third network whose tenant runs a DHCP server of its own. Every port is watched: nobody sees a message
 * that is not his.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configuredAddresses, leaseOf, untilBooted } from '../../src/lab/boot.ts'
import { dig } from '../../src/lab/dig.ts'
import { down, type Lab, portOf, up } from '../../src/lab/lab.ts'
import { northboundOf } from '../../src/lab/plan.ts'
import { startDaemon, waitUntil } from '../../src/lab/process.ts'
import { openState, readState } from '../../src/lab/state.ts'
import { type NbDriver, openNbDriver, updateRow } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { type Capture, sendFrames, startCapture } from '../support/capture.ts'
import { recordedFrame } from '../support/dhcp.ts'
import { labNameOf, metricsOf, printedIn, tracesOf } from '../support/lab.ts'

const networkText = (tenant: string, id: number) => `
  ${tenant}-net: { tenant: ${tenant}, physical_network: physnet1, segmentation_id: ${id}, mtu: 1400, subnets: [
    { cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: true, dhcp_ip: 10.0.0.2, domain: ${tenant}.example.org,
      host_routes: [{ destination: 192.0.2.0/25, nexthop: 10.0.0.254 }] } ] }`

const text = `
nodes: [compute-1]
networks:${networkText('red', 101)}${networkText('blue', 102)}
  own-net: { tenant: own, physical_network: physnet1, segmentation_id: 103, subnets: [{ cidr: 10.0.0.0/24 }] }
ports:
  red-web: { network: red-net, dns_name: web, mac: "fa:16:3e:00:00:11", ips: [10.0.0.11], boot: dhclient }
  red-db: { network: red-net, dns_name: db, mac: "fa:16:3e:00:00:12", ips: [10.0.0.12], boot: udhcpc }
  blue-web: { network: blue-net, dns_name: web, mac: "fa:16:3e:00:00:11", ips: [10.0.0.11], boot: udhcpc }
  blue-db: { network: blue-net, dns_name: db, mac: "fa:16:3e:00:00:12", ips: [10.0.0.12], boot: networkd }
  own-server: { network: own-net, ips: [10.0.0.2], security: false }
  own-web: { network: own-net, mac: "fa:16:3e:00:00:11", ips: [10.0.0.77], boot: udhcpc }
options:
  df: { apps_list: "portbinding,classifier,portsec,l2,provider,dhcp,dns" }
`

const name = labNameOf('dhcp')
const folder = mkdtempSync(join(tmpdir(), 'df-dhcp-'))
const ports = ['red-web', 'red-db', 'blue-web', 'blue-db', 'own-server', 'own-web'] as const
const served = ports.filter((key) => !key.startsWith('own'))
let lab: Lab
let store: NbDriver
let captures: Map<string, Capture>

beforeAll(async () => {
  const file = join(folder, 'lab.yaml')
  writeFileSync(file, text)
  const controller = join(builtSource(), 'main.js')
  lab = await up({ name, file, controller, diesWithParent: true, report: () => {} })
  store = await openNbDriver(northboundOf(lab.plan))
  const watched = { direction: 'inout', filter: 'udp port 67 or udp port 68' } as const
  const started = ports.map(
    async (key) => [key, await startCapture(vm(key).namespace, 'eth0', watched)] as const,
  )
  captures = new Map(await Promise.all(started))
  await untilBooted(lab.plan, served.map(vm))
}, buildMs)

afterAll(async () => {
  for (const capture of captures?.values() ?? []) await capture.stop()
  await store?.close()
  await down(name)
  rmSync(folder, { recursive: true })
  expect(tracesOf(name)).toEqual([])
})

const vm = (key: string) => portOf(lab.plan, key).port

const inside = (key: string, ...command: string[]) => printedIn(vm(key).namespace, ...command)

/** The DHCP messages that a port sent or got so far: the hardware address in each, the kind, and whom it was sent to. */
const messagesAt = (key: string) =>
  captures
    .get(key)!
    .frames()
    .map((frame) => ({
      chaddr: frame.toString('hex', 70, 76),
      kind: frame[frame.indexOf(Buffer.from('3501', 'hex'), 282) + 2]!,
      to: [...frame.subarray(30, 34)].join('.'),
      frame,
    }))

const kinds = { offer: 2, ack: 5, nak: 6 } as const
const countOf = (key: string, kind: keyof typeof kinds) =>
  messagesAt(key).filter((message) => message.kind === kinds[kind]).length

/** Tells a VM's udhcpc to renew its lease. */
const renew = (key: string) => {
  const { process: client } = readState(name)!.parts.find((part) => part.name === `${key}/udhcpc`)!
  process.kill(client.pid, 'SIGUSR1')
}

describe('a VM that boots', () => {
  test.each(served)('%s has what the rows of its tenant say', async (key) => {
    const [tenant, host] = key.split('-') as [string, string]
    const ip = vm(key).addresses[0]!.ip
    expect(await configuredAddresses(vm(key))).toEqual([ip])
    const resolver = await inside(key, 'cat', '/etc/resolv.conf')
    expect(resolver).toMatch(new RegExp(`^nameserver 10.0.0.2\nsearch ${tenant}.example.org`))
    expect(leaseOf(lab.plan, vm(key), 4)).toMatchObject({ hostname: host, server: '10.0.0.2' })
    const routes = await inside(key, 'ip', 'route')
    for (const route of ['default via 10.0.0.1 ', '192.0.2.0/25 via 10.0.0.254 ', '169.254.169.254 '])
      expect(routes).toContain(route)
    expect(await inside(key, 'ip', 'link', 'show', 'eth0')).toContain('mtu 1400')
  })

  test.each(served)('%s finds its neighbour by name, at the resolver that it was told', async (key) => {
    const other = key.endsWith('web') ? 'db' : 'web'
    const ip = other === 'web' ? '10.0.0.11' : '10.0.0.12'
    for (const asked of [other, `${other}.${key.split('-')[0]}.example.org`])
      expect((await inside(key, 'getent', 'hosts', asked)).split(/\s+/)[0]).toBe(ip)
    expect(await inside(key, 'ping', '-c1', '-W2', '-n', ip)).toContain('1 received')
  })

  test.each(['red-web', 'blue-web'])(
    '%s reaches the server, which refuses names that are not the cloud’s',
    async (key) => {
      expect(await inside(key, 'ping', '-c1', '-W2', '-n', '10.0.0.2')).toContain('1 received')
      const reply = await dig(vm(key).namespace, ['@10.0.0.2', 'ext.example.net', 'A', '+tries=1'])
      expect(reply?.status).toBe('REFUSED')
      expect(await inside(key, 'ip', 'neighbour', 'show', '10.0.0.2')).toContain('02:df:0a:00:00:02')
    },
  )
})

describe('a lease', () => {
  test('is renewed by unicast', async () => {
    const before = countOf('blue-web', 'ack')
    renew('blue-web')
    await waitUntil('the ACK', () => countOf('blue-web', 'ack') > before)
    const [request, ack] = messagesAt('blue-web').slice(-2)
    expect([request!.to, ack!.to]).toEqual(['10.0.0.2', '10.0.0.11'])
  })

  test('of an address that the row does not have any more is refused, and the new one given; the other tenant’s stays', async () => {
    const refused = countOf('red-db', 'nak')
    // So that it knows the server's MAC address: it may not ask for that with an address that is not its own any more.
    expect(await inside('red-db', 'ping', '-c1', '-W2', '-n', '10.0.0.2')).toContain('1 received')
    await updateRow(store, 'lport', vm('red-db').id, { ips: ['10.0.0.22'] })
    await waitUntil('the name to follow', async () =>
      (await inside('red-web', 'getent', 'hosts', 'db')).startsWith('10.0.0.22'),
    )
    // Once: told so again before it hears anything, udhcpc forgets its address and asks for any.
    renew('red-db')
    await waitUntil('the refusal', () => countOf('red-db', 'nak') > refused)
    await waitUntil(
      'the new address',
      async () => (await configuredAddresses(vm('red-db'))).join() === '10.0.0.22',
    )
    expect(await configuredAddresses(vm('blue-db'))).toEqual(['10.0.0.12'])
  })

  test('is given to others while a port asks without end, and to that port when it asks less', async () => {
    const flood = Array.from({ length: 2000 }, () => recordedFrame('plain udhcpc: DISCOVER'))
    const before = countOf('blue-web', 'ack')
    const offered = countOf('red-web', 'offer')
    const flooding = sendFrames(vm('red-web').namespace, flood.map(withHardwareAddress('fa163e000011')))
    renew('blue-web')
    await waitUntil('the ACK', () => countOf('blue-web', 'ack') > before)
    await flooding
    expect(countOf('red-web', 'offer') - offered).toBeLessThan(flood.length / 2)
    await waitUntil('an OFFER', async () => {
      const answered = countOf('red-web', 'offer')
      await sendFrames(vm('red-web').namespace, [withHardwareAddress('fa163e000011')(flood[0]!)])
      return waitUntil('one', () => countOf('red-web', 'offer') > answered, { timeoutMs: 1000 }).then(
        () => true,
        () => false,
      )
    })
  })
})

test('a tenant’s own DHCP server is left alone', async () => {
  const options = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--port=0',
    '--user=root',
    '--pid-file',
    '--no-ping',
  ]
  const told = [
    '--dhcp-range=10.0.0.0,static',
    '--dhcp-host=fa:16:3e:00:00:11,10.0.0.77',
    '--dhcp-option=3,10.0.0.1',
  ]
  await startDaemon('dnsmasq', [...options, ...told, `--dhcp-leasefile=${join(folder, 'leases')}`], {
    logFile: join(folder, 'dnsmasq.log'),
    namespace: vm('own-server').namespace,
    diesWithParent: true,
    started: (process) => openState(name).record('own-server/dnsmasq', process),
  })
  await untilBooted(lab.plan, [vm('own-web')])
  expect(leaseOf(lab.plan, vm('own-web'), 4)).toMatchObject({ address: '10.0.0.77', server: '10.0.0.2' })
})

test('nobody saw a message of another port, and each verdict is counted', async () => {
  for (const key of served) {
    const own = vm(key).mac.replaceAll(':', '')
    expect(
      messagesAt(key).filter(({ chaddr }) => chaddr !== own),
      key,
    ).toEqual([])
  }
  const ofOwn = new Set(messagesAt('own-server').map(({ chaddr }) => chaddr))
  expect(ofOwn).toEqual(new Set(['fa163e000011']))
  const metrics = await metricsOf(lab.plan.nodes[0]!)
  for (const line of ['verdict="reply",why="nak"} ', 'verdict="drop",why="overload"} '])
    expect(metrics).toContain(`app="dhcp",${line}`)
})

/** The recorded message of another client, of one with that hardware address; without a UDP checksum. */
function withHardwareAddress(mac: string): (frame: Buffer) => Buffer {
  return (frame) => {
    const changed = Buffer.from(frame)
    changed.write(mac, 6, 'hex')
    changed.write(mac, 70, 'hex')
    changed.writeUInt16BE(0, 40)
    return changed
  }
}
