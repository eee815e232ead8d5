import { execFile, spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { run } from '../../src/cli/df-db.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { ran } from '../support/io.ts'

const vectors = join(import.meta.dirname, '../vectors/nb/dragonflow.jsonl')
const vm = '0c0afd02-3476-55c2-9177-a64a327a2b62'
const red = '0000000000000000000000000000000a'
const blue = '0000000000000000000000000000000b'

let folder: string
let nbPath: string
/** A store with Dragonflow's rows, to be copied. */
let filled: string

beforeAll(async () => {
  filled = await mkdtemp(join(tmpdir(), 'df-db-'))
  expect(await ran(run, ['--nb-path', filled, 'load', vectors])).toEqual({
    code: 0,
    out: '',
    err: ['df-db: 33 rows loaded'],
  })
})
afterAll(() => rm(filled, { recursive: true }))

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'df-db-'))
  nbPath = join(folder, 'nb')
})
afterEach(() => rm(folder, { recursive: true }))

const db = (...argv: string[]) => ran(run, ['--nb-path', nbPath, ...argv])
/** What a command prints that must go well, with nothing to complain about. */
const said = async (...argv: string[]) => {
  const { code, out, err } = await db(...argv)
  expect({ code, err }).toEqual({ code: 0, err: [] })
  return out
}
const json = async (...argv: string[]) => JSON.parse(await said('-f', 'json', ...argv)) as unknown

describe('with the rows of the real Dragonflow', () => {
  beforeEach(async () => {
    await cp(filled, nbPath, { recursive: true })
  })

  test('dump is what was loaded, and loads again', async () => {
    const dump = await said('dump')
    expect(dump).toBe(await readFile(vectors, 'utf8'))
    const other = join(folder, 'other')
    expect(await ran(run, ['load', '-', '--nb-path', other], dump)).toMatchObject({ code: 0 })
    expect(await ran(run, ['dump', '--nb-path', other])).toEqual({ code: 0, out: dump, err: [] })
  })

  test('check finds nothing', async () => {
    expect(await db('check')).toEqual({ code: 0, out: '', err: ['df-db: 33 rows, all count'] })
    expect(await db('check', '-f', 'json')).toMatchObject({ code: 0, out: '[]\n' })
  })

  test('YAML says what JSON says', async () => {
    for (const argv of [
      ['ls'],
      ['ls', 'lport'],
      ['get', 'lport', vm],
      ['get', 'lport', vm, 'ips'],
      ['check'],
    ]) {
      const yaml = (await db(...argv, '-f', 'yaml')).out
      expect(parse(yaml), argv.join(' ')).toEqual(JSON.parse((await db(...argv, '-f', 'json')).out))
    }
    expect(await said('-f', 'yaml', 'get', 'lport', vm, 'ips')).toBe('- "10.0.0.11"\n- "fd00:a::11"\n')
    expect((await db('check', '-f', 'yaml')).out).toBe('[]\n')
  })

  test('ls shows the tables', async () => {
    expect(await said('ls')).toMatch(/^TABLE +ROWS\nchassis +2\nlport +15\n/)
    expect(await json('ls')).toContainEqual({ table: 'lport', rows: 15 })
  })

  test('ls shows the rows of a table, both tenants with the same addresses', async () => {
    const lines = (await said('ls', 'lport')).trimEnd().split('\n')
    expect(lines).toHaveLength(16)
    expect(lines.filter((line) => line.includes(' 10.0.0.11 '))).toHaveLength(2)
    expect(await json('ls', 'lport')).toHaveLength(15)
    expect(await said('ls', 'unique_key')).toBe(
      'ID        VALUE\nlport     16\nlrouter   2\nlswitch   2\nsecgroup  2\n',
    )
    expect(await said('ls', 'dnsname')).toMatch(/^ID +TOPIC +DNS_NAME\n$/)
    expect(await json('ls', 'dnsname')).toEqual([])
  })

  test('get shows a row and a field', async () => {
    expect(await said('get', 'lport', vm)).toMatch(/^name +a-vm1$/m)
    expect(await json('get', 'lport', vm)).toMatchObject({ id: vm, ips: ['10.0.0.11', 'fd00:a::11'] })
    expect(await said('get', 'lport', vm, 'ips')).toBe('10.0.0.11 fd00:a::11\n')
    expect(await json('get', 'lport', vm, 'ips')).toEqual(['10.0.0.11', 'fd00:a::11'])
    expect(await said('get', 'lport', vm, 'binding')).toMatch(/^chassis +compute-1$/m)
    expect(await said('get', 'unique_key', 'lport')).toBe('16\n')
  })

  test('update changes a row and counts its version', async () => {
    expect(await said('update', 'lport', vm, 'ips=10.0.0.77,FD00:A::77', 'name=null')).toBe('')
    expect(await json('get', 'lport', vm)).toMatchObject({ ips: ['10.0.0.77', 'fd00:a::77'], version: 5 })
    expect(await db('get', 'lport', vm, 'name')).toMatchObject({
      code: 2,
      err: [`df-db: lport ${vm} has no name: see df-db get lport ${vm}`],
    })
  })

  test('a name is added, lives as long as its port, and is said to be left behind', async () => {
    expect(await said('add', 'dnsname', `lport=${vm}`, 'dns_name=web')).toBe(`${vm}\n`)
    expect(await json('get', 'dnsname', vm)).toEqual({
      id: vm,
      lport: vm,
      dns_name: 'web',
      topic: '9e2f7c1ab7a64d2f8c3d5e6f7a8b9c01',
      version: 0,
    })
    const reason = `lport names lport ${vm}, which does not exist or does not count`
    expect(await db('rm', 'lport', vm)).toEqual({
      code: 0,
      out: '',
      err: [`df-db: warning: dnsname ${vm} does not count: ${reason}`],
    })
    const check = await db('check')
    expect(check).toMatchObject({ code: 1, err: ['df-db: 33 rows, 1 does not count'] })
    expect(check.out.split('\n')[1]).toBe(
      `dnsname ${vm}  ${reason}  add that row, or remove this one: df-db rm dnsname ${vm}`,
    )
    expect(JSON.parse((await db('check', '-f', 'json')).out)).toEqual([
      {
        table: 'dnsname',
        id: vm,
        field: 'lport',
        reason: reason.slice('lport '.length),
        remedy: expect.any(String),
      },
    ])
    expect(await said('rm', 'dnsname', vm)).toBe('')
    expect(await db('check')).toMatchObject({ code: 0 })
  })
})

