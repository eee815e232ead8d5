import { expect, test } from 'vitest'
import { findingsOf } from '../../src/nb/finding.ts'
import { northboundOf } from '../../src/nb/model.ts'

const row = (table: string, id: string, fields: object) => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})

/** A tenant's port with these groups, and its group `web` with these rules; both tenants have groups of one name. */
const tenant = (name: string, key: number, groups: string[], rules: object[]) => [
  row('lswitch', `net-${name}`, { topic: name, unique_key: key }),
  row('lport', `vm-${name}`, {
    topic: name,
    unique_key: key,
    lswitch: `net-${name}`,
    security_groups: groups,
  }),
  row('secgroup', `${name}-web`, {
    topic: name,
    unique_key: key,
    name: 'web',
    rules: rules.map((rule, index) => ({
      ...{ id: `${index}`, topic: name, direction: 'ingress', ethertype: 'IPv4' },
      ...rule,
    })),
  }),
]

const found = (groups: string[], rules: object[]) => {
  const rows = [...tenant('red', 1, groups, rules), ...tenant('blue', 2, ['blue-web'], [{ protocol: 6 }])]
  return findingsOf(northboundOf(rows)).map(
    ({ table, id, field, reason }) => `${table} ${id} ${field} ${reason}`,
  )
}

test('what is as it should be', () => {
  const rules = [{}, { remote_group_id: 'red-web' }, { ethertype: 'IPv6', protocol: 1, port_range_min: 128 }]
  expect(found(['red-web'], rules)).toEqual([])
})

test.each<[string, object, string]>([
  [
    'a range that ends before it begins',
    { protocol: 6, port_range_min: 23, port_range_max: 22 },
    'port_range_min 23 is behind the end of the range, 22',
  ],
  [
    'a prefix of the other family',
    { remote_ip_prefix: 'fd00:a::/64' },
    'remote_ip_prefix is no prefix of IPv4',
  ],
  [
    'a group that is not there',
    { remote_group_id: 'gone' },
    'remote_group_id names secgroup gone, which does not exist or does not count',
  ],
  [
    'a group of the other tenant',
    { remote_group_id: 'blue-web' },
    'remote_group_id names secgroup blue-web of another tenant (blue)',
  ],
])('a rule with %s', (_, rule, reason) => {
  expect(found(['red-web'], [{}, rule])).toEqual([
    `secgroup red-web rules.1.${reason}; the rule lets nothing by`,
  ])
})

test('ports that name groups which are not theirs', () => {
  expect(found(['red-web', 'gone', 'blue-web'], [])).toEqual([
    'lport vm-red security_groups.1 names secgroup gone, which does not exist or does not count; it grants the port nothing',
    'lport vm-red security_groups.2 names secgroup blue-web of another tenant (blue); it grants the port nothing',
  ])
})

test('a group with a value that is none does not count, and its ports are told', () => {
  const [rejected, ...others] = found(['red-web'], [{ protocol: 'tcp' }])
  expect([rejected, others]).toEqual([
    'lport vm-red security_groups.0 names secgroup red-web, which does not exist or does not count; it grants the port nothing',
    [],
  ])
})
