import { describe, expect, test } from 'vitest'
import { type News, newsLine, reader } from '../../src/cli/df-db-watch.ts'
import type { RawChange, RawRow } from '../../src/nb/index.ts'

const row = (id: string, fields: object, table = 'lport'): RawRow => ({
  table,
  id,
  value: JSON.stringify({ id, ...fields }),
})
const gone = (id: string, table = 'lport'): RawChange => ({ table, id, value: undefined })
const red = row('web-red', { name: 'a', ips: ['10.0.0.11'] })
const blue = row('web-blue', { ips: ['10.0.0.11'] })
const counter: RawRow = { table: 'unique_key', id: 'lport', value: '2' }

describe('the news of', () => {
  test('the first snapshot is none, only its number of rows', () => {
    expect(reader()({ kind: 'snapshot', rows: [red, blue, counter] })).toEqual({ rows: 3, news: [] })
    expect(reader('lport')({ kind: 'snapshot', rows: [red, blue, counter] })).toEqual({ rows: 2, news: [] })
  })

  test('changes are what was added, changed and deleted, in their order', () => {
    const newsOf = reader()
    newsOf({ kind: 'snapshot', rows: [red] })
    const changed = row('web-red', { name: 'b' })
    const { rows, news } = newsOf({
      kind: 'changes',
      changes: [blue, changed, changed, gone('nobody'), gone('web-blue'), { ...counter, value: '3' }],
    })
    expect(rows).toBe(2)
    expect(news).toEqual([
      { change: 'added', table: 'lport', id: 'web-blue', value: { id: 'web-blue', ips: ['10.0.0.11'] } },
      {
        change: 'changed',
        table: 'lport',
        id: 'web-red',
        before: { id: 'web-red', name: 'a', ips: ['10.0.0.11'] },
        value: { id: 'web-red', name: 'b' },
      },
      { change: 'deleted', table: 'lport', id: 'web-blue', before: { id: 'web-blue', ips: ['10.0.0.11'] } },
      { change: 'added', table: 'unique_key', id: 'lport', value: '3' },
    ])
  })

  test('one table leave the others out', () => {
    const newsOf = reader('dnsname')
    newsOf({ kind: 'snapshot', rows: [red] })
    expect(newsOf({ kind: 'changes', changes: [gone('web-red'), blue] })).toEqual({ rows: 0, news: [] })
  })

  test('a lost store are one, until it is back with all that happened meanwhile', () => {
    const newsOf = reader()
    const lost = { kind: 'lost', error: new Error('no quorum') } as const
    newsOf({ kind: 'snapshot', rows: [red, blue] })
    expect(newsOf(lost).news).toEqual([{ change: 'lost', reason: 'no quorum' }])
    expect(newsOf(lost).news).toEqual([])
    expect(newsOf({ kind: 'lost', error: new Error('refused') }).news).toEqual([
      { change: 'lost', reason: 'refused' },
    ])
    const { news } = newsOf({ kind: 'snapshot', rows: [row('web-red', { name: 'c' }), counter] })
    expect(news.map((one) => ('id' in one ? `${one.change} ${one.id}` : one.change))).toEqual([
      'recovered',
      'deleted web-blue',
      'changed web-red',
      'added lport',
    ])
    expect(news[0]).toEqual({ change: 'recovered', rows: 2 })
    expect(newsOf({ kind: 'snapshot', rows: [row('web-red', { name: 'c' }), counter] }).news).toEqual([])
  })

  test('a store that was lost before it was ever read', () => {
    const newsOf = reader()
    expect(newsOf({ kind: 'lost', error: new Error('refused') })).toMatchObject({
      news: [{ change: 'lost' }],
    })
    expect(newsOf({ kind: 'snapshot', rows: [red] })).toEqual({
      rows: 1,
      news: [{ change: 'recovered', rows: 1 }],
    })
  })

  test('rows that cannot be read are why', () => {
    const newsOf = reader()
    newsOf({ kind: 'snapshot', rows: [{ ...red, value: '{' }] })
    const unread = { ...red, value: '', problem: 'the file is not UTF-8 text' }
    expect(newsOf({ kind: 'changes', changes: [unread] }).news).toEqual([
      { change: 'changed', table: 'lport', id: 'web-red', before: '{', value: 'the file is not UTF-8 text' },
    ])
  })
})

const before = { id: 'p', name: 'a', ips: ['10.0.0.1'], version: 1 }
test.each<[News, string]>([
  [
    { change: 'added', table: 'lport', id: 'p', value: { ...before, topic: 't', enabled: true } },
    'added     lport p name=a topic=t ips=10.0.0.1',
  ],
  [{ change: 'added', table: 'unique_key', id: 'lport', value: '1' }, 'added     unique_key lport 1'],
  [
    {
      change: 'changed',
      table: 'lport',
      id: 'p',
      before,
      value: { id: 'p', name: 'a b', ips: ['10.0.0.1', 'fd00:a::1'], version: 2, binding: { type: 'vtep' } },
    },
    'changed   lport p name="a b" ips=10.0.0.1,fd00:a::1 version=2 binding={"type": "vtep"}',
  ],
  [
    {
      change: 'changed',
      table: 'lport',
      id: 'p',
      before,
      value: { id: 'p', name: 'null', ips: [], version: 1 },
    },
    'changed   lport p name="null" ips=[]',
  ],
  [
    { change: 'changed', table: 'lport', id: 'p', before, value: { id: 'p', ips: ['10.0.0.1'] } },
    'changed   lport p name=null version=null',
  ],
  [
    { change: 'changed', table: 'lport', id: 'p', before: '{', value: { id: 'p', name: '\u009b' } },
    'changed   lport p id=p name="\\u009b"',
  ],
  [{ change: 'changed', table: 'lport', id: 'p', before, value: '{\u001b' }, 'changed   lport p {\\x1b'],
  [{ change: 'deleted', table: 'lport', id: 'a\nb', before }, 'deleted   lport a\\x0ab'],
  [{ change: 'lost', reason: 'no quorum' }, 'lost      no quorum'],
  [{ change: 'recovered', rows: 1 }, 'recovered 1 row'],
  [{ change: 'recovered', rows: 33 }, 'recovered 33 rows'],
])('%j is one line', (news, line) => {
  expect(newsLine(news)).toBe(`${line}\n`)
})