test('a cloud of two tenants is made by hand, in any order, with a warning while something is missing', async () => {
  for (const [tenant, topic, key] of [
    ['red', red, 1],
    ['blue', blue, 2],
  ] as const) {
    const port = await db(
      'add',
      'lport',
      `id=web-${tenant}`,
      `topic=${topic}`,
      `lswitch=net-${tenant}`,
      'ips=10.0.0.11',
    )
    expect(port).toMatchObject({
      code: 0,
      out: `web-${tenant}\n`,
      err: [
        `df-db: warning: lport web-${tenant} does not count: lswitch names lswitch net-${tenant}, which does not exist or does not count`,
      ],
    })
    await said('add', 'lswitch', `{"id": "net-${tenant}"}`, `topic=${topic}`)
    expect(await json('get', 'lport', `web-${tenant}`, 'unique_key')).toBe(key)
    const subnet = { id: `subnet-${tenant}`, topic, lswitch: `net-${tenant}`, cidr: '10.0.0.0/24' }
    expect(
      await ran(run, ['--nb-path', nbPath, 'add', 'lsubnet', '-'], JSON.stringify(subnet)),
    ).toMatchObject({ code: 0 })
    await said('add', 'domainname', `subnet=subnet-${tenant}`, `domain_name=${tenant}.example.org`, 'ttl=60')
    await said('add', 'dnsname', `lport=web-${tenant}`, 'dns_name=web')
  }
  expect(await db('check')).toEqual({ code: 0, out: '', err: ['df-db: 12 rows, all count'] })
})

