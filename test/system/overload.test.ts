/**
 * One port of a tenant floods on a real switch: it alone goes past the controller, for a while, and loses nothing by it;
 * the other tenant's port of the same name keeps its answers.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { down, type Lab, namespaceOf, up } from '../../src/lab/lab.ts'
import { runIn } from '../../src/lab/namespace.ts'
import type { NodePlan } from '../../src/lab/plan.ts'
import { waitUntil } from '../../src/lab/process.ts'
import { type SwitchTools, switchAt } from '../../src/lab/switch.ts'
import { builtSource } from '../support/build.ts'
import { labNameOf, tracesOf, twoTenantsFile } from '../support/lab.ts'

const name = labNameOf('flood')
const limits = { packetsPerSecond: 200, bypassSeconds: 3 }
const flood = { packets: 3000, packetsPerSecond: 2000 }
let folder: string
let lab: Lab
let node: NodePlan
let bridge: SwitchTools

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'df-flood-'))
  const file = join(folder, 'lab.yaml')
  const options = {
    df_dns_max_rate_per_port: limits.packetsPerSecond,
    df_dns_bypass_seconds: limits.bypassSeconds,
  }
  writeFileSync(
    file,
    `${readFileSync(twoTenantsFile, 'utf8')}\noptions: ${JSON.stringify({ df_dns_app: options })}\n`,
  )
  const main = join(builtSource(), 'main.js')
  lab = await up({ name, file, controller: main, diesWithParent: true, report: () => {} })
  node = lab.plan.nodes[0]!
  bridge = switchAt(node.switchDirectory)
})
afterAll(async () => {
  await down(name)
  rmSync(folder, { recursive: true })
  expect(tracesOf(name)).toEqual([])
})

/** Sends queries for an outside name at a steady pace, from one socket, without waiting for anything. */
const flooder = `
import socket, sys, time
packets, rate = int(sys.argv[1]), int(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('198.51.100.53', 53))
query = bytes.fromhex('123401000001000000000000' + '03657874' + '076578616d706c65' + '036e6574' + '0000010001')
began = time.monotonic()
for n in range(packets):
    wait = began + n / rate - time.monotonic()
    if wait > 0: time.sleep(wait)
    try: s.send(query)
    except ConnectionRefusedError: pass
`

const inPort = (port: string, command: string, ...args: string[]) =>
  runIn(namespaceOf(lab.plan, port), command, args)

const dig = (port: string, question: string) =>
  inPort(port, 'dig', '+short', '+tries=1', '+time=3', '@198.51.100.53', question).then((text) => text.trim())

async function metric(line: string): Promise<number> {
  const script = "fetch('http://127.0.0.1:9476/metrics').then((r) => r.text()).then((t) => console.log(t))"
  const text = await runIn(node.namespace, 'node', ['-e', script])
  const found = text.split('\n').find((each) => each.startsWith(`${line} `))
  return Number(found?.split(' ').at(-1) ?? 0)
}

/** The rows that lead ports past the controller, by the key of the port. */
async function bypassRows(): Promise<string[]> {
  const dump = await bridge.ofctl(
    'dump-flows',
    'br-int',
    'table=32,cookie=0x4446020000000000/0xffffff0000000000',
  )
  return dump.split('\n').flatMap((line) => /hard_timeout=\d+,.*reg6=\w+ actions=.*/.exec(line) ?? [])
}

/** Packets that came to a tenant's gateway so far. */
async function atGateway(gateway: string): Promise<number> {
  const table = await inPort(gateway, 'cat', '/proc/net/dev')
  return Number(/^ *inside: *\d+ +(\d+)/m.exec(table)?.[1])
}

const log = () =>
  readFileSync(join(node.directory, 'controller.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('sends too many'))

test('a port that floods goes past the controller for a while, and nobody else does', async () => {
  expect(await dig('red-web', 'db.red.example.org')).not.toBe('')
  const outside = await dig('red-web', 'ext.example.net')
  expect(outside).not.toBe('')
  expect(await bypassRows()).toEqual([])
  const before = await atGateway('red-gateway')

  const flooding = inPort(
    'red-web',
    'python3',
    '-c',
    flooder,
    `${flood.packets}`,
    `${flood.packetsPerSecond}`,
  )
  await waitUntil('the row of the port', async () => (await bypassRows()).length > 0)
  const rows = await bypassRows()
  const bypassedAt = Date.now()
  const key = lab.plan.ports.find((port) => port.key === 'red-web')!
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatch(new RegExp(`^hard_timeout=${limits.bypassSeconds}, .*reg6=0x1 actions=.*55`))
  expect(key.dnsName).toBe('web')
  expect(await metric('df_dns_bypassed_ports')).toBe(1)

  // The port of that name in the other tenant, and the flooder's neighbour, are answered as ever.
  for (let turn = 0; turn < 5; turn++) {
    expect(await dig('blue-web', 'db.blue.example.org')).not.toBe('')
    expect(await dig('red-db', 'web.red.example.org')).not.toBe('')
  }
  // The flooder itself goes on resolving names outside.
  expect(await dig('red-web', 'ext.example.net')).toBe(outside)
  await flooding
  expect(await dig('red-web', 'ext.example.net')).toBe(outside)

  await waitUntil('the row to end', async () => (await bypassRows()).length === 0)
  await waitUntil('the metric to follow', async () => (await metric('df_dns_bypassed_ports')) === 0)
  expect(await dig('red-web', 'db.red.example.org')).not.toBe('')
  expect(await dig('red-web', 'ext.example.net')).toBe(outside)

  const arrived = (await atGateway('red-gateway')) - before
  const passed = await metric('df_dns_forwarded_total{reason="overload"}')
  console.log(
    `flood: ${flood.packets} sent, ${arrived} packets at the gateway, ${passed} passed one by one,` +
      ` bypass over ${Date.now() - bypassedAt} ms after it was seen`,
  )
  expect(arrived).toBeGreaterThanOrEqual(flood.packets)
  expect(passed).toBeLessThan(flood.packets / 2)
  expect(log()).toHaveLength(1)
  const sentUp = 'df_ovs_packet_ins_total{result="direct"}'
  await waitUntil('the switch to tell its counts', async () => (await metric(sentUp)) > 0)
  expect(await metric('df_bypasses_total{app="dns",result="installed"}')).toBe(1)
})
