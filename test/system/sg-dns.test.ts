/**
 * Internal DNS where security groups track every connection: the cases 44 and 45 of docs/dns.md, answers, refusals and
 * queries that go on, with the controller, past it and without it. Two tenants with the same addresses, the same names and
 * groups of the same names; every port and gateway is captured.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { portOf, restartController } from '../../src/lab/lab.ts'
import { signalProcess, waitUntil } from '../../src/lab/process.ts'
import { readState } from '../../src/lab/state.ts'
import { type SwitchTools, switchAt } from '../../src/lab/switch.ts'
import { builtSource } from '../support/build.ts'
import { DnsLab, tenants, upstream } from '../support/dns-lab.ts'

const bypass = { packetsPerSecond: 20, seconds: 3 }
const directory = mkdtempSync(join(tmpdir(), 'df-sg-dns-'))
let cloud: DnsLab
let bridge: SwitchTools

beforeAll(async () => {
  const file = join(directory, 'cloud.yaml')
  writeFileSync(file, JSON.stringify(cloudFile()))
  cloud = await DnsLab.start('sg-dns', file)
  bridge = switchAt(cloud.lab.plan.nodes[0]!.switchDirectory)
})

afterAll(async () => {
  await cloud?.close()
  rmSync(directory, { recursive: true })
  expect(cloud.strayPackets).toBe(0)
})

/**
 * In each tenant `vm1` and `vm2` may say everything and are reached by each other alone, `deaf` may say everything and is
 * reached by nobody, and `mute` may send TCP and UDP to any port but 53.
 */
function cloudFile(): unknown {
  const named = <T>(make: (tenant: string, index: number) => Record<string, T>) =>
    Object.assign({}, ...tenants.map(([tenant], index) => make(tenant, index))) as Record<string, T>
  const allOut = [{ direction: 'egress' }, { direction: 'egress', ethertype: 'IPv6' }]
  const udpOut = { direction: 'egress', protocol: 'udp' }
  return {
    nodes: ['compute-1'],
    networks: named((tenant, index) => ({
      [`${tenant}-net`]: {
        tenant,
        physical_network: 'physnet1',
        segmentation_id: 101 + index,
        subnets: [
          { cidr: '10.0.0.0/24', gateway: '10.0.0.1', domain: tenants[index]![1] },
          { cidr: 'fd00:a::/64', gateway: 'fd00:a::1', domain: tenants[index]![1] },
        ],
      },
    })),
    routers: named((tenant) => ({
      [`${tenant}-router`]: { tenant, interfaces: { [`${tenant}-net`]: ['10.0.0.1', 'fd00:a::1'] } },
    })),
    security_groups: named((tenant) => ({
      [`${tenant}-default`]: {
        tenant,
        rules: [
          ...allOut,
          { direction: 'ingress', remote_group: `${tenant}-default` },
          { direction: 'ingress', ethertype: 'IPv6', remote_group: `${tenant}-default` },
        ],
      },
      [`${tenant}-deaf`]: { tenant, rules: allOut },
      [`${tenant}-mute`]: {
        tenant,
        rules: [
          { direction: 'egress', protocol: 'tcp' },
          { ...udpOut, port_range_min: 1, port_range_max: 52 },
          { ...udpOut, port_range_min: 54, port_range_max: 65535 },
        ],
      },
    })),
    ports: named((tenant) => ({
      ...portFile(tenant, 'vm1', ['10.0.0.4', 'fd00:a::4'], 'default'),
      ...portFile(tenant, 'vm2', ['10.0.0.6', 'fd00:a::6'], 'default'),
      ...portFile(tenant, 'deaf', ['10.0.0.7', 'fd00:a::7'], 'deaf'),
      ...portFile(tenant, 'mute', ['10.0.0.8', 'fd00:a::8'], 'mute'),
    })),
    gateways: named((tenant, index) => ({
      [`${tenant}-gw`]: {
        network: `${tenant}-net`,
        outside: [`198.51.100.${11 + index}`, `2001:db8::${11 + index}`],
      },
    })),
    outside: {
      subnets: ['198.51.100.0/24', '2001:db8::/64'],
      servers: {
        upstream: { addresses: [upstream.v4, upstream.v6], records: { 'ext.test': ['192.0.2.1'] } },
      },
    },
    options: {
      df: { apps_list: 'portbinding,classifier,portsec,l2,provider,sg,dns' },
      df_dns_app: {
        df_dns_max_rate_per_port: bypass.packetsPerSecond,
        df_dns_bypass_seconds: bypass.seconds,
      },
    },
  }
}

const portFile = (tenant: string, name: string, ips: string[], group: string) => ({
  [`${tenant}-${name}`]: {
    network: `${tenant}-net`,
    dns_name: name,
    ips,
    security_groups: [`${tenant}-${group}`],
    mac: `fa:16:3e:00:00:0${ips[0]!.slice(-1)}`,
  },
})

const silent = { count: 1, passing: 0 } as const
const servers = [upstream.v4, upstream.v6]

