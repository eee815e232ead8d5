import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestFrom } from '../../src/controller/digest.ts'
import { KnownFlows, type Look } from '../../src/controller/known-flows.ts'

/** Looks of which many begin at the same place. */
const look = fc.record({
  low: fc.constantFrom(1, 2, 3, -1, -2, 0x7fff_ff00),
  high: fc.integer({ min: 0, max: 9 }),
})
const keyOf = ({ low, high }: Look) => `${low & 0xff} ${high}`
/** The identity that a look is decoded as: three looks of one flow, say after it was changed. */
const identityOf = ({ low, high }: Look) => `${low & 0xff} ${high % 4}`.padEnd(8)
const seenIn = (known: KnownFlows, look: Look) =>
  known.see(look) ? digestFrom(known.low, known.high) : undefined
const turn = fc.record({
  seen: fc.array(look, { maxLength: 40 }),
  decoded: fc.array(look, { maxLength: 40 }),
  isWhole: fc.boolean(),
  /** The flows that were changed, of which a look is no proof any more. */
  disproved: fc.array(look, { maxLength: 5 }),
  reserved: fc.integer({ min: 0, max: 60 }),
})

test('it knows what a Map would after any readings', () => {
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 6 }), (turns) => {
      const known = new KnownFlows()
      let model = new Map<string, string>()
      const looks = new Map<string, Look>()
      for (const { seen, decoded, isWhole, disproved, reserved } of turns) {
        known.reserve(reserved)
        const isSeen = new Set(seen.map(keyOf))
        const isDecoded = new Set(decoded.map(keyOf))
        for (const look of seen) expect(seenIn(known, look)).toBe(model.get(keyOf(look)))
        for (const look of decoded) {
          known.add(look, identityOf(look))
          model.set(keyOf(look), identityOf(look))
          looks.set(keyOf(look), look)
        }
        const isMet = (key: string) => isDecoded.has(key) || isSeen.has(key)
        const those = (holds: (key: string) => boolean) =>
          [...model].flatMap(([key, identity]) => (holds(key) ? [identity] : [])).sort()
        expect([...known.missing()].sort()).toEqual(those((key) => !isMet(key)))
        expect([...known.decoded()].sort()).toEqual(those((key) => isDecoded.has(key)))
        const visited: string[] = []
        known.visitMet((low, high) => visited.push(digestFrom(low, high)))
        expect(visited.sort()).toEqual(those(isMet))
        const isDisproved = new Set(disproved.map(identityOf))
        const changed = new Set(decoded.map(identityOf))
        known.endReading(isWhole, (low, high) => !isDisproved.has(digestFrom(low, high)))
        model = new Map(
          [...model].filter(
            ([key, identity]) =>
              isDecoded.has(key) ||
              (!isDisproved.has(identity) && (isSeen.has(key) || (!isWhole && !changed.has(identity)))),
          ),
        )
      }
      for (const [key, look] of looks) expect(seenIn(known, look)).toBe(model.get(key))
    }),
  )
})

test('nothing is missing of flows that were all met, and the next reading has to meet them again', () => {
  const [one, other] = [
    { low: 7, high: 8 },
    { low: 7, high: 9 },
  ]
  const known = new KnownFlows()
  known.add(one, 'red-flow')
  known.add(other, 'blueflow')
  for (let time = 0; time < 3; time += 1) {
    known.endReading(true, () => true)
    expect([...known.missing()].sort()).toEqual(['blueflow', 'red-flow'])
    expect([one, other, one].map((flow) => seenIn(known, flow))).toEqual(['red-flow', 'blueflow', 'red-flow'])
    expect([...known.missing()]).toEqual([])
  }
})
