/** A VM for an lport of the store that is in no lab file; red and blue have the same addresses. */

import { describe, expect, test } from 'vitest'
import { adoptedPort } from '../../src/lab/adopt.ts'
import { type Plan, planOf } from '../../src/lab/plan.ts'
import { parseLabFile } from '../../src/lab/schema.ts'

const plan: Plan = planOf(parseLabFile('nodes: [compute-1]\nnetworks: {}\nports: {}\n', 'lab.yaml'), {
  name: 'n',
  directory: '/run/df-lab/n',
})
const row = (table: string, id: string, fields: object) => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})

function rowsOf(topic: string, unique_key: number, port: object = {}) {
  return [
    row('lswitch', `net-${topic}`, { topic, unique_key, mtu: 1450 }),
    row('lsubnet', `sub-${topic}`, {
      topic,
      lswitch: `net-${topic}`,
      cidr: '10.0.0.0/24',
      gateway_ip: '10.0.0.1',
      dns_nameservers: ['192.0.2.53'],
    }),
    row('domainname', `sub-${topic}`, { topic, subnet: `sub-${topic}`, domain_name: `${topic}.example.org` }),
    row('lport', `${topic}-0123456789`, {
      ...{ topic, unique_key, lswitch: `net-${topic}`, subnets: [`sub-${topic}`], ips: ['10.0.0.5'] },
      ...{ macs: ['fa:16:3e:00:00:05'], binding: { type: 'chassis', chassis: 'compute-1' }, ...port },
    }),
    row('dnsname', `${topic}-0123456789`, { topic, lport: `${topic}-0123456789`, dns_name: 'web' }),
  ]
}

test.each([
  ['red', 1],
  ['blue', 2],
])('what the rows of %s say', (topic, key) => {
  expect(
    adoptedPort(plan, `${topic}-0123456789`, [...rowsOf('red', 1), ...rowsOf('blue', key + 1)]),
  ).toMatchObject({
    ...{
      key: `${topic}-0123456789`.slice(0, 8),
      topic,
      node: 'compute-1',
      mac: 'fa:16:3e:00:00:05',
      mtu: 1450,
    },
    addresses: [{ ip: '10.0.0.5', cidr: '10.0.0.5/24', subnetId: `sub-${topic}` }],
    ...{
      gateways: ['10.0.0.1'],
      nameservers: ['192.0.2.53'],
      searchDomains: [`${topic}.example.org`],
      dnsName: 'web',
    },
  })
})

test('another one gets another OpenFlow port', () => {
  const first = adoptedPort(plan, 'red-0123456789', rowsOf('red', 1))
  const second = adoptedPort({ ...plan, ports: [first] }, 'blue-0123456789', rowsOf('blue', 2))
  expect(second.ofport).toBe(first.ofport + 1)
})

describe('what is lacking is told', () => {
  test.each([
    ['the port', 'none', {}, /there is no port none in lab n nor in its store/],
    [
      'its node',
      'red-0123456789',
      { binding: { type: 'chassis', chassis: 'compute-9' } },
      /is bound to compute-9; bind it to one of compute-1/,
    ],
    ['its binding', 'red-0123456789', { binding: null }, /is bound to no node/],
    ['its MAC address', 'red-0123456789', { macs: [] }, /has no MAC address/],
  ])('%s', (_, id, change, message) => {
    expect(() => adoptedPort(plan, id, rowsOf('red', 1, change))).toThrow(message)
  })
})
