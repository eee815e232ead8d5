/**
 * A mirror of what a switch holds of ours: every flow in our tables and, in any table, every flow with one of our cookies (a
 * later version's, say); our groups. Timed rows are not part of it; a timed cookie without a hard timeout is somebody's
 * mistake, and so read as a foreign flow. It knows what is wanted only to keep it in place of what it reads, to save memory.
 *
 * It can be read often: a flow that looks as it did when it was decoded is still what it was then, and is not decoded again
 * (docs/decisions/0014-reading-the-switch.md). Of a flow that was changed by us since then that is no proof.
 */

import { randomBytes } from 'node:crypto'
import { decodeFlow, FlowLook, type FlowStats, formatGroup } from '../openflow/index.ts'
import { kindOf } from './cookie.ts'
import { FlowMap } from './flow-map.ts'
import { type Change, changed, type Desired, emptySwitch, type Installed } from './flow-table.ts'
import { foundFlow, type HeldFlow, identityOf } from './held-flow.ts'
import { KnownFlows } from './known-flows.ts'
import type { SwitchLink } from './messages.ts'

/** What of a switch is ours. */
export interface Scope {
  /** Every flow in these tables is. */
  readonly tableIds: ReadonlySet<number>
  readonly groupIds: ReadonlySet<number>
}

/** What a reading was like. */
export interface Reading {
  /** How many flows did not look like one that is known, and were decoded. */
  readonly decodedCount: number
  /** Whether that was all of them. */
  readonly isWhole: boolean
}

/** Stands for every flow that is not ours. */
const nobodys = '\0'.repeat(8)

export class SwitchMirror {
  readonly #link: Pick<SwitchLink, 'stats' | 'readFlows'>
  readonly #scope: Scope
  readonly #look = new FlowLook(randomBytes(8))
  #installed = emptySwitch
  /** What the switch has done for us since then. */
  #done: Change[] = []
  /** The same after the last reading: what differs from it was changed by us since then. */
  #lastRead = FlowMap.empty
  /** The flows whose looks prove that they are as they were then. */
  readonly #known = new KnownFlows()
  /** Whether some flows have not been looked at since they were changed. */
  #isBehind = false

  constructor(link: Pick<SwitchLink, 'stats' | 'readFlows'>, scope: Scope) {
    this.#link = link
    this.#scope = scope
  }

  /** As far as the last reading and the barriers since then tell. */
  get installed(): Installed {
    if (this.#done.length > 0) {
      this.#installed = changed(this.#installed, this.#done)
      this.#done = []
    }
    return this.#installed
  }

  /** How many flows are installed, and no table is made to count them. */
  get flowCount(): number {
    const { flows } = this.#installed
    return this.#done.reduce((count, change) => count + stepOf(change, flows), flows.size)
  }

  /**
   * Takes in what the switch has done for us: no two changes of one flow before somebody asks for the tables. They are made
   * again then: once for each of the transactions of a start, they left 2 MB of holes in malloc's heap at 35,000 flows.
   */
  change(changes: readonly Change[]): void {
    for (const change of changes) this.#done.push(change)
  }

  /** Shares the wanted flows, of which it holds the same. */
  share({ flows }: Desired): void {
    this.#installed = { ...this.installed, flows }
  }

  /**
   * Reads the switch. At most `decodeLimit` flows are decoded; as long as that is not all of them, what is missing is not
   * noticed. To be called again only when it is done, and nothing may be changed meanwhile.
   */
  async read(desired: Desired, decodeLimit = Number.POSITIVE_INFINITY): Promise<Reading> {
    const [known, before, believed] = [this.#known, this.#lastRead, this.installed.flows]
    const isProof = (low: number, high: number) => !FlowMap.isChanged(before, believed, low, high)
    const changes = new Map<string, HeldFlow | undefined>()
    let decodedCount = 0
    let isWhole = true
    known.reserve(believed.size)
    await this.#link.readFlows({}, (bytes, start, end) => {
      this.#look.read(bytes, start, end)
      if (known.see(this.#look) && isProof(known.low, known.high)) return
      if (decodedCount === decodeLimit) {
        isWhole = false
        return
      }
      decodedCount += 1
      const flow = decodeFlow(bytes, start, end)
      const identity = this.#isOurs(flow) ? identityOf(flow) : nobodys
      known.add(this.#look, identity)
      if (identity === nobodys) return
      const found = foundFlow(flow)
      const wanted = desired.flows.get(identity)
      const held = wanted?.content === found.content ? wanted : found
      if (!believed.holds(identity, held)) changes.set(identity, held)
    })
    const groups = await this.#link.stats({ kind: 'groupDesc' })
    if (isWhole) for (const identity of this.#missing(believed)) changes.set(identity, undefined)
    known.endReading(isWhole, isProof)
    const flows = believed.with(changes)
    this.#lastRead = flows
    this.#isBehind = !isWhole
    const own = groups.filter(({ groupId }) => this.#scope.groupIds.has(groupId))
    this.#installed = {
      flows,
      groups: new Map(own.map((group) => [group.groupId, formatGroup(group)])),
    }
    return { decodedCount, isWhole }
  }

  /** The identities of the flows that are believed to be there, when everything was looked at and they were not met. */
  *#missing(believed: FlowMap): Iterable<string> {
    const known = this.#known
    if (this.#isBehind) {
      yield* believed.missing((see) => known.visitMet(see))
      return
    }
    const suspects = [...FlowMap.changed(this.#lastRead, believed), ...known.missing()]
    if (suspects.length === 0) return
    const decoded = new Set(known.decoded())
    for (const identity of suspects) if (!decoded.has(identity)) yield identity
  }

  #isOurs({ cookie, tableId, hardTimeout }: FlowStats): boolean {
    const kind = kindOf(cookie)
    return kind === 'timed' ? hardTimeout === 0 : kind === 'desired' || this.#scope.tableIds.has(tableId)
  }
}

/** How many flows more there are after a change of these. */
function stepOf(change: Change, flows: FlowMap): number {
  if (change.kind === 'addFlow') return flows.has(change.identity) ? 0 : 1
  return change.kind === 'deleteFlow' && flows.has(change.identity) ? -1 : 0
}
