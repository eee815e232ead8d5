import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configuredAddresses, leaseOf, untilBooted } from '../../src/lab/boot.ts'
import { down, type Lab, portOf, up } from '../../src/lab/lab.ts'
import { startDaemon, waitUntil } from '../../src/lab/process.ts'
import { openState } from '../../src/lab/state.ts'
import { labStatus } from '../../src/lab/status.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { labNameOf, printedIn, tracesOf } from '../support/lab.ts'

/** Two tenants with the same addresses; each has a dnsmasq that tells its VMs theirs, by MAC. */
const text = `
nodes: [compute-1]
networks:
  red-net: { tenant: red, physical_network: physnet1, segmentation_id: 101, mtu: 1400, subnets: [{ cidr: 10.0.0.0/24 }, { cidr: fd00:a::/64 }] }
  blue-net: { tenant: blue, physical_network: physnet1, segmentation_id: 102, mtu: 1400, subnets: [{ cidr: 10.0.0.0/24 }, { cidr: fd00:a::/64 }] }
ports:
  red-server: { network: red-net, ips: [10.0.0.1, fd00:a::1] }
  red-dhclient: { network: red-net, mac: fa:16:3e:00:00:11, ips: [10.0.0.11, fd00:a::11], boot: dhclient }
  red-networkd: { network: red-net, mac: fa:16:3e:00:00:12, ips: [10.0.0.12, fd00:a::12], boot: networkd }
  blue-server: { network: blue-net, ips: [10.0.0.1, fd00:a::1] }
  blue-dhclient: { network: blue-net, mac: fa:16:3e:00:00:11, ips: ['fd00:a::f816:3eff:fe00:11'], boot: dhclient }
  blue-udhcpc: { network: blue-net, mac: fa:16:3e:00:00:12, ips: [10.0.0.11, 'fd00:a::f816:3eff:fe00:12'], boot: udhcpc }
`

/** What each tenant's server tells, beside what both do. */
const servers: Readonly<Record<string, readonly string[]>> = {
  'red-server': [
    '--dhcp-range=fd00:a::,static,64',
    '--dhcp-host=fa:16:3e:00:00:11,10.0.0.11,[fd00:a::11],db',
    '--dhcp-host=fa:16:3e:00:00:12,10.0.0.12,[fd00:a::12],web',
    '--domain=red.example.org',
    '--dhcp-option=119,red.example.org,corp.example.com',
  ],
  'blue-server': [
    '--dhcp-range=fd00:a::,ra-stateless,64',
    '--dhcp-host=fa:16:3e:00:00:12,10.0.0.11,web',
    '--domain=blue.example.org',
    '--dhcp-option=121,0.0.0.0/0,10.0.0.1,192.168.0.0/16,10.0.0.9',
  ],
}

const common = [
  ...['--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file', '--no-ping'],
  ...['--dhcp-authoritative', '--dhcp-range=10.0.0.0,static', '--enable-ra'],
  ...['--dhcp-option=3,10.0.0.1', '--dhcp-option=6,10.0.0.1', '--dhcp-option=26,1400'],
  ...['--dhcp-option=option6:dns-server,[fd00:a::1]', '--dhcp-option=option6:domain-search,six.example.org'],
]

const name = labNameOf('boot')
const folder = mkdtempSync(join(tmpdir(), 'df-boot-'))
let lab: Lab

beforeAll(async () => {
  const file = join(folder, 'lab.yaml')
  writeFileSync(file, text)
  lab = await up({ name, file, controller: undefined, diesWithParent: true, report: () => {} })
  const { vsctl, ofctl } = switchAt(lab.plan.nodes[0]!.switchDirectory)
  for (const { device, topic } of lab.plan.ports)
    await vsctl('set', 'port', device, `tag=${topic === vm('red-server').topic ? 101 : 102}`)
  await ofctl('add-flow', 'br-int', 'actions=normal')
  for (const [key, options] of Object.entries(servers))
    await startDaemon('dnsmasq', [...common, `--dhcp-leasefile=${join(folder, key)}`, ...options], {
      logFile: join(folder, `${key}.log`),
      namespace: vm(key).namespace,
      diesWithParent: true,
      started: (process) => openState(name).record(key, process),
    })
  await untilBooted(lab.plan, lab.plan.ports)
})

