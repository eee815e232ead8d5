/** The whole controller between a switch, a database and a store that the test plays. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BehaviorSubject, Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { App } from '../../src/app/app.ts'
import type { LocalPort } from '../../src/app/view.ts'
import { type Controller, startController } from '../../src/controller/controller.ts'
import { ConfigError } from '../../src/errors.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { NbEvent, RawRow } from '../../src/nb/index.ts'
import { type MessageOf, systemClock } from '../../src/openflow/index.ts'
import type { OvsdbClient, OvsdbState, SwitchBridge, SwitchPort } from '../../src/ovsdb/index.ts'
import { noPacketIns } from '../../src/ovsdb/state.ts'
import { appOf, deciderOf, flowOf } from '../support/apps.ts'
import { FakePeer } from '../support/fake-peer.ts'

let folder: string
let path: string
let controller: Controller | undefined
let peers: FakePeer[]
let store: Subject<NbEvent>
let database: BehaviorSubject<OvsdbState>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'df-controller-'))
  path = join(folder, 'br-int.controller')
  peers = []
  store = new Subject()
  database = new BehaviorSubject<OvsdbState>({
    isConnected: false,
    packetIns: noPacketIns,
    bridge: undefined,
    ports: [],
    reason: 'connecting',
  })
})
afterEach(async () => {
  await controller?.stop()
  controller = undefined
  for (const peer of peers) peer.end()
  rmSync(folder, { recursive: true, force: true })
})

/** A flow for each local port, an answer for everybody, and a lease. */
const classifier = appOf('classifier', {
  flows: (view) => view.localPorts.map((port) => flowOf(0, 100, { inPort: port.ofport }, 5)),
})
const dns: App = deciderOf(
  'dns',
  ({ port }) => ({ kind: 'reply', frame: Buffer.from(`answer for ${port.id}`), why: 'answered' }),
  { lease: { rows: [flowOf(20, 100, {}, 31)], probe: { tableId: 31, frame: Buffer.from('probe') } } },
)

async function start(apps: App[] = [classifier, dns]): Promise<void> {
  const ovsdb = {
    state: database,
    configure: async () => false,
    replaceController: async () => {},
    reapplySettings: async () => {},
    ensurePatch: async () => ({ port: 'patch', peerPort: 'peer' }),
    close: () => {},
  } as unknown as OvsdbClient
  controller = await startController({
    host: 'compute-1',
    apps,
    northbound: store,
    ovsdb,
    settings: {
      controllerTarget: `unix:${path}`,
      failMode: 'secure',
      protocols: ['OpenFlow13'],
      disableInBand: true,
      controllerQueueSize: 511,
      controllerRateLimit: 20_000,
      controllerBurstLimit: 5000,
      maxBackoffMs: 1000,
      inactivityProbeMs: 5000,
    },
    clock: systemClock,
    log: silentLogger,
    metrics: createMetrics(),
  })
}

function attach(
  ports: [number, string][] = [
    [11, 'tap-red'],
    [12, 'tap-blue'],
  ],
  flows: FakePeer['flows'] = new Map(),
) {
  const peer = new FakePeer(path, ports, [...flows.values()])
  peers.push(peer)
  return peer
}

const plug = (tenant: string, ofport: number): SwitchPort => ({
  id: `uuid-${tenant}`,
  name: `tap-${tenant}`,
  ofport,
  adminState: 'up',
  type: 'compute',
  lport: `vm-${tenant}`,
})
const bridge = { uuid: 'uuid', name: 'br-int', datapathId: '0000000000000abc' } as SwitchBridge
const seen: OvsdbState = {
  isConnected: true,
  packetIns: noPacketIns,
  bridge,
  ports: [plug('red', 11), plug('blue', 12)],
  reason: undefined,
}

const rows: RawRow[] = ['red', 'blue'].flatMap((tenant, index) => {
  const row = (table: string, id: string, fields: object): RawRow => ({
    table,
    id,
    value: JSON.stringify({ id, topic: tenant, unique_key: index + 1, ...fields }),
  })
  return [
    row('lswitch', `net-${tenant}`, {}),
    row('lport', `vm-${tenant}`, {
      lswitch: `net-${tenant}`,
      binding: { type: 'chassis', chassis: 'compute-1' },
    }),
  ]
})
const snapshot: NbEvent = { kind: 'snapshot', rows }

