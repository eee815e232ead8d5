/** A hold is given up before etcd gives its key to somebody else; test/nb/compliance.ts has the rest, on a real etcd. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EtcdClient } from '../../src/nb/etcd-client.ts'
import { holdKey } from '../../src/nb/etcd-hold.ts'

const lifeMs = 10_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** An etcd where nobody else holds anything, and renewals go as they are told to. */
const etcdWith = (renewLease: () => Promise<boolean>) =>
  ({
    range: async () => ({ kvs: [] }),
    grantLease: async () => 'lease',
    txn: async () => ({ succeeded: true }),
    renewLease,
    revokeLease: async () => {},
  }) as unknown as EtcdClient

const held = (renewLease: () => Promise<boolean>) =>
  holdKey(etcdWith(renewLease), Buffer.from('/key'), 'me', new AbortController().signal)

test.each<[string, () => Promise<boolean>]>([
  ['does not answer', () => new Promise(() => {})],
  ['refuses', () => Promise.reject(new Error('refused'))],
])('is lost before its lease ends when etcd %s', async (_, renewLease) => {
  const { lost } = await held(renewLease)
  await vi.advanceTimersByTimeAsync(lifeMs - 2_000)
  expect(lost.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(lost.reason).toMatchObject({ message: 'etcd could not be asked to renew the lease' })
})

test('is lost when etcd has ended the lease', async () => {
  const { lost } = await held(async () => false)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(lost.reason).toMatchObject({ message: 'etcd has ended the lease' })
})

test('goes on while it is renewed, after failures too, and ends when it is released', async () => {
  let asked = 0
  const { lost, release } = await held(async () => {
    asked += 1
    if (asked % 3 !== 0) throw new Error('refused')
    return true
  })
  await vi.advanceTimersByTimeAsync(20 * lifeMs)
  expect(lost.aborted).toBe(false)
  await release()
  const before = asked
  await vi.advanceTimersByTimeAsync(lifeMs)
  expect(asked).toBe(before)
})
