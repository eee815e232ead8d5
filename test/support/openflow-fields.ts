/** A match on each field, with what it needs. */

import { fromInt, type Match } from '../../src/openflow/match.ts'
import { type FieldName, needsOf } from '../../src/openflow/oxm.ts'

/** The fields that a match or an action on this field needs, with values that Open vSwitch takes. */
export function neededBy(name: FieldName): Match {
  const values: Record<string, number> = { vlanVid: 0x1001, ctState: 0x21 }
  let match: Match = {}
  for (const [other, need] of Object.entries(needsOf(name))) {
    const value = 'holds' in need ? values[other] : need[0]
    match = { ...neededBy(other as FieldName), ...match, [other]: value }
  }
  return match
}

/** A value with few bits that every field takes. */
export const valueFor = (name: FieldName) => {
  const special: Partial<Record<FieldName, bigint>> = {
    ethType: 0x88ccn,
    vlanTci: 0x1005n,
    vlanVid: 0x1005n,
    ctState: 0x21n,
    inPort: 5n,
    actsetOutput: 5n,
    tunFlags: 1n,
    mplsBos: 1n,
    nwTos: 4n,
    icmpv6Type: 128n,
  }
  return fromInt(name, special[name] ?? 1n)
}

/** A match on the field, with its prerequisites. */
export const matchOn = (name: FieldName, entry: unknown = valueFor(name)) =>
  ({ ...neededBy(name), [name]: entry }) as Match
