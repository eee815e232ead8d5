import { describe, expect, test } from 'vitest'
import { changedRowText, checkStorable, fieldValue, newRowText, tableNamed } from '../../src/nb/edit.ts'
import type { JsonObject } from '../../src/nb/json.ts'
import { dragonflowRows } from '../support/nb.ts'

const topic = '0000000000000000000000000000000a'
const port = { id: 'p', topic, unique_key: 1, lswitch: 'n' }

describe('a new row', () => {
  test('has its lists and a version, and is in canonical form', () => {
    const text = newRowText('lsubnet', 's', {
      id: 's',
      topic,
      lswitch: 'n',
      cidr: 'FD00:A::5/64',
      gateway_ip: 'FD00:A::0001',
      name: null,
    })
    expect(text).toBe(
      `{"cidr": "fd00:a::/64", "dns_nameservers": [], "gateway_ip": "fd00:a::1", "host_routes": [], "id": "s", "lswitch": "n", "topic": "${topic}", "version": 0}`,
    )
  })

  test('has no version where there is none', () => {
    expect(newRowText('chassis', 'c', { id: 'c', ip: '192.0.2.1' })).toBe(
      '{"id": "c", "ip": "192.0.2.1", "tunnel_types": []}',
    )
  })

  test.each<[JsonObject, string]>([
    [{ ...port, dns_name: 'web' }, 'lport p: dns_name is no field of this table'],
    [{ ...port, toString: 'web' }, 'lport p: toString is no field of this table'],
    [{ ...port, ips: ['10.0.0.300'] }, 'lport p: ips.0 is "10.0.0.300", not an IP address'],
    [{ ...port, id: 'q' }, 'lport p: id is "q", the key says p'],
    [{ id: 'p', topic, unique_key: 1 }, 'lport p: lswitch is missing'],
  ])('%j is refused', (fields, message) => {
    expect(() => newRowText('lport', 'p', fields)).toThrow(message)
  })
})

describe('a changed row', () => {
  test.each(dragonflowRows().filter(({ table }) => table === 'lport'))(
    'keeps the rest of /$table/$id',
    (row) => {
      const changed = changedRowText('lport', row.id, row.value, { name: 'new' })
      const before = JSON.parse(row.value) as { version: number }
      expect(JSON.parse(changed)).toEqual({ ...before, name: 'new', version: before.version + 1 })
    },
  )

  test('keeps what nobody here knows, nested fields too', () => {
    const stored = JSON.stringify({
      ...port,
      version: 4,
      from_the_future: { b: [1, null], a: 'ä' },
      allowed_address_pairs: [{ ip_address: '10.0.0.9', mac_address: 'FA:16:3E:00:00:02', more: true }],
    })
    const changed = changedRowText('lport', 'p', stored, { enabled: false, from_the_future: { b: 2 } })
    expect(JSON.parse(changed)).toEqual({
      ...JSON.parse(stored),
      enabled: false,
      from_the_future: { b: 2 },
      version: 5,
      ips: [],
      macs: [],
      subnets: [],
      security_groups: [],
    })
  })

  test.each([
    [{ name: 'x' }, 5],
    [{ name: 'x', version: 4 }, 5],
    [{ name: 'x', version: 9 }, 9],
    [{ name: 'x', version: 2 }, 2],
  ])('of version 4 by %j has version %j', (changes, version) => {
    const changed = changedRowText('lport', 'p', JSON.stringify({ ...port, version: 4 }), changes)
    expect(JSON.parse(changed)).toMatchObject({ name: 'x', version })
  })

  test('has a version from then on', () => {
    expect(JSON.parse(changedRowText('lport', 'p', JSON.stringify(port), {}))).toMatchObject({ version: 1 })
    const chassis = changedRowText('chassis', 'c', '{"id": "c", "ip": "192.0.2.1"}', { ip: '2001:DB8::1' })
    expect(JSON.parse(chassis)).toEqual({ id: 'c', ip: '2001:db8::1', tunnel_types: [] })
  })

  test('loses a field that is set to null', () => {
    const stored = JSON.stringify({ ...port, name: 'x', ips: ['10.0.0.1'] })
    const changed = JSON.parse(changedRowText('lport', 'p', stored, { name: null, ips: null })) as object
    expect(changed).not.toHaveProperty('name')
    expect(changed).toMatchObject({ ips: [] })
  })

  test.each<[string, JsonObject, string]>([
    [JSON.stringify(port), { nmae: 'x' }, 'lport p: nmae is no field of this table'],
    [JSON.stringify(port), { topic: null }, 'lport p: topic is missing'],
    [JSON.stringify(port), { id: 'q' }, 'lport p: id is "q", the key says p'],
    [JSON.stringify({ ...port, macs: ['x'] }), { name: 'x' }, 'lport p: macs.0 is "x", not a MAC address'],
    ['{', {}, 'lport p: is not a JSON object'],
  ])('%s with %j is refused', (stored, changes, message) => {
    expect(() => changedRowText('lport', 'p', stored, changes)).toThrow(message)
  })

  test('mends what was wrong', () => {
    const changed = changedRowText('lport', 'p', JSON.stringify({ ...port, macs: ['x'] }), { macs: [] })
    expect(JSON.parse(changed)).toMatchObject({ macs: [] })
  })
})

