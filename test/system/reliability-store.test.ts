/**
 * The northbound store fails while VMs of both tenants ask and rows change (docs/reliability.md): the last view goes on
 * answering, the controller says that it is not ready, and catches up without a restart.
 */

import { mkdtempSync, rmdirSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { portOf } from '../../src/lab/lab.ts'
import { runIn } from '../../src/lab/namespace.ts'
import { run, signalProcess, waitUntil } from '../../src/lab/process.ts'
import { openNbDriver } from '../../src/nb/index.ts'
import { buildMs } from '../support/build.ts'
import { Churn } from '../support/churn.ts'
import { EtcdCluster } from '../support/etcd-cluster.ts'
import { type Load, now, type Outcome, steadyQuestions, Truth } from '../support/load.ts'
import { milliseconds, Site, type SiteOptions } from '../support/site.ts'

vi.setConfig({ testTimeout: 240_000 })

const awayMs = process.env.DF_LONG ? 60_000 : 10_000

let site: Site
let truth: Truth
let churn: Churn
let load: Load

/** A site with names that can change. */
async function startSite(test: string, options: SiteOptions): Promise<void> {
  site = await Site.start(test, options)
  truth = new Truth()
  churn = await Churn.create(site.plan, site.store, truth)
}

/** VMs ask for everything. */
async function begin(): Promise<void> {
  load = await site.startLoad(truth, [...steadyQuestions(truth), ...churn.questions])
}

const isReady = async () => (await site.reasons()).length === 0
const until = (what: string, isSo: () => Promise<boolean>) =>
  waitUntil(what, isSo, { timeoutMs: site.bound(20_000) })
const untilReady = () => until('it to be ready', isReady)
const notRight = (outcomes: readonly Outcome[]) => outcomes.filter(({ verdict }) => verdict !== 'right')
/** How long the answers were behind their rows at the most, in ms. */
const oldest = (outcomes: readonly Outcome[]) => Math.max(...outcomes.map(({ staleMs }) => staleMs))

const etcdOptions = (hosts: readonly string[]) => ({
  df: { nb_db_class: 'etcd_nb_db_driver', remote_db_hosts: hosts.join() },
})
const open = (hosts: readonly string[]) =>
  openNbDriver({ nb_db_class: 'etcd_nb_db_driver', nb_path: '', remote_db_hosts: [...hosts] })

/** How long after `at` the last question was asked that got an answer that was not true any more. */
const inEffectMs = (outcomes: readonly Outcome[], at: number) =>
  Math.max(0, ...outcomes.filter(({ staleMs }) => staleMs > 0).map(({ sentAt }) => sentAt - at))

describe('etcd', () => {
  beforeAll(() => startSite('rel-e', { nb: 'etcd' }), buildMs)
  afterAll(() => site?.close())

  const socket = (name: string) => join(site.plan.etcd!.directory, `${name}:0`)
  const etcdctl = (...args: string[]) =>
    runIn(site.plan.etcd!.namespace, 'env', ['ETCDCTL_API=3', 'etcdctl', '--command-timeout=5s', ...args])
  const untilItAnswers = () =>
    until('etcd to answer', () =>
      etcdctl('get', 'x').then(
        () => true,
        () => false,
      ),
    )

  test(`stopped for ${awayMs / 1000} s, while rows change elsewhere and are compacted`, async () => {
    await begin()
    // It goes on elsewhere: with the same data, where the controller does not find it.
    const { pid, at } = await site.restart(
      'etcd',
      async () => {
        await sleep(awayMs / 2)
        await rm(socket('client'), { force: true })
      },
      (argument) => argument.replace('unix://client:', 'unix://elsewhere:'),
    )
    await untilItAnswers()
    const elsewhere = await open([`unix:${socket('elsewhere')}`])
    for (let change = 0; change < 40; change += 1) await churn.change(elsewhere)
    await elsewhere.close()
    const { header } = JSON.parse(await etcdctl('get', 'x', '-w', 'json')) as {
      header: { revision: number }
    }
    await etcdctl('compact', String(header.revision))
    await sleep(Math.max(0, at + awayMs - now()))
    expect((await site.reasons()).join()).toContain('the northbound store is lost')
    await site.restart(
      'etcd',
      () => rm(socket('elsewhere'), { force: true }),
      (argument) => argument.replace('unix://elsewhere:', 'unix://client:'),
    )
    const backAt = now()
    await untilReady()
    await sleep(1000)
    const outcomes = await site.stopLoad(load, Number.POSITIVE_INFINITY)
    const tookMs = inEffectMs(outcomes, backAt)
    const what = `etcd stopped for ${awayMs / 1000} s, 40 rows changed elsewhere and compacted`
    site.tell(what, [pid], outcomes, `in effect ${milliseconds(tookMs)} after its start`)
    expect(notRight(outcomes)).toEqual([])
    expect(tookMs).toBeGreaterThan(0)
    expect(tookMs).toBeLessThan(site.bound(5000))
  })

  test('started empty, and filled again', async () => {
    const rows = await site.store.list()
    await begin()
    const { pid } = await site.restart('etcd', async () => {
      await rm(socket('client'), { force: true })
      await rm(join(site.plan.etcd!.directory, 'data'), { recursive: true })
    })
    await until('it to say so', async () =>
      (await site.reasons()).join().includes('replaced by an empty one'),
    )
    await sleep(1000)
    await site.store.putAll(rows)
    await untilReady()
    await churn.change()
    await sleep(1000)
    const outcomes = await site.stopLoad(load, 1000)
    site.tell('etcd started empty, filled again', [pid], outcomes, 'the last rows were answered meanwhile')
    expect(notRight(outcomes)).toEqual([])
  })
})

describe('of three etcd', () => {
  let cluster: EtcdCluster
  beforeAll(async () => {
    cluster = await EtcdCluster.start()
    await startSite('rel-3', {
      options: etcdOptions(cluster.hosts('cable')),
      store: await open(cluster.hosts('direct')),
    })
  }, buildMs)
  afterAll(async () => {
    await site?.close()
    await cluster?.remove()
  })

  test('each is killed in its turn, while rows change', async () => {
    await begin()
    churn.start(20)
    const pids: number[] = []
    for (const _ of [1, 2, 3]) {
      const leader = await cluster.leader()
      pids.push(cluster.process(leader).pid)
      signalProcess(cluster.process(leader), 'SIGKILL')
      await sleep(2500)
      await cluster.startMember(leader)
      await sleep(1500)
    }
    await untilReady()
    await churn.stop()
    await sleep(500)
    const outcomes = await site.stopLoad(load, 5000)
    site.tell(
      'each of three etcd killed while it led',
      pids,
      outcomes,
      `an answer at most ${milliseconds(oldest(outcomes))} behind its row`,
    )
    expect(notRight(outcomes)).toEqual([])
  })

  test('every connection is cut five times, while rows change', async () => {
    await begin()
    churn.start(20)
    for (let time = 0; time < 5; time += 1) {
      await sleep(Math.random() * 500)
      for (const cable of cluster.cables) cable.pull()
      await sleep(300)
      for (const cable of cluster.cables) cable.plug()
      await sleep(700)
    }
    await churn.stop()
    await untilReady()
    await sleep(500)
    const outcomes = await site.stopLoad(load, 5000)
    const { pid } = site.process('controller')
    site.tell(
      'connections to etcd cut five times',
      [pid],
      outcomes,
      `an answer at most ${milliseconds(oldest(outcomes))} behind its row`,
    )
    expect(notRight(outcomes)).toEqual([])
  })
})

describe('the embedded store', () => {
  let root: string
  let disk: string

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'df-disk-'))
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'df-disk', root])
    disk = join(root, 'nb')
    const store = await openNbDriver(
      { nb_db_class: 'file_nb_db_driver', nb_path: disk },
      { createMissing: true },
    )
    await startSite('rel-d', { options: { df: { nb_path: disk } }, store })
  }, buildMs)
  afterAll(async () => {
    await site?.close()
    await run('umount', [root])
    rmdirSync(root)
  })

  test('with files that are foreign, and rows that are written in half', async () => {
    await begin()
    const file = (table: string, id: string) => join(disk, table, `${id}.json`)
    const { id } = portOf(site.plan, 'red-db').port
    const whole = await readFile(file('lport', id))
    for (const name of ['.lport.swp', 'lport/backup.json~', 'lport/.x.json.swp', 'README', 'lost+found.json'])
      await writeFile(join(disk, name), '{"id": "')
    await writeFile(file('lport', 'new'), '{"id": "new", "topic": ')
    for (const size of [0, 1, whole.length / 2]) {
      await writeFile(file('lport', id), whole.subarray(0, size))
      await until('it to say so', async () => (await site.reasons()).join().includes('written in half'))
      await churn.change()
      await sleep(300)
    }
    await writeFile(file('lport', id), whole)
    await untilReady()
    await sleep(300)
    const outcomes = await site.stopLoad(load, 1000)
    const { pid } = site.process('controller')
    site.tell(
      'foreign files, and a row written in half three times',
      [pid],
      outcomes,
      'its last whole row was answered',
    )
    expect(notRight(outcomes)).toEqual([])
  })

  test('on a full disk', async () => {
    await begin()
    await writeFile(join(disk, 'ballast'), Buffer.alloc(2 << 20)).catch(() => {})
    await expect(churn.change()).rejects.toThrow('cannot be written: free some disk space')
    await sleep(1500)
    await rm(join(disk, 'ballast'))
    for (let change = 0; change < 16; change += 1) await churn.change()
    const fullUntil = now()
    await untilReady()
    await sleep(1000)
    const outcomes = await site.stopLoad(load, 1000)
    const { pid } = site.process('controller')
    const found = `in effect ${milliseconds(inEffectMs(outcomes, fullUntil))} after there was room again`
    site.tell('a full disk below the rows', [pid], outcomes, found)
    expect(notRight(outcomes)).toEqual([])
  })
})
