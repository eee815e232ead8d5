import { expect, test } from 'vitest'
import { findingsOf } from '../../src/nb/finding.ts'
import { northboundOf } from '../../src/nb/model.ts'

const row = (table: string, id: string, fields: object) => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})

/** A tenant's network, subnet and port; both tenants have the same addresses. */
const tenant = (name: string, key: number, subnets: string[]) => [
  row('lswitch', `net-${name}`, { topic: name, unique_key: key }),
  row('lsubnet', `subnet-${name}`, { topic: name, lswitch: `net-${name}`, cidr: '10.0.0.0/24' }),
  row('lport', `web-${name}`, {
    topic: name,
    unique_key: key,
    lswitch: `net-${name}`,
    ips: subnets.map((_, index) => `10.0.0.${11 + index}`),
    subnets,
  }),
]

const found = (red: string[]) =>
  findingsOf(northboundOf([...tenant('red', 1, red), ...tenant('blue', 2, ['subnet-blue'])])).map(
    ({ id, field, reason }) => `${id} ${field} ${reason}`,
  )

test.each<[string, string[], string[]]>([
  ['its own subnet', ['subnet-red'], []],
  [
    'a subnet that is not there',
    ['subnet-red', 'nowhere'],
    [
      'web-red subnets.1 names lsubnet nowhere, which does not exist or does not count; the port has no names there',
    ],
  ],
  [
    'a subnet of the other tenant',
    ['subnet-blue'],
    [
      'web-red subnets.0 names lsubnet subnet-blue of another lswitch (net-blue); the port has no names there',
    ],
  ],
])('a port that names %s', (_, subnets, expected) => {
  expect(found(subnets)).toEqual(expected)
})
