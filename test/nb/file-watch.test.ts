import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { watch } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { collectGarbage } from '../../src/heap.ts'
import { openFileDriver } from '../../src/nb/file.ts'
import type { FileWatchOptions } from '../../src/nb/file-watch.ts'
import type { NbDriver } from '../../src/nb/index.ts'
import { dragonflowRows, Follower } from '../support/nb.ts'

let top: string
let root: string
let writer: NbDriver
let watcher: NbDriver
let follower: Follower

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'df-nb-'))
  root = join(top, 'nb')
  writer = await openFileDriver(root, { createMissing: true })
})
afterEach(async () => {
  follower.stop()
  await watcher.close()
  await writer.close()
  await rm(top, { recursive: true })
})

async function follow(options: FileWatchOptions = {}): Promise<void> {
  watcher = await openFileDriver(root, options)
  follower = new Follower(watcher)
  await follower.until(({ events }) => events.length > 0)
}

const value = (key: string) => follower.values.get(key)
/** What the last event says is lost; undefined if it says something else. */
const lostBecause = () => {
  const last = follower.events.at(-1)
  return last?.kind === 'lost' ? last.error.message : undefined
}
const kinds = () => follower.events.map(({ kind }) => kind)
/** So long a wait that a look every few seconds cannot be what is seen. */
const never = { lookEveryMs: 600_000 }

describe('the kernel tells', () => {
  test('of rows, of tables that come, go and come again', async () => {
    await follow(never)
    for (let n = 0; n < 5; n += 1) {
      await writer.put('lport', 'p', `${n}`)
      await follower.until(() => value('/lport/p') === `${n}`)
      await rm(join(root, 'lport'), { recursive: true })
      await follower.until(() => value('/lport/p') === undefined)
    }
  })

  test('of a table that is replaced at once', async () => {
    await follow(never)
    await writer.put('lport', 'p', '0')
    await follower.until(() => value('/lport/p') === '0')
    for (let n = 1; n < 5; n += 1) {
      await rm(join(root, 'lport'), { recursive: true })
      await writer.put('lport', 'p', `${n}`)
      await follower.until(() => value('/lport/p') === `${n}`)
      await writer.put('lport', 'q', `${n}`)
      await follower.until(() => value('/lport/q') === `${n}`)
    }
  })

  test('of a file that is written by hand', async () => {
    await follow(never)
    await mkdir(join(root, 'lport'))
    const file = join(root, 'lport', 'p.json')
    await writeFile(file, '{"id": "p", "name": "first"}\n')
    await follower.until(() => value('/lport/p') === '{"id": "p", "name": "first"}\n')
    await writeFile(file, '{"id": "p", "name": "other"}\n')
    await follower.until(() => value('/lport/p') === '{"id": "p", "name": "other"}\n')
    await truncate(file, 7)
    await follower.until(() => lostBecause() !== undefined)
    expect(value('/lport/p')).toBe('{"id": "p", "name": "other"}\n')
  })

  const toldOf = (id: string) =>
    follower.events
      .flatMap((event) => (event.kind === 'changes' ? event.changes : []))
      .filter((change) => change.id === id)

  test('nothing of a row that is written as it was a moment ago', async () => {
    await follow(never)
    await writer.put('lport', 'p', '1')
    await follower.until(() => value('/lport/p') === '1')
    await writer.put('lport', 'p', '1')
    await writer.put('lport', 'q', '1')
    await follower.until(() => value('/lport/q') === '1')
    expect(toldOf('p')).toHaveLength(1)
  })

  test('of a row once, however often its file is looked at while it settles', async () => {
    await follow({ lookEveryMs: 20 })
    await writer.put('lport', 'p', '1')
    await follower.until(() => value('/lport/p') === '1')
    await sleep(300)
    await writer.put('lport', 'q', '1')
    await follower.until(() => value('/lport/q') === '1')
    expect(toldOf('p')).toHaveLength(1)
    await writer.put('lport', 'p', '2')
    await follower.until(() => value('/lport/p') === '2')
    expect(toldOf('p')).toHaveLength(2)
  })
})

