/**
 * What is wrong with security groups that count all the same: rules that let nothing by (src/security-rule.ts says when,
 * or because their remote group is not there), and ports that name groups that are not theirs. It knows no application.
 */

import { type DescribedRule, ruleFault } from '../security-rule.ts'
import type { Northbound } from './model.ts'
import type { Rejected, SecurityGroup } from './row.ts'

type Rule = SecurityGroup['rules'][number]

// biome-ignore format: columns
const fieldOf: Readonly<Record<keyof DescribedRule, keyof Rule>> = {
  ethertype:      'ethertype',
  protocol:       'protocol',
  portRangeMin:   'port_range_min',
  portRangeMax:   'port_range_max',
  remoteGroupId:  'remote_group_id',
  remoteIpPrefix: 'remote_ip_prefix',
}

/** The findings about security groups: first the rules, then the ports, each in order of the rows. */
export const groupFindings = (northbound: Northbound): Rejected[] => [
  ...vainRules(northbound),
  ...strangeGroups(northbound),
]

function vainRules({ secgroup }: Northbound): Rejected[] {
  return [...secgroup.values()].flatMap(({ id, topic, rules }) =>
    rules.flatMap((rule, index) => {
      const fault = ruleFault(describedRule(rule))
      const found = fault
        ? { field: fieldOf[fault.field], reason: fault.reason }
        : remoteFault(rule.remote_group_id, topic, secgroup)
      if (found === undefined) return []
      const remedy = `correct the rule: df-db get secgroup ${id}`
      const reason = `${found.reason}; the rule lets nothing by`
      return [{ table: 'secgroup' as const, id, field: `rules.${index}.${found.field}`, reason, remedy }]
    }),
  )
}

function remoteFault(remote: string | undefined, topic: string, secgroup: Northbound['secgroup']) {
  const why = remote === undefined ? undefined : strangeness(remote, topic, secgroup)
  return why === undefined ? undefined : { field: 'remote_group_id', reason: why }
}

/** The ports that name groups which grant them nothing. */
function strangeGroups({ lport, secgroup }: Northbound): Rejected[] {
  return [...lport.values()].flatMap(({ id, topic, security_groups }) =>
    security_groups.flatMap((group, index) => {
      const why = strangeness(group, topic, secgroup)
      if (why === undefined) return []
      const remedy = `add that row, or correct this one: df-db get lport ${id}`
      const reason = `${why}; it grants the port nothing`
      return [{ table: 'lport' as const, id, field: `security_groups.${index}`, reason, remedy }]
    }),
  )
}

function strangeness(id: string, topic: string, secgroup: Northbound['secgroup']): string | undefined {
  const group = secgroup.get(id)
  if (!group) return `names secgroup ${id}, which does not exist or does not count`
  return group.topic === topic ? undefined : `names secgroup ${id} of another tenant (${group.topic})`
}

/** A row's rule as everybody else describes it. */
export const describedRule = (rule: Rule): DescribedRule => ({
  ethertype: rule.ethertype,
  protocol: rule.protocol,
  portRangeMin: rule.port_range_min,
  portRangeMax: rule.port_range_max,
  remoteGroupId: rule.remote_group_id,
  remoteIpPrefix: rule.remote_ip_prefix,
})
