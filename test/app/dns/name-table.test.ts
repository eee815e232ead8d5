/**
 * The packed names of a scope: the same after any changes as when they are made anew, and found by their bytes alone. Two
 * tenants share the network, with the same addresses and the same names.
 */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { types } from '../../../src/app/dns/codes.ts'
import { keyOf } from '../../../src/app/dns/domain-name.ts'
import { emptyDraft } from '../../../src/app/dns/drafts.ts'
import { KeyReader } from '../../../src/app/dns/keys.ts'
import { recordTexts } from '../../../src/app/dns/message-text.ts'
import type { NameTable, OwnedName } from '../../../src/app/dns/name-table.ts'
import { createNames, type Names } from '../../../src/app/dns/names.ts'
import type { NameRules } from '../../../src/app/dns/port-names.ts'
import type { Scope } from '../../../src/app/dns/scope.ts'
import { TableWriter } from '../../../src/app/dns/table-writer.ts'
import type { Network, Port, View } from '../../../src/app/view.ts'
import { networkOf, portOf, tenants, viewOf } from '../../support/view.ts'
import { localPort } from './asking.ts'

const rules: NameRules = {
  ...{ scope: 'network', dnsDomain: 'openstacklocal', ttlSeconds: 30 },
  ...{ hasDefaultHostnames: true, hasShortNames: true },
}
const [red, blue] = [1, 2]
const secret = Buffer.from('a secret')
/** Of the tables, for every test. */
const reader = new KeyReader(secret)

/** A network of both tenants. */
function sharedNetwork(isAuthoritative: boolean): Network {
  const plain = networkOf('red', 1)
  const domain = { name: 'example.org', ttl: undefined, isAuthoritative }
  const [v4, v6] = plain.subnets.map((subnet) => ({ ...subnet, domain }))
  return { ...plain, subnets: [{ ...v4!, cidr: '10.0.0.0/16' }, v6!] }
}

/** A port of each tenant asks. */
function viewWith(network: Network, others: readonly Port[]): View {
  const askers = [tenants.red, tenants.blue].map((topic, index) => ({
    ...portOf(network, index + 1, 'asker', ['10.0.0.1']),
    topic,
  }))
  return viewOf([network], [...askers, ...others], { [red]: 11, [blue]: 12 })
}

const scopeOf = (names: Names, view: View, key: number): Scope => names.scopeOf(localPort(view, key))!

/** What people see of a table, by key. */
function contents({ names }: Scope) {
  const textsOf = (name: OwnedName) =>
    (['a', 'aaaa', 'ptr'] as const).map((kind) => {
      const set = name[kind]
      return set && [set.preferred, ...recordTexts(set).map(({ ttl, data }) => `${ttl} ${data}`)]
    })
  const all = Array.from(names, ([key, owned]): [string, unknown[]] => [
    key,
    [owned.apexSize, owned.isApex, owned.isShort, ...textsOf(owned)],
  ])
  expect(all.length).toBe(names.parts.size)
  return new Map(all)
}