/** The connections that the switch tracks for a port. */
const connectionsOf = (port: string) =>
  bridge.appctl('dpctl/dump-conntrack', `zone=${portOf(cloud.lab.plan, port).port.ofport}`)

/** `ext.test` by way of its own server: the very packet left, and the server's answer came in as a reply. */
async function expectOutsideAnswer(port: string): Promise<void> {
  const observed = await cloud.dig(port, `@${upstream.v4} ext.test`, { count: 1, replying: 1, passing: 1 })
  cloud.expectForwarded(observed, 'ext.test')
  expect(observed.output).toContain('192.0.2.1')
}

describe.each(tenants)('tenant %s', (tenant, domain) => {
  test.each(['vm1', 'deaf'])('%s gets answers, whatever its groups let in (case 45)', async (name) => {
    for (const server of servers) {
      const { message } = await cloud.answered(`${tenant}-${name}`, `@${server} vm2.${domain} A`)
      expect(message.answers).toMatchObject([{ type: 'A', data: '10.0.0.6' }])
    }
    const { message } = await cloud.answered(`${tenant}-${name}`, `@${upstream.v6} vm2.${domain} AAAA`)
    expect(message.answers).toMatchObject([{ type: 'AAAA', data: 'fd00:a::6' }])
  })

  test.each(servers)(
    'mute asks %s and gets no answer, nor does the query leave (case 44)',
    async (server) => {
      const words = `+time=1 @${server} vm2.${domain}`
      const { sent, replies, passed } = await cloud.dig(`${tenant}-mute`, words, silent)
      expect([sent.length, replies.length, passed.length]).toEqual([1, 0, 0])
      expect(await connectionsOf(`${tenant}-mute`)).toBe('')
    },
  )

  test.each(['vm1', 'deaf'])(
    'what %s asks and we do not know goes on, and the reply comes in',
    async (name) => {
      await expectOutsideAnswer(`${tenant}-${name}`)
      expect(await connectionsOf(`${tenant}-${name}`)).toMatch(
        /udp,orig=\(src=10\.0\.0\.\d,dst=198\.51\.100\.53,/,
      )
    },
  )

  test('a refusal arrives', async () => {
    const { dns } = await cloud.answered(`${tenant}-deaf`, '@10.0.0.1 +noedns ext.test')
    expect(dns.readUInt16BE(2) & 15).toBe(5) // REFUSED
  })

  test('members of a group reach each other, others do not, and nobody of another tenant does', async () => {
    const ping = async (from: string, to: string) =>
      (await cloud.observe(`${tenant}-${from}`, ['ping', '-c1', '-W1', to], { passing: 0 })).exitCode === 0
    expect(await ping('vm1', '10.0.0.6')).toBe(true)
    expect(await ping('vm1', 'fd00:a::6')).toBe(true)
    expect(await ping('vm2', '10.0.0.7')).toBe(false)
    expect(await ping('deaf', '10.0.0.6')).toBe(false)
  })
})

describe('past the controller', () => {
  const flood = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(200): s.sendto(bytes.fromhex('123401000001000000000000' + '03657874' + '0474657374' + '0000010001'), ('${upstream.v4}', 53))
`

  test.each(tenants)(
    'a port of tenant %s that asks too much gets its replies from outside',
    async (tenant, domain) => {
      const port = `${tenant}-deaf`
      await cloud.observe(port, ['python3', '-c', flood], { count: 200, passing: 200, replying: 200 })
      const observed = await cloud.dig(port, `@${upstream.v4} vm2.${domain}`, {
        count: 1,
        replying: 1,
        passing: 1,
      })
      cloud.expectForwarded(observed, 'a name of ours')
      expect(observed.output).toContain('NXDOMAIN') // which is what the server knows of it
    },
  )
})

describe('without the controller', () => {
  beforeAll(async () => {
    const name = cloud.lab.plan.name
    const found = readState(name)!.parts.find((part) => part.name.endsWith('controller'))!
    expect(signalProcess(found.process, 'SIGKILL')).toBe(true)
    await waitUntil('the switch to notice', async () =>
      (await bridge.vsctl('--columns=is_connected', 'list', 'controller')).includes('false'),
    )
  })
  afterAll(async () => {
    const { plan } = cloud.lab
    await restartController(plan.name, plan.nodes[0]!, join(builtSource(), 'main.js'), {
      diesWithParent: true,
    })
  })

  test.each(tenants)('queries of tenant %s go on and replies come in; mute stays mute', async (tenant) => {
    await expectOutsideAnswer(`${tenant}-deaf`)
    const { passed } = await cloud.dig(`${tenant}-mute`, `+time=1 @${upstream.v4} ext.test`, silent)
    expect(passed).toEqual([])
  })
})

test('a new controller leaves the connections of before alone', async () => {
  const before = await connectionsOf('a-deaf')
  expect(before).toContain('dst=198.51.100.53')
  await expectOutsideAnswer('a-deaf')
  const sportOf = (text: string) => [...text.matchAll(/sport=(\d+),dport=53\)/g)].map(([, sport]) => sport)
  expect(sportOf(await connectionsOf('a-deaf'))).toEqual(expect.arrayContaining(sportOf(before)))
})