describe('the store', () => {
  test('is made by init, and by the first row', async () => {
    expect(await db('ls')).toEqual({
      code: 2,
      out: '',
      err: [
        `df-db: the northbound store ${nbPath} does not exist: make it with 'df-db --nb-path ${nbPath} init'`,
      ],
    })
    await said('init')
    expect(await said('ls')).toBe('TABLE  ROWS\n')
    await said('init')
    await rm(nbPath, { recursive: true })
    await said('add', 'chassis', 'id=compute-1', 'ip=192.0.2.11', 'tunnel_types=geneve')
    expect(await json('ls', 'chassis')).toEqual([
      { id: 'compute-1', ip: '192.0.2.11', tunnel_types: ['geneve'] },
    ])
  })

  test('is the directory of --nb-path also where df.conf names etcd', async () => {
    const conf = join(folder, 'df.conf')
    await writeFile(conf, '[df]\nnb_db_class = etcd_nb_db_driver\nremote_db_hosts = 127.0.0.1:1\n')
    await said('--config-file', conf, 'init')
    expect(await said('--config-file', conf, 'ls')).toBe('TABLE  ROWS\n')
  })

  test('is where df.conf says, unless --nb-path says otherwise', async () => {
    const conf = join(folder, 'df.conf')
    await writeFile(conf, `[df]\nnb_path = ${nbPath}\n`)
    await said('init')
    await said('add', 'chassis', 'id=compute-1', 'ip=192.0.2.11')
    expect((await ran(run, ['--config-file', conf, 'ls'])).out).toContain('chassis  1')
    expect(await ran(run, ['--config-file', conf, '--nb-path', folder, 'ls'])).toEqual({
      code: 0,
      out: 'TABLE  ROWS\n',
      err: [],
    })
    await writeFile(join(folder, 'more.conf'), `[df]\nnb_path = ${folder}/nowhere\n`)
    const nowhere = `the northbound store ${folder}/nowhere does not exist`
    const both = ['--config-file', conf, '--config-file', join(folder, 'more.conf'), 'ls']
    expect((await ran(run, both)).err[0]).toContain(nowhere)
    await mkdir(join(folder, 'conf.d'))
    await rename(join(folder, 'more.conf'), join(folder, 'conf.d', 'more.conf'))
    const directory = ['--config-dir', join(folder, 'conf.d')]
    expect((await ran(run, ['--config-file', conf, ...directory, 'ls'])).err[0]).toContain(nowhere)
    expect((await ran(run, [...directory, '--config-file', conf, 'ls'])).out).toContain('chassis  1')
  })
})

