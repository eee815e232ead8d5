import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/df-db.ts'
import { tableNames } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { ran } from '../support/io.ts'

let folder: string
const store = () => join(folder, 'nb')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'df-db-'))
  await mkdir(join(folder, 'bin'))
  await symlink(join(builtSource(), 'cli/df-db.js'), join(folder, 'bin/df-db'))
  await writeFile(join(folder, 'rows.jsonl'), '')
  await writeFile(join(folder, 'two words.jsonl'), '')
  for (const [table, ...fields] of [
    ['lswitch', 'id=net-red', 'topic=red'],
    ['lswitch', 'id=net-blue', 'topic=blue'],
    ['lswitch', 'id=fd00:a::1', 'topic=red'],
    ['lswitch', 'id=$(touch hacked) `touch hacked`', 'topic=red'],
  ] as const)
    expect(await ran(run, ['--nb-path', store(), 'add', table, ...fields])).toMatchObject({ code: 0 })
}, buildMs)
afterAll(() => rm(folder, { recursive: true }))

/** What bash offers after `line`: the words that take the place of what is after its last word break. */
async function offered(line: string, wordBreaks = ' \t\n"\'><=;|&(:'): Promise<string[]> {
  const { out } = await ran(run, ['completion', 'bash'])
  const script = `${out}
[[ $(complete -p df-db) == 'complete -F _df_db df-db' ]] || exit 9
COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDBREAKS=$2
_df_db
printf '%s\\n' "\${COMPREPLY[@]}"`
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder }
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script, 'bash', line, wordBreaks], {
    cwd: folder,
    env,
  })
  expect(stderr).toBe('')
  return stdout.split('\n').filter((word) => word !== '')
}

describe('bash completes', () => {
  test.each<[string, string[]]>([
    [
      'df-db ',
      ['init', 'ls', 'get', 'add', 'update', 'rm', 'load', 'dump', 'check', 'watch', 'completion', 'help'],
    ],
    ['df-db  wa', ['watch']],
    ['df-db -f json l', ['ls', 'load']],
    ['df-db --', ['--config-file', '--config-dir', '--nb-path', '--format', '--help']],
    ['df-db ls ', [...tableNames, 'unique_key']],
    ['df-db watch dns', ['dnsname']],
    ['df-db ls lport ', []],
    ['df-db dump ', []],
    ['df-db frob ', []],
    ['df-db ls -f ', ['table', 'json', 'yaml']],
    ['df-db ls --format y', ['yaml']],
    ['df-db --nb-path n', ['nb']],
    ['df-db load r', ['rows.jsonl']],
    ['df-db load two', ['two words.jsonl']],
    ['df-db completion ', ['bash', 'zsh']],
    ['df-db help u', ['update']],
    ['df-db get lport x i', ['id', 'ips']],
    ['df-db get lport x ips ', []],
    ['df-db add dnsname ', ['id=', 'topic=', 'lport=', 'dns_name=', 'version=']],
    ['df-db add dnsname id=x topic=red dn', ['dns_name=']],
    ['df-db update bgp_peer x name=y remote', ['remote_as=']],
    ['df-db update lports x ', []],
  ])('%j with %j', async (line, words) => {
    expect(await offered(line)).toEqual(words)
  })

  test('the ids of the store that the line names, which are never run', async () => {
    const at = `df-db --nb-path ${store()}`
    expect(await offered(`${at} get lswitch net`)).toEqual(['net-blue', 'net-red'])
    expect(await offered(`df-db --nb-path ~/nb get lswitch net-r`)).toEqual(['net-red'])
    expect(await offered(`df-db --nb-path=${store()} rm lswitch net-b`)).toEqual(['net-blue'])
    const all = await offered(`${at} update lswitch `)
    expect(all).toHaveLength(4)
    expect(all[0]).toMatch(/^\\\$\\\(touch/)
    await expect(promisify(execFile)('ls', [join(folder, 'hacked')])).rejects.toThrow()
  }, 60_000)

  test('what follows = and :, whatever bash takes for a word break', async () => {
    const at = `df-db --nb-path ${store()} add lport`
    expect(await offered(`${at} lswitch=net-r`)).toEqual(['net-red'])
    expect(await offered(`${at} lswitch=net-r`, ' ')).toEqual(['lswitch=net-red'])
    expect(await offered(`${at} lswitch=fd00:a:`)).toEqual([':1'])
    expect(await offered(`${at} lswitch=fd00:a:`, ' =')).toEqual(['fd00:a::1'])
    expect(await offered(`${at} name=`)).toEqual([])
  }, 60_000)

  test('nothing, silently, if there is no store', async () => {
    expect(await offered('df-db --nb-path ./nowhere get lport ')).toEqual([])
  })
})

test('zsh gets the same function', async () => {
  const bash = (await ran(run, ['completion', 'bash'])).out.split('\n')
  const zsh = (await ran(run, ['completion', 'zsh'])).out.split('\n')
  expect(zsh.slice(3)).toEqual(bash.slice(1))
  expect(zsh[2]).toBe('autoload -Uz bashcompinit && bashcompinit')
})

test('another shell is refused', async () => {
  expect(await ran(run, ['completion', 'fish'])).toMatchObject({
    code: 2,
    err: [expect.stringContaining("'fish' is invalid for argument 'shell'. Allowed choices are bash, zsh.")],
  })
})
