/**
 * The applications on a real Open vSwitch: the rows of test/support/compliance.ts, which the fake switch runs too, and a
 * Linux neighbour table that believes the answers which the switch gives.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addFlow } from '../../src/controller/messages.ts'
import { createNamespace, createVeth, deleteNamespace, ip, runIn } from '../../src/lab/namespace.ts'
import { addBridge } from '../../src/lab/switch.ts'
import {
  type Flow,
  flowContent,
  flowIdentity,
  formatFlow,
  formatGroup,
  type Listener,
  listen,
  type Session,
} from '../../src/openflow/index.ts'
import { twoTenants as dhcpTenants } from '../app/dhcp/asking.ts'
import { cloudView } from '../app/dhcp/v6/cloud.ts'
import {
  allApps,
  appsOf,
  arrivalsOf,
  cloudOf,
  flowsOf,
  groupsOf,
  namesOf,
  ofportOf,
} from '../support/cloud.ts'
import { complianceView, rows } from '../support/compliance.ts'
import { type DummyBridge, type DummySwitch, install, startDummySwitch } from '../support/dummy-switch.ts'
import type { Sent } from '../support/fake-switch.ts'
import { routedView, withOutside } from '../support/routed.ts'
import { refusedRows, routedRows } from '../support/routed-rows.ts'
import { twoTenants } from '../support/view.ts'

const apps = allApps()
const dhcp = appsOf(['portsec', 'dhcp'])
const servedCloud = dhcpTenants().view
const servedIpv6Cloud = cloudView({
  change: ({ cidr }) => (cidr.includes(':') ? { dhcpIp: 'fd00:a::2' } : {}),
})
const routers = appsOf(['classifier', 'portsec', 'l2', 'provider', 'l3_proactive'])
const snat = appsOf(['chassis_snat'])
const routedCloud = routedView()
const routedNames = namesOf(routedCloud)

let dummy: DummySwitch
let routed: DummyBridge
let translating: DummyBridge
let served: DummyBridge
let servedIpv6: DummyBridge
beforeAll(async () => {
  dummy = await startDummySwitch('apps')
  routed = await dummy.addBridge('br-routed', [...routedNames.keys()])
  await routed.install(flowsOf(routers, routedCloud), [])
  translating = await dummy.addBridge('br-nat', [])
  await translating.install(flowsOf(snat, withOutside(routedCloud)), [])
  served = await dummy.addBridge('br-dhcp', [])
  await served.install(flowsOf(dhcp, servedCloud), [])
  servedIpv6 = await dummy.addBridge('br-dhcp6', [])
  await servedIpv6.install(flowsOf(dhcp, servedIpv6Cloud), [])
})
afterAll(() => dummy?.stop())

describe('the rows that the fake switch runs', () => {
  const view = complianceView()
  const names = namesOf(view)
  const flows = flowsOf(apps, view)
  let bridge: DummyBridge

  beforeAll(async () => {
    bridge = await dummy.addBridge('br0', [...names.keys()])
    await bridge.install(flows, groupsOf(apps, view))
  })

  test('the switch has every flow, and shows it as we do', async () => {
    const untimed = apps.flatMap((app) => [...app.flows(view)])
    expect((await bridge.dump()).sort()).toEqual(untimed.map(formatFlow).sort())
  })

  test('the switch shows every flow of DHCP as we do', async () => {
    expect((await served.dump()).sort()).toEqual(flowsOf(dhcp, servedCloud).map(formatFlow).sort())
    const ipv6 = flowsOf(dhcp, servedIpv6Cloud).map(formatFlow)
    expect((await servedIpv6.dump()).sort()).toEqual(ipv6.sort())
  })

  test('what docs/pipeline.md shows of a table is what the switch shows', async () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/pipeline.md'), 'utf8')
    const tables = document.slice(document.indexOf('## The tables'), document.indexOf('## The demo'))
    // Those of sg are marked, and looked at in sg.test.ts.
    const blocks = [...tables.matchAll(/```(\w*)\n([^`]*)```/g)].filter(([, mark]) => mark === '')
    const excerpts = blocks.flatMap((block) => block[2]!.trim().split('\n'))
    expect(excerpts.length).toBeGreaterThan(20)
    const dumps = await Promise.all(
      [bridge, routed, translating, served, servedIpv6].map((each) => each.dump()),
    )
    const dump = new Set(dumps.flat())
    expect(excerpts.filter((line) => !dump.has(line))).toEqual([])
  })

  test.each(rows)('$from: $name', async ({ from, frame, arrives }) => {
    const sent = await bridge.receive(ofportOf(names, from), frame)
    const hex = Object.fromEntries(
      sent.map(({ port, frame: left }) => [names.get(port), left.toString('hex')]),
    )
    expect(hex).toEqual(
      Object.fromEntries(Object.entries(arrives).map(([to, left]) => [to, left.toString('hex')])),
    )
    expect(Object.values(arrivalsOf(names, sent)).every((frames) => frames.length === 1)).toBe(true)
  })

  test('broken frames: what the switch does is what the fake one does', async () => {
    const { fake } = cloudOf(view)
    fake.isControllerAlive = false
    for (const { port, frame } of brokenFrames(100)) {
      const wanted = fake.receive(port, frame)
      expect(textOf(await bridge.receive(port, frame)), frame.toString('hex')).toEqual(textOf(wanted))
    }
  })

  /** Frames of the rows with up to two bytes changed, the same ones in every run. */
  function* brokenFrames(count: number): Iterable<Sent> {
    let state = 2
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0 // ISO C's example of rand()
      return (state >>> 8) % below
    }
    for (let i = 0; i < count; i++) {
      const row = rows[random(rows.length)]!
      const frame = Buffer.from(row.frame)
      for (let changes = random(3); changes > 0; changes--) frame[random(frame.length)] = random(256)
      yield { port: ofportOf(names, random(2) === 0 ? row.from : 'blue-open'), frame }
    }
  }

  const textOf = (sent: readonly Sent[]) =>
    sent.map(({ port, frame }) => `${names.get(port)} ${frame.toString('hex')}`).sort()
})

