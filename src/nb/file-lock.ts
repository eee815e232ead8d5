/**
 * One lock file among processes that change a directory, taken for milliseconds at a time. It holds who has
 * it; the lock of a process that died is broken by exactly one of those who wait. It knows nothing of rows.
 *
 * A claim file with the owner's name is linked to `<path>`: link(2) makes either the whole lock or none. To
 * break the lock `L` of a dead process, a waiter first links `<path>.broken-<L>-0`; if the one who did that
 * is dead too, `-1`, and so on. Only the latest breaker, or the owner, may remove `L`, and no lock ever has
 * the same name twice, so a lock that somebody has just taken is never removed by one who was about to break
 * its predecessor.
 */

import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, readlink, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NorthboundError } from '../errors.ts'

/**
 * Who has the lock. Processes of another boot or pid namespace (`host`) cannot be asked whether they live.
 */
interface Owner {
  readonly pid: number
  /** Clock ticks from boot to the start of the process: a pid that is used again has another one. */
  readonly startTicks: string
  readonly host: string
  readonly nonce: string
}

/** How long the lock of a process on another host is respected; a lock is held for milliseconds. */
const foreignLockMs = 60_000

/**
 * Runs `work` while this process holds the lock; `work` is told whether the one before died holding it.
 * Throws LockedError if the lock is not to be had within `waitMs`.
 */
export async function withLock<T>(
  path: string,
  work: (isBroken: boolean) => Promise<T>,
  waitMs = 30_000,
): Promise<T> {
  const owner: Owner = { ...(await ownProcess()), nonce: randomUUID() }
  const claim = `${path}.claim-${owner.nonce}`
  await writeFile(claim, JSON.stringify(owner), { flag: 'wx' })
  let isBroken = false
  try {
    const deadline = performance.now() + waitMs
    while (!(await isLinked(claim, path))) {
      const holder = await ownerIn(path)
      if (holder && (await isDead(holder, path)))
        isBroken = (await hasBroken(claim, path, holder)) || isBroken
      else if (performance.now() > deadline) throw stillLocked(path, holder, waitMs)
      else await sleep(1 + Math.random() * 5)
    }
    try {
      return await work(isBroken)
    } finally {
      if ((await ownerIn(path))?.nonce === owner.nonce) await unlink(path)
    }
  } finally {
    await rm(claim, { force: true })
  }
}

/** Removes what dead processes left beside the lock; to be called while holding it. */
export async function sweepLockFiles(path: string): Promise<void> {
  const folder = dirname(path)
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`)) continue
    const file = join(folder, name)
    const owner = await ownerIn(file)
    if (owner ? await isDead(owner, file) : await isOld(file)) await rm(file, { force: true })
  }
}

/** Breaks the lock of `holder`; false if another process is about to, or has. */
async function hasBroken(claim: string, path: string, holder: Owner): Promise<boolean> {
  for (let generation = 0; ; generation += 1) {
    const marker = `${path}.broken-${holder.nonce}-${generation}`
    if (!(await isLinked(claim, marker))) {
      const breaker = await ownerIn(marker)
      if (breaker && (await isDead(breaker, marker))) continue
      await sleep(1)
      return false
    }
    try {
      const isStillThere = (await ownerIn(path))?.nonce === holder.nonce
      if (isStillThere) await unlink(path)
      return isStillThere
    } finally {
      await rm(marker, { force: true })
    }
  }
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Who is named in a lock, claim or marker; undefined if the file has gone or was not written by this code.
 */
async function ownerIn(path: string): Promise<Owner | undefined> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Partial<Owner>
    return typeof owner?.pid === 'number' && typeof owner.nonce === 'string' ? (owner as Owner) : undefined
  } catch {
    return undefined
  }
}

async function isDead(owner: Owner, path: string): Promise<boolean> {
  const own = await ownProcess()
  if (owner.host === own.host) return (await startTicksOf(owner.pid)) !== owner.startTicks
  return isOld(path)
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > foreignLockMs
}

async function ownProcess(): Promise<Omit<Owner, 'nonce'>> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
  const namespace = await readlink('/proc/self/ns/pid')
  const startTicks = (await startTicksOf(process.pid)) ?? ''
  return { pid: process.pid, startTicks, host: `${boot.trim()} ${namespace}` }
}

/** Field 22 of proc(5) `stat`; undefined if there is no such process or only its remains (a zombie). */
async function startTicksOf(pid: number): Promise<string | undefined> {
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'utf8')
    const [state = '', ...fields] = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return /[ZXx]/.test(state) ? undefined : fields[18]
  } catch {
    return undefined
  }
}

/** The lock was not to be had in time. */
export class LockedError extends NorthboundError {}

function stillLocked(path: string, holder: Owner | undefined, waitMs: number): LockedError {
  const who = holder ? `process ${holder.pid}` : 'something that is not a process of this project'
  return new LockedError(
    `${path} has been held for ${waitMs / 1000} s by ${who}: wait for it, end it, or remove the file`,
  )
}