test.each([
  ['lport', 'name', 'web', 'web'],
  ['lport', 'name', '123', '123'],
  ['lport', 'name', 'true', 'true'],
  ['lport', 'name', '"quoted"', 'quoted'],
  ['lport', 'name', '', ''],
  ['lport', 'name', 'null', null],
  ['lport', 'topic', '9e2', '9e2'],
  ['lport', 'enabled', 'true', true],
  ['lport', 'unique_key', '7', 7],
  ['lport', 'ips', '10.0.0.1', ['10.0.0.1']],
  ['lport', 'ips', '10.0.0.1, fd00::1', ['10.0.0.1', 'fd00::1']],
  ['lport', 'ips', '["10.0.0.1"]', ['10.0.0.1']],
  ['lport', 'ips', '', []],
  ['lport', 'ips', '10.0.0.1,x', ['10.0.0.1', 'x']],
  ['lport', 'enabled', 'perhaps', 'perhaps'],
  ['lport', 'binding', '{"type": "chassis"}', { type: 'chassis' }],
  ['lport', 'nobody', '1', '1'],
  ['bgp_speaker', 'ip_version', '6', 6],
  ['sfc_portpair', 'weight', '1.5', 1.5],
  ['sfc_flowclassifier', 'source_transport_ports', '[80, 90]', [80, 90]],
] as const)('%s %s=%s stands for %j', (table, field, text, value) => {
  expect(fieldValue(table, field, text)).toEqual(value)
})

describe('what may be stored', () => {
  test.each(dragonflowRows())('/$table/$id of Dragonflow may', ({ table, id, value }) => {
    expect(() => checkStorable(table, id, value)).not.toThrow()
  })

  test('fields that nobody here knows may', () => {
    expect(() => checkStorable('lport', 'p', JSON.stringify({ ...port, from_the_future: 1 }))).not.toThrow()
  })

  test.each([
    ['lport', 'p', '{', 'lport p: is not JSON'],
    ['lport', 'p', '{"id": "p"}', 'lport p: topic is missing'],
    ['qospolicy', 'q', '{"id": "r", "topic": "t"}', 'qospolicy q: id is "r", the key says q'],
    ['switch_port', 's', '{"id": "s"}', 'there is no table "switch_port"'],
    ['unique_key', 'lport', 'many', 'unique_key lport: is "many", not a counter'],
    ['unique_key', 'lport', '4294967295', 'not a counter'],
    ['lports', 'p', '{"id": "p"}', 'there is no table "lports": use chassis, service, secgroup, lswitch'],
  ])('/%s/%s %s may not', (table, id, value, message) => {
    expect(() => checkStorable(table, id, value)).toThrow(message)
  })
})

test('a table is found by its name', () => {
  expect(tableNamed('lport')).toBe('lport')
  expect(() => tableNamed('constructor')).toThrow('there is no table "constructor"')
})