const until = (condition: () => boolean) =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5000, interval: 5 })
const isReady = () => controller!.status().ready
const inPorts = (peer: FakePeer) =>
  [...peer.flows.values()].flatMap((flow) => (flow.tableId === 0 ? [flow.match.inPort] : [])).sort()
const hasLease = (peer: FakePeer) => [...peer.flows.values()].some((flow) => flow.tableId === 20)

/** What becomes of a packet of that port: the port and text of a reply, or `resume`. */
async function fateOf(peer: FakePeer, reg6: number): Promise<string> {
  const isFate = (kind: string) => kind === 'packetOut' || kind === 'resume'
  const before = peer.told.filter(isFate).length
  peer.punt('dns', reg6)
  await until(() => peer.told.filter(isFate).length > before)
  if (peer.told.findLast(isFate) === 'resume') return 'resume'
  const { actions, data } = peer.last.get('packetOut') as MessageOf<'packetOut'>
  const [action] = actions
  return `${action?.kind === 'output' ? action.port : action?.kind}: ${data}`
}

describe('whatever comes first', () => {
  const steps = {
    rows: () => store.next(snapshot),
    database: () => database.next(seen),
    switch: () => void attach(),
  }
  test.each([
    ['rows', 'database', 'switch'],
    ['rows', 'switch', 'database'],
    ['database', 'rows', 'switch'],
    ['database', 'switch', 'rows'],
    ['switch', 'rows', 'database'],
    ['switch', 'database', 'rows'],
  ] as const)('%s, %s, %s: it becomes ready, and not before', async (...order) => {
    await start()
    for (const step of order) {
      expect(isReady()).toBe(false)
      steps[step]()
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await until(isReady)
    expect(inPorts(peers[0]!)).toEqual([11, 12])
    expect(hasLease(peers[0]!)).toBe(true)
    expect(controller!.status()).toMatchObject({
      localPorts: 2,
      flows: { desired: 2, installed: 2, failed: [] },
    })
  })
})

test('a packet is answered at its own port, and goes on while there is no view', async () => {
  await start()
  const peer = attach()
  await until(() => peer.told.includes('multipartRequest'))
  expect(await fateOf(peer, 1)).toBe('resume')
  store.next(snapshot)
  database.next(seen)
  await until(isReady)
  expect(await fateOf(peer, 1)).toBe('11: answer for vm-red')
  expect(await fateOf(peer, 2)).toBe('12: answer for vm-blue')
})

test('the lease waits for the self-check, not only for the flows', async () => {
  await start()
  const peer = attach()
  peer.checks = false
  store.next(snapshot)
  database.next(seen)
  await until(() => inPorts(peer).length === 2)
  await until(() => peer.told.includes('packetOut'))
  expect(hasLease(peer)).toBe(false)
  expect(controller!.status().reasons).toEqual(['the lease of dns is not held'])
  peer.checks = true
  await until(isReady)
})

test('numbers that the switch does not confirm lead nowhere', async () => {
  await start()
  store.next(snapshot)
  database.next(seen)
  const peer = attach([
    [11, 'tap-blue'],
    [12, 'tap-red'],
  ]) // as after a restart of the switch
  await until(isReady)
  expect(inPorts(peer)).toEqual([])
  expect(await fateOf(peer, 1)).toBe('resume')
  database.next({ ...seen, ports: [plug('red', 12), plug('blue', 11)] })
  await until(() => inPorts(peer).length === 2)
  expect(await fateOf(peer, 1)).toBe('12: answer for vm-red')
})

test('a port that comes is there when database and switch both say so', async () => {
  await start()
  store.next(snapshot)
  database.next({ ...seen, ports: [plug('red', 11)] })
  const peer = attach([[11, 'tap-red']])
  await until(isReady)
  database.next(seen)
  expect(inPorts(peer)).toEqual([11])
  peer.setPort('add', 12, 'tap-blue')
  await until(() => inPorts(peer).length === 2)
})

test('when the switch comes back only the difference is sent, and nothing of the old session is used', async () => {
  await start()
  store.next(snapshot)
  database.next(seen)
  const first = attach()
  await until(isReady)
  first.end()
  await until(() => controller!.status().localPorts === 0)
  expect(controller!.status()).toMatchObject({ ready: false, lease: [{ isHeld: false }] })
  const second = attach(undefined, first.flows)
  await until(isReady)
  expect(second.told.filter((line) => /^(add|deleteStrict)/.test(line) && line !== 'add 20')).toEqual([])
})

test('what an application says unasked reaches each port, once the flows are in the switch', async () => {
  const beacon = (port: LocalPort) => ({
    ...{ port, frame: Buffer.from(`for ${port.id}`), everySeconds: { least: 3600, most: 3600 } },
  })
  await start([{ ...classifier, beacons: ({ localPorts }) => localPorts.map(beacon) }])
  store.next(snapshot)
  database.next(seen)
  const peer = attach()
  await until(() => peer.told.filter((kind) => kind === 'packetOut').length === 2)
  const { actions, data } = peer.last.get('packetOut') as MessageOf<'packetOut'>
  expect([actions, `${data}`]).toEqual([[expect.objectContaining({ port: 12 })], 'for vm-blue'])
  expect(peer.told.lastIndexOf('add 0')).toBeLessThan(peer.told.indexOf('packetOut'))
})

test('a lost store degrades readiness and nothing else', async () => {
  await start()
  store.next(snapshot)
  database.next(seen)
  const peer = attach()
  await until(isReady)
  store.next({ kind: 'lost', error: new Error('the disk is gone') })
  expect(controller!.status().reasons).toEqual(['the northbound store is lost: the disk is gone'])
  expect(await fateOf(peer, 1)).toBe('11: answer for vm-red')
  store.next(snapshot)
  expect(isReady()).toBe(true)
})

test('a lost database degrades readiness and nothing else', async () => {
  await start()
  store.next(snapshot)
  database.next(seen)
  const peer = attach()
  await until(isReady)
  database.next({ ...seen, isConnected: false, reason: 'the connection is lost' })
  expect(controller!.status().reasons).toEqual(['the connection is lost'])
  expect(inPorts(peer)).toEqual([11, 12])
  expect(await fateOf(peer, 1)).toBe('11: answer for vm-red')
})

test('a burst of changes is one change for the switch', async () => {
  await start()
  store.next(snapshot)
  database.next(seen)
  const peer = attach()
  await until(isReady)
  const before = controller!.status().viewVersion
  for (const chassis of ['compute-2', 'compute-1', 'compute-2', 'compute-1', 'compute-2']) {
    const row = JSON.parse(rows[1]!.value) as object
    const value = JSON.stringify({ ...row, binding: { type: 'chassis', chassis } })
    store.next({ kind: 'changes', changes: [{ table: 'lport', id: 'vm-red', value }] })
  }
  await until(() => inPorts(peer).length === 1)
  expect(controller!.status().viewVersion).toBe(before + 1)
})

test('an application whose flows are wrong is told of, and the others work', async () => {
  await start([classifier, appOf('l2', { flows: () => [flowOf(0, 1)] })])
  store.next(snapshot)
  database.next(seen)
  const peer = attach()
  await until(() => inPorts(peer).length === 2)
  expect(controller!.status().reasons.join()).toMatch(
    /the flows of l2 are refused: table 0 belongs to classifier/,
  )
  expect(controller!.status().apps).toMatchObject([
    { name: 'classifier' },
    { name: 'l2', refused: expect.any(String) },
  ])
})

describe('applications made anew', () => {
  const answering = (word: string, rest: Partial<App> = {}): App =>
    deciderOf(
      'dns',
      ({ port }) => ({ kind: 'reply', frame: Buffer.from(`${word} ${port.id}`), why: 'answered' }),
      {
        lease: dns.lease!,
        ...rest,
      },
    )
  const changesOf = (peer: FakePeer) =>
    peer.told.filter((line) => /^(add|delete)/.test(line) && line !== 'add 20')
  async function ready(apps?: App[]): Promise<FakePeer> {
    await start(apps)
    store.next(snapshot)
    database.next(seen)
    const peer = attach()
    await until(isReady)
    peer.told.length = 0
    return peer
  }

  test('decide from then on; no flow changes and the lease is kept', async () => {
    const peer = await ready()
    await controller!.setApps([classifier, answering('new answer for')])
    expect(controller!.status().lease).toMatchObject([{ app: 'dns', isHeld: true }])
    await until(isReady)
    expect(await fateOf(peer, 2)).toBe('12: new answer for vm-blue')
    expect(changesOf(peer)).toEqual([])
    const isProbe = () => peer.told.filter((line) => line === 'packetOut').length > 2
    await until(isProbe)
    expect(controller!.status().lease).toMatchObject([{ app: 'dns', isHeld: true }])
  })

  test('change only the flows that they want differently', async () => {
    const peer = await ready()
    const other = appOf('classifier', {
      flows: (view) =>
        view.localPorts.map(({ ofport }) => flowOf(0, 100, { inPort: ofport }, ofport === 11 ? 5 : 9)),
    })
    await controller!.setApps([other, dns])
    await until(() => changesOf(peer).length > 0)
    await until(isReady)
    expect(changesOf(peer)).toEqual(['add 0'])
    expect(hasLease(peer)).toBe(true)
  })

  test('a lease that ends goes out before the flows behind it, and can come back after them', async () => {
    const behind = { flows: () => [flowOf(31, 1)] }
    const peer = await ready([classifier, answering('a', behind)])
    const { lease: _, ...off } = answering('a')
    await controller!.setApps([classifier, { ...off, flows: () => [] }])
    await until(() => changesOf(peer).length === 2)
    expect(changesOf(peer)).toEqual(['deleteStrict 20', 'deleteStrict 31'])
    await until(isReady)
    expect(controller!.status().lease).toEqual([])
    peer.told.length = 0
    await controller!.setApps([classifier, answering('b', behind)])
    await until(isReady)
    expect(peer.told.filter((line) => line.startsWith('add'))).toEqual(['add 31', 'add 20'])
    expect(await fateOf(peer, 1)).toBe('11: b vm-red')
  })

  test('whose lease is wrong are not taken, and nothing changes', async () => {
    const peer = await ready()
    const lease = { ...dns.lease!, rows: [flowOf(0, 1)] }
    await expect(controller!.setApps([classifier, answering('a', { lease })])).rejects.toThrow(
      /table 0 belongs to classifier, not to dns/,
    )
    expect(await fateOf(peer, 1)).toBe('11: answer for vm-red')
    expect(changesOf(peer)).toEqual([])
    expect(isReady()).toBe(true)
  })

  test('whose flows are wrong keep those of their predecessors', async () => {
    const peer = await ready()
    await controller!.setApps([appOf('classifier', { flows: () => [flowOf(31, 1)] }), dns])
    await until(() => !isReady())
    expect(controller!.status().reasons.join()).toMatch(/the flows of classifier are refused/)
    expect(inPorts(peer)).toEqual([11, 12])
    expect(changesOf(peer)).toEqual([])
  })

  test('while there is no switch, serve it when it comes', async () => {
    await start()
    await controller!.setApps([classifier, answering('new answer for')])
    store.next(snapshot)
    database.next(seen)
    const peer = attach()
    await until(isReady)
    expect(await fateOf(peer, 1)).toBe('11: new answer for vm-red')
  })
})

describe('stopping', () => {
  test('takes the lease out, lets packets go on, keeps the flows and ends the session', async () => {
    await start()
    store.next(snapshot)
    database.next(seen)
    const peer = attach()
    await until(isReady)
    peer.told.length = 0
    const stopped = controller!.stop()
    await until(() => peer.told.includes('deleteStrict 20'))
    expect(await fateOf(peer, 1)).toBe('resume')
    await stopped
    controller = undefined
    await peer.closed
    expect(hasLease(peer)).toBe(false)
    expect(inPorts(peer)).toEqual([11, 12])
    expect(peer.told.filter((line) => line.startsWith('delete'))).toEqual(['deleteStrict 20'])
  })

  test('works when nothing ever came', async () => {
    await start()
    await controller!.stop()
    controller = undefined
  })
})

test('a place that is taken is a clear error', async () => {
  await start()
  const first = controller
  await expect(start()).rejects.toThrow(ConfigError)
  controller = first
  await expect(start()).rejects.toThrow(
    `[df_openflow] listen = unix:${path}: socket in use by a running process`,
  )
  controller = first
})

test('an application whose lease is not its to write is a mistake of ours', async () => {
  const lease = { rows: [flowOf(0, 1)], probe: { tableId: 31, frame: Buffer.alloc(0) } }
  await expect(start([{ ...dns, lease }])).rejects.toThrow(/table 0 belongs to classifier, not to dns/)
})