describe.each([false, true])('with authority: %s', (isAuthoritative) => {
  const network = sharedNetwork(isAuthoritative)
  /** Few names and few addresses, so that ports share them. */
  const port = fc
    .record({
      key: fc.integer({ min: 3, max: 30 }),
      name: fc.constantFrom('a', 'b', 'c.b', 'd.c.b', 'asker', 'example', 'no_name', undefined),
      last: fc.integer({ min: 2, max: 30 }),
      isDual: fc.boolean(),
      topic: fc.constantFrom(...Object.values(tenants)),
    })
    .map(({ key, name, last, isDual, topic }) => {
      const ips = [`10.0.0.${last}`, ...(isDual ? [`fd00:a::${last}`] : [])]
      return { ...portOf(network, key, name, ips), topic }
    })
  const change = fc.oneof(
    port,
    fc.integer({ min: 3, max: 30 }).map((key) => key),
  )

  test('a table that was changed holds what a new one holds', () => {
    fc.assert(
      fc.property(
        fc.array(port, { maxLength: 30 }),
        fc.array(change, { maxLength: 20 }),
        (first, changes) => {
          const names = createNames(rules, secret)
          const ports = new Map(first.map((one) => [one.key, one]))
          for (const one of [undefined, ...changes]) {
            if (typeof one === 'number') ports.delete(one)
            else if (one !== undefined) ports.set(one.key, one)
            const view = viewWith(network, [...ports.values()])
            for (const key of [red, blue])
              expect(contents(scopeOf(names(view), view, key))).toEqual(
                contents(scopeOf(createNames(rules, secret)(view), view, key)),
              )
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('among many names', () => {
  const network = sharedNetwork(false)
  const many = Array.from({ length: 1000 }, (_, i) => ({
    ...portOf(network, i + 3, `vm-${i >> 1}`, [`10.0.${1 + (i >> 9)}.${(i >> 1) & 255}`]),
    topic: i % 2 === 0 ? tenants.red : tenants.blue,
  }))
  const names = createNames(rules, secret)
  const view = viewWith(network, many)
  const find = ({ names: table }: Scope, name: string) => {
    reader.readKey(keyOf(name))
    return table.find(reader)
  }

  test('each is found in any case, and others are not', () => {
    for (const key of [red, blue]) {
      const scope = scopeOf(names(view), view, key)
      for (let i = 0; i < 500; i += 1) {
        const entry = find(scope, `vm-${i}.example.org`)
        expect(entry).toBe(find(scope, `VM-${i}.eXample.ORG`))
        const { a } = scope.names.nameAt(entry)
        expect(recordTexts(a!)[0]!.data).toBe(`10.0.${1 + (i >> 8)}.${i & 255}`)
        expect(find(scope, `vm-${i}.example.net`)).toBe(0)
      }
    }
  })

  test('one changed port leaves the other tenant’s table alone, and of its own what it was', () => {
    const before = scopeOf(names(view), view, red)
    const kept = contents(before)
    const other = scopeOf(names(view), view, blue)
    const renamed = { ...many[10]!, dnsName: 'renamed' }
    const later = viewWith(network, many.with(10, renamed))
    // The askers are the same objects, or they would have changed, too.
    const same = { ...later, ports: new Map([...view.ports, [renamed.id, renamed]]) }
    const after = scopeOf(names(same), same, red)
    expect(scopeOf(names(same), same, blue)).toBe(other)
    expect(contents(before)).toEqual(kept)
    expect([find(after, 'vm-5'), find(before, 'renamed')]).toEqual([0, 0])
    expect(find(after, 'renamed')).toBeGreaterThan(find(after, 'vm-499'))
    expect(after.names.parts.waste).toBeGreaterThan(0)
  })

  test('what a look-up will touch is known in advance, and lies in the table', () => {
    const renamed = { ...many[10]!, dnsName: 'renamed' }
    const later = viewWith(network, many.with(10, renamed))
    const gone = { ...later, ports: new Map([...view.ports, [renamed.id, renamed]]) }
    for (const [at, key] of [
      [view, red],
      [view, blue],
      [gone, red],
    ] as const) {
      const { names: table } = scopeOf(names(at), at, key)
      for (const name of ['vm-5', 'vm-499.example.org', 'renamed', 'nosuch', '9.1.0.10.in-addr.arpa']) {
        reader.readKey(keyOf(name))
        const [found, entry] = [table.find(reader), table.likelyEntry(reader)]
        const end = table.likelyEnd(entry, reader)
        expect(entry).toBe(found)
        expect(end).toBeGreaterThan(entry)
        expect(end).toBeLessThan(table.parts.words.length)
        expect(table.slotPlace(reader)).toBeLessThan(2 * table.parts.slotCount)
      }
    }
  })

  test('a table does not grow for ever', () => {
    const names = createNames(rules, secret)
    const lengths = Array.from({ length: 400 }, (_, turn) => {
      const renamed = { ...many[10]!, dnsName: `renamed-${turn}` }
      const later = { ...view, version: 1e6 + turn, ports: new Map([...view.ports, [renamed.id, renamed]]) }
      return scopeOf(names(later), later, red).names.parts.words.length
    })
    expect(Math.max(...lengths)).toBeLessThan(1.5 * lengths[0]!)
  })
})

describe('a writer', () => {
  /** Every name has the same hash. */
  class Colliding extends KeyReader {
    override read(bytes: Uint8Array, start: number, end: number): void {
      super.read(bytes, start, end)
      this.hash = 7
    }
  }
  const draftAt = (last: number) => ({
    ...{ ...emptyDraft(5, false), count: 1, owners: [last] },
    facts: [{ type: types.a, ttlSeconds: 30, isOwn: true, data: Buffer.from([10, 0, 0, last]) }],
  })
  const keys = ['a.bc', 'a.bd', 'a', 'b', 'long.name.example.org', 'long.name.example.com'].map(keyOf)

  test('keeps names apart whose hashes are the same', () => {
    const colliding = new Colliding(secret)
    const writer = new TableWriter(colliding)
    for (const [index, key] of keys.entries()) writer.put(key, draftAt(index))
    const table = writer.table()
    for (const [index, key] of keys.entries()) {
      colliding.readKey(key)
      const { a } = table.nameAt(table.find(colliding))
      expect(recordTexts(a!)[0]!.data).toBe(`10.0.0.${index}`)
    }
  })

  const addressesIn = (table: NameTable) =>
    Array.from(table, ([key, { a }]) => [key, recordTexts(a!).map(({ data }) => data)] as const).sort()
  const many = (tenant: number, count: number) =>
    Array.from({ length: count }, (_, index) => [keyOf(`vm-${index}`), `10.${tenant}.0.0`] as const).sort()

  test.each([
    ['few names', 20, 20],
    ['many', 3000, 3000],
    ['few after many', 3000, 20],
    ['many after few', 20, 3000],
  ])(
    'shares no memory with a table that was made before, nor with another writer: %s',
    (_what, one, other) => {
      const filled = (tenant: number, count: number, before?: NameTable) => {
        const writer = new TableWriter(reader, before)
        for (const [key] of many(tenant, count)) {
          const facts = [
            { type: types.a, ttlSeconds: 30, isOwn: true, data: Buffer.from([10, tenant, 0, 0]) },
          ]
          writer.put(key, { ...emptyDraft(key.length, false), count: 1, owners: [tenant], facts })
        }
        return writer
      }
      const [ofRed, ofBlue] = [filled(red, one), filled(blue, other)]
      const tables = [ofRed.table(), ofBlue.table()]
      const expected = [many(red, one), many(blue, other)].map((names) =>
        names.map(([key, ip]) => [key, [ip]]),
      )
      expect(tables.map(addressesIn)).toEqual(expected)
      const changed = filled(7, one, tables[0]).table()
      expect(addressesIn(changed)).toEqual(many(7, one).map(([key, ip]) => [key, [ip]]))
      expect(tables.map(addressesIn)).toEqual(expected)
    },
  )

  test('leaves a domain with authority what it is, and takes nothing away that is not there', () => {
    const writer = new TableWriter(reader)
    const [apex, other] = ['bc', 'bd'].map(keyOf)
    writer.put(apex!, { ...emptyDraft(apex!.length, false), isApex: true })
    writer.put(apex!, draftAt(1))
    expect(writer.remove(apex!, draftAt(1))).toBe(true)
    expect(writer.remove(other!, draftAt(1))).toBe(true)
    expect([...writer.table()]).toEqual([
      [apex, { a: undefined, aaaa: undefined, ptr: undefined, apexSize: 4, isApex: true, isShort: false }],
    ])
  })
})
