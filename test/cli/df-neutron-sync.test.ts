/** The command: what it prints, what it needs, and how it ends. */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run as runDb } from '../../src/cli/df-db.ts'
import { run } from '../../src/cli/df-neutron-sync.ts'
import { freePort } from '../support/etcd.ts'
import { done, FakeNeutron } from '../support/fake-neutron.ts'
import { ran } from '../support/io.ts'
import { recordedPort } from '../support/neutron.ts'

let fake: FakeNeutron
let folder: string
let metricsPort: number

beforeEach(async () => {
  fake = await FakeNeutron.start()
  folder = await mkdtemp(join(tmpdir(), 'df-neutron-'))
  metricsPort = await freePort()
  await configure()
})
afterEach(async () => {
  await fake.stop()
  await rm(folder, { recursive: true })
})

const configure = (more = '') =>
  writeFile(
    join(folder, 'df.conf'),
    `[DEFAULT]\nlog_level = fatal\n[df]\nnb_path = ${folder}/nb\n[df_neutron_sync]\nauth_url = ${fake.url}\nusername = feed\n` +
      `password = secret\nregion_name = one\ninterval = 1\nmetrics_listen = 127.0.0.1:${metricsPort}\n${more}`,
  )
const sync = (...argv: string[]) => ran(run, ['--config-file', join(folder, 'df.conf'), ...argv])
const stored = async (table: string) =>
  JSON.parse((await ran(runDb, ['--nb-path', join(folder, 'nb'), 'ls', table, '-f', 'json'])).out) as {
    id: string
  }[]

test('--once fills the store, then finds nothing to do; --dry-run says what would be done', async () => {
  expect(await sync('--once')).toMatchObject({
    code: 0,
    err: ['df-neutron-sync: 56 rows to write, 0 to remove'],
  })
  expect((await stored('lport')).length).toBe(19)
  expect(await sync('--once')).toMatchObject({
    code: 0,
    out: '',
    err: [expect.stringMatching(/: 0 rows to write/)],
  })
  const { id } = recordedPort('db')
  fake.items.ports.delete(id)
  const { out, err } = await sync('--dry-run')
  expect(out.split('\n').filter((line) => line.includes(id))).toEqual([
    `deleted   dnsname ${id}`,
    `deleted   lport ${id}`,
  ])
  expect(err).toEqual([expect.stringMatching(/, 2 to remove$/)])
  expect((await stored('lport')).length).toBe(19)
})

test('--dry-run makes no store', async () => {
  expect(await sync('--dry-run')).toMatchObject({ code: 2, err: [expect.stringMatching(/northbound store/)] })
  expect(await readdir(folder)).toEqual(['df.conf'])
})

test('it works until it is told to end, and says how it is', async () => {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const done = run(
    ['--config-file', join(folder, 'df.conf')],
    { out: () => {}, err: () => {}, input: async () => '' },
    () => ended,
  )
  const page = async (path: string) =>
    fetch(`http://127.0.0.1:${metricsPort}${path}`).then(
      (answer) => answer.text(),
      () => '',
    )
  while ((await page('/readyz')) !== 'ready\n') await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await page('/metrics')).toMatch(/df_neutron_sync_resources\{collection="ports"\} 19/)
  expect(await sync('--dry-run')).toMatchObject({ code: 0 })
  end()
  expect(await done).toBe(0)
  expect(await sync('--once')).toMatchObject({ code: 0 })
})

test('a wrong password: one line and code 2', async () => {
  fake.fault = ({ url }, response) => url === '/v3/auth/tokens' && done(response.writeHead(401).end('{}'))
  for (const argv of [['--once'], ['--dry-run'], []])
    expect(await sync(...argv)).toMatchObject({
      code: 2,
      err: [expect.stringMatching(/^df-neutron-sync: Keystone .* correct \[df_neutron_sync\] username/)],
    })
})

test('a transport URL that is none: one line and code 2', async () => {
  await configure('transport_url = kafka://\n')
  expect(await sync()).toMatchObject({ code: 2, err: [expect.stringMatching(/transport_url is none/)] })
})

test('--sample-config lists every option', async () => {
  const { out } = await ran(run, ['--sample-config'])
  expect(out).toContain('[df_neutron_sync]')
  expect(out).toContain('#interval = 60')
})