afterAll(async () => {
  await down(name)
  rmSync(folder, { recursive: true })
  expect(tracesOf(name)).toEqual([])
})

const vm = (key: string) => portOf(lab.plan, key).port

const inside = (key: string, ...command: string[]) => printedIn(vm(key).namespace, ...command)

// biome-ignore format: one row a line
test.each([
  ['red-dhclient',  ['10.0.0.11', 'fd00:a::11'],                 'nameserver 10.0.0.1\nnameserver fd00:a::1\nsearch red.example.org corp.example.com six.example.org\n'],
  ['red-networkd',  ['10.0.0.12', 'fd00:a::12'],                 /^nameserver 10.0.0.1\nnameserver fd00:a::1\nsearch .*red.example.org corp.example.com/],
  ['blue-dhclient', ['fd00:a::f816:3eff:fe00:11'],               'nameserver fd00:a::1\nsearch six.example.org\n'],
  ['blue-udhcpc',   ['10.0.0.11', 'fd00:a::f816:3eff:fe00:12'],  'nameserver 10.0.0.1\nsearch blue.example.org\n'],
] as const)("%s has what its own tenant's server told it", async (key, addresses, resolver) => {
  expect(await configuredAddresses(vm(key))).toEqual(addresses)
  expect(await inside(key, 'cat', '/etc/resolv.conf')).toMatch(resolver)
  // From an advertisement, which may come after the lease.
  await waitUntil(`${key} to have a router`, async () =>
    /^default via fe80::/.test(await inside(key, 'ip', '-6', 'route', 'show', 'default')),
  )
})

test('a VM knows its gateway, its MTU and its name, or the routes instead of a gateway', async () => {
  expect(leaseOf(lab.plan, vm('red-dhclient'), 4)).toMatchObject({ hostname: 'db', mtu: '1400', routes: '' })
  expect(leaseOf(lab.plan, vm('blue-udhcpc'), 4)).toMatchObject({ hostname: 'web', server: '10.0.0.1' })
  expect(leaseOf(lab.plan, vm('red-networkd'), 4)).toMatchObject({ address: '10.0.0.12', router: '10.0.0.1' })
  for (const key of ['red-dhclient', 'red-networkd', 'blue-udhcpc']) {
    expect(await inside(key, 'ip', 'route')).toContain('default via 10.0.0.1 ')
    expect(await inside(key, 'ip', 'link', 'show', 'eth0')).toContain('mtu 1400')
  }
  expect(await inside('blue-udhcpc', 'ip', 'route')).toContain('192.168.0.0/16 via 10.0.0.9')
})

test('status tells what a VM has now, beside what its row says', async () => {
  const { ports } = await labStatus(name)
  expect(ports.map(({ key, boot, configured }) => [key, boot, configured])).toEqual([
    ['red-server', 'static', ['10.0.0.1', 'fd00:a::1']],
    ['red-dhclient', 'dhclient', ['10.0.0.11', 'fd00:a::11']],
    ['red-networkd', 'networkd', ['10.0.0.12', 'fd00:a::12']],
    ['blue-server', 'static', ['10.0.0.1', 'fd00:a::1']],
    ['blue-dhclient', 'dhclient', ['fd00:a::f816:3eff:fe00:11']],
    ['blue-udhcpc', 'udhcpc', ['10.0.0.11', 'fd00:a::f816:3eff:fe00:12']],
  ])
})

test('a VM that is told nothing has nothing, and whoever waits for it learns what is missing', async () => {
  const port = {
    ...vm('blue-udhcpc'),
    addresses: [...vm('blue-udhcpc').addresses, vm('red-networkd').addresses[0]!],
  }
  await expect(untilBooted(lab.plan, [port], { timeoutMs: 50 })).rejects.toThrow(
    /^blue-udhcpc has no 10\.0\.0\.12$/,
  )
})
