/**
 * The file driver: what every driver must do, its layout, and what happens when processes race or are killed.
 */

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openFileDriver } from '../../src/nb/file.ts'
import type { NbDriver } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { startChild } from '../support/child.ts'
import { dragonflowRows, Follower } from '../support/nb.ts'
import { complianceSuite } from './compliance.ts'

const newFolder = () => mkdtemp(join(tmpdir(), 'df-nb-'))

complianceSuite('the file driver', async () => {
  const root = await newFolder()
  return {
    open: () => openFileDriver(root),
    configuration: { nb_db_class: 'file_nb_db_driver', nb_path: root },
    remove: () => rm(root, { recursive: true }),
  }
})

let root: string
let driver: NbDriver

beforeAll(() => void builtSource(), buildMs)
beforeEach(async () => {
  root = await newFolder()
  driver = await openFileDriver(root)
})
afterEach(async () => {
  await driver.close()
  await rm(root, { recursive: true })
})

/** Every file under the root, hidden ones too. */
const filesIn = async (folder = root) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

test('one file a row, with the text that etcd would hold, and nothing else', async () => {
  const rows = dragonflowRows()
  await driver.putAll(rows)
  await driver.put('lport', 'a/b', '{}')
  expect(await filesIn()).toEqual(
    [...rows.map(({ table, id }) => `${table}/${id}.json`), 'lport/a%2Fb.json'].sort(),
  )
  for (const { table, id, value } of rows)
    expect(await readFile(join(root, table, `${id}.json`), 'utf8')).toBe(value)
  expect(await readFile(join(root, 'unique_key/lport.json'), 'utf8')).toBe('16')
})

describe('opening', () => {
  test.each([
    [
      'what is missing',
      'missing',
      (path: string) => `does not exist: make it with 'df-db --nb-path ${path} init'`,
    ],
    ['a file', 'file', () => 'is not a directory: name another with --nb-path or [df] nb_path'],
    [
      'what lies below a file',
      'file/nb',
      () => 'is not a directory: name another with --nb-path or [df] nb_path',
    ],
  ])('%s fails with what to do', async (_, name, remedy) => {
    await writeFile(join(root, 'file'), '')
    const path = join(root, name)
    await expect(openFileDriver(path)).rejects.toMatchObject({
      name: 'NorthboundError',
      message: `the northbound store ${path} ${remedy(path)}`,
    })
  })

  test('makes the directory if that is wanted', async () => {
    const path = join(root, 'var/lib/nb')
    const made = await openFileDriver(path, { createMissing: true })
    await made.put('lport', 'p', '1')
    expect(await filesIn(path)).toEqual(['lport/p.json'])
    await (await openFileDriver(path, { createMissing: true })).close()
    expect(await made.get('lport', 'p')).toBe('1')
    await made.close()
  })

  test.each([
    ['/proc/nb', 'the northbound store /proc/nb cannot be made there: name another directory'],
    ['/proc/nb/deep', 'the northbound store /proc/nb/deep cannot be made there: name another directory'],
    ['/dev/null/nb', 'the northbound store /dev/null/nb is not a directory'],
    ['/dev/null', 'the northbound store /dev/null is not a directory'],
    ['', 'the northbound store needs a directory: set --nb-path or [df] nb_path'],
  ])('makes none where none can be: %j', async (path, message) => {
    await expect(openFileDriver(path, { createMissing: true })).rejects.toThrow(message)
  })

  test('reading makes nothing', async () => {
    await driver.get('lport', 'p')
    await driver.list('lport')
    await driver.delete('lport', 'p')
    expect(await readdir(root)).toEqual([])
  })
})

test('four processes that ask for 250 unique keys each are given each key once and leave none out', async () => {
  const body = `
    const { openNbDriver } = await load('nb/index.js')
    const driver = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: args[0] })
    for (let n = 0; n < 250; n += 1) console.log(await driver.allocateUniqueKey('lport'))
    await driver.close()`
  const children = Array.from({ length: 4 }, () => startChild(body, root))
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0, 0])
  const keys = children.flatMap(({ lines }) => lines.map(Number))
  expect(keys.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1))
  expect(await filesIn()).toEqual(['unique_key/lport.json'])
}, 120_000)

describe('a writer that is killed', () => {
  /** Writes ever new rows of 55 kB whose parts all hold the same number, and counts with unique keys. */
  const body = `
    const { openNbDriver } = await load('nb/index.js')
    const driver = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: args[0] })
    for (let n = Number(args[1]); ; n += 1) {
      const parts = Array.from({ length: 5_000 }, () => String(n).padStart(8, '0'))
      await driver.put('lport', 'p' + (n % 3), JSON.stringify({ id: 'p' + (n % 3), parts }))
      console.log(await driver.allocateUniqueKey('lport'))
    }`

  const isWhole = (value: string) => {
    const { parts } = JSON.parse(value) as { parts: string[] }
    return parts.length === 5_000 && new Set(parts).size === 1
  }

  test('leaves whole rows, gives no key twice and keeps nobody waiting', async () => {
    const follower = new Follower(driver)
    const given: string[] = []
    let isRunning = true
    const reading = (async () => {
      let reads = 0
      for (; isRunning; reads += 1)
        for (const { table, id, value } of await driver.list('lport'))
          if (!isWhole(value)) throw new Error(`half a row under /${table}/${id}`)
      return reads
    })()
    for (let round = 0; round < 8; round += 1) {
      const child = startChild(body, root, String(round * 1_000_000))
      while (child.lines.length < 2) await sleep(1)
      await sleep(Math.random() * 15)
      child.process.kill('SIGKILL')
      expect(await child.ended).toBeNull()
      given.push(...child.lines, String(await driver.allocateUniqueKey('lport')))
    }
    isRunning = false
    expect(await reading).toBeGreaterThan(10)
    expect(new Set(given).size).toBe(given.length)
    for (const event of follower.events) {
      const rows = event.kind === 'snapshot' ? event.rows : event.kind === 'changes' ? event.changes : []
      for (const { table, value } of rows) if (table === 'lport') expect(isWhole(value!)).toBe(true)
    }
    follower.stop()
  })

  test('leaves drafts, which the next writer takes away', async () => {
    await mkdir(join(root, 'lport'))
    await writeFile(join(root, 'lport', '.draft-4194305'), '{"id": "p", "na')
    await writeFile(
      join(root, '.lock'),
      JSON.stringify({ ...(await lockRecord()), pid: 4_194_305, nonce: 'x' }),
    )
    await driver.put('lport', 'p', '1')
    expect(await filesIn()).toEqual(['lport/p.json'])
  })

  /** What the driver writes into its lock. */
  async function lockRecord(): Promise<object> {
    let record = {}
    const seen = (async () => {
      for (;;) {
        const text = await readFile(join(root, '.lock'), 'utf8').catch(() => '')
        if (text !== '') return JSON.parse(text) as object
      }
    })()
    const writes = Promise.all(Array.from({ length: 30 }, () => driver.put('chassis', 'c', '1')))
    record = await seen
    await writes
    await driver.delete('chassis', 'c')
    return record
  }
})

test('a row that is written has its file before the promise is kept', async () => {
  await driver.put('lport', 'p', '1')
  expect((await stat(join(root, 'lport/p.json'))).mode & 0o777).toBe(0o644)
})
