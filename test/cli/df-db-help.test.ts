import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/df-db.ts'
import { examples, firstCloud } from '../../src/cli/df-db-help.ts'
import { tableNames } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { ran } from '../support/io.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'df-db-'))
  await mkdir(join(folder, 'bin'))
  await symlink(join(builtSource(), 'cli/df-db.js'), join(folder, 'bin/df-db'))
}, buildMs)
afterAll(() => rm(folder, { recursive: true }))

const commands = Object.keys(examples) as (keyof typeof examples)[]

test.each(commands)('df-db %s --help shows its examples', async (command) => {
  const { code, out } = await ran(run, [command, '--help'])
  expect(code).toBe(0)
  for (const [line, does] of examples[command]) expect(out).toContain(`  ${line}\n      ${does}\n`)
})

test('df-db --help lists every command, each of which has examples, and a first cloud', async () => {
  const { out } = await ran(run, ['--help'])
  const listed = [...out.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name)
  expect(listed.filter((name) => name !== 'help')).toEqual(commands)
  for (const line of firstCloud) expect(out).toContain(`  ${line}\n`)
})

test.each(['add', 'update'])('df-db %s --help tells the fields of every table', async (command) => {
  const { out } = await ran(run, [command, '--help'])
  for (const table of tableNames) expect(out).toMatch(new RegExp(`^  ${table} +id\\* `, 'm'))
  expect(out).toMatch(/^ {2}dnsname +id\* topic\* lport\* dns_name\* version$/m)
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThan(115)
})

test('every example does what it should, in a shell', async () => {
  // `watch` goes on for ever, and its examples need nothing else; df-db.test.ts watches.
  const order = ['init', 'add', 'ls', 'get', 'update', 'dump', 'load', 'check', 'completion', 'rm'] as const
  expect([...order, 'watch'].sort()).toEqual([...commands].sort())
  const lines = [...firstCloud, ...order.flatMap((command) => examples[command].map(([line]) => line))]
  const script = `
set -e -o pipefail
df-db() { command df-db --nb-path ./first "$@"; }
${lines.join('\n')}
df-db ls dnsname
df-db --nb-path ./copy get lport web-red binding
`
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` }
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script], { cwd: folder, env })
  expect(stdout).toMatch(/\nID +TOPIC +DNS_NAME\nweb-blue +blue +web\nFIELD +VALUE\nchassis +compute-1\n/)
  const warned = stderr.split('\n').filter((line) => line.includes('warning'))
  expect(warned).toEqual([
    expect.stringContaining(
      'dnsname web-blue does not count: lport names lport web-blue, which does not exist',
    ),
  ])
}, 120_000)
