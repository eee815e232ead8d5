import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run as runDb } from '../../src/cli/df-db.ts'
import { run } from '../../src/cli/df-dns.ts'
import { ran } from '../support/io.ts'

/** Two tenants with the same names and addresses; red's domain is authoritative. */
const tenants = ['red', 'blue'] as const
const webOf = { red: '10.0.0.11', blue: '10.0.0.12' } as const

let folder: string
let configFile: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'df-dns-'))
  configFile = join(folder, 'df.conf')
  await writeFile(
    configFile,
    `[DEFAULT]\nhost = compute-1\nrun_dir = ${folder}/run\n[df]\nnb_path = ${folder}/nb\n`,
  )
  const rows = tenants.flatMap((name) => [
    row('lswitch', `net-${name}`, { topic: name, name, unique_key: name === 'red' ? 1 : 2 }),
    row('lsubnet', `subnet-${name}`, { topic: name, lswitch: `net-${name}`, cidr: '10.0.0.0/24' }),
    row('domainname', `subnet-${name}`, {
      ...{ topic: name, subnet: `subnet-${name}`, domain_name: `${name}.example.org` },
      ...{ ttl: 60, authoritative: name === 'red' },
    }),
    ...[portOf(name, 'web', webOf[name], '11'), portOf(name, 'asker', '10.0.0.20', '20')].flat(),
  ])
  const loaded = await ran(runDb, ['--nb-path', join(folder, 'nb'), 'load', '-'], rows.join(''))
  expect(loaded).toMatchObject({ code: 0, err: [expect.stringMatching(/rows loaded/)] })
})
afterAll(() => rm(folder, { recursive: true }))

const row = (table: string, id: string, fields: object) =>
  `${JSON.stringify({ key: `/${table}/${id}`, value: JSON.stringify({ id, ...fields }) })}\n`

function portOf(tenant: string, name: string, ip: string, mac: string): string[] {
  const id = `${name}-${tenant}`
  const common = { topic: tenant, lswitch: `net-${tenant}`, subnets: [`subnet-${tenant}`] }
  const key = Number(mac) + (tenant === 'red' ? 100 : 200)
  return [
    row('lport', id, { ...common, unique_key: key, ips: [ip], macs: [`fa:16:3e:00:00:${mac}`] }),
    row('dnsname', id, { topic: tenant, lport: id, dns_name: name }),
  ]
}

const dns = (...argv: string[]) => ran(run, ['--config-file', configFile, ...argv])
const json = async (...argv: string[]) => JSON.parse((await dns('-f', 'json', ...argv)).out)

describe.each(tenants)('for tenant %s, without a controller', (tenant) => {
  const other = tenant === 'red' ? 'blue' : 'red'
  const asker = `asker-${tenant}`

  test('an answer is explained to its end', async () => {
    const { code, out, err } = await dns('explain', asker, `web.${tenant}.example.org`)
    expect(code).toBe(0)
    expect(out).toContain(`the asker is port ${asker} of ${tenant}`)
    expect(out).toContain(
      `; NOERROR, flags qr aa rd ra\nweb.${tenant}.example.org. 60 IN A ${webOf[tenant]}\n`,
    )
    expect(out).toMatch(/the switch\n +no controller runs here/)
    expect(err).toEqual([expect.stringMatching(/no controller answers at .*: reading the northbound store/)])
  })

  test.each([
    [`web.${tenant}.example.org`, 'A', 'answer'],
    [`WEB.${tenant}.EXAMPLE.org.`, 'a', 'answer'],
    [`web.${tenant}.example.org`, 'AAAA', 'nodata'],
    [`web.${tenant}.example.org`, 'type65', 'nodata'],
    [`web.${tenant}.example.org`, 'HTTPS', 'nodata'],
    [`web.${tenant}.example.org`, 'AXFR', 'meta-type'],
    [`nosuch.${tenant}.example.org`, 'A', tenant === 'red' ? 'nxdomain' : 'unknown-name'],
    [`web.${other}.example.org`, 'A', 'unknown-name'],
    ['www.example.net', 'A', 'unknown-name'],
  ])('%s %s ends as %s', async (name, type, why) => {
    const told = await json('explain', asker, name, type)
    expect(told).toMatchObject({ port: asker, why })
    expect(told.switch.isTraced).toBe(false)
  })

  test('the bare name and the reverse name answer from the own tenant', async () => {
    expect((await dns('lookup', asker, 'web')).out).toContain(`web. 60 IN A ${webOf[tenant]}\n`)
    const reverse = await dns('lookup', asker, '-x', webOf[tenant])
    expect(reverse.out).toMatch(new RegExp(`IN PTR web\\.${tenant}\\.example\\.org\\.?\n`))
  })

  test('list tells the own names only', async () => {
    const { out } = await dns('list', asker)
    expect(out).toMatch(new RegExp(`^web\\.${tenant}\\.example\\.org +A +60 +${webOf[tenant]}$`, 'm'))
    expect(out).not.toContain(other)
  })

  test('lookup of a name that is not ours tells who is asked', async () => {
    const { out } = await dns('lookup', asker, 'www.example.net', '--server', '192.0.2.53')
    expect(out).toBe('not answered here: 192.0.2.53 is asked\n')
  })
})

