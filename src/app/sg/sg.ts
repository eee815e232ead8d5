/**
 * The application sg: security groups with connection tracking. A port with port security gets and sends what the rules of
 * its groups let by and what belongs to it, and nothing else; one without port security is not looked at
 * (docs/decisions/0007-security-groups.md).
 */

import type { Flow } from '../../openflow/index.ts'
import type { Application } from '../app.ts'
import { createCells, createMemo } from '../memo.ts'
import type { View } from '../view.ts'
import { createClauseRows, createNumbering, grantedRow, type Numbered, portRow } from './conjunctions.ts'
import { createGrants } from './grants.ts'
import { commonRows, openingRows, stages } from './stages.ts'

const options = {}

/** The application `sg`. */
export const sg: Application<typeof options> = {
  name: 'sg',
  section: 'df_sg_app',
  options,
  factory: () => {
    const common = stages.flatMap((stage) => [...commonRows(stage)])
    const opening = createMemo<readonly Flow[]>()
    const granted = createMemo<readonly Flow[]>()
    const grantsAt = createGrants()
    const number = createNumbering()
    const cells = createCells<readonly Flow[]>()
    const places = stages.map((stage) => ({ stage, clauseRows: createClauseRows(stage) }))
    function* units(view: View): Iterable<readonly Flow[]> {
      yield common
      const grantsOf = grantsAt(view)
      const guarded = view.localPorts.filter(({ isPortSecurityEnabled }) => isPortSecurityEnabled)
      const ofPorts = guarded.map((port) => port.securityGroups.flatMap((id) => grantsOf(port, id)))
      const numbered = number(ofPorts.flat())
      const cell = cells()
      for (const [index, port] of guarded.entries()) {
        yield opening(port, '', () => [...openingRows(port)])
        const grants = new Set(ofPorts[index]!.map((grant) => numbered.get(grant)!))
        yield cell(`port ${port.id}`, [port, ...grants], () =>
          stages.flatMap((stage) => {
            const own = [...grants].filter((grant) => grant.stage === stage)
            return own.length > 0 ? [portRow(port, stage, own)] : []
          }),
        )
      }
      for (const grant of numbered.values()) yield granted(grant, '', () => [grantedRow(grant)])
      for (const { stage, clauseRows } of places) {
        const grants = [...numbered.values()].filter((grant: Numbered) => grant.stage === stage)
        yield cell(stage.direction, grants, () => clauseRows(grants))
      }
    }
    return { name: 'sg', onFailure: 'drop', units, flows: (view) => [...units(view)].flat() }
  },
}
