import { describe, expect, test } from 'vitest'
import type { LeaseOptions } from '../../src/controller/lease.ts'
import { createLease, leaseMetrics } from '../../src/controller/lease.ts'
import type { Outgoing, SwitchLink } from '../../src/controller/messages.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { manualClock } from '../support/clock.ts'

/** A lease on a switch that records what it is told, and decides or acknowledges only when the test says so. */
function setup() {
  const clock = manualClock()
  const metrics = createMetrics()
  const told: string[] = []
  let outcome: 'ok' | 'refused' | 'silent' | 'closed' | Promise<void> = 'ok'
  const link = {
    send: (message: Outgoing & { sequence?: number }) => told.push(`probe ${message.sequence}`),
    transact: async (messages: Outgoing[]) => {
      told.push(...messages.map((message) => (message as { command?: string }).command ?? message.kind))
      if (outcome === 'silent') return new Promise(() => {})
      if (outcome === 'closed') throw new Error('closed')
      if (outcome instanceof Promise) await outcome
      return messages.map(() => (outcome === 'refused' ? new Error('OFPFMFC_TABLE_FULL') : undefined))
    },
  } as unknown as SwitchLink
  const lease = createLease({
    app: 'dns',
    rows: [{ tableId: 20, priority: 100, match: {}, instructions: [], hardTimeout: 4 }],
    probe: ((sequence: number) => ({ kind: 'packetOut', sequence })) as unknown as LeaseOptions['probe'],
    clock,
    log: silentLogger,
    metrics: leaseMetrics(metrics),
  })
  return {
    clock,
    lease,
    link,
    told,
    metrics,
    answers: (next: typeof outcome) => {
      outcome = next
    },
    /** The last probe's number. */
    last: () => Number(told.findLast((line) => line.startsWith('probe'))?.slice(6)),
  }
}

test('is off until it is granted', async () => {
  const { clock, lease, told } = setup()
  await clock.advance(10_000)
  expect([lease.state, lease.isHeld, told]).toEqual(['off', false, []])
})

test('puts its rows in only after a self-check was decided, and is held from the acknowledgement', async () => {
  const { clock, lease, link, told } = setup()
  lease.grant(link)
  await clock.advance(100)
  expect([lease.state, lease.isHeld, told]).toEqual(['probing', false, ['probe 1']])
  lease.decided(1)
  await clock.advance(0)
  expect([lease.state, lease.isHeld, told]).toEqual(['resting', true, ['probe 1', 'add']])
})

test('renews once a second for as long as every self-check is decided', async () => {
  const { clock, lease, link, told, last } = setup()
  lease.grant(link)
  for (let second = 1; second <= 10; second += 1) {
    await clock.advance(20)
    lease.decided(last())
    await clock.advance(980)
    expect(lease.isHeld).toBe(true)
  }
  expect(told.filter((line) => line === 'add')).toHaveLength(10)
  expect(told).toHaveLength(21)
})

test('is not renewed when the self-check is not decided, lapses after 4 s, and comes back', async () => {
  const { clock, lease, link, told, metrics, last } = setup()
  lease.grant(link)
  lease.decided(1)
  await clock.advance(3900)
  expect([lease.isHeld, told.filter((line) => line === 'add').length]).toEqual([true, 1])
  await clock.advance(200)
  expect(lease.isHeld).toBe(false)
  expect(await metrics.text()).toContain('df_lease_renewals_total{app="dns",result="late"} 3')
  await clock.advance(1000)
  lease.decided(last())
  await clock.advance(0)
  expect(lease.isHeld).toBe(true)
})

test.each([
  ['read in time', 900, true],
  ['read late, as after the process was stopped', 5000, false],
])(
  'is held for 4 s from when its rows were sent: an acknowledgement that is %s',
  async (_what, lateMs, held) => {
    const { clock, lease, link, answers } = setup()
    answers(new Promise((resolve) => void clock.after(lateMs, resolve)))
    lease.grant(link)
    lease.decided(1)
    await clock.advance(lateMs)
    expect([lease.state === 'renewing', lease.isHeld]).toEqual([false, held])
    await clock.advance(Math.max(0, 3999 - lateMs))
    expect(lease.isHeld).toBe(held)
    await clock.advance(1)
    expect(lease.isHeld).toBe(false)
  },
)

test('goes on checking once a second, not in a storm, while nothing is decided', async () => {
  const { clock, lease, link, told } = setup()
  lease.grant(link)
  await clock.advance(9500)
  expect(told.filter((line) => line.startsWith('probe'))).toHaveLength(10)
})

