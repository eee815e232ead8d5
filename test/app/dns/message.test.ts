import { decode, encode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import { types } from '../../../src/app/dns/codes.ts'
import {
  nsRecord,
  recordAfter,
  recordEnd,
  recordSize,
  soaRecord,
  writeRecord,
} from '../../../src/app/dns/message.ts'
import { nameBytes } from '../../../src/app/host-name.ts'
import { bytesOf } from '../../../src/app/reach.ts'

const name = 'web.red.example.org'

/** Records behind a question for `name`, as dns-packet reads them. */
function readBehind(records: Buffer, count = 1) {
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

/** Records as they are written, one behind the other. */
function written(...records: (readonly [type: number, ttlSeconds: number, data: Buffer])[]): Buffer {
  const bytes = Buffer.alloc(records.reduce((size, [, , data]) => size + recordSize(data), 0))
  let at = 0
  for (const [type, ttlSeconds, data] of records) {
    writeRecord(bytes, at, { type, ttlSeconds, data })
    at += recordSize(data)
  }
  return bytes
}

describe('a record behind its question', () => {
  // biome-ignore format: one record a line
  test.each<[string, Buffer, object]>([
    ['A',    written([types.a, 30, bytesOf('10.0.0.11')!]), { type: 'A', ttl: 30, data: '10.0.0.11' }],
    ['AAAA', written([types.aaaa, 0, bytesOf('fd00:a::11')!]), { type: 'AAAA', ttl: 0, data: 'fd00:a::11' }],
    ['PTR',  written([types.ptr, 0x7fffffff, nameBytes('A.red.example.org')]), { type: 'PTR', ttl: 0x7fffffff, data: 'A.red.example.org' }],
    ['NS',   nsRecord(30), { type: 'NS', ttl: 30, data: name }],
    ['SOA',  soaRecord(5), { type: 'SOA', ttl: 5, data: { mname: name, rname: 'nobody.invalid', serial: 1, refresh: 3600, retry: 1200, expire: 604800, minimum: 5 } }],
  ])('%s', (_name, record, expected) => {
    expect(readBehind(record)).toEqual([{ name, ...expected }])
  })
})

test.each([
  ['addresses', types.a, ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((ip) => bytesOf(ip)!)],
  ['names', types.ptr, ['a', 'bcd.example', 'e.f'].map(nameBytes)],
] as const)('records are found behind others: %s', (_name, type, all) => {
  const bytes = written(...all.map((data) => [type, 30, data] as const))
  const ends = all.map((_, index) => recordEnd(bytes, recordAfter(bytes, 0, index)))
  expect(ends.at(-1)).toBe(bytes.length)
  expect(readBehind(bytes, all.length)).toHaveLength(all.length)
  expect(ends.slice(0, -1)).toEqual([1, 2].map((index) => recordAfter(bytes, 0, index)))
})
