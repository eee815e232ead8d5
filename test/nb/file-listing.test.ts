import { statSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { emptyListing, type Listing, wholeListing } from '../../src/nb/file-listing.ts'
import { FileLooks } from '../../src/nb/file-look.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'df-listing-'))
  await mkdir(join(root, 'lport'))
  for (const id of ['red', 'blue']) await writeFile(join(root, 'lport', `${id}.json`), '{}')
})
afterEach(() => rm(root, { recursive: true }))

/** A folder is settled after 100 ms. */
const settle = () => sleep(150)

/** The ids that a look finds to be different from one that had the same folders and no files. */
async function foundSince(previous: Listing): Promise<string[]> {
  const { changes } = await wholeListing(root, { ...previous, files: new FileLooks() })
  return changes.map(({ id }) => id)
}

describe('the names of the files in a folder', () => {
  test('are not read again while none has come or gone', async () => {
    await settle()
    const listing = await wholeListing(root, emptyListing)
    expect(listing.changes.map(({ id }) => id)).toEqual(['blue', 'red'])
    expect(await foundSince(listing)).toEqual([])
  })

  test.each<[string, () => Promise<void>]>([
    ['one has come', () => writeFile(join(root, 'lport', 'blue2.json'), '{}')],
    ['one has gone', () => rm(join(root, 'lport', 'red.json'))],
  ])('are read again when %s', async (_what, change) => {
    await settle()
    const listing = await wholeListing(root, emptyListing)
    await change()
    expect(await foundSince(listing)).toContain('blue')
  })

  test('are read again while the folder is so young that a file could come without a trace', async () => {
    const { ctimeMs } = statSync(join(root, 'lport'))
    vi.spyOn(Date, 'now').mockReturnValue(Math.ceil(ctimeMs))
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await foundSince(await wholeListing(root, emptyListing))).toEqual(['blue', 'red'])
  })

  test('are read again when the folder is another one', async () => {
    await settle()
    const listing = await wholeListing(root, emptyListing)
    const folders = new Map([...listing.folders, [join(root, 'lport'), 'another']])
    expect(await foundSince({ ...listing, folders })).toEqual(['blue', 'red'])
  })
})