describe('a decision counts only', () => {
  test.each([
    ['for the check that is out', 500, 1, true],
    ['when it comes in time', 501, 1, false],
    ['if it is not an older check’s', 1000, 1, false],
    ['if it is not made up', 10, 2, false],
  ])('%s', async (_name, delayMs, sequence, isRenewed) => {
    const { clock, lease, link, told } = setup()
    lease.grant(link)
    await clock.advance(delayMs - 1)
    lease.decided(delayMs === 500 ? sequence : -1)
    await clock.advance(1)
    if (delayMs !== 500) lease.decided(sequence)
    await clock.advance(0)
    expect(told.includes('add')).toBe(isRenewed)
  })

  test('once', async () => {
    const { clock, lease, link, told } = setup()
    lease.grant(link)
    lease.decided(1)
    lease.decided(1)
    await clock.advance(100)
    lease.decided(1)
    await clock.advance(100)
    expect(told.filter((line) => line === 'add')).toHaveLength(1)
  })
})

test('is not held when the switch refuses its rows, and tries again', async () => {
  const { clock, lease, link, answers, last, told } = setup()
  answers('refused')
  lease.grant(link)
  lease.decided(1)
  await clock.advance(0)
  expect([lease.state, lease.isHeld]).toEqual(['resting', false])
  answers('ok')
  await clock.advance(1000)
  lease.decided(last())
  await clock.advance(0)
  expect([lease.isHeld, told]).toEqual([true, ['probe 1', 'add', 'probe 2', 'add']])
})

test('is not held before the acknowledgement, nor by one that comes after the session', async () => {
  const { clock, lease, link, answers } = setup()
  answers('silent')
  lease.grant(link)
  lease.decided(1)
  await clock.advance(100)
  expect([lease.state, lease.isHeld]).toEqual(['renewing', false])
  lease.revoke()
  await clock.advance(5000)
  expect([lease.state, lease.isHeld]).toEqual(['off', false])
})

test('stops with its session and starts anew with the next one', async () => {
  const { clock, lease, link, told, answers } = setup()
  lease.grant(link)
  lease.decided(1)
  await clock.advance(10)
  lease.revoke()
  expect(lease.isHeld).toBe(false)
  await clock.advance(5000)
  expect(told).toEqual(['probe 1', 'add'])
  const next = { ...link }
  lease.grant(next)
  lease.grant(next)
  expect(told).toEqual(['probe 1', 'add', 'probe 2'])
  answers('closed')
  lease.decided(2)
  await clock.advance(0)
  expect(lease.isHeld).toBe(false)
})

test('steps aside for two seconds, and until a self-check after that is decided', async () => {
  const { clock, lease, link, told, last } = setup()
  lease.stepAside()
  expect([lease.state, told]).toEqual(['off', []])
  lease.grant(link)
  lease.decided(1)
  await clock.advance(10)
  expect(lease.isHeld).toBe(true)
  lease.stepAside()
  lease.grant(link) // the flows are settled once more: no reason to come back
  lease.decided(1)
  await clock.advance(1999)
  expect([lease.state, lease.isHeld, told.slice(2)]).toEqual(['aside', false, ['deleteStrict']])
  await clock.advance(1)
  expect([lease.state, last()]).toEqual(['probing', 2])
  await clock.advance(5000)
  expect(lease.isHeld).toBe(false)
  lease.decided(last())
  await clock.advance(0)
  expect([lease.isHeld, told.at(-1)]).toEqual([true, 'add'])
  lease.comeBack()
  expect(lease.state).toBe('resting')
  lease.stepAside()
  lease.comeBack()
  expect(lease.state).toBe('probing')
})

describe('withdrawn', () => {
  test('takes its rows out first and never comes back', async () => {
    const { clock, lease, link, told } = setup()
    lease.grant(link)
    lease.decided(1)
    await clock.advance(10)
    await lease.withdraw()
    expect([lease.state, lease.isHeld, told.at(-1)]).toEqual(['withdrawn', false, 'deleteStrict'])
    lease.grant(link)
    lease.revoke()
    lease.decided(2)
    await clock.advance(5000)
    expect([lease.state, told.length]).toEqual(['withdrawn', 3])
  })

  test.each(['closed', 'ok'] as const)('resolves when the switch is %s', async (answer) => {
    const { lease, link, answers } = setup()
    answers(answer)
    if (answer === 'closed') lease.grant(link)
    await lease.withdraw()
    expect(lease.state).toBe('withdrawn')
  })
})

test('is proven by each self-check that was decided, and has nothing to prove while it is off', async () => {
  const { clock, lease, link } = setup()
  expect(lease.provenAt).toBeUndefined()
  lease.grant(link)
  await clock.advance(100)
  expect(lease.provenAt).toBeUndefined()
  lease.decided(1)
  const first = clock.now()
  await clock.advance(5000) // four self-checks that nobody decides
  expect(lease.provenAt).toBe(first)
  lease.stepAside()
  expect(lease.provenAt).toBeUndefined()
  lease.revoke()
  expect(lease.provenAt).toBeUndefined()
})
