/**
 * What every northbound driver must do, whatever holds the rows: each driver's test runs this suite on its
 * own store.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NbDriver } from '../../src/nb/index.ts'
import { startChild } from '../support/child.ts'
import { dragonflowRows, Follower } from '../support/nb.ts'

/** A store of its own for one test, empty at first. */
export interface Store {
  /** Opens the store once more, as another process would. */
  open(): Promise<NbDriver>
  /** What `openNbDriver` takes to open it. */
  readonly configuration: Readonly<Record<string, unknown>>
  /** Removes the store. */
  remove(): Promise<void>
}

/** Declares the suite; `make` makes an empty store. */
export function complianceSuite(name: string, make: () => Promise<Store>): void {
  describe(`${name} is a northbound driver`, () => {
    let store: Store
    let driver: NbDriver
    let other: NbDriver
    let follower: Follower | undefined

    beforeEach(async () => {
      store = await make()
      driver = await store.open()
      other = await store.open()
    })
    afterEach(async () => {
      follower?.stop()
      follower = undefined
      await driver.close()
      await other.close()
      await store.remove()
    })
    const follow = async () => {
      const started = new Follower(other)
      follower = started
      await started.until(({ events }) => events.length > 0)
      return started
    }

    describe('rows', () => {
      test('an empty store has none', async () => {
        expect(await driver.list()).toEqual([])
        expect(await driver.list('lport')).toEqual([])
        expect(await driver.get('lport', 'p')).toBeUndefined()
      })

      test('keep their text to the byte', async () => {
        for (const value of ['{"id": "p", "name": "\\u00e4 ä 漢 🂡"}', '', ' \n', 'not JSON at all']) {
          await driver.put('lport', 'p', value)
          expect(await other.get('lport', 'p')).toBe(value)
          expect(await other.list('lport')).toEqual([{ table: 'lport', id: 'p', value }])
        }
      })

      test('are all there when there are many', async () => {
        const rows = Array.from({ length: 1000 }, (_, n) => ({ table: 'lport', id: `p${n}`, value: `${n}` }))
        await driver.putAll(rows)
        expect((await other.list()).map(({ value }) => value).sort()).toEqual(
          rows.map(({ value }) => value).sort(),
        )
        expect((await follow()).values.size).toBe(1000)
      })

      test('are those of the real Dragonflow, counters included, in order', async () => {
        const rows = dragonflowRows()
        await driver.putAll(rows.toReversed())
        const inOrder = rows.toSorted((a, b) => (`/${a.table}/${a.id}` < `/${b.table}/${b.id}` ? -1 : 1))
        expect(await other.list()).toEqual(inOrder)
        expect(await other.list('lswitch')).toEqual(inOrder.filter(({ table }) => table === 'lswitch'))
        expect(await other.get('unique_key', 'lport')).toBe('16')
      })

      test.each([
        'compute-1.example.org',
        'a/b',
        '../../../etc/passwd',
        '..',
        '.',
        '.hidden',
        'a b%2Fc?#',
        'ä-漢-🂡',
        'new\nline\u0000',
        '*',
        "it's(!)",
        'x.json',
        'CON',
        'x'.repeat(200),
      ])('may have the id %j', async (id) => {
        await driver.put('chassis', id, '1')
        await driver.put('chassis', 'other', '2')
        expect(await other.get('chassis', id)).toBe('1')
        expect((await other.list('chassis')).map((row) => row.id).sort()).toEqual([id, 'other'].sort())
        expect(await other.delete('chassis', id)).toBe(true)
        expect(await driver.list()).toEqual([{ table: 'chassis', id: 'other', value: '2' }])
      })

      test.each([
        ['an empty id', 'lport', ''],
        ['half a character', 'lport', '\ud800'],
        ['a table that leads elsewhere', '../lport', 'p'],
        ['an absolute table', '/lport', 'p'],
        ['no table', '', 'p'],
        ['a hidden table', '.lport', 'p'],
      ])('may not have %s', async (_, table, id) => {
        await expect(async () => driver.put(table, id, '1')).rejects.toThrow(/table|id/)
        await expect(async () => driver.get(table, id)).rejects.toThrow(/table|id/)
        expect(await other.list()).toEqual([])
      })

      test('are created once', async () => {
        await driver.create('lport', 'p', '1')
        await expect(other.create('lport', 'p', '2')).rejects.toThrow('lport p exists already')
        expect(await driver.get('lport', 'p')).toBe('1')
      })

      test('are created by one of many', async () => {
        const tries = Array.from({ length: 10 }, (_, n) =>
          (n % 2 ? driver : other).create('lport', 'p', String(n)),
        )
        const results = await Promise.allSettled(tries)
        const winners = results.flatMap((result, n) => (result.status === 'fulfilled' ? [String(n)] : []))
        expect(winners).toEqual([await driver.get('lport', 'p')])
      })

      test('are deleted once', async () => {
        await driver.put('lport', 'p', '1')
        expect(await other.delete('lport', 'p')).toBe(true)
        expect(await driver.delete('lport', 'p')).toBe(false)
        expect(await driver.delete('lrouter', 'p')).toBe(false)
      })

      test('are changed without losing a change of others', async () => {
        const increment = (value: string | undefined) => String(Number(value ?? 0) + 1)
        const changes = Array.from({ length: 40 }, (_, n) =>
          (n % 2 ? driver : other).change('lport', 'p', increment),
        )
        const seen = await Promise.all(changes)
        expect(await driver.get('lport', 'p')).toBe('40')
        expect(new Set(seen).size).toBe(40)
      })

      test('stay as they are when a change is called off', async () => {
        await driver.put('lport', 'p', '1')
        expect(await other.change('lport', 'p', () => undefined)).toBeUndefined()
        await expect(
          other.change('lport', 'p', () => {
            throw new Error('no')
          }),
        ).rejects.toThrow('no')
        expect(await driver.get('lport', 'p')).toBe('1')
        expect(await driver.change('lport', 'p', (value) => `${value}1`)).toBe('11')
      })
    })

    describe('unique keys', () => {
      test('count from 1, each table by itself', async () => {
        expect(await driver.allocateUniqueKey('lport')).toBe(1)
        expect(await other.allocateUniqueKey('lport')).toBe(2)
        expect(await driver.allocateUniqueKey('lswitch')).toBe(1)
        expect(await other.list('unique_key')).toEqual([
          { table: 'unique_key', id: 'lport', value: '2' },
          { table: 'unique_key', id: 'lswitch', value: '1' },
        ])
      })

      test('go on from where Dragonflow was', async () => {
        await driver.putAll(dragonflowRows())
        expect(await other.allocateUniqueKey('lport')).toBe(17)
      })

      test('are given to one asker each', async () => {
        const keys = await Promise.all(
          Array.from({ length: 40 }, (_, n) => (n % 2 ? driver : other).allocateUniqueKey('lport')),
        )
        expect(keys.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
      })

      test.each([
        ['a counter that is no number', 'many', 'holds "many", not a number'],
        ['the last key', '4294967294', 'are used up'],
        ['a counter beyond the last key', '4294967295', 'not a number'],
      ])('end with %s', async (_, stored, message) => {
        await driver.put('unique_key', 'lport', stored)
        await expect(other.allocateUniqueKey('lport')).rejects.toThrow(message)
        expect(await driver.get('unique_key', 'lport')).toBe(stored)
      })
    })

    describe('a hold', () => {
      const never = new AbortController().signal

      test('is one process’s alone, until it is given back', async () => {
        const held = await driver.hold('dfneutronsync', 'lease/one', never)
        const rows = await driver.list('lport')
        const waiting = new AbortController()
        let isSecond = false
        const second = other.hold('dfneutronsync', 'lease/one', never).then((hold) => {
          isSecond = true
          return hold
        })
        const third = other.hold('dfneutronsync', 'lease/one', waiting.signal)
        const elsewhere = await other.hold('dfneutronsync', 'lease/two', never)
        expect(isSecond).toBe(false)
        waiting.abort(new Error('enough'))
        await expect(third).rejects.toThrow(/enough|abort/)
        await held.release()
        const now = await second
        expect([held, now, elsewhere].map(({ lost }) => lost.aborted)).toEqual([false, false, false])
        expect(await driver.list('lport')).toEqual(rows)
        await now.release()
        await elsewhere.release()
        expect(await driver.list()).toEqual([])
      })

      test('of a process that is killed is free for the next one, and not before', async () => {
        const body = `
          const { openNbDriver } = await load('nb/index.js')
          const driver = await openNbDriver(JSON.parse(args[0]))
          await driver.hold('dfneutronsync', 'lease/one', new AbortController().signal)
          console.log('held')
          setInterval(() => {}, 1000)`
        const first = startChild(body, JSON.stringify(store.configuration))
        while (first.lines.length === 0) await sleep(20)
        const waiting = driver.hold('dfneutronsync', 'lease/one', never)
        expect(await Promise.race([waiting, sleep(1500)])).toBeUndefined()
        first.process.kill('SIGKILL')
        const held = await waiting
        expect(held.lost.aborted).toBe(false)
        await held.release()
      }, 60_000)
    })

    describe('a watch', () => {
      test('begins with a snapshot, also of an empty store', async () => {
        expect((await follow()).events).toEqual([{ kind: 'snapshot', rows: [] }])
      })

      test('begins with the rows that are there', async () => {
        await driver.putAll(dragonflowRows())
        const { events } = await follow()
        expect(events).toEqual([{ kind: 'snapshot', rows: await driver.list() }])
      })

      test('tells what is written, rewritten and deleted', async () => {
        const follower = await follow()
        await driver.put('lport', 'p', '1')
        await follower.until(({ values }) => values.get('/lport/p') === '1')
        await driver.put('lport', 'p', '2')
        await follower.until(({ values }) => values.get('/lport/p') === '2')
        await driver.delete('lport', 'p')
        await follower.until(({ values }) => values.size === 0)
        expect(follower.events.slice(1).every(({ kind }) => kind === 'changes')).toBe(true)
      })

      test('ends with the truth after quick changes', async () => {
        const follower = await follow()
        for (let n = 0; n < 30; n += 1) {
          await driver.put('lport', `p${n % 3}`, String(n))
          if (n % 5 === 0) await driver.delete('lport', `p${n % 3}`)
        }
        await driver.put('lport', 'last', '1')
        await follower.until(({ values }) => values.has('/lport/last'))
        const rows = (await driver.list()).map(({ table, id, value }) => [`/${table}/${id}`, value])
        expect([...follower.values].sort()).toEqual(rows.sort())
      })

      test('puts what is written at once into few batches', async () => {
        const follower = await follow()
        await driver.putAll(
          Array.from({ length: 50 }, (_, n) => ({ table: 'lport', id: `p${n}`, value: '1' })),
        )
        await follower.until(({ values }) => values.size === 50)
        expect(follower.events.length).toBeLessThan(25)
      })

      test('tells every subscriber by itself', async () => {
        const first = await follow()
        await driver.put('lport', 'p', '1')
        await first.until(({ values }) => values.size === 1)
        const second = new Follower(other)
        await second.until(({ values }) => values.size === 1)
        second.stop()
        await driver.put('lport', 'q', '1')
        await first.until(({ values }) => values.size === 2)
        expect(second.values.size).toBe(1)
      })

      test('ends when the driver is closed', async () => {
        const follower = await follow()
        await other.close()
        await follower.until(({ isComplete }) => isComplete)
      })
    })
  })
}
