import { describe, expect, test } from 'vitest'
import {
  fieldsOfTable,
  hasField,
  isFieldValue,
  isTableName,
  readRow,
  tableNames,
  writeRow,
} from '../../src/nb/row.ts'
import { dragonflowRows } from '../support/nb.ts'

const topic = '0000000000000000000000000000000a'
const port = { id: 'p', topic, unique_key: 1, lswitch: 'n' }

/** A row of each table with what it needs and nothing else. */
const least = {
  chassis: { id: 'p', ip: '192.0.2.11' },
  service: { id: 'p', chassis: 'compute-1', binary: 'df-local-controller' },
  secgroup: { id: 'p', topic, unique_key: 1 },
  lswitch: { id: 'p', topic, unique_key: 1 },
  lsubnet: { id: 'p', topic, lswitch: 'n', cidr: '10.0.0.0/24' },
  lrouter: { id: 'p', topic, unique_key: 1 },
  lport: port,
  floatingip: { id: 'p', topic },
  domainname: { id: 'p', topic, subnet: 'p', domain_name: 'red.example.org' },
  dnsname: { id: 'p', topic, lport: 'p', dns_name: 'web' },
  publisher: { id: 'p' },
  listener: { id: 'p' },
  qospolicy: { id: 'p', topic },
  migration: { id: 'p', status: 'dest_plug' },
  activeport: { id: 'p', topic },
  child_port_segmentation: {
    id: 'p',
    topic,
    parent: 'trunk',
    port: 'child',
    segmentation_type: 'macvlan',
  },
  bgp_peer: { id: 'p', topic, peer_ip: '192.0.2.1', remote_as: 64496 },
  bgp_speaker: { id: 'p', topic, local_as: 64497, ip_version: 4 },
  sfc_portpair: { id: 'p', topic },
  sfc_portpairgroup: { id: 'p', topic },
  sfc_flowclassifier: { id: 'p', topic, unique_key: 1, source_port: 'web' },
  sfc_portchain: { id: 'p', topic },
} as const

const modelRows = dragonflowRows().filter(({ table }) => isTableName(table))

test('there are 29 rows of Dragonflow to read, and 4 counters', () => {
  expect(modelRows).toHaveLength(29)
  expect(dragonflowRows()).toHaveLength(33)
})

test.each(modelRows)(
  '/$table/$id is read, and written back with the same meaning',
  ({ table, id, value }) => {
    if (!isTableName(table)) throw new Error('not a table')
    const { row, rejected } = readRow(table, id, value)
    expect(rejected).toBeUndefined()
    expect(JSON.parse(writeRow(row!))).toEqual(JSON.parse(value))
    expect(writeRow(row!)).toHaveLength(value.length)
    expect(readRow(table, id, writeRow(row!))).toEqual({ row })
  },
)

test('tables come after those they refer to', () => {
  expect(tableNames.indexOf('lswitch')).toBeLessThan(tableNames.indexOf('lport'))
  expect(tableNames.indexOf('lsubnet')).toBeLessThan(tableNames.indexOf('domainname'))
  expect(tableNames.indexOf('lport')).toBeLessThan(tableNames.indexOf('dnsname'))
  expect(tableNames.indexOf('lport')).toBeLessThan(tableNames.indexOf('child_port_segmentation'))
})

describe.each(tableNames)('the least row of %s', (table) => {
  test('is read, with empty lists and nothing else added', () => {
    const { row } = readRow(table, 'p', JSON.stringify(least[table]))
    const lists = Object.fromEntries(Object.entries(row!).filter(([, value]) => Array.isArray(value)))
    expect(JSON.parse(writeRow(row!))).toEqual({ ...lists, ...least[table] })
    expect(Object.values(lists).flat()).toEqual([])
  })

  test.each(Object.keys(least[table]))('needs %s', (field) => {
    // Another field could stand in its place.
    const reason = expect.stringMatching(field === 'source_port' ? /^is missing, / : /^is missing$/)
    for (const nothing of [undefined, null]) {
      const { rejected } = readRow(table, 'p', JSON.stringify({ ...least[table], [field]: nothing }))
      expect(rejected).toMatchObject({ table, id: 'p', field, reason })
    }
  })

  test('may hold what nobody here knows', () => {
    const fields = { ...least[table], from_the_future: { x: [1] }, qos: null }
    expect(readRow(table, 'p', JSON.stringify(fields))).toEqual(
      readRow(table, 'p', JSON.stringify(least[table])),
    )
  })
})

