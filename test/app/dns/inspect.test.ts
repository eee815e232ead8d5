/** What people ask the application: the queries are judged by tcpdump's eye and the decision of the data path. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CheckedRow, Explanation, ListedName } from '../../../src/app/dns/inspect.ts'
import { sampleFrame, typeNumber } from '../../../src/app/dns/sample-query.ts'
import { puntOf } from '../../support/apps.ts'
import { appsOf } from '../../support/cloud.ts'
import { twoTenants } from '../../support/view.ts'

const [dns] = appsOf(['dns'])
const view = twoTenants()
const red = view.localPorts[0]!
const blue = view.localPorts.find(({ topic }) => topic !== red.topic)!
const explain = (request: object) => dns!.inspect!.explain!(request as never, view) as Explanation
const list = (port: string) => dns!.inspect!.list!({ port }, view) as ListedName[]
const check = (over = view) => dns!.inspect!.check!({}, over) as CheckedRow[]

/** What tcpdump reads in a frame. */
function seen(frame: Buffer): string {
  const directory = mkdtempSync(join(tmpdir(), 'df-inspect-'))
  try {
    const file = join(directory, 'pcap')
    const head = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
    const record = Buffer.alloc(16)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    writeFileSync(file, Buffer.concat([head, record, frame]))
    return execFileSync('tcpdump', ['-nnvvr', file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe('the query that is made', () => {
  const ip = (port: typeof red, isIpv6: boolean) =>
    port.addresses.find((address) => address.ip.includes(':') === isIpv6)!.ip

  test.each([
    ['198.51.100.53', false],
    ['2001:db8::53', true],
  ])('for %s is one that tcpdump takes, with the addresses of the port', (server, isIpv6) => {
    for (const port of [red, blue]) {
      const text = seen(sampleFrame(port, { name: 'Web.red.example.', type: typeNumber('aaaa'), server }))
      expect(text).toContain(
        `${ip(port, isIpv6)}.53535 > ${server}.53: [udp sum ok] 4660+ AAAA? Web.red.example. (`,
      )
    }
  })

  test('for an IPv6 server comes from a link-local address if there is no other', () => {
    const { addresses } = red
    const port = { ...red, addresses: addresses.filter((address) => !address.ip.includes(':')) }
    expect(seen(sampleFrame(port, { name: 'x', type: 1, server: '2001:db8::53' }))).toMatch(
      /fe80::\S+\.53535 > /,
    )
  })

  test.each([
    [{ name: 'x', server: 'example' }, "'example' is not an IP address"],
    [{ name: 'x'.repeat(64), server: '192.0.2.1' }, 'is not a name that can be asked'],
    [{ name: 'a..b', server: '192.0.2.1' }, 'is not a name that can be asked'],
  ])('cannot be %j', (wrong, reason) => {
    expect(() => sampleFrame(red, { type: 1, ...wrong })).toThrow(reason)
  })

  test('is for the root, too, and from a port without a MAC address', () => {
    const text = seen(sampleFrame({ ...red, macs: [] }, { name: '.', type: 6, server: '192.0.2.1' }))
    expect(text).toMatch(/> 192\.0\.2\.1\.53: \[udp sum ok\] 4660\+ SOA\? \. \(/)
  })

  test('never has the checksum 0, which would mean none', () => {
    const frames = Array.from({ length: 0x10000 }, (_, type) =>
      sampleFrame(red, { name: 'x', type, server: '192.0.2.1' }),
    )
    const sums = frames.map((frame) => frame.readUInt16BE(40))
    expect(sums).not.toContain(0)
    expect(seen(frames[sums.indexOf(0xffff)]!)).toContain('[udp sum ok]')
  })

  test('needs an address of the family of an IPv4 server', () => {
    const port = { ...red, addresses: [] }
    expect(() => sampleFrame(port, { name: 'x', type: 1, server: '192.0.2.1' })).toThrow(
      /has no IPv4 address/,
    )
    expect(() => sampleFrame({ ...port, macs: [] }, { name: 'x', type: 1, server: '2001:db8::1' })).toThrow()
  })

  test.each([
    ['AAAA', 28],
    ['https', 65],
    ['TYPE65534', 65_534],
  ])('is of type %s, which is %i', (text, number) => expect(typeNumber(text)).toBe(number))

  test.each(['', 'TYPE65536', 'NONSENSE', 'toString'])('is not of type %j', (text) =>
    expect(() => typeNumber(text)).toThrow(/is not a record type/),
  )
})

describe('an explanation', () => {
  test('ends as the data path does, for each tenant by its own rows', () => {
    for (const port of [red, blue]) {
      const [own] = list(port.id).filter(({ type }) => type === 'A')
      const answer = explain({ port: port.id, name: own!.name })
      expect(answer).toMatchObject({ verdict: 'reply', why: 'answer', port: port.id, ofport: port.ofport })
      expect(answer.reply?.answer.join()).toContain(own!.data)
      expect(answer.reasons.at(-1)).toMatch(/^it is answered: NOERROR/)
      const punt = puntOf(port, Buffer.from(answer.frame, 'hex'))
      expect(dns!.packetIn!(punt, view)).toMatchObject({ kind: 'reply', why: 'answer' })
    }
  })

  test('says that a name goes on, and that no data is an answer', () => {
    expect(explain({ port: red.id, name: 'www.example.net' })).toMatchObject({
      verdict: 'pass',
      why: 'unknown-name',
      reply: undefined,
    })
    const [own] = list(red.id)
    const { reply } = explain({ port: red.id, name: own!.name, type: 'MX' })
    expect([reply?.status, reply?.answer, reply?.authority.length]).toEqual(['NOERROR', [], 1])
    expect(reply?.authority[0]).toMatch(/ SOA \S+\. nobody\.invalid\. 1 3600 1200 604800 5$/)
  })

  test('takes a port by the only beginning of its id', () => {
    const unique = [...red.id].map((_, size) => red.id.slice(0, size + 1))
    const shortest = unique.find(
      (text) => view.localPorts.filter(({ id }) => id.startsWith(text)).length === 1,
    )!
    expect(explain({ port: shortest, name: 'x' }).port).toBe(red.id)
  })

  test.each([
    [{ port: 'nobody', name: 'x' }, "there is no port 'nobody' on this node"],
    [{ port: 'net-', name: 'x' }, /'net-' is \d+ ports here: name one by its id: net-/],
    [{ name: 'x' }, 'port is missing'],
    [{ port: red.id }, 'name is missing'],
    [{ port: 7, name: 'x' }, 'port is missing'],
  ])('of %j is refused with what to do', (request, reason) => {
    expect(() => explain(request)).toThrow(reason)
  })

  test.each(['name', 'dnsName'] as const)('takes a port by its only %s', (field) => {
    const named = { ...red, [field]: 'unmistakable' }
    const localPorts = [named, ...view.localPorts.slice(1)]
    const answer = dns!.inspect!.explain!({ port: 'unmistakable', name: 'x' }, { ...view, localPorts })
    expect(answer).toMatchObject({ port: red.id })
  })

  test('of a port with IPv6 alone asks over IPv6, and reads the reply', () => {
    const addresses = red.addresses.filter(({ ip }) => ip.includes(':'))
    const only = { ...red, addresses }
    const ports = new Map([...view.ports, [red.id, only]])
    const localPorts = [only, ...view.localPorts.slice(1)]
    const request = { port: red.id, name: `${red.dnsName}.red.example.org`, type: 'AAAA' }
    const answer = dns!.inspect!.explain!(request, { ...view, version: -1, ports, localPorts }) as Explanation
    expect([answer.server, answer.reply?.status, answer.reply?.answer.length]).toEqual([
      '2001:db8::53',
      'NOERROR',
      1,
    ])
  })

  test('of a port without a tenant, which finds nothing and has nothing', () => {
    const lonely = {
      ...red,
      topic: '',
      dnsName: undefined,
      addresses: [{ ip: '192.0.2.9', subnet: undefined }],
    }
    const twin = { ...lonely, id: `${red.id}x` }
    const localPorts = [lonely, twin]
    const without = { ...view, version: -2, localPorts }
    const answer = dns!.inspect!.explain!({ port: red.id, name: 'x' }, without) as Explanation
    expect([answer.reasons[0], answer.why]).toEqual([`the asker is port ${red.id} of no tenant`, 'no-names'])
    expect(dns!.inspect!.list!({ port: red.id }, without)).toEqual([])
    expect(() => dns!.inspect!.list!({ port: red.id.slice(0, -1) }, without)).toThrow(/\(no name, tenant \)/)
  })

  test('of a port that is bound to no node says so', () => {
    const unbound = { ...red, id: 'unbound', chassis: undefined }
    const ports = new Map([...view.ports, ['unbound', unbound]])
    expect(() => dns!.inspect!.explain!({ port: 'unbound', name: 'x' }, { ...view, ports })).toThrow(
      /it is bound to no node/,
    )
  })

  test('of a port on another node says where it is', () => {
    const remote = [...view.ports.values()].find(({ id }) => view.localPorts.every((port) => port.id !== id))!
    expect(() => explain({ port: remote.id, name: 'x' })).toThrow(
      /is not plugged in here \(it is bound to .*--offline/,
    )
  })
})

test('a list holds the names of the port’s own tenant alone', () => {
  const [mine, theirs] = [red, blue].map(({ id }) => list(id).map(({ name, data }) => `${name} ${data}`))
  expect(mine!.length).toBeGreaterThan(0)
  expect(theirs!.filter((line) => line.includes('blue')).length).toBeGreaterThan(0)
  expect(mine!.filter((line) => line.includes('blue'))).toEqual([])
})

describe('a check', () => {
  test('finds two ports of one tenant with one name, not those of two tenants', () => {
    expect(check().filter(({ reason }) => reason.includes('also the name'))).toEqual([])
    const others = [...view.ports.values()].filter(({ topic, id }) => topic === red.topic && id !== red.id)
    const twin = { ...others[0]!, dnsName: red.dnsName!.toUpperCase(), addresses: red.addresses }
    const ports = new Map([...view.ports, [twin.id, twin]])
    expect(check({ ...view, ports }).map(({ reason }) => reason)).toContainEqual(
      expect.stringMatching(/is also the name of port .*: both answer/),
    )
  })

  test('finds names that nobody can ask for', () => {
    const lost = { ...red, id: 'lost', topic: '', dnsName: 'lost' }
    const nowhere = { ...red, id: 'nowhere', dnsName: 'nowhere', addresses: [] }
    const nameless = { ...red, id: 'nameless', dnsName: undefined, addresses: [] }
    const ports = new Map([
      ...view.ports,
      ...[lost, nowhere, nameless].map((port) => [port.id, port] as const),
    ])
    expect(check({ ...view, ports })).toEqual([
      { row: 'dnsname/lost', reason: "nobody finds 'lost': its port has no tenant" },
      { row: 'dnsname/nowhere', reason: "nobody finds 'nowhere': its port has no address in a subnet" },
    ])
  })
})
