import { describe, expect, test } from 'vitest'
import { selfCheckPort } from '../../../src/app/app.ts'
import { createOverload } from '../../../src/app/dns/overload.ts'
import { tables } from '../../../src/app/pipeline.ts'
import { formatFlow } from '../../../src/openflow/index.ts'
import { frameOf } from '../../packet/foreign.ts'
import { puntOf } from '../../support/apps.ts'
import { twoTenants } from '../../support/view.ts'
import { appOf, hostOf, localPort } from './asking.ts'

const view = twoTenants()
/** Ports of two tenants with the same name and address. */
const [red, blue] = [localPort(view, 1), localPort(view, 4)]

function setup(packetsPerSecond: number, bypassSeconds = 5) {
  const clock = { at: 0 }
  const overload = createOverload({ packetsPerSecond, bypassSeconds }, () => clock.at)
  const admit = (times: number, port = red) =>
    Array.from({ length: times }, () => overload.admit(port, clock.at))
  return { clock, overload, admit }
}

const many = <T>(times: number, word: T) => Array<T>(times).fill(word)

describe('a port', () => {
  test('may send what a second allows at once, and what comes then begins a bypass', () => {
    const { admit } = setup(10)
    expect(admit(13)).toEqual([...many(10, 'within'), 'begins', 'over', 'over'])
  })

  test('may send at its rate for ever', () => {
    const { clock, admit } = setup(1000)
    for (clock.at = 0; clock.at < 100_000; clock.at++) expect(admit(1)).toEqual(['within'])
  })

  test('begins one bypass a window, however many packets still come', () => {
    const { clock, admit } = setup(10)
    const fates: string[] = []
    for (clock.at = 0; clock.at < 15_000; clock.at += 10) fates.push(...admit(1))
    expect(fates.filter((fate) => fate === 'begins').length).toBe(3)
    // In one window it is looked at ten times a second and once more for each tenth of a second of the first.
    expect(fates.filter((fate) => fate === 'within').length).toBe(10 + 150 - 1)
  })

  test('that paused has its whole second again', () => {
    const { clock, admit } = setup(10)
    admit(12)
    clock.at = 5000
    expect(admit(11)).toEqual([...many(10, 'within'), 'begins'])
  })

  test('does not cost the other tenant’s port of the same name a packet', () => {
    const { admit } = setup(10)
    admit(1000)
    expect(admit(10, blue)).toEqual(many(10, 'within'))
  })

  test('may send any number without a limit', () => {
    expect(new Set(setup(0).admit(100_000))).toEqual(new Set(['within']))
  })
})

test('ports are counted while they are led past', () => {
  const { clock, overload, admit } = setup(10)
  expect(overload.bypassedPorts).toBe(0)
  admit(20)
  clock.at = 2000
  admit(40, blue)
  expect(overload.bypassedPorts).toBe(2)
  clock.at = 5000
  expect(overload.bypassedPorts).toBe(1)
  clock.at = 7000
  expect(overload.bypassedPorts).toBe(0)
})

describe('the application', () => {
  const frame = frameOf('dig web.red.example.org A')
  const fates = (app: ReturnType<typeof appOf>, times: number, port = red) =>
    Array.from({ length: times }, () => app.packetIn!(puntOf(port, frame), view).why)

  test('passes what is too much, and leads the port past itself', async () => {
    const lines: unknown[] = []
    const log = { warn: (line: unknown) => lines.push(line) }
    const host = hostOf('openstacklocal', { log: log as never })
    const app = appOf({ df_dns_max_rate_per_port: 2 }, host)
    expect(fates(app, 5)).toEqual(['answer', 'answer', 'overload', 'overload', 'overload'])
    expect(fates(app, 1, blue)).toEqual(['unknown-name'])
    expect(lines).toEqual([
      { port: red.id, network: 'net-red', topic: red.topic, packetsPerSecond: 2, bypassSeconds: 5 },
    ])
    const text = await host.metrics.text()
    expect(text).toContain('df_dns_forwarded_total{reason="overload"} 3')
    expect(text).toContain('df_dns_bypassed_ports 1')
  })

  test('asks for the rows once', () => {
    const app = appOf({ df_dns_max_rate_per_port: 1, df_dns_bypass_seconds: 9 })
    const seconds = Array.from({ length: 3 }, () => {
      const verdict = app.packetIn!(puntOf(red, frame), view)
      return verdict.kind === 'pass' ? verdict.bypassSeconds : undefined
    })
    expect(seconds).toEqual([undefined, 9, undefined])
  })

  test('has a row for that port alone, before its row to the group', () => {
    const app = appOf()
    expect(app.bypass!(red).map(formatFlow)).toEqual([
      'table=32, priority=200,reg6=0x1 actions=goto_table:55',
    ])
    const rows = [...app.flows(view)].filter(({ tableId }) => tableId === tables.dnsPorts.id)
    expect(Math.max(...rows.map(({ priority }) => priority))).toBeLessThan(200)
  })

  test('decides every self-check', () => {
    const app = appOf({ df_dns_max_rate_per_port: 1 })
    const { frame } = app.lease!.probe
    for (let turn = 0; turn < 5; turn++)
      expect(app.packetIn!(puntOf(selfCheckPort, frame), view).why).toBe('no-names')
  })

  test('in shadow mode decides, counts and lets everything go on', async () => {
    const host = hostOf()
    const app = appOf({ df_dns_shadow: true }, host)
    expect(fates(app, 2)).toEqual(['shadow', 'shadow'])
    expect(app.packetIn!(puntOf(blue, frame), view)).toMatchObject({
      kind: 'pass',
      why: 'unknown-name',
    })
    const text = await host.metrics.text()
    expect(text).toContain('df_dns_queries_total{verdict="reply",type="A",family="ipv4",network="net-red"} 2')
    expect(text).toContain('df_dns_responses_total{rcode="NOERROR"} 2')
    expect(text).toContain('df_dns_forwarded_total{reason="shadow"} 2')
  })
})
