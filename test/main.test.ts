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

/** Sends a signal to the command; by default the one that ends it. */
type Kill = (signal?: 'SIGTERM' | 'SIGHUP') => void

/** Runs the command to its end; `until` is called with what stands on standard error whenever that grows. */
function run(args: string[], until: (stderr: string, kill: Kill) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(builtSource(), 'main.js'), ...args])
    let [stdout, stderr] = ['', '']
    let isEnding = false
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
      if (!isEnding)
        until(stderr, (signal = 'SIGTERM') => {
          isEnding = signal === 'SIGTERM'
          child.kill(signal)
        })
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
    [
      'a directory that is not there',
      ['--config-dir', '/nonexistent'],
      /configuration directory \/nonexistent: no such directory; check --config-dir/,
    ],
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
    expect(stdout).toMatch(/^Usage: df-local-controller \[--config-file FILE\]\.\.\. \[--config-dir DIR\]/)
  })

  test('--sample-config prints every option, and what it prints is a configuration', async () => {
    const { code, stdout, stderr } = await run(['--sample-config'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^\[DEFAULT\]\n\n# .*\n(# .*\n)+#host = /)
    for (const name of [
      'df_dns_ttl = 30',
      'nb_path = /var/lib/dragonflow/nb',
      'bridge_mappings =',
      'listen = unix:',
    ])
      expect(stdout).toContain(`\n#${name}`)
    const sample = join(folder, 'sample.conf')
    writeFileSync(sample, stdout.replaceAll(/^#(?! )/gm, ''))
    const again = await run(['--config-file', sample, '--sample-config'])
    expect(again).toEqual({ code, stdout, stderr })
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

  test('files and directories count in the order of the command line', async () => {
    const directory = join(folder, 'df.conf.d')
    mkdirSync(directory)
    writeFileSync(join(directory, '20.conf'), '[df]\napps_list = last\n')
    writeFileSync(join(directory, '10.conf'), '[df]\napps_list = first\n')
    const file = configOf({ df: { apps_list: 'file' } })
    const ended = async (...args: string[]) => (await run(args)).stderr
    expect(await ended('--config-file', file, '--config-dir', directory)).toContain('no application "last"')
    expect(await ended('--config-dir', directory, '--config-file', file)).toContain('no application "file"')
    expect(await ended(`--config-dir=${directory}`)).toContain('no application "last"')
  })
})

describe('without a switch and its database', () => {
  test('it goes on trying, warns of what is not ported, and ends with code 0 on SIGTERM', async () => {
    const config = configOf({ df: { apps_list: 'portbinding,classifier,metadata_service,dns' } })
    const { code, stderr } = await run(['--config-file', config], (text, end) => {
      if (text.includes('"ovsdb: ')) end()
    })
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; app?: string })
    expect(code).toBe(0)
    const warned = lines.filter(({ msg }) => /not ported/.test(msg))
    expect(warned.map(({ app }) => app)).toEqual(['metadata_service'])
    expect(lines.at(-1)?.msg).toBe('stopped')
  })
})

describe('SIGHUP', () => {
  interface Line {
    readonly level: number
    readonly msg: string
    readonly reason?: string
    readonly applied?: readonly string[]
  }

  /** Changes the file once the controller runs, tells it, and returns what it logs from then on. */
  async function afterChange(change: () => void): Promise<Line[]> {
    let at: number | undefined
    const { code, stderr } = await run(['--config-file', configOf()], (text, kill) => {
      if (at === undefined && text.includes('"ovsdb: ')) {
        at = text.length
        change()
        kill('SIGHUP')
      } else if (/restart to apply|"configuration not taken over/.test(text)) kill()
    })
    expect(code).toBe(0)
    const lines = stderr.slice(at).trimEnd().split('\n')
    return lines.map((line) => JSON.parse(line) as Line)
  }

  test('takes over what it can, and names what waits for a restart in one line', async () => {
    const lines = await afterChange(() =>
      configOf({
        DEFAULT: { host: 'compute-2', log_level: 'warn' },
        df: { nb_path: '/nonexistent/nb', itegration_bridge: 'br-lab' },
        df_dns_app: { df_dns_ttl: '60' },
      }),
    )
    expect(lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)).toEqual([
      expect.stringMatching(
        /\[df\] itegration_bridge is not an option here .*did you mean integration_bridge/,
      ),
      'changed, but only looked at when the process starts: [DEFAULT] host, [df] nb_path; restart to apply',
    ])
    expect(lines.map(({ msg }) => msg)).not.toContain('stopped') // the level is warn now
  })

  test('with a broken file changes nothing, and says so in one line', async () => {
    const lines = await afterChange(() => configOf({ df_dns_app: { df_dns_ttl: 'soon' } }))
    expect(lines.filter(({ level }) => level >= 40)).toEqual([
      expect.objectContaining({
        level: 50,
        msg: 'configuration not taken over; everything stays as it is',
        reason: expect.stringMatching(
          /df\.conf:\d+: \[df_dns_app\] df_dns_ttl = 'soon': expected a whole number/,
        ),
      }),
    ])
    expect(lines.at(-1)?.msg).toBe('stopped')
  })

  test('with what an application refuses changes nothing either', async () => {
    const lines = await afterChange(() =>
      configOf({ DEFAULT: { dns_domain: 'no domain', log_level: 'fatal' } }),
    )
    expect(lines.find(({ level }) => level === 50)?.reason).toMatch(
      /dns_domain: 'no domain' is not a domain name/,
    )
    expect(lines.at(-1)?.msg).toBe('stopped')
  })

  test('before the start is over ends nothing', async () => {
    let isSent = false
    const { code, stderr } = await run(['--config-file', configOf()], (text, kill) => {
      if (!isSent) {
        isSent = true
        kill('SIGHUP')
      } else if (text.includes('configuration taken over')) kill()
    })
    expect([code, stderr.includes('"applied":[]')]).toEqual([0, true])
  })
})