describe('when the kernel says nothing', () => {
  const deaf = {
    watchFolder: (() => Object.assign(new EventEmitter(), { close: () => {} })) as unknown as typeof watch,
  }

  test('a look at everything finds what was written, rewritten and deleted', async () => {
    await writer.putAll(dragonflowRows())
    await follow({ ...deaf, lookEveryMs: 50 })
    await writer.put('lport', 'p', '1')
    await follower.until(() => value('/lport/p') === '1')
    await writer.put('lport', 'p', '2')
    await follower.until(() => value('/lport/p') === '2')
    await writer.delete('lport', 'p')
    await follower.until(() => value('/lport/p') === undefined)
    await rm(join(root, 'secgroup'), { recursive: true })
    await follower.until(({ northbound }) => northbound.secgroup.size === 0)
    expect([...follower.values]).toHaveLength(31)
  })

  test('a look at everything finds what comes and goes in a folder in which long nothing has', async () => {
    await writer.put('lport', 'p', '1')
    await follow({ ...deaf, lookEveryMs: 20 })
    for (let n = 2; n < 5; n += 1) {
      await sleep(250) // a folder is settled after 100 ms, and was looked at twice since then
      await writer.put('lport', `q${n}`, `${n}`)
      await writer.put('lport', 'p', `${n}`)
      await follower.until(() => value(`/lport/q${n}`) === `${n}` && value('/lport/p') === `${n}`)
      await sleep(250)
      await unlink(join(root, 'lport', `q${n}.json`))
      await follower.until(() => value(`/lport/q${n}`) === undefined)
    }
    expect([...follower.values]).toEqual([['/lport/p', '4']])
  })

  test('what was written into a file itself is found when each file is looked at, and no sooner', async () => {
    await writer.put('lport', 'p', '1')
    await writer.put('lswitch', 's', '1')
    await sleep(150) // until the folder and its file are settled
    await follow({ ...deaf, lookEveryMs: 20, fileLookEveryMs: 600_000 })
    await writeFile(join(root, 'lport', 'p.json'), '22')
    await writer.put('lswitch', 's', '2')
    await follower.until(() => value('/lswitch/s') === '2')
    expect(value('/lport/p')).toBe('1')

    follower.stop()
    await watcher.close()
    await sleep(150)
    await follow({ ...deaf, lookEveryMs: 20, fileLookEveryMs: 200 })
    await writeFile(join(root, 'lport', 'p.json'), '333')
    await follower.until(() => value('/lport/p') === '333')
  })

  test('writes of the same size within a tick of the clock are found', async () => {
    await follow({ ...deaf, lookEveryMs: 1 })
    for (let n = 10; n < 40; n += 1) {
      await writer.put('lport', 'p', `${n}`)
      await writer.put('lport', 'p', `${n + 50}`)
      await follower.until(() => value('/lport/p') === `${n + 50}`)
    }
  })

  test('because no more watches are allowed: it is said once, and looks come quicker, at each file as well', async () => {
    const lines: string[] = []
    const refuse = () => {
      throw new Error('ENOSPC: System limit for number of file watchers reached')
    }
    const log = { warn: (line: unknown) => lines.push(String(line)) } as unknown as FileWatchOptions['log']
    await follow({ watchFolder: refuse as unknown as typeof watch, log: log!, ...never })
    await writer.put('lport', 'p', '1')
    await follower.until(() => value('/lport/p') === '1')
    await writeFile(join(root, 'lport', 'p.json'), '22')
    await follower.until(() => value('/lport/p') === '22')
    expect(lines).toEqual([expect.stringContaining(`${root} cannot be watched (ENOSPC`)])
  })
})

describe('a store that goes away', () => {
  test('is lost, and found when it is back', async () => {
    await writer.put('lport', 'p', '1')
    await follow(never)
    await rename(root, `${root}.away`)
    await follower.until(() => kinds().at(-1) === 'lost')
    expect(follower.events.at(-1)).toMatchObject({
      error: {
        name: 'NorthboundError',
        message: `the northbound store ${root} does not exist: make it with 'df-db --nb-path ${root} init'`,
      },
    })
    await expect(watcher.get('lport', 'p')).rejects.toThrow('does not exist')
    await expect(watcher.list()).rejects.toThrow('does not exist')
    await expect(watcher.put('lport', 'p', '2')).rejects.toThrow('does not exist')
    await rename(`${root}.away`, root)
    await follower.until(() => kinds().at(-1) === 'changes')
    expect(kinds()).toEqual(['snapshot', 'lost', 'changes'])
    await writer.put('lport', 'p', '2')
    await follower.until(() => value('/lport/p') === '2')
  })

  test('file by file is lost in the end, and found when it is back', async () => {
    await writer.putAll(dragonflowRows())
    await follow(never)
    await rm(root, { recursive: true })
    await follower.until(() => kinds().at(-1) === 'lost')
    const again = await openFileDriver(root, { createMissing: true })
    await again.put('lport', 'p', '1')
    await again.close()
    await follower.until(() => kinds().at(-1) === 'changes')
    expect([...follower.values]).toEqual([['/lport/p', '1']])
  })

  test('and comes back empty stays lost until it has rows', async () => {
    await writer.put('lport', 'p', '1')
    await follow(never)
    await rename(root, `${root}.away`)
    await mkdir(root)
    await follower.until(() => kinds().at(-1) === 'lost')
    await sleep(1_200)
    expect(kinds()).toEqual(['snapshot', 'lost'])
    await writer.put('lport', 'q', '2')
    await follower.until(() => kinds().at(-1) === 'changes')
    expect([...follower.values]).toEqual([['/lport/q', '2']])
  })

  test('is read again when it was replaced by another', async () => {
    await writer.put('lport', 'p', '1')
    await follow(never)
    const other = await openFileDriver(`${root}.other`, { createMissing: true })
    await other.put('lport', 'q', '2')
    await other.close()
    await rename(root, `${root}.away`)
    await rename(`${root}.other`, root)
    await follower.until(() => value('/lport/q') === '2' && value('/lport/p') === undefined)
    await writer.put('lport', 'r', '3')
    await follower.until(() => value('/lport/r') === '3')
  })

  test('and had no rows is no loss', async () => {
    await follow(never)
    await rm(root, { recursive: true })
    await mkdir(root)
    await writer.put('lport', 'p', '1')
    await follower.until(() => value('/lport/p') === '1')
  })
})

