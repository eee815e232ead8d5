import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Part } from '../../src/app/app.ts'
import { digestWord } from '../../src/controller/digest.ts'
import { FlowMap } from '../../src/controller/flow-map.ts'
import { HeldFlow } from '../../src/controller/held-flow.ts'

const parts: readonly Part[] = [[], [], []]

/** Digests of few different bytes, so that they meet, at both ends of what a byte can be. */
const digest = (size: number) =>
  fc
    .array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { minLength: size, maxLength: size })
    .map((bytes) => String.fromCharCode(...bytes))
const identity = fc.oneof(digest(8), fc.constantFrom('red-port', 'blueport'))
const held = fc
  .record({
    owner: fc.constantFrom('', 'l2', 'dns'),
    part: fc.constantFrom(...parts),
    place: fc.constantFrom(0, 1, 0xff_ffff),
    tableId: fc.constantFrom(0, 115, 254),
    content: digest(7),
  })
  .map(({ owner, part, place, tableId, content }) => new HeldFlow(owner, part, place, tableId, content))
const changes = fc.array(fc.tuple(identity, fc.option(held, { nil: undefined })), { maxLength: 400 })

type Model = Map<string, HeldFlow>

const after = (model: Model, changed: readonly (readonly [string, HeldFlow | undefined])[]): Model => {
  const next = new Map(model)
  for (const [key, flow] of changed)
    if (flow === undefined) next.delete(key)
    else next.set(key, flow)
  return next
}

test('it holds what a Map would after any changes, and so do the maps before', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 6 }), (turns) => {
      const versions: [FlowMap, Model][] = [[FlowMap.empty, new Map()]]
      for (const turn of turns) {
        const [map, model] = versions.at(-1)!
        const unique = [...new Map(turn)]
        versions.push([map.with(unique), after(model, unique)])
      }
      for (const [map, model] of versions) {
        expect(new Map(map)).toEqual(model)
        expect(map.size).toBe(model.size)
        for (const [key, flow] of model) expect(map.get(key)?.part).toBe(flow.part)
        expect(map.has('nobody’s')).toBe(false)
      }
      const [[first, before], [last, now]] = [versions[0]!, versions.at(-1)!]
      const keys = [...new Set([...before.keys(), ...now.keys()])]
      const different = keys.filter((key) => before.get(key)?.content !== now.get(key)?.content)
      expect([...FlowMap.changed(first, last)].sort()).toEqual(different.sort())
    }),
  )
})

test('what changes between any two maps is what does something else', () => {
  fc.assert(
    fc.property(changes, changes, (one, other) => {
      const [a, b] = [new Map(one), new Map(other)]
      const [before, now] = [after(new Map(), [...a]), after(new Map(), [...b])]
      const keys = [...new Set([...before.keys(), ...now.keys()])]
      const different = keys.filter((key) => before.get(key)?.content !== now.get(key)?.content)
      const maps = [FlowMap.empty.with(a), FlowMap.empty.with(b)] as const
      expect([...FlowMap.changed(...maps)].sort()).toEqual(different.sort())
      for (const key of [...keys, 'stranger'])
        expect(FlowMap.isChanged(...maps, digestWord(key, 0), digestWord(key, 4))).toBe(
          different.includes(key),
        )
    }),
  )
})

test('of the flows that it holds, those are missing that nobody hands on', () => {
  fc.assert(
    fc.property(changes, fc.array(identity), held, (given, met, other) => {
      const map = FlowMap.empty.with(new Map(given))
      const missing = map.missing((see) => {
        for (const key of met) see(digestWord(key, 0), digestWord(key, 4))
      })
      const model = after(new Map(), [...new Map(given)])
      expect([...missing].sort()).toEqual([...model.keys()].filter((key) => !met.includes(key)).sort())
      for (const [key, flow] of model) {
        const isSame = flow.part === other.part && flow.place === other.place && flow.owner === other.owner
        expect(map.holds(key, flow)).toBe(true)
        expect(map.holds(key, other)).toBe(isSame && flow.content === other.content)
      }
    }),
  )
})

const many = Array.from(
  { length: 5000 },
  (_, index) =>
    [
      `${(index * 7919).toString(36).padStart(4, '0')}port`,
      new HeldFlow('l2', parts[0]!, index, 5, 'content'),
    ] as const,
)

test('it is the same map when nothing is different', () => {
  const map = FlowMap.empty.with(many)
  expect(map.with(many)).toBe(map)
  expect(map.with([['stranger', undefined]])).toBe(map)
  expect([...FlowMap.changed(map, FlowMap.empty.with(many.toReversed()))]).toEqual([])
})

test('a map that has shrunk is found to be the same as a small one', () => {
  const few = many.slice(0, 10)
  const shrunk = FlowMap.empty.with(many).with(many.slice(10).map(([key]) => [key, undefined] as const))
  expect([...FlowMap.changed(shrunk, FlowMap.empty.with(few))]).toEqual([])
  expect([...FlowMap.changed(FlowMap.empty.with(many), shrunk)]).toHaveLength(4990)
})

test('more owners than have numbers are too many', () => {
  const owned = (count: number) =>
    many
      .slice(0, count)
      .map(([key], index) => [key, new HeldFlow(`app-${index}`, parts[0]!, 0, 5, 'content')] as const)
  const owners = new Set(Array.from(FlowMap.empty.with(owned(256)), ([, { owner }]) => owner))
  expect(owners.size).toBe(256)
  expect(() => FlowMap.empty.with(owned(257))).toThrow('more than 256 applications want flows')
})