describe('what a person gives wrong is one line and exit code 2', () => {
  test.each([
    ['no such port', ['explain', 'nothing', 'a.example'], /there is no port 'nothing'/],
    [
      'a beginning of two ports',
      ['explain', 'asker', 'a.example'],
      /is 2 ports here: .*asker-red.*asker-blue|is 2 ports here: .*asker-blue.*asker-red/,
    ],
    ['a bad type', ['explain', 'asker-red', 'a.example', 'FOO'], /'FOO' is not a record type/],
    ['too high a type', ['explain', 'asker-red', 'a.example', 'TYPE65536'], /is not a record type/],
    ['an empty label', ['explain', 'asker-red', 'a..example'], /is not a name that can be asked/],
    ['a long label', ['lookup', 'asker-red', `${'a'.repeat(64)}.example`], /is not a name that can be asked/],
    [
      'a server by name',
      ['explain', 'asker-red', 'a.example', '--server', 'dns'],
      /'dns' is not an IP address/,
    ],
    [
      'a server of another family',
      ['lookup', 'asker-red', 'a.example', '-x', 'x'],
      /-x x: not an IP address/,
    ],
    ['no name', ['explain', 'asker-red'], /no name is given/],
  ])('%s', async (_, argv, message) => {
    const { code, out, err } = await dns(...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err.at(-1)).toMatch(message)
    expect(err.at(-1)).not.toContain('\n')
  })

  test('stats without a controller tells what to do', async () => {
    const { code, err } = await dns('stats')
    expect(code).toBe(2)
    expect(err).toEqual([expect.stringMatching(/no controller runs here: start it/)])
  })
})

describe('check', () => {
  test('finds nothing where every name is served', async () => {
    expect(await dns('check')).toMatchObject({
      code: 0,
      out: '',
      err: ['df-dns: every name can be served'],
    })
  })

  test('tells both tenants of their rows that nobody finds, and of names that two ports have', async () => {
    const nb = join(folder, 'nb')
    const bad = tenants.flatMap((name) => [
      ...portOf(name, 'web', '10.0.0.31', '31').map((line) =>
        line.replaceAll(`web-${name}`, `second-${name}`),
      ),
      row('dnsname', `gone-${name}`, { topic: name, lport: `gone-${name}`, dns_name: 'gone' }),
    ])
    await ran(runDb, ['--nb-path', nb, 'load', '-'], bad.join(''))
    const { code, out } = await dns('check')
    for (const name of tenants) {
      await ran(runDb, ['--nb-path', nb, 'rm', 'lport', `second-${name}`])
      await ran(runDb, ['--nb-path', nb, 'rm', 'dnsname', `second-${name}`])
      await ran(runDb, ['--nb-path', nb, 'rm', 'dnsname', `gone-${name}`])
      expect(out).toMatch(
        new RegExp(`^dnsname/(second|web)-${name} +'web' is also the name of port (web|second)-${name}`, 'm'),
      )
      expect(out).toMatch(new RegExp(`^dnsname/gone-${name} +lport`, 'm'))
    }
    expect(code).toBe(1)
  })
})

describe('with something at the control socket', () => {
  test.each([
    [
      'its words',
      '{"error": "the controller has read no northbound rows yet"}\n',
      /has read no northbound rows yet/,
    ],
    ['a closed connection', '', /closed the connection/],
  ])('%s become the error', async (_, answer, message) => {
    const other = await mkdtemp(join(tmpdir(), 'df-dns-'))
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => socket.end(answer))
    })
    await new Promise<void>((resolve) => server.listen(join(other, 'control.sock'), resolve))
    await writeFile(join(other, 'df.conf'), `[DEFAULT]\nrun_dir = ${other}\n[df]\nnb_path = ${folder}/nb\n`)
    const { code, err } = await ran(run, ['--config-file', join(other, 'df.conf'), 'list', 'asker-red'])
    const offline = await ran(run, [
      '--config-file',
      join(other, 'df.conf'),
      '--offline',
      'list',
      'asker-red',
    ])
    await new Promise((resolve) => server.close(resolve))
    await rm(other, { recursive: true })
    expect(code).toBe(2)
    expect(err[0]).toMatch(/asking the controller at/)
    expect(err.at(-1)).toMatch(message)
    expect(offline).toMatchObject({ code: 0, err: ['df-dns: reading the northbound store'] })
  })
})