describe('a bad request is one line that says what to do, and changes nothing', () => {
  beforeEach(async () => {
    await cp(filled, nbPath, { recursive: true })
  })

  test.each<[string[], string | RegExp]>([
    [['ls', 'lports'], /^there is no table "lports": use chassis, service/],
    [['get', 'lport', 'x'], 'there is no lport x: see df-db ls lport'],
    [['get', 'lport', vm, 'color'], `lport ${vm} has no color: see df-db get lport ${vm}`],
    [['get', '../lport', 'x'], '"../lport" cannot be a table: small letters, digits and _ make its name'],
    [['add', 'lports', 'id=x'], /^there is no table "lports"/],
    [
      ['add', 'lport', `id=${vm}`, 'topic=t', 'lswitch=n'],
      `lport ${vm} exists already: update it, or remove it first`,
    ],
    [
      ['add', 'lport', 'id=x', 'topic=t', 'lswitch=n', 'dns_name=web'],
      'lport x: dns_name is no field of this table',
    ],
    [
      ['add', 'lport', 'id=x', 'topic=t', 'lswitch=n', 'ips=10.0.0.300'],
      'lport x: ips.0 is "10.0.0.300", not an IP address',
    ],
    [
      ['add', 'lport', 'id=x', 'topic=t', 'lswitch=n', 'unique_key=2'],
      `lport x: unique_key 2 is that of lport ${vm}: leave it out`,
    ],
    [['add', 'lport', 'topic=t'], 'a new lport needs an id: add id=...'],
    [['add', 'lport', 'web'], '"web" is no field: write field=value, a JSON object, or -'],
    [['update', 'lport', 'x', 'name=y'], 'there is no lport x: see df-db ls lport'],
    [['update', 'lport', vm, 'nmae=y'], `lport ${vm}: nmae is no field of this table`],
    [['update', 'switch_port', 'x', 'name=y'], /^there is no table "switch_port"/],
    [['rm', 'lport', 'x'], 'there is no lport x: see df-db ls lport'],
    [
      ['load', '/nonexistent/rows'],
      /^\/nonexistent\/rows cannot be read \(ENOENT.*\): give the name of a file/,
    ],
    [['ls', '-f', 'xml'], /argument 'xml' is invalid/],
    [['watch', 'lports'], /^there is no table "lports"/],
    [['watch', '--nb-path', '/nonexistent/nb'], /^the northbound store \/nonexistent\/nb does not exist/],
    [['frob'], /unknown command 'frob'/],
    [['get', 'lport'], /missing required argument 'id'/],
    [
      ['ls', '--config-file', '/nonexistent/df.conf'],
      'configuration file /nonexistent/df.conf: no such file; check --config-file',
    ],
  ])('%j', async (argv, message) => {
    const before = await said('dump')
    const { code, out, err } = await db(...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toHaveLength(1)
    const expected =
      typeof message === 'string'
        ? `df-db: ${message}`
        : new RegExp(message.source.replace(/^\^/, '^df-db: '))
    expect(err[0]).toMatch(expected)
    expect(await said('dump')).toBe(before)
  })

  test('a file with one bad row is not loaded at all', async () => {
    const before = await said('dump')
    const rows = join(folder, 'rows')
    const good = { id: 'r', topic: red, unique_key: 9 }
    await writeFile(
      rows,
      `${JSON.stringify({ key: '/lrouter/r', value: JSON.stringify(good) })}\n{"key": "/lport/p", "value": "{}"}\n`,
    )
    expect(await db('load', rows)).toEqual({ code: 2, out: '', err: ['df-db: lport p: id is missing'] })
    await writeFile(rows, '{"key": "/lport/p"}')
    expect((await db('load', rows)).err[0]).toContain(`${rows}, line 1: a row is written`)
    expect(await said('dump')).toBe(before)
  })
})

describe('rows that others wrote badly', () => {
  beforeEach(async () => {
    await cp(filled, nbPath, { recursive: true })
    await writeFile(join(nbPath, 'lport', 'half.json'), '{"id": "half", ')
    await writeFile(join(nbPath, 'lport', 'latin.json'), Buffer.from([0x22, 0xe4, 0x22]))
    await writeFile(join(nbPath, 'lport', 'text.json'), '"\\u001b[2J"')
  })

  test('are shown, listed by check with the remedy, and removed as it says', async () => {
    const { code, out, err } = await db('check')
    expect({ code, err }).toEqual({ code: 1, err: ['df-db: 36 rows, 3 do not count'] })
    expect(out.split('\n').slice(1, 4)).toEqual([
      expect.stringMatching(
        /^lport half +is not JSON .* write the row again, or remove it: df-db rm lport half$/,
      ),
      expect.stringMatching(
        /^lport latin +the file is not UTF-8 text +make the file readable again, or remove it$/,
      ),
      expect.stringMatching(
        /^lport text +is not a JSON object +write the row again, or remove it: df-db rm lport text$/,
      ),
    ])
    expect((await said('ls', 'lport')).split('\n')).toHaveLength(20)
    expect(await said('get', 'lport', 'half')).toBe('{"id": "half", \n')
    for (const id of ['half', 'latin', 'text']) await said('rm', 'lport', id)
    expect(await db('check')).toMatchObject({ code: 0 })
  })

  test('are in a dump if they can be read', async () => {
    const { code, out, err } = await db('dump')
    expect(code).toBe(1)
    expect(err).toEqual(['df-db: lport latin is left out: the file is not UTF-8 text'])
    expect(out).toContain('{"key": "/lport/half", "value": "{\\"id\\": \\"half\\", "}\n')
  })
})

test('rows that lose what they need are named, five at most', async () => {
  await cp(filled, nbPath, { recursive: true })
  const { code, err } = await db('rm', 'lswitch', '1005e1c4-0970-5053-bed4-5f53917b4534')
  expect(code).toBe(0)
  expect(err).toHaveLength(6)
  expect(err[5]).toBe('df-db: warning: and 5 more: see df-db check')
})

describe('watch', () => {
  /** Watches while `work` goes on; `until` waits for text that was printed. */
  async function watched(
    argv: string[],
    work: (until: (text: string) => Promise<void>) => Promise<void>,
  ): Promise<{ code: number; out: string; err: string[] }> {
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const result = { code: 0, out: '', err: [] as string[] }
    const io = {
      out: (text: string) => {
        result.out += text
      },
      err: (line: string) => void result.err.push(line),
      input: () => Promise.resolve(''),
    }
    const running = run(['--nb-path', nbPath, 'watch', ...argv], io, () => ended)
    const until = (text: string) =>
      vi.waitFor(() => expect(`${result.err.join('\n')}\n${result.out}`).toContain(text), 20_000)
    await until('changes follow until Ctrl-C')
    await work(until)
    end()
    result.code = await running
    return result
  }

  beforeEach(async () => {
    await cp(filled, nbPath, { recursive: true })
  })

  test('shows each change on a line, a loss, and what happened meanwhile', async () => {
    const { code, out, err } = await watched([], async (until) => {
      await said('update', 'lport', vm, 'ips=10.0.0.77')
      await until('version=5')
      await said('add', 'dnsname', `lport=${vm}`, 'dns_name=web')
      await until('added')
      await rename(nbPath, `${nbPath}.away`)
      await until('lost ')
      expect(await ran(run, ['--nb-path', `${nbPath}.away`, 'rm', 'dnsname', vm])).toMatchObject({ code: 0 })
      await rename(`${nbPath}.away`, nbPath)
      await until('deleted ')
    })
    expect({ code, err }).toEqual({ code: 0, err: ['df-db: 33 rows; changes follow until Ctrl-C'] })
    expect(out.split('\n')).toEqual([
      `changed   lport ${vm} ips=10.0.0.77 version=5`,
      `added     dnsname ${vm} topic=9e2f7c1ab7a64d2f8c3d5e6f7a8b9c01 dns_name=web`,
      expect.stringMatching(`^lost      the northbound store ${nbPath} does not exist`),
      'recovered 33 rows',
      `deleted   dnsname ${vm}`,
      '',
    ])
  }, 60_000)

  test.each([
    [
      'json',
      (out: string) =>
        out
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
    ],
    ['yaml', (out: string) => parseAllDocuments(out).map((document) => document.toJS() as unknown)],
  ])(
    'of one table shows its changes alone, as %s',
    async (format, read) => {
      const { code, out, err } = await watched(['dnsname', '-f', format], async (until) => {
        await said('update', 'lport', vm, 'name=other')
        await said('add', 'dnsname', `lport=${vm}`, 'dns_name=web')
        await until('"added"')
      })
      expect({ code, err }).toEqual({ code: 0, err: ['df-db: 0 rows; changes follow until Ctrl-C'] })
      const topic = '9e2f7c1ab7a64d2f8c3d5e6f7a8b9c01'
      const value = { id: vm, lport: vm, dns_name: 'web', topic, version: 0 }
      expect(read(out)).toEqual([{ change: 'added', table: 'dnsname', id: vm, value }])
    },
    60_000,
  )
})

describe('as a command', () => {
  let command: string

  beforeAll(() => void builtSource(), buildMs)
  beforeEach(async () => {
    command = join(folder, 'df-db')
    const built = join(builtSource(), 'cli/df-db.js')
    await chmod(built, 0o755)
    await symlink(built, command)
  })

  test('it runs through a link, reads standard input and ends with its exit code', async () => {
    const child = spawn(command, ['--nb-path', nbPath, 'load', '-'], { stdio: ['pipe', 'ignore', 'inherit'] })
    child.stdin.end(await readFile(vectors))
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
    const { stdout } = await promisify(execFile)(command, ['--nb-path', nbPath, 'dump'])
    expect(stdout).toBe(await readFile(vectors, 'utf8'))
    await expect(promisify(execFile)(command, ['--nb-path', `${nbPath}x`, 'ls'])).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: `df-db: the northbound store ${nbPath}x does not exist: make it with 'df-db --nb-path ${nbPath}x init'\n`,
    })
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'watch ends well with %s',
    async (signal) => {
      await cp(filled, nbPath, { recursive: true })
      const child = spawn(command, ['--nb-path', nbPath, 'watch'], { stdio: ['ignore', 'pipe', 'pipe'] })
      child.stderr.once('data', () => child.kill(signal))
      const ended = await new Promise((resolve) => child.on('close', (...how) => resolve(how)))
      expect(ended).toEqual([0, null])
    },
    30_000,
  )

  test('it does not mind a reader that has seen enough', async () => {
    await cp(filled, nbPath, { recursive: true })
    const shell = `set -o pipefail; '${command}' --nb-path '${nbPath}' dump | head -1`
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', shell])
    expect(stdout).toBe(`${(await readFile(vectors, 'utf8')).split('\n')[0]}\n`)
    expect(stderr).toBe('')
  })
})
