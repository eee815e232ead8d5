import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { inParallel, inTurns, storeError } from '../../src/nb/file-io.ts'

describe('what a person is told when the store fails', () => {
  test.each([
    ['ENOENT', "does not exist: make it with 'df-db --nb-path /nb init'"],
    ['ENOTDIR', 'is not a directory: name another with --nb-path or [df] nb_path'],
    ['EACCES', 'may not be read or written: run as its owner, or as root'],
    ['EROFS', 'may not be read or written: run as its owner, or as root'],
    ['ENOSPC', 'cannot be written: free some disk space'],
    ['EIO', 'cannot be used'],
  ])('%s', (code, message) => {
    const error = storeError('/nb', Object.assign(new Error(code), { code }))
    expect(error).toMatchObject({ name: 'NorthboundError', message: `the northbound store /nb ${message}` })
  })

  test('an error of the project stays as it is', () => {
    const error = new ConfigError('x')
    expect(storeError('/nb', error)).toBe(error)
  })
})

test('whatever is done in parallel is done once for each, also if it is done at once', async () => {
  const items = Array.from({ length: 1000 }, (_, n) => n)
  const done: number[] = []
  await inParallel(items, async (item) => {
    if (item % 3 === 0) await Promise.resolve()
    done.push(item)
  })
  expect(done.sort((a, b) => a - b)).toEqual(items)
})

test('whatever is done in turns is done in order, and others have their turn in between', async () => {
  const items = Array.from({ length: 20 }, (_, n) => n)
  const done: number[] = []
  const others: number[] = []
  const other = () => {
    others.push(done.length)
    if (done.length < items.length) setImmediate(other)
  }
  setImmediate(other)
  await inTurns(items, (item) => {
    const until = performance.now() + 0.3
    while (performance.now() < until);
    done.push(item)
  })
  expect(done).toEqual(items)
  expect(others.length).toBeGreaterThan(3)
})