test('null is the same as nothing', () => {
  const nulls = { name: null, ips: null, binding: null, dhcp_params: null, enabled: null, version: null }
  expect(readRow('lport', 'p', JSON.stringify({ ...port, ...nulls }))).toEqual(
    readRow('lport', 'p', JSON.stringify(port)),
  )
})

test('addresses, nested ones too, are read in their canonical form', () => {
  const { row } = readRow(
    'lport',
    'p',
    JSON.stringify({
      ...port,
      ips: ['FD00:A:0:0::11'],
      macs: ['FA:16:3E:00:00:02'],
      allowed_address_pairs: [{ ip_address: '10.0.0.9/24', mac_address: 'FA:16:3E:00:00:03', more: 1 }],
      binding: { type: 'vtep', vtep_address: '2001:DB8::1' },
    }),
  )
  expect(row).toMatchObject({
    ips: ['fd00:a::11'],
    macs: ['fa:16:3e:00:00:02'],
    allowed_address_pairs: [{ ip_address: '10.0.0.0/24', mac_address: 'fa:16:3e:00:00:03' }],
    binding: { type: 'vtep', vtep_address: '2001:db8::1' },
  })
})

describe('a bad row is rejected, with its field, the reason and what to do', () => {
  const rule = { id: 'r', topic, direction: 'ingress', ethertype: 'IPv4' }
  test.each<[keyof typeof least, object, string, string]>([
    ['lport', { id: 'q' }, 'id', 'is "q", the key says p'],
    ['lport', { id: '' }, 'id', 'is "", not text of at least one character'],
    ['lport', { topic: 5 }, 'topic', 'is 5, not text'],
    ['lport', { unique_key: 0 }, 'unique_key', 'is 0, not a whole number from 1 to 4294967294'],
    [
      'lport',
      { unique_key: 0xffffffff },
      'unique_key',
      'is 4294967295, not a whole number from 1 to 4294967294',
    ],
    [
      'lswitch',
      { unique_key: 2 ** 32 },
      'unique_key',
      'is 4294967296, not a whole number from 1 to 4294967294',
    ],
    ['lport', { unique_key: '1' }, 'unique_key', 'is "1", not a whole number from 1 to 4294967294'],
    ['lport', { ips: ['10.0.0.1', '10.0.0.300'] }, 'ips.1', 'is "10.0.0.300", not an IP address'],
    ['lport', { ips: '10.0.0.1' }, 'ips', 'is "10.0.0.1", not a list'],
    ['lport', { macs: ['x'] }, 'macs.0', 'is "x", not a MAC address, as fa:16:3e:00:00:02'],
    ['lport', { binding: { type: 'host' } }, 'binding.type', 'is "host", not chassis or vtep'],
    ['lport', { binding: 'compute-1' }, 'binding', 'is "compute-1", not an object'],
    [
      'lport',
      { allowed_address_pairs: [{ ip_address: '10.0.0.1' }] },
      'allowed_address_pairs.0.mac_address',
      'is missing',
    ],
    [
      'lport',
      { allowed_address_pairs: ['10.0.0.1'] },
      'allowed_address_pairs.0',
      'is "10.0.0.1", not an object',
    ],
    ['lport', { enabled: 'no' }, 'enabled', 'is "no", not true or false'],
    ['lsubnet', { cidr: '10.0.0.0/40' }, 'cidr', 'is "10.0.0.0/40", not a network, as 10.0.0.0/24'],
    ['lsubnet', { host_routes: [{ destination: '10.0.0.0/8' }] }, 'host_routes.0.nexthop', 'is missing'],
    ['lswitch', { version: 'x'.repeat(99) }, 'version', `is "${'x'.repeat(56)}..., not a whole number`],
    [
      'secgroup',
      { rules: [rule, { ...rule, protocol: 'tcp' }] },
      'rules.1.protocol',
      'is "tcp", not a whole number from 0 to 255',
    ],
    ['chassis', { tunnel_types: ['stt'] }, 'tunnel_types.0', 'is "stt", not geneve or vxlan or gre'],
    [
      'domainname',
      { domain_name: 'a..b' },
      'domain_name',
      'is "a..b", not a domain name (labels of letters, digits and inner hyphens)',
    ],
    ['domainname', { ttl: -1 }, 'ttl', 'is -1, not a whole number from 0 to 2147483647'],
    ['domainname', { subnet: 'q' }, 'subnet', `is "q", but the row's id must be the same`],
    ['dnsname', { lport: 'q' }, 'lport', `is "q", but the row's id must be the same`],
    [
      'dnsname',
      { dns_name: 'a_b' },
      'dns_name',
      'is "a_b", not a host name (labels of letters, digits and inner hyphens)',
    ],
    ['migration', { status: 'done' }, 'status', 'is "done", not dest_plug or src_unplug or rebound'],
    ['bgp_speaker', { ip_version: 5 }, 'ip_version', 'is 5, not 4 or 6'],
    ['bgp_peer', { remote_as: 0 }, 'remote_as', 'is 0, not a whole number from 1 to 4294967295'],
    ['sfc_portpair', { weight: '1' }, 'weight', 'is "1", not a number'],
    [
      'sfc_flowclassifier',
      { source_transport_ports: [90, 80] },
      'source_transport_ports',
      'is [90,80], not a range of ports, as [80, 90]',
    ],
    ['sfc_flowclassifier', { dest_port: 'db' }, 'dest_port', 'cannot be there together with source_port'],
    [
      'child_port_segmentation',
      { segmentation_type: 'vlan' },
      'segmentation_id',
      'is missing, and segmentation_type vlan needs one',
    ],
    ['qospolicy', { rules: [{ id: 'r', type: 'dscp_marking' }] }, 'rules.0.dscp_mark', 'is missing'],
    [
      'qospolicy',
      { rules: [{ id: 'r', type: 'bandwidth_limit', max_kbps: 9 }] },
      'rules.0.max_burst_kbps',
      'is missing',
    ],
  ])('%s with %j', (table, wrong, field, reason) => {
    const { rejected } = readRow(table, 'p', JSON.stringify({ ...least[table], ...wrong }))
    expect(rejected).toEqual({ table, id: 'p', field, reason, remedy: expect.stringContaining(`df-db `) })
  })

  test.each([
    ['nothing', '', 'is not JSON'],
    ['half a row', '{"id": "p", "topic"', 'is not JSON'],
    ['a byte order mark', '\ufeff{}', 'is not JSON'],
    ['null', 'null', 'is not a JSON object'],
    ['a list', '[]', 'is not a JSON object'],
    ['text', '"x"', 'is not a JSON object'],
    ['100,000 brackets', '['.repeat(100_000), 'is not JSON'],
    ['a prototype', '{"__proto__": {"id": "p"}}', 'is missing'],
  ])('the text is %s', (_, text, reason) => {
    const { rejected } = readRow('lport', 'p', text)
    expect(rejected?.reason).toContain(reason)
    expect(rejected?.remedy).toContain('df-db')
  })
})

test.each([
  ['lport', true],
  ['qospolicy', true],
  ['sfc_portpair', true],
  ['switch_port', false],
  ['unique_key', false],
  ['toString', false],
  ['lports', false],
])('%s is a table: %j', (name, isTable) => {
  expect(isTableName(name)).toBe(isTable)
})

test('the fields of a table are told, those first that a row needs', () => {
  expect(fieldsOfTable('dnsname')).toEqual([
    { name: 'id', isNeeded: true },
    { name: 'topic', isNeeded: true },
    { name: 'lport', isNeeded: true },
    { name: 'dns_name', isNeeded: true },
    { name: 'version', isNeeded: false },
  ])
})

test.each([
  ['ips', ['10.0.0.1'], true],
  ['ips', '10.0.0.1', false],
  ['dns_name', 'web', false],
  ['toString', 'web', false],
] as const)('lport.%s may be %j: %j', (field, value, isAllowed) => {
  expect(isFieldValue('lport', field, value)).toBe(isAllowed)
})

test.each([
  ['lport', 'unique_key', true],
  ['lsubnet', 'unique_key', false],
  ['lport', 'toString', false],
] as const)('%s has a field %s: %j', (table, field, isThere) => {
  expect(hasField(table, field)).toBe(isThere)
})
