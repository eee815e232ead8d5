import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type NbDriver, northboundOf, openNbDriver } from '../../src/nb/index.ts'
import { addRow, ensureRow, loadRows, takeUniqueKeys, updateRow } from '../../src/nb/write.ts'
import { dragonflowRows } from '../support/nb.ts'

const red = '0000000000000000000000000000000a'
const blue = '0000000000000000000000000000000b'

let root: string
let driver: NbDriver

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'df-nb-'))
  driver = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: root })
})
afterEach(async () => {
  await driver.close()
  await rm(root, { recursive: true })
})

const row = async (table: string, id: string) =>
  JSON.parse((await driver.get(table, id)) ?? 'null') as object | null
const network = (id: string, topic: string) => addRow(driver, 'lswitch', { id, topic })
const port = (id: string, topic: string, more = {}) =>
  addRow(driver, 'lport', { id, topic, lswitch: `net-${topic}`, ...more })

describe('adding', () => {
  test('two tenants: keys are allocated, DNS rows take id and topic from what they name', async () => {
    for (const topic of [red, blue]) {
      await network(`net-${topic}`, topic)
      await addRow(driver, 'lsubnet', {
        id: `subnet-${topic}`,
        topic,
        lswitch: `net-${topic}`,
        cidr: '10.0.0.0/24',
      })
      await port(`web-${topic}`, topic, { ips: ['10.0.0.11'] })
      const domain = { subnet: `subnet-${topic}`, domain_name: 'example.org', ttl: 60 }
      expect(await addRow(driver, 'domainname', domain)).toBe(`subnet-${topic}`)
      expect(await addRow(driver, 'dnsname', { lport: `web-${topic}`, dns_name: 'web' })).toBe(`web-${topic}`)
    }
    const northbound = northboundOf(await driver.list())
    expect(northbound.rejected).toEqual([])
    expect([...northbound.lport.values()].map(({ topic, unique_key }) => [topic, unique_key])).toEqual([
      [red, 1],
      [blue, 2],
    ])
    expect([...northbound.dnsname.values()].map(({ topic }) => topic)).toEqual([red, blue])
    expect([...northbound.domainname.values()].map(({ topic }) => topic)).toEqual([red, blue])
  })

  test('a key that is given is kept, and not given out again', async () => {
    await port('p', red, { unique_key: 7 })
    await port('q', red)
    expect(await row('lport', 'q')).toMatchObject({ unique_key: 8 })
  })

  test('keys of rows that were written past the counter are not given out', async () => {
    const bare = { topic: red, lswitch: 'n' }
    await driver.put('lport', 'p', JSON.stringify({ id: 'p', unique_key: 20, ...bare }))
    await driver.put('lport', 'bad', JSON.stringify({ id: 'bad', unique_key: 0xffffffff, ...bare }))
    await driver.put('lport', 'worse', '{')
    await port('q', red)
    expect(await row('lport', 'q')).toMatchObject({ unique_key: 21 })
  })

  test('many keys are taken at once, after all that are in use', async () => {
    await driver.put('lport', 'p', JSON.stringify({ id: 'p', unique_key: 20, topic: red, lswitch: 'n' }))
    expect(await takeUniqueKeys(driver, 'lport', 1000)).toBe(21)
    expect(await driver.get('unique_key', 'lport')).toBe('1020')
    expect(await driver.allocateUniqueKey('lport')).toBe(1021)
  })

  test.each([
    ['without id', { topic: red }, 'a new lswitch needs an id: add id=...'],
    ['with an id that is no text', { id: 7, topic: red }, 'a new lswitch needs an id: add id=...'],
    ['without topic', { id: 'n' }, 'lswitch n: topic is missing'],
    [
      'with a key in use',
      { id: 'n', topic: blue, unique_key: 1 },
      'lswitch n: unique_key 1 is that of lswitch first',
    ],
    [
      'with a key that is none',
      { id: 'n', topic: blue, unique_key: 'x' },
      'lswitch n: unique_key is "x", not a whole',
    ],
    [
      'that exists',
      { id: 'first', topic: blue },
      'lswitch first exists already: update it, or remove it first',
    ],
    [
      'with a field that is not of the table',
      { id: 'n', topic: red, dns_domain: 'x' },
      'dns_domain is no field',
    ],
  ])('a row %s is refused and costs no key', async (_, fields, message) => {
    await network('first', red)
    await expect(addRow(driver, 'lswitch', fields)).rejects.toThrow(message)
    expect(await row('lswitch', 'first')).toMatchObject({ topic: red })
    expect(await driver.list('lswitch')).toHaveLength(1)
    expect(await driver.get('unique_key', 'lswitch')).toBe('1')
  })

  test('a name for a port that is not there needs a topic', async () => {
    await expect(addRow(driver, 'dnsname', { lport: 'p', dns_name: 'web' })).rejects.toThrow(
      'dnsname p: there is no lport p to take the topic from',
    )
    expect(await addRow(driver, 'dnsname', { lport: 'p', dns_name: 'web', topic: red })).toBe('p')
    await driver.put('lport', 'q', '{')
    await expect(addRow(driver, 'dnsname', { lport: 'q', dns_name: 'web' })).rejects.toThrow(
      'dnsname q: topic is missing',
    )
  })
})

