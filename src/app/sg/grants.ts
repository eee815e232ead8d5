/**
 * What security groups let by, put together from their rules: a *grant* is everything that one group lets by between its
 * ports and one other end. A group of another tenant grants nothing, and the members of a group are ports of its own tenant
 * only. It knows no table.
 */

import { formatMatch, type Match } from '../../openflow/index.ts'
import { ruleFault } from '../../security-rule.ts'
import { createGrouping } from '../grouping.ts'
import { createCells } from '../memo.ts'
import { isIpv6, type Reach, reachOf } from '../reach.ts'
import type { Port, SecurityGroup, SecurityGroupRule, View } from '../view.ts'
import { packetsOf, servicesOf } from './services.ts'
import { type Stage, stages } from './stages.ts'

/** A match and its text. */
export interface Clause {
  readonly match: Match
  readonly text: string
}

/** What a group lets by between its ports and one other end. */
export interface Grant {
  /** Group, direction, family and other end: no two grants have the same. */
  readonly name: string
  readonly stage: Stage
  /** A packet is let by if each of these lists has a match that it fulfils. */
  readonly clauses: readonly (readonly Clause[])[]
}

/** The grants of a group; empty if it does not exist or is not the port's tenant's, or if that is nobody's. */
export type GrantsOf = (port: Pick<Port, 'topic'>, groupId: string) => readonly Grant[]

/** Makes the function that gives the grants of groups. A list is the same one for as long as nothing in it changes. */
export function createGrants(): (view: View) => GrantsOf {
  const inGroup = createGrouping(({ topic, securityGroups }) =>
    securityGroups.map((id) => memberKey(topic, id)),
  )
  const cells = createCells<readonly Grant[]>()
  return ({ ports, securityGroups }) => {
    const membersAt = inGroup(ports)
    const cell = cells()
    const known = new Map<SecurityGroup, readonly Grant[]>()
    function grants(group: SecurityGroup): readonly Grant[] {
      const { topic, rules } = group
      const membersOf = (id: string) =>
        securityGroups.get(id)?.topic === topic ? membersAt(memberKey(topic, id)) : []
      const members = rules.map(({ remoteGroupId: id }) => (id === undefined ? undefined : membersOf(id)))
      return cell(group.id, [group, ...members], () => [...grantsOf(group, membersOf)])
    }
    return ({ topic }, groupId) => {
      const group = securityGroups.get(groupId)
      if (group?.topic !== topic || topic === '') return []
      const found = known.get(group) ?? grants(group)
      known.set(group, found)
      return found
    }
  }
}

const memberKey = (topic: string, groupId: string): string => JSON.stringify([topic, groupId])

function* grantsOf(group: SecurityGroup, membersOf: (groupId: string) => readonly Port[]): Iterable<Grant> {
  const ends = new Map<string, [SecurityGroupRule, ...SecurityGroupRule[]]>()
  for (const rule of group.rules.filter((one) => ruleFault(one) === undefined)) {
    const name = `${group.id} ${rule.direction} ${rule.ethertype} ${endOf(rule)}`
    const others = ends.get(name)
    if (others) others.push(rule)
    else ends.set(name, [rule])
  }
  for (const [name, rules] of ends) {
    const [first] = rules
    const stage = stages.find(({ direction }) => direction === first.direction)!
    const family = packetsOf(first)
    const remotes = remotesOf(first, membersOf)?.map(stage.remote)
    const services = rules.map(servicesOf)
    const isLimited = services.every((matches) => matches !== undefined)
    const stated = [remotes, isLimited ? services.flat() : undefined].filter(
      (matches) => matches !== undefined,
    )
    const clauses = (stated.length > 0 ? stated : [[family]]).map(clausesOf)
    if (clauses.every((clause) => clause.length > 0)) yield { name, stage, clauses }
  }
}

const anyone = 'any'

/** The other end of a rule in words. */
function endOf({ remoteGroupId, remoteIpPrefix }: SecurityGroupRule): string {
  if (remoteGroupId !== undefined) return `group ${remoteGroupId}`
  return remoteIpPrefix === undefined || remoteIpPrefix.endsWith('/0') ? anyone : remoteIpPrefix
}

/** Where the other end of a rule may be; undefined if anywhere. */
function remotesOf(
  rule: SecurityGroupRule,
  membersOf: (groupId: string) => readonly Port[],
): readonly Reach[] | undefined {
  const { remoteGroupId, ethertype } = rule
  const end = endOf(rule)
  if (end === anyone) return undefined
  const texts = remoteGroupId === undefined ? [end] : membersOf(remoteGroupId).flatMap(addressesOf)
  return texts
    .map(reachOf)
    .filter((reach) => reach !== undefined)
    .filter((reach) => isIpv6(reach) === (ethertype === 'IPv6'))
}

const addressesOf = ({ addresses, allowedAddressPairs }: Port): string[] =>
  [...addresses, ...allowedAddressPairs].map(({ ip }) => ip)

/** Each match once. */
function clausesOf(matches: readonly Match[]): Clause[] {
  const clauses = matches.map((match) => ({ match, text: formatMatch(match) }))
  return [...new Map(clauses.map((clause) => [clause.text, clause])).values()]
}
