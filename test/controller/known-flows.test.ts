import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestFrom } from '../../src/controller/digest.ts'
import { type KnownFlow, KnownFlows } from '../../src/controller/known-flows.ts'

/** Looks of which many begin at the same place. */
const flow = fc.record({
  low: fc.constantFrom(1, 2, 3, -1, -2, 0x7fff_ff00),
  high: fc.integer({ min: 0, max: 9 }),
})
const keyOf = ({ low, high }: { low: number; high: number }) => `${low & 0xff} ${high}`.padEnd(8)
const seenIn = (known: KnownFlows, flow: Pick<KnownFlow, 'low' | 'high'>) =>
  known.see(flow) ? digestFrom(known.low, known.high) : undefined
const turn = fc.record({
  seen: fc.array(flow, { maxLength: 40 }),
  fresh: fc.array(flow, { maxLength: 40 }),
  keepsUnseen: fc.boolean(),
  /** The look of which flows is no proof any more. */
  disproved: fc.array(flow, { maxLength: 5 }),
  expected: fc.integer({ min: 0, max: 60 }),
})

test('it knows what a Map would after any readings', () => {
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 6 }), (turns) => {
      let known = new KnownFlows()
      let model = new Map<string, KnownFlow>()
      for (const { seen, fresh, keepsUnseen, disproved, expected } of turns) {
        for (const look of seen) expect(seenIn(known, look)).toBe(model.get(keyOf(look))?.identity)
        const isSeen = new Set(seen.map(keyOf))
        for (const which of [true, false]) {
          const those = [...model].filter(([key]) => isSeen.has(key) === which)
          expect([...known.identities(which)].sort()).toEqual(
            those.map(([, { identity }]) => identity).sort(),
          )
        }
        const added = fresh.map((look) => ({ ...look, identity: keyOf(look) }))
        const isDisproved = new Set(disproved.map(keyOf))
        known = known.next(
          added,
          (low, high) => !isDisproved.has(digestFrom(low, high)),
          () => keepsUnseen,
          expected,
        )
        model = new Map(
          [...model].filter(([key]) => !isDisproved.has(key) && (keepsUnseen || isSeen.has(key))),
        )
        for (const each of added) model.set(keyOf(each), each)
      }
    }),
  )
})

test('a reading that found everything as it was makes nothing new', () => {
  const one = { low: 7, high: 8, identity: 'red-flow' }
  const other = { low: 7, high: 9, identity: 'blueflow' }
  const [always, never] = [() => true, () => false]
  const known = new KnownFlows().next([one, other], always, never, 0)
  for (let time = 0; time < 3; time += 1) {
    expect([one, other, one].map((flow) => seenIn(known, flow))).toEqual(['red-flow', 'blueflow', 'red-flow'])
    expect(known.next([], always, never, 0)).toBe(known)
  }
  expect([...known.identities(false)]).toEqual(['red-flow', 'blueflow'])
})
