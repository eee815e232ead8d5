import { getHeapStatistics } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collectGarbage } from '../src/heap.ts'
import { changedKeys, SortedMap } from '../src/sorted-map.ts'

const large = SortedMap.of(Array.from({ length: 1000 }, (_, i) => [`k${String(i).padStart(4, '0')}`, i]))
const key = fc.integer({ min: 0, max: 300 }).map((number) => `k${number}`)
const batch = fc.array(fc.tuple(key, fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined })), {
  maxLength: 120,
})

// The first one: V8 optimizes otherwise what has read many kinds of arrays.
test('numbers take no memory of their own, also where maps of other things are read as often', async () => {
  const count = 100_000
  const keys = Array.from({ length: count }, (_, index) => `key-${index}`)
  const numbers = SortedMap.of(keys.map((key, index) => [key, 2 ** 40 + index]))
  const others = SortedMap.of(keys.map((key) => [key, { key }]))
  const readAll = () => keys.every((key) => others.get(key) !== undefined && numbers.get(key) !== undefined)
  await collectGarbage()
  const { used_heap_size: before } = getHeapStatistics()
  expect(Array.from({ length: 10 }, readAll)).not.toContain(false)
  await collectGarbage()
  const { used_heap_size: after } = getHeapStatistics()
  expect((after - before) / count).toBeLessThan(8)
})

test('it holds what a Map would after any changes, in order of the keys', () => {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 6 }), (batches) => {
      let map = SortedMap.empty<number>()
      const model = new Map<string, number>()
      for (const changes of batches) {
        const before = map
        const held = new Map(model)
        map = map.with(new Map(changes))
        for (const [id, value] of new Map(changes))
          if (value === undefined) model.delete(id)
          else model.set(id, value)
        expect([...before]).toEqual([...held].sort())
        const different = [...new Set([...held.keys(), ...model.keys()])].filter(
          (id) => held.get(id) !== model.get(id),
        )
        for (const [a, b] of [
          [before, map],
          [held, model],
        ] as const)
          expect([...changedKeys(a, b)].sort()).toEqual(different.sort())
      }
      expect([...map]).toEqual([...model].sort())
      expect([...map.keys()]).toEqual([...model.keys()].sort())
      expect([...map.values()]).toEqual([...model].sort().map(([, value]) => value))
      expect(map.size).toBe(model.size)
      for (let i = 0; i <= 300; i += 1) {
        expect(map.get(`k${i}`)).toBe(model.get(`k${i}`))
        expect(map.has(`k${i}`)).toBe(model.has(`k${i}`))
        expect(map.keyOf(`k${i}`)).toBe(model.has(`k${i}`) ? `k${i}` : undefined)
      }
    }),
  )
})

test('a map with keys in common with another one holds what it would without', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(batch, batch), { maxLength: 6 }), (batches) => {
      let [like, alone, beside] = [large, SortedMap.empty<number>(), SortedMap.empty<number>()]
      for (const [ofLike, ofBoth] of [[[], [...large]] as const, ...batches]) {
        like = like.with(new Map(ofLike))
        alone = alone.with(new Map(ofBoth))
        beside = beside.with(new Map(ofBoth), like)
        expect([...beside]).toEqual([...alone])
      }
    }),
    { numRuns: 30 },
  )
})

test('keys may be numbers, in their order', () => {
  const map = SortedMap.of([10, 2 ** 32 - 2, 9].map((number) => [number, `port-${number}`]))
  expect([...map.keys()]).toEqual([9, 10, 2 ** 32 - 2])
  expect([map.get(10), map.get(1)]).toEqual(['port-10', undefined])
  expect(changedKeys(map, map.with(new Map([[9, undefined]])))).toEqual(new Set([9]))
})

test('forEach gives value, key and map', () => {
  const seen: unknown[] = []
  const map = SortedMap.of([
    ['b', 2],
    ['a', 1],
  ])
  map.forEach((value, id, of) => {
    seen.push([id, value, of === map])
  })
  expect(seen).toEqual([
    ['a', 1, true],
    ['b', 2, true],
  ])
})

describe('what does not change is shared', () => {
  test.each<[string, [string, number | undefined][]]>([
    ['nothing', []],
    ['the same value', [['k0500', 500]]],
    ['a missing key deleted', [['x', undefined]]],
  ])('the map itself: %s', (_name, changes) => {
    expect(large.with(new Map(changes))).toBe(large)
  })

  test('all but one leaf: the search for what changed looks at few keys', () => {
    const after = large.with(new Map([['k0500', -1]]))
    expect(SortedMap.unshared(large, after)[0].keys.length).toBeLessThan(65)
    expect([...changedKeys(large, after)]).toEqual(['k0500'])
    expect(large.get('k0500')).toBe(500)
  })
})
