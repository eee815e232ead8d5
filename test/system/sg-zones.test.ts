/**
 * Zones of connection tracking on a real Open vSwitch, as the controller keeps them: an OpenFlow port that goes to another
 * tenant's port brings no connections along, and nobody else loses any. The two ports have the same addresses.
 */

import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tables } from '../../src/app/pipeline.ts'
import type { View } from '../../src/app/view.ts'
import { createCollector } from '../../src/controller/desired.ts'
import { reconcilerMetrics, startReconciler } from '../../src/controller/reconcile.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { type Listener, listen, type Session, systemClock } from '../../src/openflow/index.ts'
import { appsOf } from '../support/cloud.ts'
import { type DummyBridge, type DummySwitch, startDummySwitch } from '../support/dummy-switch.ts'
import { eth, ipv4, udp } from '../support/frames.ts'
import { allOut, groupOf, guardedView, withGroups } from '../support/guarded.ts'

let dummy: DummySwitch
let bridge: DummyBridge
let session: Session
let listener: Listener
beforeAll(async () => {
  dummy = await startDummySwitch('sg-zones')
  bridge = await dummy.addBridge('br0', [1, 11, 12])
  const path = join(dummy.real.rundir, 'br0.controller')
  session = await new Promise<Session>((resolve) => {
    const handlers = { connected: resolve, packetIn() {}, message() {}, rejected() {} }
    void listen(`unix:${path}`, handlers).then((ready) => {
      listener = ready
      return dummy.real.vsctl('set-controller', 'br0', `unix:${path}`)
    })
  })
  await bridge.install([], [])
})
afterAll(async () => {
  await listener?.close()
  await dummy?.stop()
})

/** The tables that the controller has for itself: in the first one are rows of the test. */
const ownTables = new Set<number>(
  Object.values(tables).flatMap(({ id }) => (id === tables.classify.id ? [] : id)),
)

/** A controller that makes the switch what a view says, and resolves when it is; the next one takes its place. */
async function withController(work: (become: (view: View) => Promise<void>) => Promise<void>): Promise<void> {
  const metrics = createMetrics()
  const common = { clock: systemClock, log: silentLogger }
  const collector = createCollector(appsOf(['classifier', 'portsec', 'l2', 'provider', 'sg']), {
    ...common,
    metrics,
  })
  let settled = () => {}
  let end = (_reason: string) => {}
  const closed = new Promise<string>((resolve) => {
    end = resolve
  })
  const link = new Proxy(session, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'closed') return closed
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const reconciler = startReconciler({
    ...common,
    link,
    scope: { tableIds: ownTables, groupIds: new Set() },
    metrics: reconcilerMetrics(metrics),
    settled: () => settled(),
  })
  await work((view) => {
    const wanted = collector.desiredFor(view)
    const done = new Promise<void>((resolve) => {
      settled = () => reconciler.isSettled && resolve()
    })
    reconciler.want(wanted)
    return done
  })
  end('the next controller comes')
}

/** Red's `web` and `db`, or blue's in the place of red's, with groups that let out everything. */
function viewOf(places: Readonly<Record<number, number>>): View {
  const view = guardedView()
  const groups = [groupOf('red', 'web', 1, allOut), groupOf('blue', 'web', 2, allOut)]
  const localPorts = view.localPorts.flatMap((port) => {
    const ofport = places[port.key]
    const tenant = port.topic === groups[0]!.topic ? 'red' : 'blue'
    return ofport === undefined ? [] : [{ ...port, ofport, securityGroups: [`${tenant}-web`] }]
  })
  return { ...withGroups(view, groups), localPorts }
}

const macs = { web: 'fa:16:3e:00:00:01', db: 'fa:16:3e:00:00:02', gateway: '02:00:00:00:00:01' }
const query = (mac: string, host: number) =>
  eth(mac, macs.gateway, ipv4(`10.0.0.${host}`, '198.51.100.53', udp(4000, 53)))
const zone = async (ofport: number) =>
  (await dummy.real.appctl('dpctl/dump-conntrack', `zone=${ofport}`))
    .split('\n')
    .filter((line) => line !== '').length

test('the connections of an OpenFlow port are those of the port that has it', async () => {
  await withController(async (become) => {
    await become(viewOf({ 1: 11, 2: 12 }))
    await bridge.receive(11, query(macs.web, 11))
    await bridge.receive(12, query(macs.db, 12))
    expect([await zone(11), await zone(12)]).toEqual([1, 1])
  })
  await withController(async (become) => {
    await become(viewOf({ 1: 11, 2: 12 }))
    expect([await zone(11), await zone(12)], 'nobody has moved').toEqual([1, 1])
    await become(viewOf({ 4: 11, 2: 12 }))
    expect([await zone(11), await zone(12)], "blue's web in the place of red's").toEqual([0, 1])
    await bridge.receive(11, query(macs.web, 11))
    expect(await zone(11)).toBe(1)
  })
  await withController(async (become) => {
    await become(viewOf({ 4: 12, 2: 11 }))
    expect([await zone(11), await zone(12)], 'they changed places without a controller').toEqual([0, 0])
  })
})
