/**
 * The wishes of all applications as one flow table, kept up to date at the price of the parts that changed. What it
 * returns follows from the wishes alone. It knows no application, and decides nothing: where a wish contradicts another it
 * says whose, and stays as it was.
 */

import { type App, type Part, partsOf, type Unit } from '../app/app.ts'
import { BugError } from '../errors.ts'
import { type Flow, formatFlow } from '../openflow/index.ts'
import { FlowMap } from './flow-map.ts'
import { contentOf, type HeldFlow, identityOf, wantedFlow } from './held-flow.ts'

/** What one application wants. */
export interface Wish {
  readonly app: App
  readonly units: readonly Unit[]
  /** Whether it is one of a former view: looked at before, and yielding to whoever contradicts it. */
  readonly isFormer: boolean
}

/** Why the wish of that application cannot be granted. */
export interface Fault {
  readonly app: App
  readonly error: unknown
}

export interface Union {
  /**
   * The flows that the applications want, in their order: of two that want the very same, the first is its owner. A fault
   * if the check throws, or if two want different things under one identity: then the later one has it.
   */
  flowsOf(wishes: readonly Wish[]): FlowMap | Fault
}

/** Who wants a flow, in the order of the applications. */
type Claims = readonly HeldFlow[]
type UnitSet = ReadonlySet<Unit>

const nobody: Claims = []
const noUnits: UnitSet = new Set()

/** Makes a union of nothing. `check` throws if a flow is not that application's to want. */
export function createUnion(check: (app: App, bare: Flow, identity: string) => void): Union {
  let last: ReadonlyMap<string, UnitSet> = new Map()
  let flows = FlowMap.empty
  /** The claims behind the first to what more than one wants. */
  const further = new Map<string, Claims>()
  /** What is wanted in different ways, because one of the claims is former. */
  let disputed: ReadonlySet<string> = new Set()

  function claimsTo(identity: string): Claims {
    const first = flows.get(identity)
    return first === undefined ? nobody : [first, ...(further.get(identity) ?? nobody)]
  }

  function keep(wishes: readonly Wish[], touched: ReadonlyMap<string, Claims>): void {
    last = new Map(wishes.map(({ app, units }) => [app.name, new Set(units)]))
    const changes: [identity: string, flow: HeldFlow | undefined][] = []
    for (const [identity, [first, ...rest]] of touched) {
      changes.push([identity, first])
      if (rest.length > 0) further.set(identity, rest)
      else further.delete(identity)
    }
    flows = flows.with(changes)
  }

  return {
    flowsOf(wishes) {
      const rankOf = new Map(wishes.map(({ app }, rank) => [app.name, rank]))
      const touched = new Map<string, Claims>()
      const touch = (identity: string, next: (claims: Claims) => Claims) =>
        touched.set(identity, next(touched.get(identity) ?? claimsTo(identity)))
      for (const { app, units, isFormer } of wishes) {
        const [gone, come] = exchanged(last.get(app.name) ?? noUnits, new Set(units))
        try {
          for (const part of gone)
            for (const bare of part)
              touch(identityOf(bare), (claims) => claims.filter((claim) => claim.part !== part))
          for (const part of come) {
            let place = 0
            for (const bare of part) {
              const identity = identityOf(bare)
              if (!isFormer) check(app, bare, identity)
              const wanted = wantedFlow(app.name, part, place++, bare)
              touch(identity, (claims) => [...claims, wanted])
            }
          }
        } catch (error) {
          return { app, error }
        }
      }
      const rank = ({ owner }: HeldFlow) => rankOf.get(owner)!
      const byRank = (a: HeldFlow, b: HeldFlow) => rank(a) - rank(b)
      for (const [identity, claims] of touched) touched.set(identity, claims.toSorted(byRank))
      const quarrels = new Map<string, Quarrel>()
      for (const identity of new Set([...touched.keys(), ...disputed])) {
        const quarrel = quarrelOf(touched.get(identity) ?? claimsTo(identity))
        if (quarrel !== undefined) quarrels.set(identity, quarrel)
      }
      for (const { app, isFormer } of wishes) {
        const quarrel = Array.from(quarrels.values()).find(({ rivals }) => rivals.has(app.name))
        if (quarrel !== undefined && !isFormer) return { app, error: contradiction(quarrel, app.name) }
      }
      keep(wishes, touched)
      disputed = new Set(quarrels.keys())
      return flows
    },
  }
}

/** A claim, and those behind it that want something else. */
interface Quarrel {
  readonly first: HeldFlow
  /** By the application's name. */
  readonly rivals: ReadonlyMap<string, HeldFlow>
}

function quarrelOf([first, ...rest]: Claims): Quarrel | undefined {
  const rivals = rest.filter((claim) => !isSame(claim, first!))
  return rivals.length === 0
    ? undefined
    : { first: first!, rivals: new Map(rivals.map((claim) => [claim.owner, claim])) }
}

/** Whether both do the same, whoever owns them. */
function isSame(a: HeldFlow, b: HeldFlow): boolean {
  if (a.owner === b.owner) return a.content === b.content
  return contentOf({ ...a.flow, cookie: 0n }) === contentOf({ ...b.flow, cookie: 0n })
}

function contradiction({ first, rivals }: Quarrel, owner: string): BugError {
  const [one, other] = [rivals.get(owner)!, first].map(({ flow }) => formatFlow(flow))
  return new BugError(`${one} is wanted by ${first.owner} with other actions: ${other}`)
}

/** The parts that went and those that came. */
function exchanged(before: UnitSet, after: UnitSet): [gone: Set<Part>, come: Set<Part>] {
  const gone = new Set<Part>()
  const come = new Set<Part>()
  for (const unit of before) if (!after.has(unit)) for (const part of partsOf(unit)) gone.add(part)
  for (const unit of after)
    if (!before.has(unit)) for (const part of partsOf(unit)) if (!gone.delete(part)) come.add(part)
  return [gone, come]
}
