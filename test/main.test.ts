/** The command as a person meets it: arguments, mistakes in df.conf, and how it ends. */

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { builtSource } from './support/build.ts'

const root = join(import.meta.dirname, '..')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'df-main-'))
  mkdirSync(join(folder, 'nb'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command to its end; `until` is called with what stands on standard error whenever that grows. */
function run(args: string[], until: (stderr: string, end: () => void) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(builtSource(), 'main.js'), ...args])
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
      if (!child.killed) until(stderr, () => child.kill('SIGTERM'))
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

type Sections = Record<string, Record<string, string>>

/** A df.conf of its own folder, with changes; every path of it is free. */
function configOf(changes: Sections = {}, name = 'df.conf'): string {
  const sections: Sections = {
    DEFAULT: { host: 'compute-1', run_dir: join(folder, 'run'), ...changes.DEFAULT },
    df: {
      nb_path: join(folder, 'nb'),
      ovsdb_connection: `unix:${join(folder, 'db.sock')}`,
      metrics_listen: '127.0.0.1:0',
      ...changes.df,
    },
    df_openflow: { listen: `unix:${join(folder, 'br-int.controller')}`, ...changes.df_openflow },
  }
  for (const [section, options] of Object.entries(changes)) sections[section] ??= options
  const text = Object.entries(sections).map(([section, options]) =>
    [`[${section}]`, ...Object.entries(options).map(([option, value]) => `${option} = ${value}`)].join('\n'),
  )
  const path = join(folder, name)
  writeFileSync(path, `${text.join('\n')}\n`)
  return path
}

const runWith = (changes: Sections) => run(['--config-file', configOf(changes)])

/** One line, with the command's name, without a stack; exit code 2. */
function expectOneLine({ code, stdout, stderr }: Ended, message: string | RegExp): void {
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^df-local-controller: /)
  expect(lines[0]).toMatch(message)
  expect([code, stdout]).toEqual([2, ''])
}

describe('a mistake ends with one line and code 2:', () => {
  test.each<[string, Sections, RegExp]>([
    [
      'an option of the wrong type',
      { df_openflow: { controller_queue_size: 'many' } },
      /\[df_openflow\] controller_queue_size = 'many': expected a whole number from 1 to 511/,
    ],
    [
      'an option of an application',
      { df_dns_app: { df_dns_ttl: '-1' } },
      /df\.conf:\d+: \[df_dns_app\] df_dns_ttl = '-1'/,
    ],
    [
      'an unknown application',
      { df: { apps_list: 'classifier,clasifier' } },
      /apps_list: there is no application "clasifier"; did you mean classifier\?/,
    ],
    ['a store that is not there', { df: { nb_path: '/nonexistent/nb' } }, /\/nonexistent\/nb/],
    ['a store that is a file', { df: { nb_path: '/etc/hostname' } }, /\/etc\/hostname/],
    ['a driver that there is not', { df: { nb_db_class: 'redis_nb_db_driver' } }, /redis_nb_db_driver/],
    [
      'a host of etcd that is none',
      { df: { nb_db_class: 'etcd_nb_db_driver', remote_db_hosts: 'etcd' } },
      /\[df\] remote_db_hosts: "etcd" is no host of etcd: write <host>:<port>/,
    ],
    [
      'a metrics address that is not ours',
      { df: { metrics_listen: '192.0.2.1:9476' } },
      /cannot listen at metrics_listen = 192\.0\.2\.1:9476: free it or set another/,
    ],
    [
      'a run directory that cannot be made',
      { DEFAULT: { run_dir: '/etc/hostname/run' } },
      /control socket \/etc\/hostname\/run\/control\.sock: check run_dir/,
    ],
    [
      'a socket in a folder that is not there',
      { df_openflow: { listen: 'unix:/nonexistent/br-int.controller' } },
      /\[df_openflow\] listen = unix:\/nonexistent\/br-int\.controller: directory \/nonexistent does not exist/,
    ],
    [
      'bridge mappings that are none',
      { df_provider_networks: { bridge_mappings: 'physnet1' } },
      /bridge_mappings/,
    ],
  ])('%s', async (_name, changes, message) => {
    expectOneLine(await runWith(changes), message)
  })

  test.each<[string, string[], RegExp]>([
    [
      'a file that is not there',
      ['--config-file', '/nonexistent/df.conf'],
      /configuration file \/nonexistent\/df\.conf: no such file; check --config-file/,
    ],
    ['a folder instead of a file', ['--config-file', '/etc'], /\/etc: is a directory/],
    ['an unknown argument', ['--config', 'x'], /Unknown option '--config'; see df-local-controller --help/],
    ['an argument without its value', ['--config-file'], /--config-file/],
    ['a word too much', ['start'], /'start'/],
  ])('%s', async (_name, args, message) => {
    expectOneLine(await run(args), message)
  })

  test('sockets that another process listens on', async () => {
    for (const [path, changes] of [
      [join(folder, 'run', 'control.sock'), {}],
      [join(folder, 'br-int.controller'), {}],
    ] as const) {
      mkdirSync(join(folder, 'run'), { recursive: true })
      const other = createServer().listen(path)
      await new Promise((resolve) => other.once('listening', resolve))
      const ended = await runWith(changes)
      await new Promise((resolve) => other.close(resolve))
      expectOneLine(ended, new RegExp(`${path}.* in use`))
    }
  })
})

describe('arguments', () => {
  test('--help tells how to call it', async () => {
    const { code, stdout, stderr } = await run(['--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Usage: df-local-controller \[--config-file FILE\]/)
  })

  test('--version is that of the package', async () => {
    cpSync(builtSource(), join(folder, 'dist'), { recursive: true })
    cpSync(join(root, 'package.json'), join(folder, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const child = spawn(process.execPath, [join(folder, 'dist/main.js'), '--version'])
    let text = ''
    for await (const chunk of child.stdout) text += chunk
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(text).toBe(`${version}\n`)
  })

  test('a later file overrides an earlier one, and what it does not know is ignored', async () => {
    const neutron = configOf({ DEFAULT: { log_level: 'debug', transport_url: 'rabbit://' } })
    const ours = join(folder, 'more.conf')
    writeFileSync(ours, '[df]\napps_list = nonsense\n')
    expectOneLine(
      await run(['--config-file', neutron, '--config-file', ours]),
      /there is no application "nonsense"/,
    )
  })
})

describe('without a switch and its database', () => {
  test('it goes on trying, warns of what is not ported, and ends with code 0 on SIGTERM', async () => {
    const config = configOf({ df: { apps_list: 'portbinding,classifier,dhcp,dns' } })
    const { code, stderr } = await run(['--config-file', config], (text, end) => {
      if (text.includes('"ovsdb: ')) end()
    })
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; app?: string })
    expect(code).toBe(0)
    expect(lines.filter(({ msg }) => /not ported/.test(msg)).map(({ app }) => app)).toEqual(['dhcp'])
    expect(lines.at(-1)?.msg).toBe('stopped')
  })
})
