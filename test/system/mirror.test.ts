/**
 * A long table of a real Open vSwitch is read again and again: what has not changed is not decoded, and what others did is
 * seen by the next reading and undone. Two tenants with the same addresses, told apart by their network's number alone.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { cookieOf } from '../../src/controller/cookie.ts'
import { addFlow } from '../../src/controller/messages.ts'
import { reconcilerMetrics, startReconciler } from '../../src/controller/reconcile.ts'
import { createNamespace, deleteNamespace } from '../../src/lab/namespace.ts'
import { waitUntil } from '../../src/lab/process.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import {
  ethTypes,
  type Flow,
  type Listener,
  listen,
  type Session,
  systemClock,
} from '../../src/openflow/index.ts'
import { flowMapOf } from '../support/wanted.ts'

const namespace = `dft-${process.pid}-mirror`
const directory = mkdtempSync(join(tmpdir(), 'df-mirror-'))
const target = `unix:${join(directory, 'br-int.controller')}`
const metrics = createMetrics()

let ovs: Switch
let listener: Listener
let session: Session | undefined

beforeAll(async () => {
  await createNamespace(namespace)
  ovs = await startSwitch({ directory, namespace, bridge: 'br-int' })
  listener = await listen(target, {
    connected: (connected) => {
      session = connected
    },
    packetIn: () => {},
    message: () => {},
    rejected: () => {},
  })
  await ovs.vsctl('set-controller', 'br-int', target)
  await waitUntil('the switch to connect', () => session !== undefined)
})

afterAll(async () => {
  await listener?.close()
  await ovs?.stop()
  await deleteNamespace(namespace)
  rmSync(directory, { recursive: true })
})

/** Each tenant has 4,600 addresses, the same as the other. */
const wished: readonly Flow[] = [1n, 2n].flatMap((metadata) =>
  Array.from({ length: 4600 }, (_, i) => ({
    tableId: 55,
    priority: 100,
    match: { metadata, ethType: ethTypes.ipv4, ipv4Dst: `10.0.${i >> 8}.${i & 255}` },
    instructions: [{ kind: 'gotoTable' as const, tableId: 75 }],
  })),
)
const lease: Flow = {
  ...{ tableId: 55, priority: 200, match: { metadata: 1n }, instructions: [] },
  ...{ cookie: cookieOf('timed', 'dns'), hardTimeout: 4 },
}

const count = async (name: string) =>
  Array.from((await metrics.text()).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm')), ([, sum]) =>
    Number(sum),
  ).reduce((sum, each) => sum + each, 0)
const decoded = () => count('df_flows_decoded_total')
const repairs = () => count('df_flow_repairs_total')

test('a table of 9,200 flows', async () => {
  const link = session!
  const { calls } = vi.spyOn(link, 'readFlows').mock
  const leased = setInterval(() => link.send(addFlow(lease)), 500)
  void link.closed.then(() => clearInterval(leased))
  const reconciler = startReconciler({
    ...{ link, scope: { tableIds: new Set([55]), groupIds: new Set() }, clock: systemClock },
    ...{ log: silentLogger, metrics: reconcilerMetrics(metrics), settled: () => {} },
  })
  reconciler.want({ flows: flowMapOf('l2', wished), groups: new Map() })
  await waitUntil('the flows to be there', () => reconciler.isSettled)
  await waitUntil('all of them to be looked at', async () => (await decoded()) >= wished.length + 1)
  const readAt = calls.length
  await waitUntil('three readings', () => calls.length > readAt + 3)
  // Each flow once, and the leased row once.
  expect(await decoded()).toBe(wished.length + 1)
  expect(reconciler.flowCount).toBe(wished.length)

  const row = (tenant: number, address: string) =>
    `table=55,priority=100,ip,metadata=${tenant},nw_dst=${address}`
  await waitUntil('a reading', () => calls.length > readAt + 4)
  const [changedAt, began] = [calls.length, performance.now()]
  await ovs.ofctl('--strict', 'del-flows', 'br-int', row(1, '10.0.0.7'))
  await ovs.ofctl('--strict', 'mod-flows', 'br-int', `${row(2, '10.0.0.7')},actions=drop`)
  await ovs.ofctl('add-flow', 'br-int', `${row(1, '10.9.9.9')},actions=NORMAL`)
  await waitUntil('it to be changed back', async () => (await repairs()) >= 3)
  console.log(`changed back ${Math.round(performance.now() - began)} ms after the first change`)
  await waitUntil('two more readings', () => calls.length > changedAt + 3)
  expect([await repairs(), await count('df_flow_changes_total')]).toEqual([3, wished.length + 3])
  // What was changed and what was added, and what was put back.
  expect(await decoded()).toBe(wished.length + 1 + 2 + 2)
  const rows = (await ovs.ofctl('dump-flows', 'br-int', 'table=55')).split('\n')
  const shown = rows.filter((line) => /nw_dst=10\.(0\.0\.7|9\.9\.9)\b/.test(line))
  expect(shown.map((line) => line.replace(/^.*priority/, 'priority')).sort()).toEqual([
    'priority=100,ip,metadata=0x1,nw_dst=10.0.0.7 actions=goto_table:75',
    'priority=100,ip,metadata=0x2,nw_dst=10.0.0.7 actions=goto_table:75',
  ])
}, 60_000)
