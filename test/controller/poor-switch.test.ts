/** A switch that refuses what the dns application needs: everything else works, and DNS goes on as if we were not there. */

import { expect, test } from 'vitest'
import { createCollector } from '../../src/controller/desired.ts'
import { probe } from '../../src/controller/messages.ts'
import { reconcilerMetrics, startReconciler } from '../../src/controller/reconcile.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { MessageOf } from '../../src/openflow/index.ts'
import { frameOf } from '../packet/foreign.ts'
import { manualClock } from '../support/clock.ts'
import { allApps, arrivalsOf, namesOf } from '../support/cloud.ts'
import { FakeLink } from '../support/fake-link.ts'
import { FakeSwitch } from '../support/fake-switch.ts'
import { twoTenants } from '../support/view.ts'

const view = twoTenants()
const webMac = 'fa163e000001'
const dbMac = 'fa163e000002'

/** The switch after the controller has sent it everything, and what it said to that. */
async function programmed(refuses: (text: string) => string | undefined) {
  const [clock, metrics, fake, apps] = [manualClock(), createMetrics(), new FakeLink(), allApps()]
  fake.refuses = refuses
  const collector = createCollector(apps, { log: silentLogger, metrics, clock })
  let settled = 0
  const reconciler = startReconciler({
    link: fake.link,
    scope: { tableIds: new Set(), groupIds: new Set() },
    ...{ clock, log: silentLogger, metrics: reconcilerMetrics(metrics) },
    settled: () => {
      settled += 1
    },
  })
  reconciler.want(collector.desiredFor(view))
  await clock.advance(100)
  const held = new FakeSwitch()
  held.flows = [...fake.flows.values()]
  held.groups = [...fake.groups.values()]
  const [lease] = apps.flatMap((app) => app.lease ?? [])
  return { reconciler, held, metrics, lease: lease!, settled: () => settled }
}

test.each<[string, (text: string) => string | undefined]>([
  [
    'groups',
    (text) => {
      if (text.startsWith('add group_id')) return 'OFPGMFC_BAD_TYPE'
      return text.includes('actions=group:') ? 'OFPBAC_BAD_OUT_GROUP' : undefined
    },
  ],
  ['the continuation', (text) => (text.includes('pause') ? 'OFPBAC_BAD_VENDOR_TYPE' : undefined)],
])('without %s DNS is forwarded and the rest works', async (_what, refuses) => {
  const { reconciler, held, metrics, lease, settled } = await programmed(refuses)
  expect(reconciler.failed.length).toBeGreaterThan(0)
  expect(new Set(reconciler.failed.map(({ owner }) => owner))).toEqual(new Set(['dns']))
  expect(settled()).toBeGreaterThan(0)
  expect(await metrics.text()).toMatch(/^df_flow_refusals_total\{app="dns"\} [1-9]/m)

  // The self-check does not come back, so the lease is never granted and queries never leave the usual path.
  const { actions, data } = probe(lease.probe.tableId, lease.probe.frame, 1) as MessageOf<'packetOut'>
  held.packetOut(actions, data)
  expect(held.punts).toEqual([])
  const query = frameOf('dig +noedns web.red.example.org A')
  expect(query.toString('hex', 6, 12)).toBe(webMac)
  query.write(dbMac, 'hex')
  const arrivals = arrivalsOf(namesOf(view), held.receive(11, query))
  expect(held.punts).toEqual([])
  expect(Object.keys(arrivals)).toEqual(['red-db'])
})