test('what is no row of ours does no harm', async () => {
  await writer.put('lport', 'p', '{}')
  const inFolder = (name: string) => join(root, 'lport', name)
  await writeFile(join(root, 'README.json'), '{}')
  await mkdir(join(root, 'Not-a-table'))
  await writeFile(join(root, 'Not-a-table', 'x.json'), '{}')
  await mkdir(join(root, '.git'))
  await writeFile(inFolder('p.json~'), '{')
  await writeFile(inFolder('.p.json.swp'), '{')
  await writeFile(inFolder('p.json.tmp'), '{')
  await mkdir(inFolder('folder.json'))
  await symlink('/etc/hostname', inFolder('link.json'))
  await symlink(inFolder('nowhere'), inFolder('broken.json'))
  execFileSync('mkfifo', [inFolder('pipe.json')])
  const socket = createServer().listen(inFolder('socket.json'))
  onTestFinished(() => void socket.close())
  await once(socket, 'listening')
  await follow()
  expect([...follower.values]).toEqual([['/lport/p', '{}']])
  await writeFile(inFolder('latin1.json'), Buffer.from('{"id": "latin1", "name": "\xe4"}', 'latin1'))
  await writeFile(inFolder('a b.json'), '{}')
  await writeFile(inFolder('half.json'), '{"id": "half", ')
  await writeFile(inFolder('huge.json'), Buffer.alloc((1 << 20) + 1, 0x20))
  await follower.until(({ northbound }) => northbound.rejected.length === 5)
  expect(follower.northbound.rejected.map(({ id, reason }) => [id, reason])).toEqual([
    ['a b.json', `the file's name is not a percent-encoded id: "a b" is kept in a%20b.json`],
    ['half', expect.stringContaining('is not JSON')],
    ['huge', 'the file has 1048577 bytes, a row at most 1048576'],
    ['latin1', 'the file is not UTF-8 text'],
    ['p', 'is missing'],
  ])
  await expect(writer.get('lport', 'latin1')).rejects.toThrow('latin1.json: the file is not UTF-8 text')
})

test('a row that is written in half stays as it was until it is whole, and the watch says so', async () => {
  const [p, q] = ['p', 'q'].map((id) => join(root, 'lport', `${id}.json`))
  for (const id of ['p', 'q']) await writer.put('lport', id, `{"id": "${id}", "name": "old"}`)
  await follow()
  await writeFile(p!, '{"id": "p", "na')
  await follower.until(() => lostBecause() !== undefined)
  expect(lostBecause()).toMatch(
    /lport\/p\.json is written in half, the last whole row is used: write it elsewhere and rename it$/,
  )
  await writeFile(q!, '')
  await follower.until(() => lostBecause()?.includes('and 1 more files are') === true)
  await writer.put('lport', 'r', '{}') // what else happens goes on, and the loss is told again after it
  await follower.until(() => value('/lport/r') === '{}' && lostBecause() !== undefined)
  expect([value('/lport/p'), value('/lport/q')]).toEqual(
    ['p', 'q'].map((id) => `{"id": "${id}", "name": "old"}`),
  )
  await writeFile(p!, '{"id": "p", "name": "new"}')
  await unlink(q!)
  await follower.until(({ events }) => events.at(-1)?.kind === 'changes')
  expect([value('/lport/p'), value('/lport/q')]).toEqual(['{"id": "p", "name": "new"}', undefined])
})

test('what was told is not kept: the texts of all rows would be a quarter of all memory', async () => {
  await writer.putAll(dragonflowRows())
  await follow(never)
  const told = new WeakRef(follower.events.pop()!)
  await collectGarbage()
  expect(told.deref()).toBe(undefined)
})

test('nothing is watched any more when nobody listens', async () => {
  const watches = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('FSEvent')).length
  const before = watches()
  await writer.putAll(dragonflowRows())
  await follow()
  expect(watches()).toBeGreaterThan(before)
  follower.stop()
  await expect.poll(watches).toBe(before)
})
