/** The feed on a real store of files and a Neutron of the recorded resources: what is written, and what never is. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NorthboundError } from '../../src/errors.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { addRow, feedTable, type NbDriver, northboundOf, openNbDriver } from '../../src/nb/index.ts'
import { neutronApi } from '../../src/neutron/api.ts'
import { createFeed, type Feed, type Outcome } from '../../src/neutron/feed.ts'
import { queriesOf } from '../../src/neutron/hints.ts'
import { openHttp } from '../../src/neutron/http.ts'
import { identityOf } from '../../src/neutron/keystone.ts'
import { type SyncOptions, syncOptions } from '../../src/neutron/options.ts'
import { createSync } from '../../src/neutron/sync.ts'
import { syncMetrics } from '../../src/neutron/sync-metrics.ts'
import { FakeNeutron, json } from '../support/fake-neutron.ts'
import { recordedItems, recordedPort, withoutNames } from '../support/neutron.ts'

let fake: FakeNeutron
let folder: string
let driver: NbDriver
let feed: Feed
let api: ReturnType<typeof neutronApi>
let closeHttp: () => void

const feedWith = (change = {}) =>
  createFeed(api, driver, { region: 'one', isDry: false, acceptsEmpty: false, ...change })

beforeEach(async () => {
  fake = await FakeNeutron.start()
  fake.needsToken = false
  folder = await mkdtemp(join(tmpdir(), 'df-feed-'))
  driver = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: folder })
  const defaults = Object.fromEntries(
    Object.entries(syncOptions).map(([name, { default: value }]) => [name, value]),
  )
  const options = { ...defaults, auth_type: 'none', endpoint_override: fake.url } as unknown as SyncOptions
  const http = openHttp({ cafile: '', timeoutMs: 5_000 })
  closeHttp = http.close
  api = neutronApi(
    http,
    identityOf(options, http, () => 0),
    { pageSize: 1000, pauseMs: 1, answered: () => {} },
  )
  feed = feedWith()
})
afterEach(async () => {
  closeHttp()
  await driver.close()
  await fake.stop()
  await rm(folder, { recursive: true })
})

const count = ({ changes: { writes, removals } }: Outcome) => [writes.length, removals.length]
const rows = async () =>
  new Map((await driver.list()).map(({ table, id, value }) => [`${table}/${id}`, value]))
const web = recordedPort('web')
/** As a project's own user sees a network. */
const withoutProvider = Object.fromEntries(
  Object.entries(recordedItems('networks')[0] as object).filter(([name]) => !name.startsWith('provider:')),
)
const change = (id: string, fields: object) =>
  fake.items.ports.set(id, { ...fake.items.ports.get(id)!, ...fields })
const rename = (id: string, name: string) => {
  const { dns_assignment } = fake.items.ports.get(id) as unknown as { dns_assignment: object[] }
  change(id, {
    dns_name: name,
    dns_assignment: dns_assignment.map((one) => ({ ...one, hostname: name, fqdn: `${name}.cloud.example.` })),
  })
}

