/**
 * A flow as far as it is compared with others: by what it is known and what it does as digests, and where to have it made
 * again. It knows no table and no switch.
 */

import type { Part } from '../app/app.ts'
import { BugError } from '../errors.ts'
import { type Flow, flowContent, flowIdentity } from '../openflow/index.ts'
import { cookieOf } from './cookie.ts'
import { digestOf } from './digest.ts'

/**
 * A flow that an application wants or that the switch holds. It is not kept, but made again whenever it is asked for
 * (docs/decisions/0010-flows-made-again.md).
 */
export class HeldFlow {
  /** The application's name; empty for a flow of the switch that nobody wants as it is. */
  readonly owner: string
  readonly part: Part
  /** Its number in the part. */
  readonly place: number
  readonly tableId: number
  /** A digest of what it does, cookie included. */
  readonly content: string

  constructor(owner: string, part: Part, place: number, tableId: number, content: string) {
    this.owner = owner
    this.part = part
    this.place = place
    this.tableId = tableId
    this.content = content
  }

  get flow(): Flow {
    return this.among([...this.part])
  }

  /** The flow, for whoever has made those of its part already. */
  among(flows: readonly Flow[]): Flow {
    const bare = flows[this.place]
    if (bare === undefined) throw new BugError(`a part of ${this.owner} has lost a flow`)
    return this.owner === nobody ? bare : ownedFlow(bare, this.owner)
  }
}

const nobody = ''

/** What that application wants with a flow, which is the one at `place` of the part. */
export const wantedFlow = (owner: string, part: Part, place: number, bare: Flow): HeldFlow =>
  new HeldFlow(owner, part, place, bare.tableId, contentOf(ownedFlow(bare, owner)))

/** A flow as the switch has it, whoever put it there. */
export const foundFlow = (flow: Flow): HeldFlow =>
  new HeldFlow(nobody, [flow], 0, flow.tableId, contentOf(flow))

/** The flow with the cookie of its owner. */
export const ownedFlow = (bare: Flow, owner: string): Flow =>
  Object.assign({}, bare, { cookie: cookieOf('desired', owner) }) // as in `flow` of pipeline.ts

/** How many bytes digests have. */
export const digestSizes = { identity: 8, content: 7 } as const

/** A digest of what OpenFlow tells a flow by: table, priority and match. */
export const identityOf = (flow: Pick<Flow, 'tableId' | 'priority' | 'match'>): string =>
  digestOf(flowIdentity(flow), digestSizes.identity)

/** A digest of what a flow does, cookie included. */
export const contentOf = (flow: Flow): string => digestOf(flowContent(flow), digestSizes.content)
