import { decode, encode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import {
  addressRecord,
  joined,
  nsRecord,
  pointerRecord,
  setOf,
  soaRecord,
} from '../../../src/app/dns/message.ts'

/** Records behind a question for `name`, as dns-packet reads them. */
function readBehind(name: string, records: Buffer, count: number) {
  const question = encode({ type: 'response', questions: [{ type: 'A', name }] })
  question.writeUInt16BE(count, 6)
  const message = Buffer.concat([question, records])
  const { answers } = decode(message)
  expect(decode.bytes).toBe(message.length)
  return answers!.map((answer) => {
    const { name, type, ttl, data } = answer as { name: string; type: string; ttl: number; data: unknown }
    return { name, type, ttl, data }
  })
}

const name = 'web.red.example.org'

describe('a record behind its question', () => {
  // biome-ignore format: one record a line
  test.each<[string, Buffer, object]>([
    ['A',    addressRecord('10.0.0.11', 30), { type: 'A', ttl: 30, data: '10.0.0.11' }],
    ['AAAA', addressRecord('fd00:a::11', 0), { type: 'AAAA', ttl: 0, data: 'fd00:a::11' }],
    ['PTR',  pointerRecord('a.red.example.org', 0x7fffffff), { type: 'PTR', ttl: 0x7fffffff, data: 'a.red.example.org' }],
    ['NS',   nsRecord(30), { type: 'NS', ttl: 30, data: name }],
    ['SOA',  soaRecord(5), { type: 'SOA', ttl: 5, data: { mname: name, rname: 'nobody.invalid', serial: 1, refresh: 3600, retry: 1200, expire: 604800, minimum: 5 } }],
  ])('%s', (_name, record, expected) => {
    expect(readBehind(name, record, 1)).toEqual([{ name, ...expected }])
  })
})

describe('joined records', () => {
  const a = (ip: string, ttl: number) => setOf(addressRecord(ip, ttl))

  test('have the lowest TTL, each address once', () => {
    const { records, ends } = joined([a('10.0.0.1', 30), a('10.0.0.2', 9), a('10.0.0.1', 60)])
    expect(ends).toEqual([16, 32])
    expect(readBehind(name, Buffer.from(records, 'latin1'), 2)).toEqual([
      { name, type: 'A', ttl: 9, data: '10.0.0.1' },
      { name, type: 'A', ttl: 9, data: '10.0.0.2' },
    ])
  })

  test('leave the single ones as they were', () => {
    const single = a('10.0.0.1', 30)
    joined([single, a('10.0.0.2', 9)])
    expect(readBehind(name, Buffer.from(single.records, 'latin1'), 1)).toEqual([
      { name, type: 'A', ttl: 30, data: '10.0.0.1' },
    ])
    expect(joined([single])).toBe(single)
  })
})
