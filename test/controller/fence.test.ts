import { beforeEach, describe, expect, test } from 'vitest'
import { type App, type Punt, selfCheckPort, type Verdict } from '../../src/app/app.ts'
import { allotTables } from '../../src/app/extension.ts'
import { foreignFlow, goto } from '../../src/app/extension-flow.ts'
import type { ForeignApp } from '../../src/app/foreign.ts'
import { fenced, fenceMetrics } from '../../src/controller/fence.ts'
import { TimeLimitError } from '../../src/controller/time-limit.ts'
import { reasonOf } from '../../src/errors.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { formatFlow } from '../../src/openflow/index.ts'
import { flowOf, puntOf } from '../support/apps.ts'
import { twoTenants } from '../support/view.ts'

const [extension] = allotTables([
  { name: 'echo', tables: { echo: { after: 'services', canPunt: true } } },
]) as [ReturnType<typeof allotTables>[number]]
const view = twoTenants()
const punt: Punt = puntOf(view.localPorts[0]!, Buffer.alloc(60))
const entry = foreignFlow(extension, 'services', 50, {}, [goto('echo')])
const passed: Verdict = { kind: 'pass', why: 'test' }

let metrics: Metrics
let time: number
beforeEach(() => {
  metrics = createMetrics()
  time = 0
})

const fence = (app: Partial<ForeignApp>, now = () => time): App =>
  fenced({
    app: { onFailure: 'pass', flows: () => [], ...app },
    extension,
    checked: new WeakSet(),
    now,
    log: silentLogger,
    metrics: fenceMetrics(metrics),
  })
const flowsAt = (app: App) => [...app.flows(view)].map(formatFlow)
const metricOf = async (name: string) =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith(name))

const spin = () => {
  for (;;);
}

describe('flows', () => {
  test('are those of the application and those of the host', () => {
    const flows = flowsAt(fence({ flows: () => [entry] }))
    expect(flows).toHaveLength(4)
    expect(flows.at(-1)).toBe('table=20, priority=50 actions=goto_table:201')
  })

  test('that are not its own are refused', () => {
    expect(() => flowsAt(fence({ flows: () => [flowOf(55, 10)] }))).toThrow('nor lends rows: table=55')
  })

  test('without an end have an end', () => {
    function* endless() {
      for (let key = 0; ; key++) yield { ...entry, match: { reg0: key % 7 } }
    }
    const app = fence({ flows: endless })
    // Whichever comes first on this machine: the number that is too many, or the time that is too long.
    let reason: string | undefined
    try {
      app.flows(view)
      reason = app.suspendedBecause
    } catch (error) {
      reason = reasonOf(error)
    }
    expect(reason).toMatch(/^(more than 50000 flows|flows\(view\) took more than 1000 ms and was ended)$/)
  })

  test('that it throws at are left to the collector, which keeps its last ones', () => {
    const app = fence({
      flows: () => {
        throw new Error('its own')
      },
    })
    expect(() => app.flows(view)).toThrow('its own')
    expect(app.suspendedBecause).toBeUndefined()
  })

  test('that never come suspend it: it has no rows any more', async () => {
    const app = fence({ flows: spin })
    expect(app.flows(view)).toEqual([])
    expect(app.suspendedBecause).toBe('flows(view) took more than 1000 ms and was ended')
    expect([...app.groups!(view)]).toEqual([])
    expect(app.lease).toBeUndefined()
    expect(app.packetIn!(punt, view)).toEqual({ kind: 'pass', why: 'suspended' })
    expect(await metricOf('df_app_suspended{')).toEqual(['df_app_suspended{app="echo"} 1'])
    expect(await metricOf('df_app_calls_ended_total{')).toEqual([
      'df_app_calls_ended_total{app="echo",call="flows"} 1',
    ])
  })
})

describe('a packet', () => {
  test('is decided by the application', () => {
    const seen: unknown[] = []
    const app = fence({
      packetIn: (...given) => {
        seen.push(given)
        return { kind: 'drop', why: 'told' }
      },
    })
    expect(app.packetIn!(punt, view)).toEqual({ kind: 'drop', why: 'told' })
    expect(seen).toEqual([[punt, view]])
  })

  test('of the self-check is none of its business', () => {
    const app = fence({ packetIn: spin })
    expect(app.packetIn!({ ...punt, port: selfCheckPort }, view)).toEqual({ kind: 'pass', why: 'host' })
  })

  test('comes without the room of a reply, and none may be said to be written', () => {
    const seen: unknown[] = []
    const packetIn = (given: Punt): Verdict => {
      seen.push(given)
      return { kind: 'written', size: 60, why: 'told' }
    }
    const room = { bytes: Buffer.alloc(2000), at: 0 }
    expect(() => fence({ packetIn }).packetIn!({ ...punt, room }, view)).toThrow('a room that it has not')
    expect(seen).toEqual([punt])
  })

  test('that it promises to decide later is a failure, now and without noise later', () => {
    const packetIn = (async () => {
      throw new Error('later')
    }) as unknown as () => Verdict
    expect(() => fence({ packetIn }).packetIn!(punt, view)).toThrow('it has to decide at once')
  })

  test('takes at most 100 ms; the third time suspends the application', () => {
    const app = fence({ packetIn: spin }, () => performance.now())
    for (const isLast of [false, false, true]) {
      expect(app.suspendedBecause).toBeUndefined()
      expect(() => app.packetIn!(punt, view)).toThrow('took more than 100 ms and was ended')
      if (isLast) expect(app.suspendedBecause).toMatch(/^its decisions on packets take too long/)
    }
    expect(app.packetIn!(punt, view)).toEqual({ kind: 'pass', why: 'suspended' })
    expect(app.flows(view)).toEqual([])
  })

  test.each([
    ['1 ms for each of very many is free', 1, 1, 10_000, false],
    ['10 ms now and then are', 10, 100, 1000, false],
    ['10 ms for each are not', 10, 10, 1000, true],
    ['50 ms twice a second are', 50, 500, 1000, false],
    ['50 ms five times a second are not', 50, 200, 100, true],
  ])('%s', (_name, tookMs, everyMs, count, isSuspended) => {
    const app = fence({
      packetIn: () => {
        time += tookMs
        return passed
      },
    })
    for (let i = 0; i < count; i++) {
      time = Math.max(time, i * everyMs)
      try {
        app.packetIn!(punt, view)
      } catch (error) {
        // The other limit, which is real time: this machine stood still meanwhile.
        if (!(error instanceof TimeLimitError)) throw error
      }
    }
    expect(app.suspendedBecause !== undefined).toBe(isSuspended)
  })
})
