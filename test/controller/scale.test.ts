/**
 * What a change costs, counted and not timed: rows read, parts of the view, units of flows and scopes made again. In a
 * cloud of ten times as many ports it must be the same, and the result that of a controller that starts anew.
 */

import { describe, expect, test } from 'vitest'
import { type Kind, kindsOf } from '../../bench/changes.ts'
import { type CloudSize, portsOf, rowsOf } from '../../bench/cloud.ts'
import { type Part, partsOf, type Unit } from '../../src/app/app.ts'
import { createCollector } from '../../src/controller/desired.ts'
import { FlowMap } from '../../src/controller/flow-map.ts'
import type { Desired } from '../../src/controller/flow-table.ts'
import { createTopology } from '../../src/controller/topology.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { changedNorthbound, type Northbound, northboundOf, type RawRow } from '../../src/nb/index.ts'
import { changedKeys } from '../../src/sorted-map.ts'
import { manualClock } from '../support/clock.ts'
import { appsOf } from '../support/cloud.ts'

const small: CloudSize = { tenants: 2, networks: 20, ports: 200, localPorts: 10 }
const large: CloudSize = { tenants: 2, networks: 200, ports: 2000, localPorts: 100 }
const kindNames = Object.keys(kindsOf(portsOf(small), small)) as (keyof ReturnType<typeof kindsOf>)[]

/** A controller without a switch: rows in, wishes out, and counts of what was made again. */
function machine(size: CloudSize, rows: readonly RawRow[] = [...rowsOf(size)]) {
  const apps = [
    ...appsOf(['classifier', 'portsec', 'l2', 'dns']),
    ...appsOf(['provider'], { bridge_mappings: ['physnet1:br-ex'] }),
  ]
  const collector = createCollector(apps, {
    log: silentLogger,
    metrics: createMetrics(),
    clock: manualClock(),
  })
  const plugs = portsOf(size)
    .filter(({ isLocal }) => isLocal)
    .map(({ id }, index) => ({ lport: id, name: id, ofport: index + 1, type: 'compute' as const }))
  const switchPorts = [...plugs, { name: 'patch', ofport: 9999, type: 'patch' as const }].map((port) => ({
    ...port,
    id: port.name,
    adminState: 'up' as const,
  }))
  const viewAt = createTopology()
  let nb: Northbound = northboundOf([])
  let desired: Desired = { flows: FlowMap.empty, groups: new Map() }
  let units = new Set<Unit>()
  let parts = new Set<Part>()
  let ports = nb.lport as ReadonlyMap<string, unknown>

  function update(changes: readonly RawRow[]) {
    const before = { nb, desired, units, parts, ports }
    nb = changedNorthbound(nb, changes)
    const view = viewAt({ nb, switchPorts, host: 'compute-1', patchPorts: new Map([['physnet1', 'patch']]) })
    desired = collector.desiredFor(view)
    const wishes = apps.flatMap((app) => [...(app.units?.(view) ?? [[...app.flows(view)]])])
    units = new Set(wishes)
    parts = new Set(wishes.flatMap(partsOf))
    ports = view.ports
    expect(collector.refused.size).toBe(0)
    return {
      rows: [...changedKeys(before.nb.lport, nb.lport), ...changedKeys(before.nb.dnsname, nb.dnsname)].length,
      ports: changedKeys(before.ports, ports).size,
      units: [...units].filter((unit) => !before.units.has(unit)).length,
      flows: [...parts].filter((part) => !before.parts.has(part)).flatMap((part) => [...part]).length,
      inSwitch: FlowMap.changed(before.desired.flows, desired.flows).size,
    }
  }
  update(rows)
  return { update, desired: () => contents(desired), flowCount: () => desired.flows.size }
}

const contents = ({ flows }: Desired) =>
  [...flows].map(([identity, { content }]) => [identity, content]).sort()

describe.each([...kindNames])('%s', (name) => {
  const changeOf = (size: CloudSize, turn: number) => {
    const kind: Kind = kindsOf(portsOf(size), size)[name]
    return kind(turn).row
  }

  test('costs no more in a cloud of ten times the size', () => {
    const [few, many] = [machine(small), machine(large)]
    expect(many.flowCount()).toBeGreaterThan(8 * few.flowCount())
    for (const turn of [1, 2, 3]) {
      const cost = many.update([changeOf(large, turn)])
      expect(cost).toEqual(few.update([changeOf(small, turn)]))
      expect(cost.ports).toBeLessThanOrEqual(10)
      expect(cost.units).toBeLessThanOrEqual(10)
      expect(cost.flows).toBeLessThanOrEqual(100)
      expect(cost.inSwitch).toBeLessThanOrEqual(30)
    }
  })

  test('leads to what a new controller wants', () => {
    const old = machine(small)
    const rows = new Map([...rowsOf(small)].map((row) => [`${row.table} ${row.id}`, row]))
    for (let turn = 1; turn <= 5; turn += 1) {
      const row = changeOf(small, turn)
      rows.set(`${row.table} ${row.id}`, row)
      old.update([row])
    }
    expect(old.desired()).toEqual(machine(small, [...rows.values()]).desired())
  })
})