describe('routers', () => {
  test('the switch has every flow, and shows it as we do', async () => {
    const flows = routers.flatMap((app) => [...app.flows(routedCloud)])
    expect((await routed.dump()).sort()).toEqual(flows.map(formatFlow).sort())
  })

  const tenantRows = ['red', 'blue'].flatMap((tenant) => routedRows.map((row) => ({ ...row, tenant })))

  test.each(tenantRows)('$tenant-$from: $name', async ({ tenant, from, frame, arrives }) => {
    const sent = await routed.receive(ofportOf(routedNames, `${tenant}-${from}`), frame)
    expect(sent.map(({ port, frame: left }) => [routedNames.get(port), left.toString('hex')])).toEqual(
      Object.entries(arrives).map(([to, left]) => [`${tenant}-${to}`, left.toString('hex')]),
    )
  })

  test.each(refusedRows)('what is refused ($name) leaves by no port', async ({ frame }) => {
    expect(await routed.receive(ofportOf(routedNames, 'red-web'), frame)).toEqual([])
  })
})

test('read back over OpenFlow, every flow and group is the one that was asked for', async () => {
  const view = complianceView()
  await dummy.addBridge('br2', [])
  const path = join(dummy.real.rundir, 'br2.controller')
  const { session, listener } = await new Promise<{ session: Session; listener: Listener }>((resolve) => {
    const listening = listen(`unix:${path}`, {
      connected: (connected) =>
        void listening.then((ready) => resolve({ session: connected, listener: ready })),
      packetIn: () => {},
      message: () => {},
      rejected: () => {},
    })
    void listening.then(() => dummy.real.vsctl('set-controller', 'br2', `unix:${path}`))
  })
  const flows = apps.flatMap((app) => [...app.flows(view)])
  const groups = groupsOf(apps, view)
  const groupMods = groups.map((group) => ({ kind: 'groupMod', command: 'add', ...group }) as const)
  expect(await session.transact([...groupMods, ...flows.map(addFlow)])).toEqual(
    [...groups, ...flows].map(() => undefined),
  )
  const lines = (list: readonly Flow[]) =>
    list.map((flow) => `${flowIdentity(flow)} ${flowContent(flow)}`).sort()
  expect(lines(await session.stats({ kind: 'flow' }))).toEqual(lines(flows))
  const read = await session.stats({ kind: 'groupDesc' })
  expect(read.map(formatGroup).sort()).toEqual(groups.map(formatGroup).sort())
  await listener.close()
})

describe('a Linux machine behind a port', () => {
  const machine = `df-apps-vm-${process.pid}`

  beforeAll(async () => {
    await createNamespace(machine)
    await addBridge(dummy.real, 'br1', 'secure')
    await createVeth(
      { namespace: dummy.namespace, device: 'vm' },
      { namespace: machine, device: 'eth0', mac: 'fa:16:3e:00:00:01' },
    )
    await dummy.real.vsctl('add-port', 'br1', 'vm', '--', 'set', 'interface', 'vm', 'ofport_request=11')
    const view = twoTenants()
    await install(dummy.real, 'br1', flowsOf(apps, view).map(formatFlow), groupsOf(apps, view))
    await ip(machine, ['addr add 10.0.0.11/24 dev eth0', 'addr add fd00:a::11/64 dev eth0'])
  })
  afterAll(() => deleteNamespace(machine))

  const addresses = () => ip(machine, ['addr show dev eth0'])

  test('its addresses pass duplicate address detection', async () => {
    while ((await addresses()).includes('tentative')) await sleep(100)
    expect(await addresses()).toContain('inet6 fe80::f816:3eff:fe00:1/64')
    expect(await addresses()).not.toContain('dadfailed')
  })

  test.each(['10.0.0.12', '10.0.0.13', 'fd00:a::13'])('it resolves %s', async (address) => {
    // Nobody is there to answer the ping; what matters is that the neighbour is found.
    await runIn(machine, 'ping', ['-c1', '-W1', address]).catch(() => undefined)
    const mac = `fa:16:3e:00:00:0${address.slice(-1) === '2' ? 2 : 3}`
    expect(await ip(machine, [`neigh show ${address}`])).toMatch(
      new RegExp(`lladdr ${mac} (REACHABLE|DELAY|STALE)`),
    )
  })

  test('it resolves nobody of the other tenant', async () => {
    await runIn(machine, 'ping', ['-c1', '-W1', '10.0.0.99']).catch(() => undefined)
    expect(await ip(machine, ['neigh show 10.0.0.99'])).not.toContain('lladdr')
  })
})
