/**
 * Grants as conjunctive matches of Open vSwitch (ovs-fields(7), "Conjunctive Match Fields"): a packet is let by if it
 * fulfils one match of each clause of a grant, and the first clause is the port. So flows grow with the sum of ports,
 * addresses and services, where they would otherwise with the product.
 *
 * A flow is told apart by its match alone, so that one flow says for all grants at once what a match has a part in. The
 * number of a grant is made of its name: it does not change when others come and go, nor when the controller starts anew.
 * Otherwise a packet could, while flows change, fulfil one clause as a grant's and the other as another one's that had the
 * number before.
 */

import { hash } from 'node:crypto'
import type { Action, Flow } from '../../openflow/index.ts'
import { createCells } from '../memo.ts'
import { flow, goto } from '../pipeline.ts'
import type { LocalPort } from '../view.ts'
import type { Clause, Grant } from './grants.ts'
import { priority, type Stage } from './stages.ts'

/** A grant with its number. */
export interface Numbered extends Grant {
  readonly id: number
}

/** Makes the function that numbers grants; a grant is the same object for as long as it and its number are. */
export function createNumbering(numberOf = hashOf): (grants: Iterable<Grant>) => Map<Grant, Numbered> {
  const cells = createCells<Numbered>()
  return (grants) => {
    const cell = cells()
    const taken = new Set<number>()
    const inOrder = [...new Set(grants)].sort((a, b) => (a.name < b.name ? -1 : 1))
    return new Map(
      inOrder.map((grant) => {
        let id = numberOf(grant.name)
        while (id === 0 || taken.has(id)) id = (id + 1) >>> 0
        taken.add(id)
        return [grant, cell(grant.name, [grant, id], () => ({ ...grant, id }))]
      }),
    )
  }
}

/** 32 bits of the name's SHA-1. */
const hashOf = (name: string): number => Number.parseInt(hash('sha1', name).slice(0, 8), 16)

/** What says that a grant's clauses are all fulfilled. */
export const grantedRow = ({ id, stage: { rules, allowed } }: Numbered): Flow =>
  flow(rules, priority.rule, { conjId: id }, [goto(allowed)])

/** The first clause: the port is one that has these grants, in whatever order its rules stand. */
export function portRow(port: LocalPort, stage: Stage, grants: readonly Numbered[]): Flow {
  const parts = grants.toSorted((a, b) => a.id - b.id).map(clauseOf(0))
  return flow(stage.rules, priority.rule, { [stage.port]: port.key }, parts)
}

/** Makes the function that gives the rows of the other clauses of a stage's grants; unchanged rows are the same objects. */
export function createClauseRows(stage: Stage): (grants: readonly Numbered[]) => readonly Flow[] {
  const cells = createCells<Flow>()
  return (grants) => {
    const rows = new Map<string, { readonly clause: Clause; readonly parts: Conjunction[] }>()
    for (const grant of grants)
      for (const [index, clauses] of grant.clauses.entries())
        for (const clause of clauses) {
          const row = rows.get(clause.text) ?? { clause, parts: [] }
          rows.set(clause.text, row)
          row.parts.push(clauseOf(index + 1)(grant))
        }
    const cell = cells()
    return Array.from(rows, ([text, { clause, parts }]) =>
      cell(
        text,
        parts.flatMap(({ id, clause: index, clauseCount }) => [id, index, clauseCount]),
        () => flow(stage.rules, priority.rule, clause.match, parts),
      ),
    )
  }
}

type Conjunction = Extract<Action, { kind: 'conjunction' }>

const clauseOf =
  (clause: number) =>
  ({ id, clauses }: Numbered): Conjunction => ({
    kind: 'conjunction',
    id,
    clause,
    clauseCount: clauses.length + 1,
  })
