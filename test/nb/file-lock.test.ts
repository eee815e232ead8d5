import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sweepLockFiles, withLock } from '../../src/nb/file-lock.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { type Child, startChild } from '../support/child.ts'

let folder: string
let path: string

beforeAll(() => void builtSource(), buildMs)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'df-lock-'))
  path = join(folder, '.lock')
})
afterEach(() => rm(folder, { recursive: true }))

/** What the lock says while this process holds it. */
const ownRecord = () =>
  withLock(path, async () => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)

test('is given back, and nothing is left', async () => {
  expect(await withLock(path, async (isBroken) => isBroken)).toBe(false)
  await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await readdir(folder)).toEqual([])
})

test('says who has it', async () => {
  expect(await ownRecord()).toMatchObject({ pid: process.pid, startTicks: expect.stringMatching(/^\d+$/) })
})

test('lets one in at a time', async () => {
  let inside = 0
  const most = await Promise.all(
    Array.from({ length: 20 }, () =>
      withLock(path, async () => {
        inside += 1
        await sleep(1)
        inside -= 1
        return inside
      }),
    ),
  )
  expect(most).toEqual(Array(20).fill(0))
})

describe('held by another', () => {
  const hold = async (changes: object) =>
    writeFile(path, JSON.stringify({ ...(await ownRecord()), nonce: 'x', ...changes }))

  test.each([
    ['a process that is there no more', { pid: 2 ** 22 + 1 }],
    ['a process whose number was given again', { startTicks: '1' }],
  ])('%s: it is broken', async (_, changes) => {
    await hold(changes)
    expect(await withLock(path, async (isBroken) => isBroken)).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })

  test('a process that died and was not waited for (a zombie): it is broken', async () => {
    // The shell becomes `sleep`, which never waits for the child that it inherits.
    const child = startChild(
      `const { spawn } = await import('node:child_process')
       const parent = spawn('bash', ['-c', 'sleep 0.01 & echo $!; exec sleep 30'])
       parent.stdout.once('data', (pid) => console.log(parent.pid + ' ' + String(pid).trim()))
       process.once('SIGTERM', () => { parent.kill('SIGKILL'); process.exit(0) })`,
    )
    while (child.lines.length === 0) await sleep(5)
    const pid = Number(child.lines[0]!.split(' ')[1])
    const stat = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
    while ((await stat())[0] !== 'Z') await sleep(5)
    await hold({ pid, startTicks: (await stat())[19] })
    expect(await withLock(path, async (isBroken) => isBroken)).toBe(true)
    child.process.kill('SIGTERM')
    await child.ended
  })

  test('one who was about to break it and died: the next one does', async () => {
    await hold({ pid: 2 ** 22 + 1 })
    for (const generation of [0, 1])
      await writeFile(
        `${path}.broken-x-${generation}`,
        JSON.stringify({ ...(await readOwner()), nonce: 'y' }),
      )
    expect(await withLock(path, async (isBroken) => isBroken)).toBe(true)
    await withLock(path, () => sweepLockFiles(path))
    expect(await readdir(folder)).toEqual([])
  })
  const readOwner = async () => JSON.parse(await readFile(path, 'utf8')) as object

  test.each([
    ['a living process', {}, `process ${process.pid}`],
    ['a process of another machine or container', { host: 'elsewhere', pid: 77 }, 'process 77'],
    ['nobody who can be told', { pid: 'x' }, 'something that is not a process of this project'],
  ])('%s: it is waited for, and then an error says so', async (_, changes, who) => {
    await hold(changes)
    await expect(withLock(path, () => Promise.resolve(), 50)).rejects.toThrow(
      `${path} has been held for 0.05 s by ${who}: wait for it, end it, or remove the file`,
    )
    expect(await readdir(folder)).toEqual(['.lock'])
  })

  test('a process of another machine for more than a minute: it is broken', async () => {
    await hold({ host: 'elsewhere' })
    const past = Date.now() / 1000 - 61
    await utimes(path, past, past)
    expect(await withLock(path, async (isBroken) => isBroken)).toBe(true)
  })
})

test('keeps processes apart, also when some are killed with the lock in their hands', async () => {
  const body = `
    const { withLock } = await load('nb/file-lock.js')
    const { readFile, writeFile } = await import('node:fs/promises')
    const [path, cell] = args
    for (let turn = 0; ; turn += 1) {
      const mine = process.pid + ' ' + turn
      await withLock(path, async () => {
        await writeFile(cell, mine)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
        console.log(await readFile(cell, 'utf8') === mine ? 'alone' : 'not alone')
      })
    }`
  const start = () => startChild(body, path, join(folder, 'cell'))
  const finish = async (child: Child) => {
    child.process.kill('SIGKILL')
    await child.ended
  }
  const children = Array.from({ length: 4 }, start)
  const all = [...children]
  for (let kills = 0; kills < 20; kills += 1) {
    const victim = children.shift()!
    const before = victim.lines.length
    while (victim.lines.length < before + 2) await sleep(1)
    await sleep(Math.random() * 4)
    await finish(victim)
    children.push(start())
    all.push(children.at(-1)!)
  }
  await Promise.all(children.map(finish))
  expect(new Set(all.flatMap(({ lines }) => lines))).toEqual(new Set(['alone']))
  expect(await withLock(path, async () => 'mine')).toBe('mine')
})
