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
import { type KnownFlow, KnownFlows } from './known-flows.ts'
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
  /** The same as they were when each was last looked at: what differs from it was changed by us since then. */
  #seen = FlowMap.empty
  #known = new KnownFlows()

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

  /**
   * Takes in what the switch has done for us. The tables are made again when somebody asks for them: once for each of the
   * transactions of a start, they left 2 MB of holes in malloc's heap at 35,000 flows.
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
    const found = new Map<string, HeldFlow>()
    const [known, seen, believed] = [this.#known, this.#seen, this.installed.flows]
    const fresh: KnownFlow[] = []
    let isWhole = true
    await this.#link.readFlows({}, (bytes, start, end) => {
      this.#look.read(bytes, start, end)
      if (known.see(this.#look) && !FlowMap.isChanged(seen, believed, known.low, known.high)) return
      if (fresh.length === decodeLimit) {
        isWhole = false
        return
      }
      const flow = decodeFlow(bytes, start, end)
      const { low, high } = this.#look
      if (!this.#isOurs(flow)) {
        fresh.push({ low, high, identity: nobodys })
        return
      }
      const identity = identityOf(flow)
      const held = foundFlow(flow)
      const wanted = desired.flows.get(identity)
      found.set(identity, wanted?.content === held.content ? wanted : held)
      fresh.push({ low, high, identity })
    })
    const groups = await this.#link.stats({ kind: 'groupDesc' })
    const missing = isWhole ? [...FlowMap.changed(seen, believed), ...known.unseen()] : []
    const changes = new Map<string, HeldFlow | undefined>(missing.map((identity) => [identity, undefined]))
    for (const [identity, held] of found) changes.set(identity, held)
    this.#known = known.next(fresh, (identity) => !isWhole && !found.has(identity))
    const flows = believed.with(changes)
    this.#seen = isWhole ? flows : seen.with(changes)
    const own = groups.filter(({ groupId }) => this.#scope.groupIds.has(groupId))
    this.#installed = {
      flows,
      groups: new Map(own.map((group) => [group.groupId, formatGroup(group)])),
    }
    return { decodedCount: fresh.length, isWhole }
  }

  #isOurs({ cookie, tableId, hardTimeout }: FlowStats): boolean {
    const kind = kindOf(cookie)
    return kind === 'timed' ? hardTimeout === 0 : kind === 'desired' || this.#scope.tableIds.has(tableId)
  }
}
