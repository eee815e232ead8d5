/** The etcd driver: what every driver must do, on a real etcd, and where it keeps what. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEtcdDriver } from '../../src/nb/etcd.ts'
import type { NbDriver } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { startChild } from '../support/child.ts'
import { Etcd } from '../support/etcd.ts'
import { dragonflowRows, Follower } from '../support/nb.ts'
import { complianceSuite } from './compliance.ts'

let etcd: Etcd
let stores = 0

beforeAll(async () => {
  builtSource()
  etcd = await Etcd.start()
}, buildMs)
afterAll(() => etcd.remove())

/** A part of etcd that no other test uses. */
const newPrefix = () => {
  stores += 1
  return `/test-${stores}`
}

const open = (remote_db_key_prefix: string) =>
  openEtcdDriver({ remote_db_hosts: [etcd.host], remote_db_key_prefix })

complianceSuite('the etcd driver', async () => {
  const prefix = newPrefix()
  return {
    open: () => open(prefix),
    configuration: {
      nb_db_class: 'etcd_nb_db_driver',
      remote_db_hosts: [etcd.host],
      remote_db_key_prefix: prefix,
    },
    remove: async () => void (await etcd.ctl('del', '--prefix', `${prefix}/`)),
  }
})

/** Runs a test with a driver that is closed afterwards. */
async function withDriver(prefix: string, work: (driver: NbDriver) => Promise<void>): Promise<void> {
  const driver = await open(prefix)
  try {
    await work(driver)
  } finally {
    await driver.close()
  }
}

test('keys and values are those of Dragonflow, and nothing else', async () => {
  const rows = dragonflowRows()
  await withDriver('', async (driver) => {
    await driver.putAll(rows)
    const printed = await etcd.ctl('get', '--prefix', '/')
    const expected = rows
      .toSorted((a, b) => (`/${a.table}/${a.id}` < `/${b.table}/${b.id}` ? -1 : 1))
      .flatMap(({ table, id, value }) => [`/${table}/${id}`, value])
    expect(printed).toBe(`${expected.join('\n')}\n`)
  })
  await etcd.ctl('del', '--prefix', '/')
})

test('a store with a prefix is apart from the others', async () => {
  const prefix = newPrefix()
  await withDriver(`${prefix}a`, async (one) => {
    await withDriver(prefix, async (other) => {
      await one.put('lport', 'p', '1')
      expect(await one.allocateUniqueKey('lport')).toBe(1)
      expect(await other.list()).toEqual([])
      expect(await etcd.ctl('get', '--prefix', prefix, '--keys-only')).toBe(
        `${prefix}a/lport/p\n\n${prefix}a/unique_key/lport\n\n`,
      )
    })
  })
})

describe('what others write there', () => {
  test.each([
    ['no table of ours', '/pubsub/D', '\\x82'],
    ['no row', '/lport', '1'],
    ['a longer name', '/lports/p', '1'],
    ['a table below a table that is none', '/sfc_UPPER/p', '1'],
  ])('%s is never told', async (_, key, value) => {
    const prefix = newPrefix()
    await etcd.ctl('put', `${prefix}${key}`, value)
    await withDriver(prefix, async (driver) => {
      const follower = new Follower(driver)
      await follower.until(({ events }) => events.length > 0)
      await etcd.ctl('put', `${prefix}${key}`, `${value}1`)
      await driver.put('lport', 'last', '1')
      await follower.until(({ values }) => values.has('/lport/last'))
      expect([...follower.values.keys()]).toEqual(['/lport/last'])
      expect(await driver.list()).toEqual([{ table: 'lport', id: 'last', value: '1' }])
      follower.stop()
    })
  })

  test.each([
    ['a key without an id', ['/lport/'], '', 'the key has no id'],
    ['a key that is no text', ['/lport/\xff'], '\udcff', 'the key is not UTF-8 text'],
    ['a value that is no text', ['/lport/p', '\xff\xfe'], 'p', 'the value is not UTF-8 text'],
  ])('%s is a row that cannot be read, with the reason', async (_, [key = '', value = '1'], id, problem) => {
    const prefix = newPrefix()
    const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')
    const put = { key: base64(prefix + key), value: base64(value) }
    await etcd.post('/v3/kv/put', put)
    await withDriver(prefix, async (driver) => {
      const row = { table: 'lport', id, value: '', problem }
      expect(await driver.list()).toEqual([row])
      const follower = new Follower(driver)
      await follower.until(({ events }) => events.length > 0)
      await etcd.post('/v3/kv/put', put)
      await follower.until(({ events }) => events.length > 1)
      expect(follower.events).toEqual([
        { kind: 'snapshot', rows: [row] },
        { kind: 'changes', changes: [row] },
      ])
      expect(follower.northbound.rejected).toMatchObject([{ table: 'lport', id, reason: problem }])
      await etcd.ctl('del', '--prefix', `${prefix}/`)
      await follower.until(({ values }) => values.size === 0)
      follower.stop()
    })
  })
})

test('a store of more rows than fit into one message is one snapshot', async () => {
  const prefix = newPrefix()
  await withDriver(prefix, async (driver) => {
    const text = 'x'.repeat(9_000)
    const rows = Array.from({ length: 1_300 }, (_, n) => ({ table: 'lport', id: `p${n}`, value: text + n }))
    await driver.putAll([...rows, { table: 'lport', id: 'large', value: 'y'.repeat(1 << 20) }])
    expect(await driver.list()).toHaveLength(1_301)
    const follower = new Follower(driver)
    await follower.until(({ events }) => events.length > 0)
    expect(follower.events).toMatchObject([{ kind: 'snapshot' }])
    expect(follower.values.size).toBe(1_301)
    for (const { id, value } of rows) expect(follower.values.get(`/lport/${id}`)).toBe(value)
    follower.stop()
  })
  await etcd.ctl('del', '--prefix', `${prefix}/`)
})

test('four processes that ask for 250 unique keys each are given each key once and leave none out', async () => {
  const prefix = newPrefix()
  const body = `
    const { openNbDriver } = await load('nb/index.js')
    const driver = await openNbDriver({
      nb_db_class: 'etcd_nb_db_driver', nb_path: '', remote_db_hosts: [args[0]], remote_db_key_prefix: args[1],
    })
    for (let n = 0; n < 250; n += 1) console.log(await driver.allocateUniqueKey('lport'))
    await driver.close()`
  const children = Array.from({ length: 4 }, () => startChild(body, etcd.host, prefix))
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0, 0])
  const keys = children.flatMap(({ lines }) => lines.map(Number))
  expect(keys.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1))
  expect(await etcd.ctl('get', `${prefix}/unique_key/lport`, '--print-value-only')).toBe('1000\n')
}, 120_000)