describe('full reads', () => {
  test('fill an empty store with rows that all count, and then write nothing', async () => {
    expect(count(await feed.round())).toEqual([56, 0])
    const nb = northboundOf(await driver.list())
    expect([nb.rejected, nb.lport.size, nb.dnsname.size]).toEqual([[], 19, 13])
    const before = await rows()
    const put = vi.spyOn(driver, 'putAll')
    for (let turn = 0; turn < 3; turn += 1) expect(count(await feed.round())).toEqual([0, 0])
    expect(count(await feedWith().round())).toEqual([0, 0])
    expect(put).not.toHaveBeenCalled()
    expect(await rows()).toEqual(before)
  })

  test('keep what others have written, whatever happens', async () => {
    await addRow(driver, 'lswitch', { id: 'theirs', topic: 'red', name: 'theirs' })
    await addRow(driver, 'lport', {
      id: web.id,
      topic: 'red',
      lswitch: 'theirs',
      name: 'a stranger with that id',
    })
    const before = await rows()
    const { changes } = await feed.round()
    expect(changes.problems).toMatchObject([{ kind: 'not ours', text: expect.stringContaining(web.id) }])
    fake.items.ports.delete(web.id)
    await feed.round()
    const after = await rows()
    for (const key of ['lswitch/theirs', `lport/${web.id}`]) expect(after.get(key)).toBe(before.get(key))
    const keys = [...northboundOf(await driver.list()).lport.values()].map(({ unique_key }) => unique_key)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('take away what Neutron says is gone, and the memory of it', async () => {
    await feed.round()
    fake.items.ports.delete(web.id)
    expect(count(await feed.round())[1]).toBe(2)
    const left = await rows()
    expect([...left.keys()].filter((key) => key.includes(web.id))).toEqual([])
  })

  test.each<[string, () => void]>([
    [
      'a page that ends early',
      () => {
        fake.hasLinks = false
        fake.maxPage = 7
      },
    ],
    [
      'a list that lacks a port',
      () => {
        fake.fault = ({ url = '' }, response) => {
          if (!/\/ports\?/.test(url)) return false
          const ports = recordedItems('ports').filter((port) => (port as { id: string }).id !== web.id)
          json(response, 200, { ports })
          return true
        }
      },
    ],
    [
      'lists that are all empty, but for the networks',
      () => {
        fake.fault = ({ url = '' }, response) =>
          /v2\.0\/(?!networks)[\w-]+\?/.test(url) &&
          json(response, 200, { [/v2\.0\/([\w-]+)/.exec(url)![1]!.replace('-', '_')]: [] })
      },
    ],
  ])('%s: nothing is lost', async (_, prepare) => {
    await feed.round()
    const before = await rows()
    prepare()
    expect(count(await feed.round())).toEqual([0, 0])
    expect(await rows()).toEqual(before)
  })

  test.each<[string, FakeNeutron['fault']]>([
    [
      '500 to the question whether a port exists',
      ({ url = '' }, response) => /\/ports\//.test(url) && json(response, 500, {}),
    ],
    ['500 to the last list', ({ url = '' }, response) => /\/networks/.test(url) && json(response, 500, {})],
  ])('%s: nothing is written at all', async (_, fault) => {
    await feed.round()
    const before = await rows()
    fake.items.ports.delete(web.id)
    rename(recordedPort('db').id, 'other')
    fake.fault = fault
    await expect(feed.round()).rejects.toThrow(/answers 500/)
    expect(await rows()).toEqual(before)
  })

  test('a Neutron without any network is not believed, unless that is meant', async () => {
    await feed.round()
    const before = await rows()
    for (const items of Object.values(fake.items)) items.clear()
    await expect(feed.round()).rejects.toThrow(
      /shows no network at all, and the store has rows .*--accept-empty/,
    )
    expect(await rows()).toEqual(before)
    expect(count(await feedWith({ acceptsEmpty: true }).round())).toEqual([0, 56])
    expect([...(await rows()).keys()].filter((key) => !key.startsWith('unique_key/'))).toEqual([])
  })

  test('names stay as they are while the server has no DNS extension', async () => {
    await feed.round()
    const before = await rows()
    for (const [id, port] of fake.items.ports) fake.items.ports.set(id, withoutNames(port))
    const { hasNames } = await feed.round()
    expect([hasNames, await rows()]).toEqual([false, before])
  })

  test('a dry one says what it would do and does nothing', async () => {
    expect(count(await feedWith({ isDry: true }).round())).toEqual([56, 0])
    expect(await rows()).toEqual(new Map())
  })

  test('two regions in one store leave each other’s rows alone', async () => {
    await feed.round()
    for (const items of Object.values(fake.items)) items.clear()
    expect(count(await feedWith({ region: 'two' }).round())).toEqual([0, 0])
    expect(northboundOf(await driver.list()).lport.size).toBe(19)
  })

  test('one that breaks off while it writes is taken up again', async () => {
    const put = driver.putAll.bind(driver)
    const broken = vi.spyOn(driver, 'putAll').mockImplementation(async (written) => {
      if (written.every(({ table }) => table === feedTable)) return put(written)
      await put(written.slice(0, 10))
      throw new Error('the disk is full')
    })
    await expect(feed.round()).rejects.toThrow('the disk is full')
    broken.mockRestore()
    await feed.round()
    const nb = northboundOf(await driver.list())
    expect([nb.rejected, nb.lport.size, nb.dnsname.size]).toEqual([[], 19, 13])
  })
})

describe('hints', () => {
  const follow = (event: string, payload: object) =>
    feed.follow(queriesOf([{ event, payload: payload as Record<string, unknown> }]))

  test('before the first full read are for that', async () => {
    expect(await follow('port.update.end', { port: { id: web.id } })).toBeUndefined()
  })

  test('a port that changed is read again, and no list', async () => {
    await feed.round()
    rename(web.id, 'www')
    fake.requests.length = 0
    expect(count((await follow('port.update.end', { port: { id: web.id } }))!)).toEqual([1, 0])
    expect(fake.requests).toHaveLength(1)
    expect(JSON.parse((await rows()).get(`dnsname/${web.id}`)!)).toMatchObject({ dns_name: 'www' })
    expect(count(await feed.round())).toEqual([0, 0])
  })

  test('a deletion is believed only when Neutron says so', async () => {
    await feed.round()
    expect(count((await follow('port.delete.end', { port_id: web.id }))!)).toEqual([0, 0])
    fake.items.ports.delete(web.id)
    expect(count((await follow('port.delete.end', { port_id: web.id }))!)).toEqual([0, 2])
  })

  test.each<[string, object[], RegExp]>([
    ['its own network only', [withoutProvider], /give the user the role admin/],
    ['nothing', [], /shows no network at all.* the user has its role/],
  ])('a deletion is not believed of an account that is shown %s', async (_, networks, message) => {
    await feed.round()
    const before = await rows()
    fake.fault = ({ url = '' }, response) => {
      if (/\/networks\?/.test(url)) return json(response, 200, { networks })
      if (/\/ports\?/.test(url)) return json(response, 200, { ports: [] })
      return json(response, 404, { NeutronError: { type: 'PortNotFound', message: 'could not be found' } })
    }
    await expect(follow('port.update.end', { port: { id: web.id } })).rejects.toThrow(message)
    expect(await rows()).toEqual(before)
  })

  test('a network goes with everything in it', async () => {
    await feed.round()
    const inside = (item: Readonly<Record<string, unknown>>) => item.network_id === web.network_id
    for (const items of [fake.items.ports, fake.items.subnets])
      for (const [id, item] of items) if (inside(item)) items.delete(id)
    fake.items.networks.delete(web.network_id)
    await follow('network.delete.end', { network_id: web.network_id })
    const nb = northboundOf(await driver.list())
    expect([...nb.lport.values()].filter(({ lswitch }) => lswitch === web.network_id)).toEqual([])
    expect([nb.lswitch.has(web.network_id), nb.rejected]).toEqual([false, []])
    expect(count(await feed.round())).toEqual([0, 0])
  })
})

describe('over time', () => {
  const metrics = createMetrics()
  const syncOf = (intervalMs = 100_000) =>
    createSync({ feed, driver, region: 'one', intervalMs, log: silentLogger, metrics: syncMetrics(metrics) })
  const running = async (sync: ReturnType<typeof syncOf>, work: () => Promise<void>) => {
    const stop = new AbortController()
    const done = sync.run(stop.signal)
    try {
      await work()
    } finally {
      stop.abort()
      await done
    }
  }
  const until = (what: () => boolean | Promise<boolean>) =>
    vi.waitFor(async () => expect(await what()).toBe(true), 10_000)
  const hasName = async (name: string) =>
    [...(await rows())].some(([key, value]) => key.startsWith('dnsname/') && value.includes(`"${name}"`))

  test('the first read comes at once, later ones when there is a reason', async () => {
    const sync = syncOf()
    expect(sync.reasons()).toEqual(['nothing has been read yet'])
    await running(sync, async () => {
      await until(() => sync.reasons().length === 0)
      rename(web.id, 'www')
      sync.hint({ event: 'port.update.end', payload: { port: { id: web.id } } })
      await until(() => hasName('www'))
      rename(web.id, 'third')
      sync.readAll()
      await until(() => hasName('third'))
    })
    expect(await metrics.text()).toMatch(/df_neutron_sync_reads_total\{kind="hint",result="ok"\} 1/)
    expect((await rows()).size).toBeGreaterThan(0)
  })

  test('the interval brings a full read', async () => {
    const sync = syncOf(50)
    await running(sync, async () => {
      await until(() => sync.reasons().length === 0)
      rename(web.id, 'www')
      await until(() => hasName('www'))
    })
  })

  test('a failure is the reason until a read succeeds; the rows stay', async () => {
    const sync = syncOf(200)
    await running(sync, async () => {
      await until(() => sync.reasons().length === 0)
      const before = await rows()
      fake.fault = (_, response) => json(response, 503, {})
      await until(() => sync.reasons().some((reason) => reason.includes('answers 503')))
      expect(await rows()).toEqual(before)
      fake.fault = undefined
      await until(() => sync.reasons().length === 0)
    })
  })

  test('of two, one works; the other takes over', async () => {
    const [first, second] = [syncOf(50), syncOf(50)]
    const stops = [new AbortController(), new AbortController()]
    const done = [first.run(stops[0]!.signal)]
    await until(() => first.reasons().length === 0)
    done.push(second.run(stops[1]!.signal))
    await until(() => second.reasons().join() === 'another process feeds region one')
    stops[0]!.abort()
    await until(() => second.reasons().length === 0)
    stops[1]!.abort()
    await Promise.all(done)
  })

  test('a hold that is lost with the store is asked for again until it is had', async () => {
    const taken = new AbortController()
    const gone = new NorthboundError('etcd at 192.0.2.1:2379 does not listen')
    const hold = vi
      .spyOn(driver, 'hold')
      .mockResolvedValueOnce({ lost: taken.signal, release: () => Promise.reject(gone) })
      .mockRejectedValueOnce(gone)
    const sync = syncOf(300)
    await running(sync, async () => {
      await until(() => sync.reasons().length === 0)
      taken.abort()
      await until(() => sync.reasons().join() === gone.message)
      rename(web.id, 'www')
      await until(() => hasName('www'))
      await until(() => sync.reasons().length === 0)
    })
    expect(hold).toHaveBeenCalledTimes(3)
  })

  test('what a person must mend ends it at the start, and not later', async () => {
    fake.fault = (_, response) => json(response, 403, {})
    await expect(syncOf().run(new AbortController().signal)).rejects.toThrow(/give the user the role admin/)
    fake.fault = undefined
    const sync = syncOf(50)
    await running(sync, async () => {
      await until(() => sync.reasons().length === 0)
      fake.fault = (_, response) => json(response, 403, {})
      await until(() => sync.reasons().some((reason) => reason.includes('role admin')))
    })
  })
})
