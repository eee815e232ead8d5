/**
 * The wishes of all applications as one flow table, kept up to date at the price of the units that changed. Pure as far
 * as it can be seen: what it returns follows from the wishes alone. It knows no application, and no wish that
 * contradicts another: then it says so, and whoever asked has to decide from scratch.
 */

import { SortedMap } from '../sorted-map.ts'
import { type WantedFlow, withoutCookie } from './flow-table.ts'

/** What one application wants, in parts; a part that is the very one of the last time is not looked at again. */
export type WantedUnits = readonly (readonly WantedFlow[])[]

/** Every flow that somebody wants, by identity. */
export type Flows = SortedMap<WantedFlow>

export interface Union {
  /**
   * The flows that the applications want, in their order: of two that want the very same, the first is its owner.
   * Undefined if two want different things under one identity.
   */
  flowsOf(wishes: readonly WantedUnits[]): Flows | undefined
}

/** A wish and the place of its application. */
interface Claim {
  readonly wanted: WantedFlow
  readonly place: number
}

const none: ReadonlySet<readonly WantedFlow[]> = new Set()

/** Makes a union of nothing. */
export function createUnion(): Union {
  let claims = new Map<string, readonly Claim[]>()
  let last: readonly ReadonlySet<readonly WantedFlow[]>[] = []
  let flows: Flows = SortedMap.empty()

  function forget(): undefined {
    claims = new Map()
    last = []
    flows = SortedMap.empty()
    return undefined
  }

  function exchange(
    place: number,
    gone: readonly WantedFlow[],
    come: readonly WantedFlow[],
    touched: Set<string>,
  ) {
    for (const wanted of gone) {
      const others = claims.get(wanted.identity)!
      const at = others.findIndex((claim) => claim.wanted === wanted && claim.place === place)
      claims.set(wanted.identity, others.toSpliced(at, 1))
      touched.add(wanted.identity)
    }
    for (const wanted of come) {
      const others = claims.get(wanted.identity) ?? []
      claims.set(
        wanted.identity,
        [...others, { wanted, place }].sort((a, b) => a.place - b.place),
      )
      touched.add(wanted.identity)
    }
  }

  return {
    flowsOf(wishes) {
      const now = wishes.map((units) => new Set(units))
      const touched = new Set<string>()
      for (let place = 0; place < Math.max(last.length, now.length); place += 1) {
        const before = last[place] ?? none
        const after = now[place] ?? none
        const gone = [...before].filter((unit) => !after.has(unit))
        const come = [...after].filter((unit) => !before.has(unit))
        exchange(place, gone.flat(), come.flat(), touched)
      }
      last = now
      const changes = new Map<string, WantedFlow | undefined>()
      for (const identity of touched) {
        const [first, ...others] = claims.get(identity)!
        if (first === undefined) claims.delete(identity)
        else if (others.some(({ wanted }) => !isSame(wanted, first.wanted))) return forget()
        changes.set(identity, first?.wanted)
      }
      flows = flows.with(changes)
      return flows
    },
  }
}

const isSame = (a: WantedFlow, b: WantedFlow) => a === b || withoutCookie(a) === withoutCookie(b)
