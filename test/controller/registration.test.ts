import { describe, expect, test } from 'vitest'
import { createRegistration } from '../../src/controller/registration.ts'
import { silentLogger } from '../../src/log.ts'
import type { Chassis } from '../../src/nb/index.ts'
import { manualClock } from '../support/clock.ts'

const wish = { ip: '192.0.2.11', tunnel_types: ['geneve', 'vxlan'] }
const other = rowOf({ ip: '192.0.2.99', tunnel_types: ['geneve'] })
const right = rowOf(wish)

function rowOf(fields: object): Chassis {
  return { id: 'compute-1', ...fields } as unknown as Chassis
}

/** A store that holds one row, as text. */
function setup(stored?: string) {
  const clock = manualClock()
  let text = stored
  let reason: string | undefined
  const written: unknown[] = []
  const registration = createRegistration({
    host: 'compute-1',
    wish,
    store: {
      change: async (table, id, next) => {
        if (reason !== undefined) throw new Error(reason)
        const value = next(text)
        written.push(value === undefined ? `${table} ${id}` : JSON.parse(value))
        text = value ?? text
        return value
      },
    },
    clock,
    log: silentLogger,
  })
  return {
    clock,
    registration,
    written: () => written.splice(0),
    fail: (why: string | undefined) => {
      reason = why
    },
  }
}

describe('the row of this node', () => {
  test('is written where there is none', async () => {
    const { clock, registration, written } = setup()
    await clock.advance(60_000)
    expect(written()).toEqual([])
    registration.seen(undefined)
    await clock.advance(0)
    expect([written(), registration.reasons]).toEqual([[right], []])
  })

  test('is not written if it is as configured', async () => {
    const { clock, registration, written } = setup()
    registration.seen({ ...right, external_host_ip: '203.0.113.1' })
    await clock.advance(60_000)
    expect([written(), registration.reasons]).toEqual([[], []])
  })

  test('is mended at the start, and fields that nobody here knows stay', async () => {
    const { clock, registration, written } = setup(
      JSON.stringify({ ...other, external_host_ip: '203.0.113.1', rack: 7 }),
    )
    registration.seen(other)
    await clock.advance(0)
    expect(written()).toEqual([{ ...right, external_host_ip: '203.0.113.1', rack: 7 }])
  })

  test('is compared once more with what is there by then', async () => {
    const { clock, registration, written } = setup(JSON.stringify(right))
    registration.seen(other)
    await clock.advance(0)
    expect(written()).toEqual(['chassis compute-1'])
  })

  test('that nobody can read is written anew', async () => {
    const { clock, registration, written } = setup('{ not JSON')
    registration.seen(undefined)
    await clock.advance(0)
    expect(written()).toEqual([right])
  })
})

test('a store that is away is asked again, ever more seldom, and it is told', async () => {
  const { clock, registration, written, fail } = setup()
  fail('etcd does not answer')
  registration.seen(undefined)
  await clock.advance(2999)
  expect(registration.reasons).toEqual(['the chassis row cannot be written: etcd does not answer'])
  registration.seen(undefined)
  fail(undefined)
  await clock.advance(0)
  expect(written()).toEqual([])
  await clock.advance(1)
  expect([written(), registration.reasons]).toEqual([[right], []])
})

test('a row that is gone comes back, at most every ten seconds', async () => {
  const { clock, registration, written } = setup()
  registration.seen(undefined)
  await clock.advance(0)
  registration.seen(right)
  expect(written()).toHaveLength(1)
  for (let second = 0; second < 60; second += 1) {
    registration.seen(undefined)
    await clock.advance(1000)
  }
  expect(written().length).toBe(6)
})

test('another controller of the same name is told of and not fought', async () => {
  const { clock, registration, written } = setup()
  registration.seen(right)
  for (let second = 0; second < 60; second += 1) {
    registration.seen(other)
    await clock.advance(1000)
  }
  expect(written()).toEqual([])
  expect(registration.reasons.join()).toMatch(/changed the chassis row compute-1 to 192\.0\.2\.99 \(geneve\)/)
})

test("what was just written is not taken for somebody else's until it is seen", async () => {
  const { clock, registration } = setup(JSON.stringify(other))
  registration.seen(other)
  await clock.advance(0)
  registration.seen(other)
  expect(registration.reasons).toEqual([])
  await clock.advance(10_000)
  expect(registration.reasons).toHaveLength(1)
})

test('after close nothing is written', async () => {
  const { clock, registration, written } = setup()
  registration.seen(undefined)
  registration.close()
  registration.seen(undefined)
  await clock.advance(60_000)
  expect(written()).toEqual([])
})
