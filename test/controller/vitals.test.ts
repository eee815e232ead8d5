import { describe, expect, test } from 'vitest'
import type { Moment } from '../../src/controller/status.ts'
import { exposeProcess, exposeSources } from '../../src/controller/vitals.ts'
import { createMetrics } from '../../src/metrics.ts'
import { emptyNorthbound } from '../../src/nb/index.ts'
import { noPacketIns } from '../../src/ovsdb/state.ts'
import { manualClock } from '../support/clock.ts'

function setup() {
  const clock = manualClock()
  const metrics = createMetrics()
  const now: Moment = {
    reading: { northbound: undefined, lostBecause: undefined, lostAt: undefined },
    ...{ ovsdb: undefined, view: undefined, desiredFlows: 0, isStopping: false },
  }
  exposeSources(now, { clock, metrics })
  const read = async (line: string) => {
    const found = (await metrics.text()).split('\n').find((each) => each.startsWith(`${line} `))
    return found === undefined ? undefined : Number(found.split(' ').at(-1))
  }
  return { clock, now, read }
}

describe('the age of what was read', () => {
  test('grows from the start until the first whole reading', async () => {
    const { clock, now, read } = setup()
    await clock.advance(1500)
    expect(await read('df_nb_sync_age_seconds')).toBe(1.5)
    now.reading = { northbound: emptyNorthbound, lostBecause: undefined, lostAt: undefined }
    expect(await read('df_nb_sync_age_seconds')).toBe(0)
  })

  test('grows from the moment the store was lost', async () => {
    const { clock, now, read } = setup()
    await clock.advance(60_000)
    now.reading = { northbound: emptyNorthbound, lostBecause: 'down', lostAt: clock.now() }
    await clock.advance(7000)
    expect(await read('df_nb_sync_age_seconds')).toBe(7)
  })
})

test('rows are told by table', async () => {
  const { now, read } = setup()
  expect(await read('df_nb_rows{table="lport"}')).toBe(0)
  const lport = new Map([['p1', {}]]) as never
  now.reading = { ...now.reading, northbound: { ...emptyNorthbound, lport } }
  expect(await read('df_nb_rows{table="lport"}')).toBe(1)
  expect(await read('df_nb_rejected_rows')).toBe(0)
})

test('the switch’s own counts are handed on', async () => {
  const { now, read } = setup()
  expect(await read('df_ovsdb_connected')).toBe(0)
  const packetIns = { ...noPacketIns, direct: 5, dropped: 7, backlog: 2 }
  now.ovsdb = { isConnected: true, bridge: undefined, ports: [], packetIns, reason: undefined }
  expect(await read('df_ovsdb_connected')).toBe(1)
  expect(await read('df_ovs_packet_ins_total{result="direct"}')).toBe(5)
  expect(await read('df_ovs_packet_ins_total{result="dropped"}')).toBe(7)
  expect(await read('df_ovs_packet_in_backlog')).toBe(2)
})

test('a busy event loop is late', async () => {
  const metrics = createMetrics()
  const end = exposeProcess(metrics)
  const wait = () => new Promise((resolve) => setTimeout(resolve, 30))
  const lag = async () =>
    Number(/df_event_loop_lag_seconds\{percentile="100"\} (\S+)/.exec(await metrics.text())?.[1])
  try {
    await wait()
    await lag()
    await wait()
    const until = performance.now() + 200
    while (performance.now() < until);
    await wait()
    expect(await lag()).toBeGreaterThan(0.1)
  } finally {
    end()
  }
  const text = await metrics.text()
  expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d{6}/m)
  expect(text).toMatch(/^process_cpu_seconds_total \d/m)
})