describe('updating', () => {
  test('changes one row and counts its version', async () => {
    await port('p', red, { ips: ['10.0.0.11'] })
    await port('q', blue, { ips: ['10.0.0.11'] })
    const text = await updateRow(driver, 'lport', 'p', { ips: ['10.0.0.12'] })
    expect(await driver.get('lport', 'p')).toBe(text)
    expect(JSON.parse(text)).toMatchObject({ ips: ['10.0.0.12'], unique_key: 1, version: 1, topic: red })
    expect(await row('lport', 'q')).toMatchObject({ ips: ['10.0.0.11'], version: 0 })
  })

  test('many at once lose nothing', async () => {
    await port('p', red)
    const fields = ['name', 'device_id', 'device_owner', 'binding_vnic_type', 'qos_policy']
    await Promise.all(fields.map((field) => updateRow(driver, 'lport', 'p', { [field]: field })))
    expect(await row('lport', 'p')).toMatchObject({
      ...Object.fromEntries(fields.map((field) => [field, field])),
      version: 5,
    })
  })

  test.each([
    ['a row that is not there', 'x', { name: 'y' }, 'there is no lport x: see df-db ls lport'],
    ['a key in use', 'p', { unique_key: 2 }, 'lport p: unique_key 2 is that of lport q: leave it out'],
    ['a key that is none', 'p', { unique_key: 0 }, 'lport p: unique_key is 0, not a whole number'],
    ['a field that is wrong', 'p', { ips: ['x'] }, 'lport p: ips.0 is "x", not an IP address'],
  ])('%s is refused', async (_, id, changes, message) => {
    await port('p', red)
    await port('q', blue)
    const before = await driver.list()
    await expect(updateRow(driver, 'lport', id, changes)).rejects.toThrow(message)
    expect(await driver.list()).toEqual(before)
  })

  test('a key may change to one that is free, and stays the only one', async () => {
    await port('p', red)
    await updateRow(driver, 'lport', 'p', { unique_key: 30 })
    await updateRow(driver, 'lport', 'p', { unique_key: 30, name: 'x' })
    await port('q', blue)
    expect(await row('lport', 'q')).toMatchObject({ unique_key: 31 })
  })
})

describe('loading', () => {
  test('the rows of Dragonflow stores them to the byte', async () => {
    await loadRows(driver, dragonflowRows())
    expect(new Set(await driver.list())).toEqual(new Set(dragonflowRows()))
    await port('p', red)
    expect(await row('lport', 'p')).toMatchObject({ unique_key: 17 })
  })

  test('rows without their counters sets the counters', async () => {
    await loadRows(
      driver,
      dragonflowRows().filter(({ table }) => table !== 'unique_key'),
    )
    const highest = { lport: '15', lrouter: '2', lswitch: '2', secgroup: '2' }
    for (const [table, counter] of Object.entries(highest))
      expect(await driver.get('unique_key', table)).toBe(counter)
  })

  test('a counter never goes back', async () => {
    await driver.put('unique_key', 'lport', '100')
    await loadRows(driver, dragonflowRows())
    expect(await driver.get('unique_key', 'lport')).toBe('100')
  })

  test('one wrong row writes nothing', async () => {
    const wrong = { table: 'lport', id: 'p', value: '{"id": "p"}' }
    await expect(loadRows(driver, [...dragonflowRows(), wrong])).rejects.toThrow('lport p: topic is missing')
    expect(await driver.list()).toEqual([])
  })
})

describe('a row that shall have certain fields', () => {
  const wish = { ip: '192.0.2.11', tunnel_types: ['geneve'] }
  const ensure = () => ensureRow(driver, 'chassis', 'compute-1', wish)

  test('is made', async () => {
    expect(await ensure()).toBe(true)
    expect(await row('chassis', 'compute-1')).toEqual({ id: 'compute-1', ...wish })
  })

  test.each([
    ['keeps its other fields', { id: 'compute-1', ip: '192.0.2.9', rack: 7 }, { rack: 7 }],
    ['is made anew if it does not count', { id: 'compute-1', ip: 'nowhere', rack: 7 }, {}],
  ])('%s', async (_, stored, kept) => {
    await driver.put('chassis', 'compute-1', JSON.stringify(stored))
    expect(await ensure()).toBe(true)
    expect(await row('chassis', 'compute-1')).toEqual({ id: 'compute-1', ...wish, ...kept })
  })

  test('is not written if it has them', async () => {
    const text = '{ "ip": "192.0.2.11",   "tunnel_types": ["geneve"], "id": "compute-1" }'
    await driver.put('chassis', 'compute-1', text)
    expect(await ensure()).toBe(false)
    expect(await driver.get('chassis', 'compute-1')).toBe(text)
  })
})
