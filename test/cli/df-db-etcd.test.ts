import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { run } from '../../src/cli/df-db.ts'
import { buildMs } from '../support/build.ts'
import { Etcd } from '../support/etcd.ts'
import { ran } from '../support/io.ts'

const vectors = join(import.meta.dirname, '../vectors/nb/dragonflow.jsonl')
const vm = '0c0afd02-3476-55c2-9177-a64a327a2b62'

let etcd: Etcd
let folder: string
let conf: string

beforeAll(async () => {
  etcd = await Etcd.start()
  folder = await mkdtemp(join(tmpdir(), 'df-db-'))
  conf = join(folder, 'df.conf')
  await writeFile(conf, `[df]\nnb_db_class = etcd_nb_db_driver\nremote_db_hosts = ${etcd.host}\n`)
}, buildMs)
afterEach(() => etcd.ctl('del', '--prefix', '/'))
afterAll(async () => {
  await etcd.remove()
  await rm(folder, { recursive: true })
})

const db = (...argv: string[]) => ran(run, ['--config-file', conf, ...argv])

test('rows that were loaded into etcd are dumped as they were, and lie there as Dragonflow keeps them', async () => {
  expect(await db('load', vectors)).toEqual({ code: 0, out: '', err: ['df-db: 33 rows loaded'] })
  const text = await readFile(vectors, 'utf8')
  expect(await db('dump')).toEqual({ code: 0, out: text, err: [] })
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: string; value: string })
  const inEtcd = rows.map(({ key, value }) => [key, value]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  expect(await etcd.ctl('get', '--prefix', '/')).toBe(`${inEtcd.flat().join('\n')}\n`)
  expect(await db('check')).toEqual({ code: 0, out: '', err: ['df-db: 33 rows, all count'] })
})

test('rows of service chains are there once', async () => {
  for (const table of ['sfc_portpair', 'sfc_portpairgroup', 'sfc_portchain'])
    expect(await db('add', table, 'id=web', 'topic=red')).toMatchObject({ code: 0, err: [] })
  expect((await db('dump')).out.split('\n')).toHaveLength(4)
  expect((await db('ls', 'sfc_portpair')).out).toMatch(/^ID .*\nweb .*\n$/)
})

test('what others write badly is shown by check and removed as it says', async () => {
  await db('load', vectors)
  await etcd.ctl('put', '/lport/half', '{"id": "half", ')
  await etcd.ctl('put', '/pubsub/D', 'not ours')
  const { code, out, err } = await db('check')
  expect({ code, err }).toEqual({ code: 1, err: ['df-db: 34 rows, 1 does not count'] })
  expect(out).toMatch(/\nlport half +is not JSON .*df-db rm lport half\n$/)
  expect(await db('rm', 'lport', 'half')).toEqual({ code: 0, out: '', err: [] })
  expect(await db('check')).toMatchObject({ code: 0 })
  expect(await etcd.ctl('get', '--print-value-only', '/pubsub/D')).toBe('not ours\n')
})

test('watch goes on when etcd has been away', async () => {
  await db('load', vectors)
  let out = ''
  let err = ''
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const io = {
    out: (text: string) => {
      out += text
    },
    err: (line: string) => {
      err += line
    },
    input: () => Promise.resolve(''),
  }
  const running = run(['--config-file', conf, 'watch'], io, () => ended)
  const until = (text: string) => vi.waitFor(() => expect(err + out).toContain(text), 30_000)
  await until('33 rows; changes follow')
  await db('update', 'lport', vm, 'ips=10.0.0.77')
  await until('version=5')
  await etcd.stop()
  await until('\nlost ')
  await etcd.start()
  await until('\nrecovered 33 rows\n')
  await db('rm', 'lport', vm)
  await until('\ndeleted ')
  end()
  expect(await running).toBe(0)
  expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'changed',
    'lost',
    'recovered',
    'deleted',
    '',
  ])
}, 90_000)

test('etcd that refuses is one line', async () => {
  const nobody = join(folder, 'nobody.conf')
  await writeFile(nobody, '[df]\nnb_db_class = etcd_nb_db_driver\nremote_db_hosts = 127.0.0.1:1\n')
  for (const argv of [['ls'], ['dump'], ['add', 'lswitch', 'id=n', 'topic=red'], ['load', vectors]]) {
    const { code, out, err } = await ran(run, ['--config-file', nobody, ...argv])
    expect({ code, out }, argv.join(' ')).toEqual({ code: 2, out: '' })
    expect(err).toEqual([expect.stringContaining('127.0.0.1:1')])
  }
}, 60_000)
